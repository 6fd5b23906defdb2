"""Where the zoom goes on from every level, as a text says it beside its prompts: a focus and a zoom factor.

Language models that look at pictures answer with such numbers, each family in a notation of its own. What stands beside
a level is of its picture: the focus is the point of it that the next level shows, the factor how much larger.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ..geometry import Parents
from ..nesting import MOST_ZOOM, Nesting
from ..quoting import short
from .literals import Pairs
from .words import plain

Point = tuple[float, float]

# Names of fields and columns, as `plain` gives them. "zoom", "scale" and "magnification" are none: they most often are
# of the whole way from the widest level.
FOCUS = (
    *("focus", "nextfocus", "newfocus", "focuspoint", "nextfocuspoint", "focusxy", "nextfocusxy", "focusofnextlevel"),
    *("focusfornextlevel", "focusofthenextlevel", "focusforthenextlevel", "focusnext", "nextpoint", "point", "point2d"),
    *("target", "zoomtarget", "nexttarget", "zoomto", "center", "centre", "zoomcenter"),
    *("bbox", "bbox2d", "box", "box2d"),
)
FOCUS_X, FOCUS_Y = ("focusx", "nextfocusx", "x"), ("focusy", "nextfocusy", "y")
FACTORS = ("factor", "zoomfactor", "nextfactor", "nextzoomfactor", "newfactor", "stepfactor", "factortonext")

_NUMBER = r"(?:\d{1,6}(?:\.\d{0,12})?|\.\d{1,12})"
_NUMBERS = re.compile(rf"(?<![\d.eE])-?{_NUMBER}(?![\d.]{{0,9}}[eE]\d)")
_NAMED = re.compile(rf"\b([xy])\b[\"'*_]{{0,3}}\s{{0,3}}[:=]\s{{0,3}}[\"']?(-?{_NUMBER})", re.IGNORECASE)
_WITH_COMMAS = re.compile(r"\D{0,3}(\d,\d{1,9})\s{0,3}[;/|\s]\s{0,3}(\d,\d{1,9})\D{0,3}")
_NOTHING = {"", "null", "none", "na", "nan", "nil", "undefined", "no", "nothing", "end", "last", "lastlevel"}
# A place in words lies a quarter of the picture off its middle: there a level that is twice as large reaches the edge.
_PLACES: dict[str, tuple[float | None, float | None]] = {
    **dict.fromkeys(("center", "centre", "middle"), (None, None)),
    **{"left": (0.25, None), "right": (0.75, None), "upper": (None, 0.25), "top": (None, 0.25)},
    **{"lower": (None, 0.75), "bottom": (None, 0.75)},
}
_FILLERS = {"the", "of", "in", "at", "part", "corner", "side", "picture", "image"}

# "(focus: 0.4, 0.6; factor 2)" behind a prompt. What is searched has a bound, so that reading takes time in proportion
# to a text's length.
_TAIL_LENGTH = 160
_TAIL = re.compile(r"[\s,;|.(\[{*_–—-]*(?<![^\W_])(?:next\s|zoom\s)?(?:focus|factor)\b", re.IGNORECASE)
_POINT = rf"[\s*_(\[{{\"']*(?:x[\s\"']*[:=]\s*)?{_NUMBER}\s?%?[\s,;/]+[\"']*(?:y[\s\"']*[:=]\s*)?{_NUMBER}\s?%?"
_NONE = r"[\s*_(]*(?:none|null|n/a)\b"


def _step(of_factor: str) -> re.Pattern[str]:
    """A focus or a factor with its name; ``of_factor`` is the sign between the two of the latter."""
    focus = rf"focus(?:\spoint)?[\s*_]*(?:[:=]|\bat\b|\bis\b|(?=[(\[]?0?\.\d))(?P<focus>{_POINT}|{_NONE})"
    factor = rf"factor[\s*_]*{of_factor}(?P<factor>[\s*_]*[x×]?\s?{_NUMBER}\s?[x×]?|{_NONE})"
    return re.compile(rf"(?:next\s|zoom\s)?(?:{focus}|{factor})", re.IGNORECASE)


_FIRST, _NEXT = _step("[:=]"), _step("[:=]?")
_BETWEEN = re.compile(r"[\s,;|.()\[\]{}*_–—-]*(?:\band\b[\s,;]*)?")

_LINE = re.compile(  # as in js/prompt_text.js
    r"[-*•_\s]{0,9}(?:(?:next |zoom )?(?:focus(?: point)?|factor)[*_\s]{0,4}[:=][*_\s]{0,4}"
    r"(?:[\d.,;:=%xy×()[\]{}|/\"'*_\s-]{1,80}|none|null|n/a)[,;|*_\s]{0,4}){1,2}",
    re.IGNORECASE,
)


class Directions(NamedTuple):
    """What a text says of the steps that begin in each level.

    Attributes:
        focus: for each level the point (x, y) in [0, 1]² of its picture that the next one shows; None where it says
            nothing that can be read.
        factors: for each level how much larger the next one shows it, above 1; or None.
        unread: for each level what was given and could not be read, such as "focus 'the star'"; or "".
    """

    focus: tuple[Point | None, ...] = ()
    factors: tuple[float | None, ...] = ()
    unread: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(value is not None for value in (*self.focus, *self.factors))


def text_of(value: object) -> str:
    """A number, a list of numbers or an object of x and y, as `read_directions` reads it."""
    if isinstance(value, Pairs):
        return ", ".join(f"{key}: {text_of(inner)}" for key, inner in value)
    if isinstance(value, list):
        return ", ".join(map(text_of, value))
    if isinstance(value, (int, float)):
        return f"{value:.9f}"
    return "" if value is None else str(value)


def in_fields(fields: Sequence[tuple[str, object]]) -> tuple[str, str]:
    """The texts of focus and factor among the fields of an object or of a row, by their names."""
    nested = [field for _, value in fields if isinstance(value, Pairs) for field in value]  # "next": {"focus": …}
    named = {plain(key): value for key, value in reversed([*fields, *nested])}
    focus, x, y, factor = (
        next((text_of(named[name]) for name in names if name in named), "")
        for names in (FOCUS, FOCUS_X, FOCUS_Y, FACTORS)
    )
    return focus or (f"x: {x}, y: {y}" if x and y else ""), factor


def is_directions(line: str) -> bool:
    """Whether a line holds nothing but where the zoom goes on from the prompt above it."""
    return _LINE.fullmatch(line) is not None


def split_directions(prompt: str) -> tuple[str, str, str]:
    """A prompt without what stands behind it of where the zoom goes on; and the texts of focus and factor.

    >>> split_directions("a galaxy (focus: 0.4, 0.6; factor: 3)")
    ('a galaxy', '0.4, 0.6', '3')
    >>> split_directions("a lens with its focus at infinity")
    ('a lens with its focus at infinity', '', '')
    """
    offset = max(0, len(prompt) - _TAIL_LENGTH)
    for tail in _TAIL.finditer(prompt, offset):
        found = {"focus": "", "factor": ""}
        place = tail.start()
        while place < len(prompt):
            place = _BETWEEN.match(prompt, place).end()  # type: ignore[union-attr]  # it matches nothing, too
            step = (_NEXT if any(found.values()) else _FIRST).match(prompt, place)
            if not step:
                break
            found |= {name: text.strip(" *_([{\"'") for name, text in step.groupdict().items() if text}
            place = step.end()
        if place == len(prompt) and any(found.values()):
            return prompt[: tail.start()].rstrip(), found["focus"], found["factor"]
    return prompt, "", ""


def read_directions(texts: Sequence[tuple[str, str]], is_tree: bool = False) -> Directions:
    """What the texts of focus and factor of each level say.

    Points are fractions from 0 to 1, percent, or thousandths, as Qwen and Gemma point: which, the largest number of all
    tells. Also read: "x: 500, y: 400", "(0.4, 0.6)", "upper left", and a box of four numbers, whose middle counts.

    Where the widest level of a chain says nothing and the deepest does, it is said where each level lies in the one
    before it; else where the next level lies in each.

    Args:
        texts: one (focus, factor) per level; "" says nothing.
        is_tree: whether a level may lie in another one than that before it.

    >>> read_directions([("[480, 300]", "3x"), ("upper left", ""), ("none", "")]).focus
    ((0.48, 0.3), (0.25, 0.25), None)
    """
    if not is_tree and len(texts) > 1 and not _says(texts[0]) and _says(texts[-1]):
        texts = [*texts[1:], ("", "")]
    points = [_point_in(focus) for focus, _ in texts]
    largest = max((max(point) for point in points if point), default=0.0)
    percent = any("%" in focus for focus, _ in texts)
    scale = 100.0 if percent or 1 < largest <= 100 else 1.0 if largest <= 1 else 1000.0
    focus = [
        _place(text) if point is None else (point[0] / scale, point[1] / scale) if max(point) <= scale else None
        for point, (text, _) in zip(points, texts, strict=True)
    ]
    factors = [_factor_in(factor) for _, factor in texts]
    return Directions(tuple(focus), tuple(factors), tuple(map(_unread, texts, focus, factors)))


def with_directions(nesting: Nesting, directions: Directions, levels: int, parents: Parents | None = None) -> Nesting:
    """``nesting`` with the focus and the factors that a text gives to its steps; the others stay.

    Args:
        nesting: zoom factors and focus of all steps.
        parents: of a tree, in place of those of ``nesting``. What a level says counts for its only child; the children
            of a level with several keep what they have.

    Raises:
        ValueError: if ``nesting`` has another number of steps than ``levels`` have.
    """
    nesting = replace(nesting, parents=parents or nesting.parents)
    steps = nesting.of_each_step(levels, name="geometry")
    if not directions or levels == 1:
        return nesting
    factors, focus = list(steps[0]), list(steps[1])
    # where each step begins; the last one is a ring's
    origins = [*(nesting.parents or range(-1, levels - 1))[1:], levels - 1][: len(factors)]
    children = Counter(origins)
    for step, origin in enumerate(origins):
        if children[origin] == 1:
            factors[step] = directions.factors[origin] or factors[step]
            focus[step] = directions.focus[origin] or focus[step]
    return replace(nesting, zoom_factors=tuple(factors), focus=tuple(focus))


def _says(texts: tuple[str, str]) -> bool:
    return any(plain(text) not in _NOTHING for text in texts)


def _point_in(text: str) -> Point | None:
    """The point that a text names, in a scale of its own; the middle of a box."""
    if comma := _WITH_COMMAS.fullmatch(text):
        return float(comma[1].replace(",", ".")), float(comma[2].replace(",", "."))
    named = {axis.lower(): float(number) for axis, number in _NAMED.findall(text)}
    numbers = [named["x"], named["y"]] if len(named) == 2 else [float(number) for number in _NUMBERS.findall(text)]
    if len(numbers) == 4:
        numbers = [(numbers[0] + numbers[2]) / 2, (numbers[1] + numbers[3]) / 2]
    return (numbers[0], numbers[1]) if len(numbers) == 2 and min(numbers) >= 0 else None


def _place(text: str) -> Point | None:
    """The point that words such as "the upper left part" name."""
    words = set(re.findall(r"[^\W\d_]+", text.lower())) - _FILLERS
    if not words or not words <= _PLACES.keys():
        return None
    x, y = (next((place[axis] for word in sorted(words) if (place := _PLACES[word])[axis]), None) for axis in (0, 1))
    return x or 0.5, y or 0.5


def _factor_in(text: str) -> float | None:
    numbers = [float(number) for number in _NUMBERS.findall(text)]
    return numbers[0] if len(numbers) == 1 and 1 < numbers[0] <= MOST_ZOOM else None


def _unread(texts: tuple[str, str], *values: Point | float | None) -> str:
    parts = zip(("focus", "factor"), texts, values, strict=True)
    return " and ".join(
        f"{name} {short(text, 40)}" for name, text, value in parts if value is None and _says((text, ""))
    )
