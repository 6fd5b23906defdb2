"""Schedule text to level prompts, outermost level first.

The text is what a person types, what a language model answers, or what another tool has saved: one prompt per line, a
numbered or bulleted list, keyframes, a table, JSON. Numbers, bullets, labels, quotes, code fences and the talk around a
list are dropped; nothing inside a prompt is touched, and lines without any of these come back as they are.

Whoever sends a text chooses it, so reading takes time in proportion to its length, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ..geometry import Parents
from ..quoting import short
from .branches import first_number, join_branch, split_branch, tree_of
from .directions import Directions, is_directions, read_directions, split_directions
from .json_text import Entry, PromptList, begins_as_json, read_cut_prompts, read_json_prompts
from .list_marks import Mark, strong_mark, weak_marks, without_bullet
from .negatives import NEGATIVE_LINE, NEGATIVE_MARK, Avoided, by_level
from .tables import read_records, read_table
from .words import QUOTES, SENTENCE_ENDS

MOST_LINES = 10_000  # a zoom has a few dozen levels

_THOUGHTS = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"(```|~~~)[^`]*")
_RULE = re.compile(r"[-*_=]{3,}|(?:```|~~~)[A-Za-z0-9_-]*|[][{}()][,;]?")
_HEADING = re.compile(r"#{1,6}\s*(?=[^\s#])")
_FIELD = re.compile(r"(?:image\s+)?(?:prompt|description)\s*:\s*(?=\S)", re.IGNORECASE)
_SEEN = re.compile(r"[*_]{0,2}(?:seen|what(?:\s+is|['’]s)\s+seen|visible|reason)\s*[:：][*_]{0,2}", re.IGNORECASE)
_INLINE = re.compile(r"(?<![^\W_])prompt[*_]*\s*[:：][*_]*\s*", re.IGNORECASE)

# How language models begin and end an answer. The line must also end as a sentence does.
_GREETING = re.compile(
    r"(?:sure(?:\s+thing)?|certainly|of\s+course|absolutely|okay|ok|alright|great|got\s+it|understood|gladly)\s*[!,.:–—-]"
    r"|(?:here(?:['’]s|\s+is|\s+are)|below\s+(?:is|are)|the\s+following\s+(?:is|are|prompts|lines|levels))\s",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    r"(?:let\s+me\s+know|feel\s+free|i\s+hope|hope\s+(?:this|these)|would\s+you\s+like|do\s+you\s+want|want\s+me\s+to|"
    r"shall\s+i|should\s+i|if\s+you(?:['’]d|\s+would|\s+want|\s+need)|these\s+prompts|note\s*:|note\s+that|enjoy)\b",
    re.IGNORECASE,
)


class Schedule(NamedTuple):
    """What a text asks for, level by level.

    Attributes:
        prompts: at least one; none is empty or holds a line break.
        negatives: what the text says to avoid, one per prompt, perhaps ""; empty where it says nothing of the kind.
        parents: which level lies in which, as in `ZoomGeometry`; None for a chain.
        directions: where the zoom goes on from each level; empty where the text says nothing of it.
    """

    prompts: list[str]
    negatives: list[str]
    parents: Parents | None = None
    directions: Directions = Directions()

    @property
    def lines(self) -> list[str]:
        """The prompts as lines that `parse_schedule` reads as the same tree."""
        parents = self.parents or (None, *range(len(self.prompts) - 1))
        return [
            prompt
            if parent is None or (parent == level - 1 and split_branch(prompt)[0] is None)
            else join_branch(parent + 1, prompt)
            for level, (prompt, parent) in enumerate(zip(self.prompts, parents, strict=True))
        ]


class _Line(NamedTuple):
    """A line with what its list mark says."""

    prompt: str
    number: int | None
    marked: bool
    after_gap: bool
    talk: bool  # could be talk around a list: a sentence, or a title in bold
    negative: str = ""
    branch: int | None = None


def parse_prompts(text: str) -> list[str]:
    """The level prompts in ``text``, outermost first: those of `parse_schedule`."""
    return parse_schedule(text).prompts


def parse_schedule(text: str) -> Schedule:
    """The level prompts in ``text``, outermost first, and what they say to avoid.

    One prompt per line; blank lines and lines that start with ``#`` or ``//`` are skipped. Removed from around a
    prompt: ``1.``, ``1)``, ``1、``, ``①``, ``-``, ``•``, ``Level 3:``, ``第3层：``, Markdown bold, quotes. Where
    numbers count up from 0 or 1, lines between them belong to the number above, and marks are removed that could be a
    prompt's own, such as ``1 -``, ``[1]`` and ``a)``.

    Also read: a JSON, Python or JavaScript list of strings or of objects with a prompt, and an object that holds one
    such list or one prompt per level; keyframes (``0: "a cat", 30: "a dog"``), whose numbers give the order alone; the
    settings of the infinite-zoom extension, with what they put before and behind every prompt; Markdown tables and
    comma separated values with a header; records with a line "Prompt: …" each.

    A level lies in the one before it. One whose prompt begins with ``from 3:`` lies in level 3 instead, and those that
    follow go on from it. Also read: ``from level 3 -``, ``Level 7 (from 3):``, "from" or "parent" of an object or a
    table. Alone on its line it counts for the next prompt. Levels are numbered from 1, as in most lists; from 0 where
    the list itself does so.

    Negative prompts are what stands behind ``--neg``, which may begin a line below its prompt; in fields of such a
    name; and in lines "Negative prompt: …", which count for the prompt above them, or for all (see `by_level`).

    Where the zoom goes on, and how far: fields such as "focus" and "factor" beside a prompt, a line of its own below
    it, or ``(focus: 0.4, 0.6)`` behind it; see `read_directions`.

    Talk around the prompts is not read: a model's thoughts, all that is outside of a fenced code block or of a JSON
    list, sentences that stand before or after a marked list and apart from it, and the usual words of an answer ("Sure!
    Here are the prompts:", "Let me know if …").

    Args:
        text: schedule text, any line ending.

    Raises:
        ValueError: if there is no prompt, a list holds anything but prompts, ``--neg`` stands before the first prompt,
            a level is to lie in one that does not come before it, or there are more than MOST_LINES.
    """
    body = _body(text)
    listed = read_json_prompts(body) or read_cut_prompts(body)
    size = len(body.splitlines() if listed is None else listed.entries)
    if size > MOST_LINES:
        raise ValueError(f"expected one prompt per level, got {size:,} lines; at most {MOST_LINES:,} are read")
    found = _read_lines(body) if listed is None else listed._replace(entries=_unwrapped(listed.entries))
    entries = _finished(found)
    if not entries:
        raise ValueError(f"expected at least one prompt, one per line; got {short(text, 60)}")
    negatives = [entry.negative for entry in entries]
    parents = tree_of([entry.branch for entry in entries], first_number([entry.level for entry in found.entries]))
    texts = [entry.directions for entry in entries]
    directions = read_directions(texts, parents is not None) if any(map(any, texts)) else Directions()
    return Schedule([entry.prompt for entry in entries], negatives if any(negatives) else [], parents, directions)


def is_broken_list(text: str) -> bool:
    """Whether ``text`` begins as a JSON list does but is none, so that `parse_schedule` reads its lines as they are, or
    those of its objects that are whole."""
    body = _body(text)
    return begins_as_json(body) and read_json_prompts(body) is None


def _body(text: str) -> str:
    """What may be prompts: without a model's thoughts, and without the talk around code blocks."""
    body = _THOUGHTS.sub("", text.removeprefix("\ufeff"))
    fenced = "\n".join(_fenced(body.splitlines()))
    return (fenced if fenced.strip() else body).strip()


def join_prompt(prefix: str, prompt: str, suffix: str) -> str:
    """``prefix, prompt, suffix``; empty parts are left out, and only the seams are touched.

    Parts are joined by a comma, or by a blank alone after a part that ends in punctuation, so that "A photo:",
    "masterpiece," and "A long sentence." read on as typed. A comma at the start of a later part is not doubled.
    """
    return _joined((prefix, prompt, suffix))


def _joined(parts: Iterable[str]) -> str:
    joined: list[str] = []
    for part in parts:
        part = part.strip()
        if joined and (part := part.lstrip(", ")):
            joined.append(" " if joined[-1][-1] in ",.;:!?" else ", ")
        if part:
            joined.append(part)
    return "".join(joined)


def _fenced(lines: Iterable[str]) -> list[str]:
    """The lines inside of fenced code blocks."""
    inside: list[str] = []
    fence = ""
    for line in lines:
        start = line.strip()
        if fence and start.startswith(fence):
            fence = ""
            inside.append("")
        elif fence:
            inside.append(line)
        elif opening := _FENCE.fullmatch(start):
            fence = opening[1]
    return inside


def _read_lines(body: str) -> PromptList:
    kept, headings = [], []
    for raw in body.splitlines():
        line = raw.strip()
        if line.startswith("//"):
            continue  # ComfyUI's front end takes these out of what is typed there
        if line.startswith("#"):
            headings.append(_unwrap(_HEADING.sub("", line)))
        else:
            kept.append("" if _RULE.fullmatch(line) else line)
    plain = [_without_bold(line) for line in kept]
    if (entries := read_table(kept)) is not None:
        return PromptList(_unwrapped(entries))
    if (records := read_records(plain)) is not None:
        return records._replace(entries=_unwrapped(records.entries))
    lines, negatives = _marked_lines(kept, plain)
    if not lines and negatives:  # the text of a negative prompt, with its name before it
        return PromptList([Entry(negative.text) for negative in negatives])
    if not lines:  # "## Level 1: a galaxy": headings are comments only where something stands below them
        return PromptList([Entry(prompt) for prompt, number in headings if number is not None])
    lines, shared = _with_negatives(lines, negatives)
    numbers = [line.number for line in lines if line.number is not None]
    if len(numbers) > 1 and numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1))):
        first = next(i for i, line in enumerate(lines) if line.number is not None)
        starts = [
            i for i, line in enumerate(lines) if line.number is not None or (i > first and line.branch is not None)
        ]
        lines = _join_continuations(lines, starts)
    entries = [Entry(line.prompt, line.negative, line.number, line.branch) for line in _without_talk(lines)]
    return PromptList(entries, negative=shared)


def _marked_lines(kept: list[str], plain: list[str]) -> tuple[list[_Line], list[Avoided]]:
    """Lines with what their marks say, and the negative prompts between them."""
    filled = [line for line in plain if line]
    weak = weak_marks([without_bullet(line) for line in filled])
    lines: list[_Line] = []
    negatives: list[Avoided] = []
    gap, place = False, -1
    for line, bare in zip(kept, plain, strict=True):
        place += bool(bare)
        if not line:
            gap = True
        elif found := NEGATIVE_LINE.match(without_bullet(line)):
            text = _unwrap(without_bullet(line)[found.end() :])[0]
            negatives.append(Avoided(text, len(lines) - 1, gap))
        elif NEGATIVE_MARK.match(bare) and lines and not _is_greeting(lines[-1]):
            lines[-1] = lines[-1]._replace(negative=_joined((lines[-1].negative, bare.removeprefix("--neg"))))
        elif lines and is_directions(bare):
            owner = -2 if len(lines) > 1 and _SEEN.match(lines[-1].prompt) else -1
            lines[owner] = lines[owner]._replace(prompt=f"{lines[owner].prompt}; {without_bullet(bare)}")
        elif bare:
            prompt, number = _unwrap(bare, weak.get(place))
            talk = line.endswith(SENTENCE_ENDS) or (line.startswith("**") and line.endswith("**"))
            branch, rest = split_branch(prompt)
            lines.append(_Line(rest, number, prompt != bare, gap, talk, branch=branch))
            gap = False
    return lines, negatives


def _with_negatives(lines: list[_Line], found: list[Avoided]) -> tuple[list[_Line], str]:
    """Lines with their own negative prompts, and the negative prompt of all others."""
    first, end = 0, len(lines)
    while first < end - 1 and _is_greeting(lines[first]):
        first += 1
    while end - 1 > first and lines[end - 1].after_gap and _is_farewell(lines[end - 1]):
        end -= 1
    placed = [line._replace(owner=min(line.owner, end - 1) if line.owner >= first else -1) for line in found]
    own, shared = by_level(placed, end - 1)
    with_own = [
        line._replace(negative=_joined((line.negative, *own.get(place, ())))) for place, line in enumerate(lines)
    ]
    return with_own, _joined(shared)


def _join_continuations(lines: list[_Line], numbered: list[int]) -> list[_Line]:
    """Every numbered line, and every branch, with the lines below it that it owns; lines around the list are left
    alone."""
    last = numbered[-1]
    sizes = [after - before - 1 for before, after in zip(numbered, numbered[1:], strict=False)]
    fewest, most = min(sizes), max(sizes)
    end = last + 1
    while end < len(lines) and most > 0:
        line = lines[end]
        if end - last > fewest and (line.after_gap or _FAREWELL.match(line.prompt)):
            break
        end += 1
    joined = list(lines[: numbered[0]])
    for start, stop in zip(numbered, [*numbered[1:], end], strict=True):
        below = [line for line in lines[start + 1 : stop] if not _SEEN.match(line.prompt)]
        owned = [lines[start].prompt, *(_without_field(line.prompt) for line in below)]
        negative = _joined(line.negative for line in lines[start:stop])
        joined.append(lines[start]._replace(prompt=_joined(owned), marked=True, negative=negative))
    return joined + lines[end:]


def _without_field(prompt: str) -> str:
    found = _FIELD.match(prompt)
    return prompt[found.end() :] if found else prompt


def _without_talk(lines: list[_Line]) -> list[_Line]:
    """``lines`` without what a language model says before and after its prompts; one line at least is left."""
    first = next((i for i, line in enumerate(lines) if line.marked), len(lines))
    marked = [i for i, line in enumerate(lines) if line.marked or (i > first and line.branch is not None)]
    is_list = len(marked) > 1 and marked[-1] - marked[0] == len(marked) - 1
    start, stop = 0, len(lines)
    if is_list and marked[0] > 0:
        stands_apart = lines[marked[0]].after_gap and lines[marked[0] - 1].talk
        introduces = marked == [1, *range(2, len(lines))] and lines[0].prompt.endswith(":")
        if stands_apart or introduces or _is_greeting(lines[marked[0] - 1]):
            start = marked[0]
    else:
        while start < stop - 1 and _is_greeting(lines[start]):
            start += 1
    if is_list and marked[-1] < stop - 1:
        line = lines[marked[-1] + 1]
        if (line.after_gap and line.talk) or _is_farewell(line):
            stop = marked[-1] + 1
    else:
        while stop - 1 > start and lines[stop - 1].after_gap and _is_farewell(lines[stop - 1]):
            stop -= 1
    return lines[start:stop]


def _is_greeting(line: _Line) -> bool:
    return not line.marked and line.talk and _GREETING.match(line.prompt) is not None


def _is_farewell(line: _Line) -> bool:
    return not line.marked and line.talk and _FAREWELL.match(line.prompt) is not None


def _finished(found: PromptList) -> list[Entry]:
    """A list's prompts as they are used: each on one line, with what stands around all, what it avoids, and the number
    of the level that it lies in."""
    finished: list[Entry] = []
    negatives: list[list[str]] = []
    waiting = None
    for entry in found.entries:
        positive, *marked = NEGATIVE_MARK.split(_one_line(entry.prompt))
        positive = positive.rstrip(" ,") if marked else positive.strip()
        branch, positive = (entry.branch, positive) if entry.branch is not None else split_branch(positive)
        positive, focus, factor = split_directions(positive)
        directions = entry.directions if any(entry.directions) else (focus, factor)
        branch = waiting if branch is None else branch
        waiting = None if positive else branch
        if (seen := _SEEN.match(positive)) and (named := _INLINE.search(positive, seen.end())):
            positive = positive[named.end() :].strip(" |;,*_")
        if positive:
            prompt = join_prompt(found.prefix, positive, found.suffix)
            finished.append(Entry(prompt, branch=branch, directions=directions))
            negatives.append([*marked, entry.negative])
        elif any(marked):
            if not finished:
                raise ValueError(
                    f"--neg {short(marked[0], 60)[1:-1]} stands before the first prompt; expected it behind the prompt "
                    "that it belongs to, or on the line below"
                )
            negatives[-1] += marked
    shared = _one_line(found.negative)
    avoided = [_joined(_one_line(part) for part in parts) or shared for parts in negatives]
    return [entry._replace(negative=negative) for entry, negative in zip(finished, avoided, strict=True)]


def _unwrapped(entries: Iterable[Entry]) -> list[Entry]:
    """Entries without list marks and quotes around their prompts."""
    return [entry._replace(prompt=_unwrap(_without_bold(_one_line(entry.prompt)))[0]) for entry in entries]


def _one_line(text: str) -> str:
    """Without line breaks, and without halves of characters, which no encoder takes."""
    return " ".join(text.splitlines()).strip().encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _without_bold(text: str) -> str:
    """Without the marks of bold text in Markdown; those of other things, as in "2 ** 3", are left."""
    parts = text.split("**")
    marks = ["**"] * (len(parts) - 1)
    opened = None
    for i in range(len(marks)):
        before, after = parts[i], parts[i + 1]
        if opened is None:
            if after[:1].strip() or (not after and i + 1 < len(marks)):
                opened = i
        elif before[-1:].strip():
            marks[opened] = marks[i] = ""
            opened = None
    return "".join(part + mark for part, mark in zip(parts, [*marks, ""], strict=True))


def _unwrap(line: str, weak: Mark | None = None) -> tuple[str, int | None]:
    """A line without the list marks and quotes around its prompt; and the number that it had."""
    prompt, number = without_bullet(line), None
    if mark := strong_mark(prompt) or weak:
        prompt, number = mark
    quoted = prompt.removesuffix(",").rstrip()
    if quoted.startswith("```") and quoted.endswith("```") and len(quoted) > 6:
        quoted = quoted[2:-2]
    if len(quoted) > 1 and QUOTES.get(quoted[0]) == quoted[-1]:
        inside = quoted[1:-1]
        if quoted[0] not in inside and quoted[-1] not in inside:  # else two quotes, as in '"red" and "blue"'
            return inside.strip(), number
    return prompt.strip(), number
