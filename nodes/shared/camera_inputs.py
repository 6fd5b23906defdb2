"""The inputs that describe a camera path, shared by the nodes that render one."""

import math
import re
from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ...messages.node_text import NodeText
from ...zoomstack_core.camera.journey import Journey
from ...zoomstack_core.camera.path import DIRECTIONS, EASED_ENDS, EASINGS, ZoomPath
from ...zoomstack_core.camera.view import even_size
from ...zoomstack_core.errors import ArgumentError
from ...zoomstack_core.geometry import ZoomGeometry
from ...zoomstack_core.quoting import short
from .turn_inputs import tell_roll

LEAST_SIDE = 512  # pixels of the longer side of frames whose size is not given

# What inputs for the first and the last level have where they say nothing: those of today, and those of old.
FIRST, LAST = 1.0, 0.0
NO_START, NO_END = 0.0, -1.0

MOST_ROUNDS = 1000


def timing_inputs() -> list[io.Input]:
    """How fast, which way, and how it begins and ends."""
    return [
        io.Float.Input(
            "seconds_per_level",
            default=2.0,
            min=0.05,
            max=600.0,
            step=0.1,
            tooltip="How long the zoom takes from one level to the next. The video takes this times the number "
            "of levels less one, and the holds; there and back takes twice as long. In a tree every way between two "
            "levels counts, in a ring that back to the first level too.",
        ),
        io.Float.Input(
            "fps", default=30.0, min=1.0, max=240.0, step=0.01, tooltip="Frames per second. 60 looks smoothest."
        ),
        io.Combo.Input(
            "direction",
            options=list(DIRECTIONS),
            default="in",
            tooltip="in: from the widest to the deepest level; out: the other way; in_out and out_in: there and back. "
            "In a tree: the camera's way from its first level to its last, or the other way.",
        ),
        io.Combo.Input(
            "easing",
            options=list(EASINGS),
            default="linear",
            tooltip="linear: constant speed with soft starts and stops; smooth: speeds up to the middle, then slows "
            "down; sine to expo: the usual curves, from the softest to the most sudden; none: constant speed from the "
            "first to the last frame.",
        ),
        io.Boolean.Input(
            "loop",
            default=False,
            tooltip="For in_out and out_in, and for rings: leaves out the last frame, which is the first one of the "
            "next round, so that the video repeats without a stutter. A ring is then gone round without a stop.",
        ),
    ]


def size_inputs() -> list[io.Input]:
    """Width and height of the frames."""
    return [
        io.Int.Input(
            side,
            default=0,
            min=0,
            max=16384,
            step=2,
            tooltip=f"{side.capitalize()} in pixels, made even. 0: from the {other} and the shape of the levels; if "
            "both are 0 the size of the levels, or for small ones the first multiple of it with a side of at least "
            f"{LEAST_SIDE}. Another shape than theirs is cut out of them.",
        )
        for side, other in (("width", "height"), ("height", "width"))
    ]


def hold_inputs() -> list[io.Input]:
    """Rests at both ends, and a length for the whole."""
    return [
        _seconds("hold_start", 0.5, 600.0, "Seconds that the first view stands still."),
        _seconds(
            "hold_end",
            1.0,
            600.0,
            "Seconds that the view at the end of the zoom stands still; with in_out and out_in, before it turns back.",
        ),
        _seconds(
            "duration",
            0.0,
            36000.0,
            "Seconds of the whole video, rests included, in place of seconds_per_level. 0: not used.",
            optional=True,
            advanced=True,
        ),
    ]


def more_inputs() -> list[io.Input]:
    """What few need to change."""
    part: dict[str, Any] = {"optional": True, "advanced": True}
    return [
        io.Combo.Input(
            "soft_ends",
            options=list(EASED_ENDS),
            default="both",
            tooltip="Which ends of a movement the easing makes soft.",
            **part,
        ),
        io.String.Input(
            "dwell",
            default="0",
            tooltip="Seconds of rest at every level on the way: one number, or one for each level with commas between.",
            **part,
        ),
        # What first_level and last_level were when levels were counted from 0: for what was saved then.
        io.Float.Input(
            "start_zoom",
            display_name="start_zoom (from 0)",
            default=NO_START,
            min=0.0,
            max=1000.0,
            step=0.01,
            tooltip="Of older workflows: first_level, counted from 0.",
            extra_dict={"hidden": True},
            **part,
        ),
        io.Float.Input(
            "end_zoom",
            display_name="end_zoom (from 0)",
            default=NO_END,
            min=-1.0,
            max=1000.0,
            step=0.01,
            tooltip="Of older workflows: last_level, counted from 0. -1: the last level.",
            extra_dict={"hidden": True},
            **part,
        ),
        io.Float.Input(
            "motion_blur",
            default=0.0,
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="How long the shutter is open, as a part of a frame: 0 is sharp, 0.5 like a film camera. Fast "
            "zooms then take several times as long to render.",
            **part,
        ),
    ]


def level_inputs() -> list[io.Input]:
    """Which part of the zoom to show; behind older inputs, since saved workflows know widgets by their place."""
    part: dict[str, Any] = {"optional": True, "advanced": True, "max": 1001.0, "step": 0.01}
    return [
        io.Float.Input(
            "first_level",
            default=FIRST,
            min=1.0,
            tooltip="The widest view: 1 is the first level, 2 the second, 1.5 halfway between. In a tree or a ring: "
            "where the camera's way begins, counted in the levels it comes to.",
            **part,
        ),
        io.Float.Input(
            "last_level",
            default=LAST,
            min=0.0,
            tooltip="The deepest view, counted like first_level. 0: the last level. In a tree or a ring: where the "
            "camera's way ends.",
            **part,
        ),
    ]


def journey_inputs() -> list[io.Input]:
    """Which way through a ring or a tree; behind older inputs, as those of `level_inputs`."""
    part: dict[str, Any] = {"optional": True, "advanced": True}
    return [
        io.Int.Input(
            "rounds",
            default=1,
            min=1,
            max=MOST_ROUNDS,
            tooltip="For rings, which Zoom Geometry makes with endless: how often the camera goes round.",
            **part,
        ),
        io.String.Input(
            "visit",
            default="",
            tooltip="For trees, which Zoom Prompt Schedule makes: the levels to go to, in this order, such as 4, 7; "
            "between them the camera comes out as far as it must. Empty: the end of every branch, one after another.",
            **part,
        ),
    ]


def frame_size(geometry: ZoomGeometry, height: int, width: int) -> tuple[int, int]:
    """(height, width) of the frames that `size_inputs` ask for.

    Without a wish small levels are shown at the first even multiple of their size whose longer side has `LEAST_SIDE`
    pixels: what fits on a stamp cannot be watched.
    """
    longer = max(geometry.height, geometry.width)
    if height or width or longer >= LEAST_SIDE:
        return even_size(geometry, height, width)
    scale = math.ceil(LEAST_SIDE / longer)
    if geometry.height * scale % 2 or geometry.width * scale % 2:
        scale += 1
    return geometry.height * scale, geometry.width * scale


def tell_size(text: NodeText, size: tuple[int, int], height: int, width: int) -> None:
    """Says where the frames are not as large as asked for: encoders take even sides only."""
    for name, wished, made in (("width", width, size[1]), ("height", height, size[0])):
        if wished and wished != made:
            text.notice(f"{name} is {made} in place of {wished}: the sides of a video are even numbers.")


def make_journey(text: NodeText, geometry: ZoomGeometry, rounds: int, visit: str, roll: float = 0.0) -> Journey:
    """The way that a node's inputs describe: round a ring, to the ends of a tree's branches, or to levels to visit.

    Args:
        roll: of the journey; the node says where a ring takes another.

    Raises:
        ArgumentError: for levels to visit that there are not.
    """
    round_a_ring = geometry.closed and not visit.strip()
    if rounds > 1 and not round_a_ring:
        text.notice(
            "rounds does not count: visit says where the camera goes."
            if geometry.closed
            else "rounds does not count: only a ring can be gone round, which Zoom Geometry makes with endless."
        )
    if round_a_ring:
        journey = Journey.round(geometry, rounds)
    elif visit.strip():
        journey = Journey.visiting(geometry, _parse_visit(visit, geometry.levels))
    else:
        leaves = [level for level in range(geometry.levels) if not geometry.children(level)]
        journey = Journey.visiting(geometry, leaves)
    journey = replace(journey, roll=roll)
    tell_roll(text, journey)
    return journey


def make_path(
    text: NodeText,
    journey: Journey,
    seconds_per_level: float,
    direction: str,
    easing: str,
    loop: bool,
    hold_start: float,
    hold_end: float,
    duration: float = 0.0,
    soft_ends: str = "both",
    dwell: str = "0",
    start_zoom: float = NO_START,
    end_zoom: float = NO_END,
    first_level: float = FIRST,
    last_level: float = LAST,
) -> ZoomPath:
    """The path that a node's inputs describe.

    Args:
        text: of the node, which says so where levels come from inputs that it no longer shows.

    Raises:
        ArgumentError: for levels that the stack has not, and what `ZoomPath` refuses.
    """
    geometry = journey.geometry
    if geometry.levels == 1:
        text.notice(
            "There is one level, so nothing moves. For a zoom write one prompt per line in Zoom Prompt Schedule, and "
            "give Zoom Stack one image per level."
        )
    old = [f"start_zoom {start_zoom:g}"] if first_level == FIRST and start_zoom != NO_START else []
    old += [f"end_zoom {end_zoom:g}"] if last_level == LAST and end_zoom != NO_END else []
    if old:
        text.notice(
            f"This workflow is of an older version and has {' and '.join(old)}, counted from 0. first_level and "
            "last_level take their place, counted from 1."
        )
    unused = ["start_zoom"] if first_level != FIRST and start_zoom not in (NO_START, first_level - 1) else []
    unused += ["end_zoom"] if last_level != LAST and end_zoom not in (NO_END, last_level - 1) else []
    if unused:
        text.notice(
            f"{' and '.join(unused)} of an older version {'does' if len(unused) == 1 else 'do'} not count: first_level "
            "and last_level are set."
        )
    start, end = _ends(journey, start_zoom, end_zoom, first_level, last_level)
    rests = _parse_dwell(dwell, geometry.levels)
    by_place = [rests[level] if isinstance(rests, tuple) else rests for level in journey.levels]
    if loop and journey.rounds and direction in ("in", "out"):
        if hold_start or hold_end:
            text.notice(
                "hold_start and hold_end do not count: with loop the zoom goes round without a stop. For rests at "
                "levels set dwell."
            )
        # the clip ends where it begins: this is a level on the way like any other
        hold_start, hold_end = 0.0, by_place[int(start)] if start == int(start) else 0.0
    return ZoomPath(
        journey.factors,
        duration=duration or None,
        seconds_per_level=None if duration else seconds_per_level,
        direction=direction,
        easing=easing,
        ends=soft_ends,
        hold_start=hold_start,
        hold_end=hold_end,
        dwell=tuple(by_place[: journey.last + 1]),
        loop=loop,
        start=start,
        end=end,
        turns=journey.turns,
        rounds=journey.rounds,
    )


def _ends(
    journey: Journey, start_zoom: float, end_zoom: float, first_level: float, last_level: float
) -> tuple[float, float | None]:
    """The first and the last zoom, counted from 0. Errors speak of the inputs that are set, and count as these do."""
    levels = journey.last + 1
    where, its_last = "", "the last one"
    if not journey.geometry.is_chain:
        where, its_last = " of those the camera comes to", f"the last of the {levels}"
    start_is_old = first_level == FIRST and start_zoom != NO_START
    end_is_old = last_level == LAST and end_zoom != NO_END and end_zoom >= 0
    start = start_zoom if start_is_old else first_level - 1
    end = end_zoom if end_is_old else None if last_level == LAST else last_level - 1
    deepest = levels - 1
    if not (0 <= start < deepest or start == deepest == 0):
        if start_is_old:
            which = f"a zoom of at least 0, below {deepest}, the last level counted from 0"
            raise ArgumentError("start_zoom", f"is {start_zoom}", which)
        which = f"a level{where} from 1 to below {levels}, {its_last}"
        raise ArgumentError("first_level", f"is {first_level:g}", which)
    if end is None or start < end <= deepest or end == deepest == 0:
        return start, end
    if end_is_old:
        above = (
            f"start_zoom, {start:g}"
            if start_is_old or start == 0
            else f"{start:g}, which is first_level counted from 0"
        )
        raise ArgumentError("end_zoom", f"is {end_zoom}", f"a zoom above {above}, up to {deepest}")
    above = f"{start + 1:g}, which is start_zoom counted from 1" if start_is_old else f"first_level, {first_level:g}"
    which = f"0, for the last level, or one{where} above {above}, up to {levels}"
    raise ArgumentError("last_level", f"is {last_level:g}", which)


def _seconds(name: str, default: float, most: float, tooltip: str, **options: Any) -> io.Input:
    return io.Float.Input(name, default=default, min=0.0, max=most, step=0.1, tooltip=tooltip, **options)


def _parse_visit(text: str, levels: int) -> list[int]:
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    numbers = [int(word) if re.fullmatch("[0-9]{1,6}", word) else 0 for word in words]
    # where it is from the start needs no way
    if not all(1 <= number <= levels for number in numbers) or (levels > 1 and set(numbers) <= {1}):
        expected = f"numbers of levels from 1 to {levels}, with commas between, not 1 alone"
        raise ArgumentError("visit", f"is {short(text)}", expected)
    return [number - 1 for number in numbers]


def _parse_dwell(text: str, levels: int) -> float | tuple[float, ...]:
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    try:
        seconds = [float(word) for word in words]
    except ValueError:
        seconds = [math.nan]
    if len(seconds) not in (0, 1, levels) or not all(0 <= value <= 600 for value in seconds):
        expected = f"one number of seconds from 0 to 600, or {levels} of them, one per level, with commas between"
        raise ArgumentError("dwell", f"is {short(text)}", expected)
    return tuple(seconds) if len(seconds) == levels and levels > 1 else (seconds or [0.0])[0]
