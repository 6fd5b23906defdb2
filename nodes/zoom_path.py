"""The inputs that describe a camera path, shared by the nodes that render one."""

import math
import re
from typing import Any

from comfy_api.latest import io

from ..zoomstack_core.geometry import ZoomGeometry
from ..zoomstack_core.path import DIRECTIONS, EASED_ENDS, EASINGS, ZoomPath


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
            "of levels less one, and the holds; there and back takes twice as long.",
        ),
        io.Float.Input(
            "fps", default=30.0, min=1.0, max=240.0, step=0.01, tooltip="Frames per second. 60 looks smoothest."
        ),
        io.Combo.Input(
            "direction",
            options=list(DIRECTIONS),
            default="in",
            tooltip="in: from the widest to the deepest level; out: the other way; in_out and out_in: there and back.",
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
            tooltip="For in_out and out_in: leaves out the last frame, which is the first one of the next round, so "
            "that the video repeats without a stutter.",
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
            tooltip=f"{side.capitalize()} in pixels, made even. 0: from the {other} and the shape of the levels, or "
            "the size of the levels if both are 0. Another shape than theirs is cut out of them.",
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
        io.Float.Input(
            "start_zoom",
            default=0.0,
            min=0.0,
            max=1000.0,
            step=0.01,
            tooltip="The widest view: 0 is the first level, 1 the second, 0.5 halfway between.",
            **part,
        ),
        io.Float.Input(
            "end_zoom",
            default=-1.0,
            min=-1.0,
            max=1000.0,
            step=0.01,
            tooltip="The deepest view, counted like start_zoom. -1: the last level.",
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


def make_path(
    node: str,
    geometry: ZoomGeometry,
    seconds_per_level: float,
    direction: str,
    easing: str,
    loop: bool,
    hold_start: float,
    hold_end: float,
    duration: float = 0.0,
    soft_ends: str = "both",
    dwell: str = "0",
    start_zoom: float = 0.0,
    end_zoom: float = -1.0,
) -> ZoomPath:
    """The path that a node's inputs describe."""
    return ZoomPath(
        geometry.factors,
        duration=duration or None,
        seconds_per_level=None if duration else seconds_per_level,
        direction=direction,
        easing=easing,
        ends=soft_ends,
        hold_start=hold_start,
        hold_end=hold_end,
        dwell=_parse_dwell(node, dwell, geometry.levels),
        loop=loop,
        start=start_zoom,
        end=None if end_zoom < 0 else end_zoom,
    )


def _seconds(name: str, default: float, most: float, tooltip: str, **options: Any) -> io.Input:
    return io.Float.Input(name, default=default, min=0.0, max=most, step=0.1, tooltip=tooltip, **options)


def _parse_dwell(node: str, text: str, levels: int) -> float | tuple[float, ...]:
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    try:
        seconds = [float(word) for word in words]
    except ValueError:
        seconds = [math.nan]
    if len(seconds) not in (0, 1, levels) or not all(0 <= value <= 600 for value in seconds):
        raise ValueError(
            f"{node}: dwell is {text!r}; expected one number of seconds from 0 to 600, or {levels} of them, one per "
            "level, with commas between."
        )
    return tuple(seconds) if len(seconds) == levels and levels > 1 else (seconds or [0.0])[0]
