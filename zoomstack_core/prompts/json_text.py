"""Prompts in JSON and its relatives: which parts of a list or an object are prompts, and what goes with all of them."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..quoting import short
from .branches import branch_in_field, first_number
from .directions import FACTORS, FOCUS, in_fields
from .literals import Pairs, find_literals, read_literals, whole_objects
from .words import BRANCHES, LEVELS, NEGATIVES, PARENTS, plain

# "3", "level_3", "Ebene 3", "第3层", "x10", "10x", "500"; the part in between is the number.
_LEVEL_KEY = re.compile(r"\D{0,40}?(\d{1,12}(?:\.\d{1,6})?)\s*[x×層层級级段階단계目:.]{0,4}", re.IGNORECASE)
_FRAME_KEY = re.compile(r"[\d\s+*/().-]*max_f[\d\s+*/().-]*")  # Deforum's keys, counted from the last frame
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^\W\d_a-zA-Z]+")
_BEGINNING = re.compile(r"\s*(?:\[\s*[{[]?|\{\s*)[\"'“][^\"'”\n]*[\"'”]\s*[,:]")
_LIST_OF_OBJECTS = re.compile(
    r"^[ \t]*(?:\{\s{0,99}[\"'][^\"'\n]{0,60}[\"']\s{0,9}:\s{0,9})?\[\s{0,99}(?=\{)", re.MULTILINE
)
# Fields of an object that hold its prompt, the clearest name first.
_PROMPT_KEYS = (
    *("prompt", "positive", "text", "caption", "description", "view", "scene", "content"),
    *("提示词", "プロンプト", "프롬프트", "промпт"),
)
_LISTS = ("prompts", "levels", "layers", "scenes", "steps", "images", "frames", "stages", "keyframes", "schedule")
# What stands around every prompt of a list, in the words of tools that write such lists.
_PREFIXES = ("prefix", "promptprefix", "commonpromptprefix", "preprompt", "preprom", "prepromp", "pretext")
_SUFFIXES = ("suffix", "promptsuffix", "commonpromptsuffix", "postprompt", "postprom", "postpromp", "apptext")

# Of two prompts of one level: what a language model has written anew, and what it was given.
_NEW = {"new", "rewritten", "revised", "improved", "updated", "final"}
_OLD = {"old", "original", "draft", "previous", "current"}
_RANGE_ENDS = ("to", "until", "end", "till")  # of frames: "from" is their beginning then


class Entry(NamedTuple):
    """One level's prompt as it stands in a list, and what goes with it.

    Attributes:
        prompt: perhaps with "from 3:" before it.
        negative: what it says to avoid.
        level: its own number, if it has one.
        branch: the number of the level that it lies in, where it says so.
        directions: the texts of the focus and of the factor with which the zoom goes on from it.
    """

    prompt: str
    negative: str = ""
    level: int | None = None
    branch: int | None = None
    directions: tuple[str, str] = ("", "")


class PromptList(NamedTuple):
    """A list's entries, what it puts around every prompt, and what all say to avoid that say nothing of their own."""

    entries: list[Entry]
    prefix: str = ""
    suffix: str = ""
    negative: str = ""


def begins_as_json(text: str) -> bool:
    """Whether a text begins as a list or an object of JSON does, and goes on so: what is none may be a broken one."""
    return _BEGINNING.match(text) is not None


def read_json_prompts(body: str) -> PromptList | None:
    """The prompts of a literal: a list, or an object around one, or an object of levels.

    Levels that are named by numbers stand in the order of the numbers, whatever they are. A literal that begins and
    ends on lines of its own may have other text around it; then it must hold two prompts at least. None when there is
    no such literal.

    Raises:
        ValueError: if the whole of ``body`` is a literal that holds anything but prompts.
    """
    whole = read_literals(body)
    if whole and len(whole) == 1:
        return _prompt_list(whole[0])
    values = whole or find_literals(body)
    if not values:
        return None
    try:
        prompts = _prompt_list(values[0] if len(values) == 1 else values)  # several are entries, one on each line
    except ValueError:
        return None
    return prompts if len(prompts.entries) > 1 else None


def read_cut_prompts(body: str) -> PromptList | None:
    """The prompts of a list of objects that does not end, as of an answer that was cut off: those that are whole.

    None where there is no such list, or none of its objects is whole.
    """
    found = _LIST_OF_OBJECTS.search(body)
    objects = whole_objects(body[found.end() :]) if found else []
    try:
        return _prompt_list(objects) if objects else None
    except ValueError:
        return None


def _prompt_list(value: object) -> PromptList:
    around = {"prefix": "", "suffix": "", "negative": ""}
    column = None
    beside: list[tuple[str, object]] = []
    while isinstance(value, Pairs):
        members = Pairs()
        for key, entry in value:
            role = _role(key)
            if role and isinstance(entry, str):
                around[role] = around[role] or entry.strip()
            elif role is None or entry:
                members.append((key, entry))
        names = {plain(key): entry for key, entry in members}
        beside = [(key, entry) for key, entry in members if plain(key) in (*FOCUS, *FACTORS)]
        rows, headers = names.get("data"), names.get("headers")
        if isinstance(rows, list) and isinstance(headers, list):
            value, column = _by_number([(_first(row), row) for row in rows]), _prompt_column(headers)
        else:
            value = _inside(members)
    found = value if isinstance(value, list) else [value]
    entries = with_root([_entry_of(entry, column) for entry in found])
    if not is_tree(entries):
        entries = with_root([_entry_of(entry, column, PARENTS) for entry in found])
    return PromptList(_directed(entries, beside), **around)


def _directed(entries: list[Entry], beside: list[tuple[str, object]]) -> list[Entry]:
    """Entries with what lists beside that of the prompts say of each, where they say nothing themselves."""
    lists = [(key, values) for key, values in beside if isinstance(values, list) and not isinstance(values, Pairs)]
    given = [in_fields([(key, values[i]) for key, values in lists if i < len(values)]) for i in range(len(entries))]
    if not any(map(any, given)) or any(any(entry.directions) for entry in entries):
        return entries
    return [entry._replace(directions=texts) for entry, texts in zip(entries, given, strict=True)]


def with_root(entries: list[Entry]) -> list[Entry]:
    """Entries of which the first may say with 0 that it lies in no other."""
    return [entries[0]._replace(branch=None), *entries[1:]] if entries and entries[0].branch == 0 else entries


def is_tree(entries: list[Entry]) -> bool:
    """Whether all branches lie in an earlier level. Numbers named "from" are of frames where they do not."""
    first = first_number([entry.level for entry in entries])
    end = first
    for entry in entries:
        if entry.branch is not None and not first <= entry.branch < end:
            return False
        end += bool(entry.prompt.strip())
    return True


def _inside(members: Pairs) -> object:
    """The levels of an object, as a list; or the list or object that has them."""
    levels = [(key, entry) for key, entry in members if _LEVEL_KEY.fullmatch(key) or _FRAME_KEY.fullmatch(key)]
    if len(levels) > 1:
        return _by_number([(key, _numbered(key, entry)) for key, entry in _with_negatives(levels)])
    inner = [(key, entry) for key, entry in members if isinstance(entry, list) and plain(key) not in (*FOCUS, *FACTORS)]
    named = [(key, entry) for key, entry in inner if plain(key) in _LISTS]
    for choice in (named, inner):
        if len(choice) == 1:
            return choice[0][1]
    if sum(plain(key) in ("prompt", "positive", "positiveprompt", "imageprompt") for key, _ in members) == 1:
        return [members]
    return [entry for _, entry in members]


def _with_negatives(levels: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """Levels named "prompt_1" … with what is named "negative_1" …, each in the object of its level."""
    negatives = {_number(key): entry for key, entry in levels if _is_negative(key)}
    if not negatives:
        return levels
    return [
        (key, Pairs([("prompt", entry), ("negative", negatives.get(_number(key), ""))]))
        for key, entry in levels
        if not _is_negative(key)
    ]


def _numbered(key: str, entry: object) -> object:
    """A prompt or an object of a level with the number that it is named by, where it says none."""
    number = _number(key)
    if isinstance(entry, str):
        return Pairs([("level", number), ("prompt", entry)])
    if not isinstance(entry, Pairs) or number is None or any(plain(name) in LEVELS for name, _ in entry):
        return entry
    return Pairs([("level", number), *entry])


def _by_number(levels: list[tuple[str, object]]) -> list[object]:
    """Entries in the order of their numbers; as they are where not all have one."""
    numbers = [_number(key) for key, _ in levels]
    order = sorted(range(len(levels)), key=lambda i: numbers[i] or 0.0) if None not in numbers else range(len(levels))
    return [levels[i][1] for i in order]


def _number(key: str) -> float | None:
    found = _LEVEL_KEY.fullmatch(key)
    return float(found[1]) if found else None


def _first(row: object) -> str:
    """What stands first in a row, a number as it is written."""
    first = row[0] if isinstance(row, list) and row else ""
    return f"{first:.6f}" if isinstance(first, (int, float)) else str(first)


def _prompt_column(headers: list[object]) -> int | None:
    names = [_words(name) for name in headers]
    return next((i for i, words in enumerate(names) if "prompt" in words and not _is_negative(headers[i])), None)


def _entry_of(entry: object, column: int | None = None, branches: tuple[str, ...] = BRANCHES) -> Entry:
    if isinstance(entry, str):
        return Entry(entry)
    if isinstance(entry, Pairs):
        texts = [(key, text) for key, text in entry if isinstance(text, str)]
        negative = next((text for key, text in texts if _role(key) == "negative"), "")
        level, branch = _number_in(entry, LEVELS), _number_in(entry, branches)
        if any(plain(key) in _RANGE_ENDS for key, _ in entry):
            branch = None
        texts = [(key, text) for key, text in texts if not _role(key) and not _is_negative(key)]
        texts = [(key, text) for key, text in texts if plain(key) not in BRANCHES or branch_in_field(text) is None]
        directions = in_fields(entry)
        texts = [(key, text) for key, text in texts if plain(key) not in (*FOCUS, *FACTORS)] or texts
        for name in _PROMPT_KEYS:
            named = [(_words(key), text) for key, text in texts if name in _words(key)]
            if named:
                _, text = min(named, key=lambda found: _age(found[0]))
                return Entry(text, negative, level, branch, directions)
        if len(texts) == 1:
            return Entry(texts[0][1], negative, level, branch, directions)
    elif isinstance(entry, list) and len(entry) > 1:
        if column is not None and column < len(entry) and isinstance(entry[column], str):
            return Entry(entry[column], level=branch_in_field(_number(_first(entry))))
        if isinstance(entry[1], str) and (not isinstance(entry[0], str) or _LEVEL_KEY.fullmatch(entry[0])):
            return Entry(entry[1], level=branch_in_field(_number(_first(entry))))
    raise ValueError(
        "expected a list of strings, one per level, or of objects that each have a prompt; got "
        f"{short(entry, 60)} in the list"
    )


def _number_in(entry: Pairs, names: tuple[str, ...]) -> int | None:
    return next((branch_in_field(value) for key, value in entry if plain(key) in names), None)


def _role(key: object) -> str | None:
    """What a member of an object is for all prompts of it, by its name."""
    name = plain(key)
    roles = (("prefix", _PREFIXES), ("suffix", _SUFFIXES), ("negative", NEGATIVES))
    return next((role for role, names in roles if name in names), None)


def _age(words: list[str]) -> int:
    """Which of several prompts of a level comes first: what is new, then what is neither, then what was given."""
    return -1 if not _NEW.isdisjoint(words) else int(not _OLD.isdisjoint(words))


def _is_negative(key: object) -> bool:
    return not {"negative", "neg"}.isdisjoint(_words(key))


def _words(key: object) -> list[str]:
    """The words of a field's name: of "image_prompt" or "imagePrompt", "image" and "prompt"."""
    return [word.lower() for word in _WORD.findall(str(key))]
