"""Negative prompts that stand on lines of their own: for which levels they count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# "Negative prompt: blurry", also in Markdown's bold, and as fields of YAML are named
NEGATIVE_LINE = re.compile(
    r"[*_]{0,2}neg(?:ative(?:[\s_-]{0,3}prompts?)?|[\s_-]{0,3}prompts?)[*_]{0,2}\s{0,3}[:：][*_]{0,2}\s*", re.IGNORECASE
)
NEGATIVE_MARK = re.compile(r"(?:^|\s)--neg(?:\s|$)")  # within a prompt, as animation tools have it


class Avoided(NamedTuple):
    """What a line says to avoid.

    Attributes:
        text: without the line's mark.
        owner: place of the last prompt above it; -1 before the first.
        apart: whether a blank line stands between it and that prompt.
    """

    text: str
    owner: int
    apart: bool


def by_level(found: Sequence[Avoided], last: int) -> tuple[dict[int, list[str]], list[str]]:
    """For which prompts each line counts: those that have lines of their own, by their places; and for all others.

    Below a prompt a line is its own. It counts for all where it stands before the first prompt, or below the last one
    (whose place is ``last``): there where no other prompt has such a line, or where it stands apart and theirs do not.
    """
    others = [line for line in found if 0 <= line.owner < last]
    own: dict[int, list[str]] = {}
    shared = []
    for line in found:
        at_end = line.owner == last and (not others or (line.apart and not any(other.apart for other in others)))
        if line.owner < 0 or at_end:
            shared.append(line.text)
        else:
            own.setdefault(line.owner, []).append(line.text)
    return own, shared
