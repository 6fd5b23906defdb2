"""The inputs for a camera that turns and drifts beside the zoom."""

from fractions import Fraction
from typing import Any

from comfy_api.latest import io

from ...messages.node_text import NodeText
from ...zoomstack_core.camera.journey import Journey
from ...zoomstack_core.camera.turn import LONGEST_DRIFT, MOST_DRIFT, MOST_ROLL, Drift


def turn_inputs() -> list[io.Input]:
    """How the camera turns, how far it sways, and how slowly; behind older inputs, as those of `level_inputs`."""
    part: dict[str, Any] = {"optional": True, "advanced": True}
    return [
        io.Float.Input(
            "roll",
            default=0.0,
            min=-MOST_ROLL,
            max=MOST_ROLL,
            step=1.0,
            tooltip="Degrees that the picture turns from each level to the next, clockwise on the way inwards; below 0 "
            "the other way. It begins softly at the widest level, which is shown upright. In a ring a round makes "
            "whole turns.",
            **part,
        ),
        io.Float.Input(
            "drift",
            default=0.0,
            min=0.0,
            max=MOST_DRIFT,
            step=0.005,
            tooltip="How far the camera sways to each side, as a part of the picture's width, on a slow figure eight: "
            "0.02 is calm. At the widest level there is no room for it.",
            **part,
        ),
        io.Float.Input(
            "drift_seconds",
            default=12.0,
            min=0.5,
            max=LONGEST_DRIFT,
            step=0.5,
            tooltip="Seconds of one sway. With loop it is changed a little, so that the video ends where it begins.",
            **part,
        ),
    ]


def tell_roll(text: NodeText, journey: Journey) -> None:
    """Says where a ring turns by another angle than asked for."""
    if abs(journey.closing_roll - journey.roll) > 0.005:
        text.notice(
            f"roll is {journey.closing_roll:.4g} in place of {journey.roll:g}: a round of a ring makes whole turns, at "
            "least one."
        )


def make_drift(drift: float, drift_seconds: float, rate: Fraction, frames: int, loop: bool) -> Drift | None:
    """The drift that a node's inputs describe, for so many frames; one that closes for a loop."""
    if not drift:
        return None
    made = Drift(drift, drift_seconds * float(rate))
    return made.closing(frames) if loop else made
