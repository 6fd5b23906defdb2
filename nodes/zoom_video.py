"""ZoomVideo: the continuous zoom through a stack, as a video."""

import math
from pathlib import Path
from uuid import uuid4

import folder_paths
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.utils import ProgressBar
from comfy_api.latest import InputImpl, io
from PIL import Image
from torch import Tensor

from ..zoomstack_core.encode import MAX_CRF, PRESETS, encode_video, frame_rate
from ..zoomstack_core.frames import FrameRenderer, even_size
from ..zoomstack_core.path import DIRECTIONS, EASINGS, ZoomPath
from ..zoomstack_core.stack import ZoomStack
from .types import CATEGORY, SEARCH_ALIASES, ZoomStackType

PREVIEW_SIZE = 512  # pixels of the longer side


class ZoomVideo(io.ComfyNode):
    """Renders frame by frame straight into the encoder, so that a long video takes no more memory than a short one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomVideo",
            display_name="Zoom Video",
            category=CATEGORY,
            description="Zooms through all levels of a stack without a cut, at constant perceived speed. Save it with "
            "Save Video, which keeps the quality as it is.",
            search_aliases=[*SEARCH_ALIASES, "zoom animation", "camera path"],
            inputs=[
                ZoomStackType.Input("stack", tooltip="The levels to zoom through: from Zoom Stack."),
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
                    tooltip="in: from the widest to the deepest level; out: the other way; in_out and out_in: there "
                    "and back.",
                ),
                io.Combo.Input(
                    "easing",
                    options=list(EASINGS),
                    default="linear",
                    tooltip="linear: constant speed with soft starts and stops; smooth: speeds up to the middle, then "
                    "slows down; none: constant speed from the first to the last frame.",
                ),
                io.Boolean.Input(
                    "loop",
                    default=False,
                    tooltip="For in_out and out_in: leaves out the last frame, which is the first one of the next "
                    "round, so that the video repeats without a stutter.",
                ),
                io.Int.Input(
                    "width",
                    default=0,
                    min=0,
                    max=16384,
                    step=2,
                    tooltip="Width of the video in pixels, made even. 0: from the height and the shape of the levels, "
                    "or the size of the levels if both are 0. Another shape than theirs is cut out of them.",
                ),
                io.Int.Input(
                    "height",
                    default=0,
                    min=0,
                    max=16384,
                    step=2,
                    tooltip="Height of the video in pixels, made even. 0: from the width and the shape of the levels, "
                    "or the size of the levels if both are 0. Another shape than theirs is cut out of them.",
                ),
                io.Float.Input(
                    "hold_start",
                    default=0.5,
                    min=0.0,
                    max=600.0,
                    step=0.1,
                    tooltip="Seconds that the first view stands still.",
                ),
                io.Float.Input(
                    "hold_end",
                    default=1.0,
                    min=0.0,
                    max=600.0,
                    step=0.1,
                    tooltip="Seconds that the view at the end of the zoom stands still; with in_out and out_in, before "
                    "it turns back.",
                ),
                io.Float.Input(
                    "duration",
                    optional=True,
                    advanced=True,
                    default=0.0,
                    min=0.0,
                    max=36000.0,
                    step=0.1,
                    tooltip="Seconds of the whole video, holds included, in place of seconds_per_level. 0: not used.",
                ),
                io.Float.Input(
                    "crf",
                    optional=True,
                    advanced=True,
                    default=17.0,
                    min=0.0,
                    max=float(MAX_CRF),
                    step=1.0,
                    tooltip="Quality: lower is better and larger. 17 looks like the frames, 23 is usual on the web.",
                ),
                io.Combo.Input(
                    "preset",
                    options=list(PRESETS),
                    optional=True,
                    advanced=True,
                    default="veryfast",
                    tooltip="How long the encoder searches for a smaller file of the same quality.",
                ),
            ],
            outputs=[io.Video.Output(tooltip="The video (H.264), for Save Video.")],
        )

    @classmethod
    def execute(
        cls,
        stack: ZoomStack,
        seconds_per_level: float,
        fps: float,
        direction: str,
        easing: str,
        loop: bool,
        width: int,
        height: int,
        hold_start: float,
        hold_end: float,
        duration: float = 0.0,
        crf: float = 17.0,
        preset: str = "veryfast",
    ) -> io.NodeOutput:
        path = ZoomPath(
            stack.geometry.factors,
            duration=duration or None,
            seconds_per_level=None if duration else seconds_per_level,
            direction=direction,
            easing=easing,
            hold_start=hold_start,
            hold_end=hold_end,
            loop=loop,
        )
        rate = frame_rate(fps)
        zooms = path.zooms(rate)
        renderer = FrameRenderer(stack, *even_size(stack.geometry, height, width))
        file = Path(folder_paths.get_temp_directory()) / f"ZoomVideo_{uuid4().hex}.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        progress = ProgressBar(len(zooms))

        def on_frame(done: int, frame: Tensor) -> None:
            throw_exception_if_processing_interrupted()
            preview = _preview(frame) if (done - 1) % math.ceil(rate) == 0 else None
            progress.update_absolute(done, preview=preview)

        encode_video(file, map(renderer, zooms), rate, crf, preset, on_frame)
        return io.NodeOutput(InputImpl.VideoFromFile(str(file)))


def _preview(frame: Tensor) -> tuple[str, Image.Image, int]:
    """What ComfyUI's progress bar takes: format, picture and the size of its longer side, from [3, H, W] in [0, 1]."""
    pixels = (frame.float() * 255).round().byte().movedim(0, -1).cpu().numpy()
    return "JPEG", Image.fromarray(pixels), PREVIEW_SIZE
