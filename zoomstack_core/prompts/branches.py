"""Branches in a list of prompts: "from 3: a red planet" lies in level 3, not in the level before it.

Levels are numbered in the order of the list: from 1, as people count them, or from 0 where the list itself does so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..geometry import Parents
from .words import QUOTES

# Three digits, so that "from 1920: a street" stays a prompt; so do "from 9:30 on", "from 3 - 5 km" and "from 3 angles".
_NUMBER = r"(?:level\s{0,3})?#?\s?(\d{1,3})"
_MARK = re.compile(
    rf"from\s{{1,3}}{_NUMBER}(?:\s{{0,3}}[:：](?!\d)|\s{{1,3}}[–—-](?=\s|$)(?!\s{{0,9}}\d))\s*", re.IGNORECASE
)
_ASIDE = re.compile(rf"(?:branch(?:es|ing)?\s{{1,3}})?(?:from|of)\s{{1,3}}{_NUMBER}", re.IGNORECASE)
_FIELD = re.compile(rf"(?:from\s{{1,3}})?{_NUMBER}", re.IGNORECASE)


def split_branch(prompt: str) -> tuple[int | None, str]:
    """The number behind "from" at the beginning of a prompt, and the prompt without it; None where there is none.

    >>> split_branch("From level 3: a red planet")
    (3, 'a red planet')
    >>> split_branch("from 3 angles: a red planet")
    (None, 'from 3 angles: a red planet')
    """
    found = _MARK.match(prompt)
    if not found:
        return None, prompt
    rest = prompt[found.end() :].strip()
    if len(rest) > 1 and QUOTES.get(rest[0]) == rest[-1] and rest[0] not in rest[1:-1] and rest[-1] not in rest[1:-1]:
        rest = rest[1:-1].strip()
    return int(found[1]), rest


def join_branch(number: int, prompt: str) -> str:
    """The line that `split_branch` reads so."""
    return f"from {number}: {prompt}"


def branch_in_label(aside: str) -> int | None:
    """The number in what a label says in parentheses: "from 3" of "Level 7 (from 3): a red planet"."""
    found = _ASIDE.fullmatch(aside.strip())
    return int(found[1]) if found else None


def branch_in_field(value: object) -> int | None:
    """The number in a field for the parent: 3, "3", "level 3"; None for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value) if 0 <= value < 1000 and value == int(value) else None
    found = _FIELD.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(found[1]) if found else None


def first_number(levels: Sequence[int | None]) -> int:
    """0 for a list whose levels number themselves from 0 on, else 1; None stands for a level without a number."""
    own = [level for level in levels if level is not None]
    return 0 if own and own == list(range(len(own))) else 1


def tree_of(numbers: Sequence[int | None], first: int = 1) -> Parents | None:
    """Which level lies in which, from the number that each names; as `ZoomGeometry` takes it, None for a chain.

    Args:
        numbers: one per level, None for one that lies in the level before it.
        first: the number of the widest level, 0 or 1.

    Raises:
        ValueError: where the first names one, or any names a level that does not come before it.
    """
    for row, number in enumerate(numbers, first):
        if number is None:
            continue
        if row == first:
            raise ValueError(
                f"row {row} begins with from {number}, but it is the widest level and lies in no other; expected a "
                "prompt alone there"
            )
        if not first <= number < row:
            earlier = f"{first}" if row == first + 1 else f"{first} to {row - 1}"
            raise ValueError(
                f"row {row} begins with from {number}, which is no row above it; expected the number of an earlier "
                f"row, {earlier}"
            )
    parents = tuple(
        (level - 1 if number is None else number - first) if level else None for level, number in enumerate(numbers)
    )
    return None if parents == (None, *range(len(numbers) - 1)) else parents
