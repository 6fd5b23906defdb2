"""The instruction that asks a language model for the prompts of a zoom: of a scene, or of a draft that it sees."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from ..errors import ArgumentError
from ..geometry import Parents, ZoomGeometry
from ..nesting import MIDDLE, Nesting

MOST_DIGITS = 15  # of a number that is written out

_THIRDS = (("upper left", "upper", "upper right"), ("left", "", "right"), ("lower left", "lower", "lower right"))


class Draft(NamedTuple):
    """A zoom that was made already, to be written anew.

    Attributes:
        prompts: of all levels, or nothing.
        parents: as of `Schedule`.
        pictures: how many pictures the language model is shown, one per level; 0 for none.
    """

    prompts: list[str]
    parents: Parents | None
    pictures: int

    @property
    def levels(self) -> int:
        """How many it has.

        Raises:
            ValueError: if there are neither pictures nor prompts, or not as many of both.
        """
        if self.pictures and self.prompts and self.pictures != len(self.prompts):
            raise ArgumentError(
                "images",
                f"has {self.pictures} picture{'s' * (self.pictures > 1)} for {len(self.prompts)} prompts",
                "one picture per level, those of the draft that `prompts` made",
            )
        return self.pictures or len(self.prompts)


def write_instruction(scene: str, levels: int, nesting: Nesting, style: str = "") -> str:
    """What to ask a language model for one prompt per level.

    Args:
        scene: what the zoom shows, in any words.
        levels: number of levels, at least 1.
        nesting: zoom factors and focus of the steps.
        style: what all levels look like, or nothing.

    Returns:
        An instruction whose answer `parse_prompts` reads.

    Raises:
        ValueError: if there is no scene, or the nesting has another number of steps.
    """
    geometry = _fitted(scene, levels, nesting)
    steps = geometry.opened.steps
    question = "if you zoomed in that far"
    if steps and _is_uniform(geometry, nesting):
        question = f"if you zoomed in by {steps[0].factor:g}"
    return _joined(
        f"Write prompts for an image model: one scene at {levels} levels of a zoom, from the widest view to the "
        "deepest.",
        *_zoom(geometry, nesting),
        *_scene(scene, style),
        f"For every level after the first, ask yourself: what would you see {question}? Say what fills the picture and "
        "from how far it is seen, and name what the zoom goes to, because the next level shows only that. Levels next "
        "to each other must agree in colors, light and material. Describe what can be seen, not the zoom.",
        _lines_only(levels),
    )


def write_draft_instruction(scene: str, draft: Draft, nesting: Nesting, style: str = "") -> str:
    """What to ask a language model that is shown the pictures of a draft: what is seen, better prompts, and a focus.

    A focus and a factor are asked for where pictures are shown and every level has one child: with several in one level
    the places of all of them hang together.

    Args:
        scene: what the zoom shows, in any words.
        draft: its pictures, its prompts, or both.
        nesting: zoom factors and focus of its steps; the draft's parents take the place of its own.
        style: what all levels look like, or nothing.

    Returns:
        An instruction whose answer `parse_schedule` reads.

    Raises:
        ValueError: if there is no scene, pictures and prompts do not fit each other, or the nesting has another number
            of steps.
    """
    levels = draft.levels
    nesting = replace(nesting, parents=draft.parents or nesting.parents)
    geometry = _fitted(scene, levels, nesting)
    lines = [f"{level}. {prompt}" for level, prompt in enumerate(draft.prompts, 1)]
    told = f"one scene at {levels} levels of a zoom, from the widest view to the deepest."
    if draft.pictures:
        told = (
            f"You see {levels} pictures, a quick draft of {told} Picture 1 is level 1, the widest view; "
            f"picture {levels} is level {levels}, the deepest."
        )
    else:
        told = f"Improve the prompts for an image model of {told}"
    seeing = bool(draft.pictures)
    aiming = seeing and nesting.parents is None and bool(geometry.steps)
    return _joined(
        told,
        *_zoom(geometry, nesting),
        *_scene(scene, style),
        "\n".join(["The prompts of the draft:", *lines]) if lines else "",
        _rewriting(bool(lines), seeing),
        _aiming(geometry) if aiming else "",
        _objects_only(levels, aiming, geometry.closed) if seeing else _lines_only(levels),
    )


def _rewriting(has_prompts: bool, seeing: bool) -> str:
    """What is to be done with each level's prompt."""
    task = (
        "For every level, look at its picture, say in a few words what it shows, and " if seeing else "For every level "
    )
    task += "write its prompt"
    if has_prompts:
        fits = "the picture and the levels next to it fit it" if seeing else "the levels next to it fit it"
        task += f": repeat the line of the draft word for word where {fits}, else rewrite the line"
    return (
        f"{task}. Two levels fit when the wider one shows the other at the place where the zoom goes, as small as it "
        "must be there, and both agree in colors, light and material. A prompt says what fills the picture, from how "
        "far it is seen, and names what the zoom goes to, in 10 to 25 words. Describe what can be seen, not the zoom."
    )


def _aiming(geometry: ZoomGeometry) -> str:
    """How a focus and a factor are to be given."""
    factors = geometry.factors
    same = f"{factors[0]:g}" if len(set(factors)) == 1 else "that of the step above"
    after = "After the last level comes level 1." if geometry.closed else "The last level has neither: null."
    return (
        "Give every level the focus of the zoom: the point of its picture that the next level is to show, on the very "
        "thing that the next prompt names. x goes from 0 at the left edge to 1000 at the right edge, y from 0 at the "
        "top edge to 1000 at the bottom edge. And give it a factor, how many times larger the next level shows that "
        f"place: {same}, or another one from 1.5 to 8 where that fits the size of the thing better. The next level "
        f"shows the part around the focus that is as wide as the picture divided by the factor. {after}"
    )


def _objects_only(levels: int, aiming: bool, closed: bool) -> str:
    fields = '"level": 1, "seen": "…", "prompt": "…"'
    last = f'"level": {levels}, "seen": "…", "prompt": "…"'
    if aiming:
        step = ', "focus": {"x": …, "y": …}, "factor": …'
        fields += step
        last += step if closed else ', "focus": null, "factor": null'
    entries = f"{{{fields}}}" if levels == 1 else f"{{{fields}}},\n…\n{{{last}}}"
    return (
        f"Answer with a JSON list of exactly {levels} object{'s' * (levels > 1)}, one per level, the widest first, and "
        f"no other text:\n[{entries}]"
    )


def _lines_only(levels: int) -> str:
    return (
        f"Answer with exactly {levels} lines: one line per level, the widest first, 10 to 25 words each. "
        "No numbers, no titles, no other text."
    )


def _joined(*paragraphs: str) -> str:
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _fitted(scene: str, levels: int, nesting: Nesting) -> ZoomGeometry:
    if not scene.strip():
        raise ArgumentError("scene", "is empty", "a few words about what the zoom shows")
    return nesting.fit(levels, 1, 1, name="geometry")  # the size does not enter


def _is_uniform(geometry: ZoomGeometry, nesting: Nesting) -> bool:
    return len(set(geometry.steps)) == 1 and nesting.parents is None


def _zoom(geometry: ZoomGeometry, nesting: Nesting) -> tuple[str, str]:
    """Which part of which level each one shows, and how far the whole goes; and what is special in a ring."""
    steps, levels = geometry.opened.steps, geometry.levels
    if not steps:
        return "", _ring(geometry)
    if _is_uniform(geometry, nesting):
        place, factor = _place(steps[0].focus), f"{steps[0].factor:g}"
        nests = f"Every level shows {place} of the level before it, {factor} times larger."
    else:
        nests = "\n".join(
            f"Level {level} shows {_place(step.focus)} of level {(geometry.parent(level - 1) or 0) + 1}, "
            f"{step.factor:g} times larger."
            for level, step in enumerate(steps, 2)
        )
    digits = sum(math.log10(steps[level - 1].factor) for level in geometry.opened.path_to(levels - 1)[1:])
    total = f"{10**digits:.6g}" if digits < MOST_DIGITS else f"10^{digits:.0f}"
    return f"{nests}\nThe last level is {total} times larger than the first.", _ring(geometry)


def _scene(scene: str, style: str) -> tuple[str, str]:
    style = style.strip()
    return f"Scene: {scene.strip()}", f"Style of all levels, to be repeated in every prompt: {style}" if style else ""


def _ring(geometry: ZoomGeometry) -> str:
    """What the last level must show of a zoom without an end."""
    if not geometry.closed:
        return ""
    last, step = geometry.levels, geometry.steps[-1]
    return (
        f"The zoom has no end: {_place(step.focus)} of level {last} shows the whole of level 1 again, {step.factor:g} "
        f"times smaller. So let level {last} hold what level 1 shows."
    )


def _place(focus: tuple[float, float]) -> str:
    """A focus point in words, by thirds of the picture."""
    column, row = (min(int(3 * coordinate), 2) for coordinate in focus)
    side = _THIRDS[row][column]
    return f"the {side} part" if side and focus != MIDDLE else "the middle"
