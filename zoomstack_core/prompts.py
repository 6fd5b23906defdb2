"""Schedule text to level prompts, outermost level first.

The text is what a person types, or what a language model answers: one prompt per line, a numbered or bulleted list, or
JSON. Numbers, bullets, labels, quotes, code fences and the talk around a list are dropped; nothing inside a prompt is
touched, and lines without any of these come back as they are.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .prompt_json import read_json_prompts

_THOUGHTS = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"[-*_=]{3,}|```[\w-]*")
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_BULLET = re.compile(r"[-*–—](?:\s+|$)|[•◦‣▪]\s*")
# The blank after the mark keeps "1.5 km of ice", "3:4 portrait" and "2 suns" whole; two digits keep "1920. A street".
# A tab alone is what a copy from a spreadsheet has between its columns.
_NUMBER = re.compile(r"\(?(\d{1,2})(?:[.):](?:\s+|$)|\t\s*)")
_LABEL = re.compile(
    r"(?:zoom\s+level|level|prompt|layer|scene|step|image|frame|stage)\s*#?(\d{1,3})(?:\s*\([^()]*\))?"
    r"\s*(?::|[.)–—-](?=\s|$))\s*",
    re.IGNORECASE,
)
_HEADING = re.compile(r"#{1,6}\s+(?=\S)")
_FIELD = re.compile(r"(?:image\s+)?(?:prompt|description)\s*:\s*(?=\S)", re.IGNORECASE)
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»"}

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
_SENTENCE_ENDS = (".", "!", "?", ":", "…", ")")


class _Line(NamedTuple):
    """A line with what its list mark says."""

    prompt: str
    number: int | None
    marked: bool
    after_gap: bool
    talk: bool  # could be talk around a list: a sentence, or a title in bold


def parse_prompts(text: str) -> list[str]:
    """The level prompts in ``text``, outermost first.

    One prompt per line; blank lines and lines that start with ``#`` or ``//`` are skipped. Removed from around a
    prompt: ``1.``, ``1)``, ``1:``, ``-``, ``*``, ``•``, ``Level 3:``, Markdown bold, quotes. Where numbers count up
    from 0 or 1, lines between them belong to the number above. Also read: a JSON (or Python) list of strings or of
    objects with a prompt, and an object that holds one such list or one prompt per level.

    Talk around the prompts is not read: a model's thoughts, all that is outside of a fenced code block or of a JSON
    list, sentences that stand before or after a marked list and apart from it, and the usual words of an answer ("Sure!
    Here are the prompts:", "Let me know if …").

    Args:
        text: schedule text, any line ending.

    Returns:
        At least one prompt; none is empty or holds a line break.

    Raises:
        ValueError: if there is no prompt, or a list holds anything but prompts.
    """
    body = _THOUGHTS.sub("", text.removeprefix("\ufeff"))
    fenced = "\n".join(_FENCED.findall(body))
    body = fenced if fenced.strip() else body
    items = read_json_prompts(body.strip())
    prompts = _read_lines(body) if items is None else [_unwrap(item)[0] for item in items]
    prompts = [prompt for prompt in prompts if prompt]
    if not prompts:
        excerpt = text if len(text) <= 60 else text[:57] + "..."
        raise ValueError(f"expected at least one prompt, one per line; got {excerpt!r}")
    return prompts


def join_prompt(prefix: str, prompt: str, suffix: str) -> str:
    """``prefix, prompt, suffix``; empty parts are left out, and only the seams are touched.

    Parts are joined by a comma, or by a blank alone after a part that ends in punctuation, so that "A photo:",
    "masterpiece," and "A long sentence." read on as typed. A comma at the start of a later part is not doubled.
    """
    joined = ""
    for part in (prefix.strip(), prompt.strip(), suffix.strip()):
        if not joined:
            joined = part
        elif part := part.lstrip(", "):
            joined += (" " if joined[-1] in ",.;:!?" else ", ") + part
    return joined


def _read_lines(body: str) -> list[str]:
    lines: list[_Line] = []
    headings = []
    gap = False
    for raw in body.splitlines():
        line = raw.strip()
        if line.startswith("//"):
            continue  # ComfyUI's front end takes these out of what is typed there
        if line.startswith("#"):
            headings.append(_unwrap(_HEADING.sub("", line)))
        elif not line or _RULE.fullmatch(line):
            gap = True
        else:
            prompt, number = _unwrap(line)
            talk = line.endswith(_SENTENCE_ENDS) or (line.startswith("**") and line.endswith("**"))
            lines.append(_Line(prompt, number, prompt != _BOLD.sub(r"\1", line), gap, talk))
            gap = False
    if not lines:  # "## Level 1: a galaxy": headings are comments only where something stands below them
        return [prompt for prompt, number in headings if number is not None]
    numbered = [i for i, line in enumerate(lines) if line.number is not None]
    numbers = [lines[i].number for i in numbered]
    if len(numbers) > 1 and numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1))):
        lines = _join_continuations(lines, numbered)
    return [line.prompt for line in _without_talk(lines)]


def _join_continuations(lines: list[_Line], numbered: list[int]) -> list[_Line]:
    """Every numbered line with the lines below it that it owns; lines around the list are left alone."""
    last = numbered[-1]
    sizes = [after - before - 1 for before, after in zip(numbered, numbered[1:], strict=False)]
    end = last + 1
    while end < len(lines) and max(sizes) > 0:
        line = lines[end]
        if end - last > min(sizes) and (line.after_gap or _FAREWELL.match(line.prompt)):
            break
        end += 1
    joined = list(lines[: numbered[0]])
    for start, stop in zip(numbered, [*numbered[1:], end], strict=True):
        prompt = lines[start].prompt
        for line in lines[start + 1 : stop]:
            prompt = join_prompt(prompt, _FIELD.sub("", line.prompt, count=1), "")
        joined.append(lines[start]._replace(prompt=prompt, marked=True))
    return joined + lines[end:]


def _without_talk(lines: list[_Line]) -> list[_Line]:
    """``lines`` without what a language model says before and after its prompts; one line at least is left."""
    marked = [i for i, line in enumerate(lines) if line.marked]
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


def _unwrap(item: str) -> tuple[str, int | None]:
    """``item`` on one line, without the list marks and quotes around it; and the number that it had."""
    prompt = _BOLD.sub(r"\1", " ".join(item.splitlines()).strip())
    number = None
    for mark in (_BULLET, _NUMBER, _LABEL):
        if match := mark.match(prompt):
            prompt = prompt[match.end() :]
            if mark is not _BULLET:
                number = int(match[1])
    quoted = prompt.removesuffix(",").rstrip()
    if len(quoted) > 1 and _QUOTES.get(quoted[0]) == quoted[-1]:
        inside = quoted[1:-1]
        if quoted[0] not in inside and quoted[-1] not in inside:  # else two quotes, as in '"red" and "blue"'
            return inside.strip(), number
    return prompt.strip(), number
