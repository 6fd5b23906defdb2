"""The instruction that asks a language model for the prompts of a zoom."""

from __future__ import annotations

import math

from ..errors import ArgumentError
from ..geometry import ZoomGeometry
from ..nesting import MIDDLE, Nesting

MOST_DIGITS = 15  # of a number that is written out

_THIRDS = (("upper left", "upper", "upper right"), ("left", "", "right"), ("lower left", "lower", "lower right"))


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
    if not scene.strip():
        raise ArgumentError("scene", "is empty", "a few words about what the zoom shows")
    geometry = nesting.fit(levels, 1, 1, name="geometry")  # the size does not enter
    steps = geometry.opened.steps
    goal = f"one scene at {levels} levels of a zoom, from the widest view to the deepest."
    nests, question = "", "if you zoomed in that far"
    if steps and len(set(geometry.steps)) == 1 and nesting.parents is None:
        factor = f"{steps[0].factor:g}"
        question = f"if you zoomed in by {factor}"
        nests = f"Every level shows {_place(steps[0].focus)} of the level before it, {factor} times larger."
    elif steps:
        nests = "\n".join(
            f"Level {level} shows {_place(step.focus)} of level {(geometry.parent(level - 1) or 0) + 1}, "
            f"{step.factor:g} times larger."
            for level, step in enumerate(steps, 2)
        )
    digits = sum(math.log10(steps[level - 1].factor) for level in geometry.opened.path_to(levels - 1)[1:])
    total = f"{10**digits:.6g}" if digits < MOST_DIGITS else f"10^{digits:.0f}"
    paragraphs = [
        f"Write prompts for an image model: {goal}",
        f"{nests}\nThe last level is {total} times larger than the first." if nests else "",
        _ring(geometry),
        f"Scene: {scene.strip()}",
        f"Style of all levels, to be repeated in every prompt: {style.strip()}" if style.strip() else "",
        f"For every level after the first, ask yourself: what would you see {question}? Say what fills the picture and "
        "from how far it is seen, and name what the zoom goes to, because the next level shows only that. Levels next "
        "to each other must agree in colors, light and material. Describe what can be seen, not the zoom.",
        f"Answer with exactly {levels} lines: one line per level, the widest first, 10 to 25 words each. "
        "No numbers, no titles, no other text.",
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


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
