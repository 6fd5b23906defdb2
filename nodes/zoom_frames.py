"""ZoomFrames: frames of a zoom as images."""

from contextlib import closing
from typing import Any

import psutil
import torch
from comfy_api.latest import io

from ..messages.node_text import NodeText
from ..zoomstack_core.camera.shutter import shutter_zooms
from ..zoomstack_core.method.stack import ZoomStack
from ..zoomstack_core.video.ahead import work_ahead
from ..zoomstack_core.video.draw_frame import FrameRenderer
from ..zoomstack_core.video.encode import frame_rate
from .shared.camera_inputs import (
    frame_size,
    hold_inputs,
    journey_inputs,
    level_inputs,
    make_journey,
    make_path,
    more_inputs,
    size_inputs,
    tell_size,
    timing_inputs,
)
from .shared.checked import checked
from .shared.frame_progress import FrameProgress
from .shared.turn_inputs import make_drift, turn_inputs
from .shared.wire_types import CATEGORY, SEARCH_ALIASES, ZoomStackType

BYTES_PER_PIXEL = 12  # three float32 colors


class ZoomFrames(io.ComfyNode):
    """All frames at once, for nodes that work on images; Zoom Video needs no memory for them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomFrames",
            display_name="Zoom Frames",
            category=CATEGORY,
            description="The frames of a zoom as a batch of images, for nodes that work on images. All of them are in "
            "memory at once: 12 MB for a frame of 1024×1024, 25 MB for 1920×1080, so 3.6 GB for ten seconds of the "
            "first. For a video, use Zoom Video.",
            search_aliases=[*SEARCH_ALIASES, "image sequence", "zoom images"],
            inputs=[
                ZoomStackType.Input("stack", tooltip="The levels to zoom through: from Zoom Stack."),
                *timing_inputs(),
                *size_inputs(),
                *hold_inputs(),
                *more_inputs(),
                *level_inputs(),
                *journey_inputs(),
                *turn_inputs(),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images",
                    tooltip="The frames. Memory: 12 bytes times width, height and number of frames.",
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    @checked(ends="soft_ends")
    def execute(
        cls,
        stack: ZoomStack,
        fps: float,
        width: int,
        height: int,
        motion_blur: float = 0.0,
        rounds: int = 1,
        visit: str = "",
        roll: float = 0.0,
        drift: float = 0.0,
        drift_seconds: float = 12.0,
        **path: Any,
    ) -> io.NodeOutput:
        text = NodeText(cls.hidden.unique_id, "Zoom Frames")
        rate, size = frame_rate(fps), frame_size(stack.geometry, height, width)
        tell_size(text, size, height, width)
        height, width = size
        journey = make_journey(text, stack.geometry, rounds, visit, roll)
        zooms = make_path(text, journey, **path).zooms(rate)
        _check_memory(len(zooms), height, width)
        swaying = make_drift(drift, drift_seconds, rate, len(zooms), path["loop"])
        moments = shutter_zooms(zooms, journey, height, width, motion_blur, path["loop"], swaying)
        render = FrameRenderer(stack, height, width, journey)
        progress = FrameProgress(stack, journey, zooms, rate, text)
        images = torch.empty((len(zooms), height, width, 3))
        with closing(work_ahead(lambda shots: render(*shots), moments)) as frames:
            for k, frame in enumerate(frames):
                images[k] = frame.movedim(0, -1)
                progress(k + 1)
        return io.NodeOutput(images)


def _check_memory(count: int, height: int, width: int) -> None:
    needed, free = count * height * width * BYTES_PER_PIXEL, psutil.virtual_memory().available
    if needed > free:
        raise ValueError(
            f"Zoom Frames: {count} frames of {width}×{height} take {needed / 2**30:.1f} GB of memory; expected at most "
            f"the {free / 2**30:.1f} GB that are free. Lower fps, the seconds, width or height, or use Zoom Video."
        )
