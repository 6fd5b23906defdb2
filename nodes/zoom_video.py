"""ZoomVideo: the continuous zoom through a stack, as a video."""

from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import folder_paths
from comfy.model_management import free_memory, get_torch_device
from comfy_api.latest import InputImpl, io

from ..zoomstack_core.ahead import work_ahead
from ..zoomstack_core.encode import FORMATS, MAX_CRF, PRESETS, available_formats, encode_video, frame_rate
from ..zoomstack_core.frames import FrameRenderer, PlaneRenderer
from ..zoomstack_core.shutter import shutter_zooms
from ..zoomstack_core.stack import ZoomStack
from .errors import checked
from .frame_progress import FrameProgress
from .node_text import NodeText
from .types import CATEGORY, SEARCH_ALIASES, ZoomStackType
from .zoom_path import frame_size, hold_inputs, level_inputs, make_path, more_inputs, size_inputs, timing_inputs


class ZoomVideo(io.ComfyNode):
    """Renders frame by frame straight into the encoder, so that a long video takes no more memory than a short one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        holds = hold_inputs()
        return io.Schema(
            node_id="ZoomVideo",
            display_name="Zoom Video",
            category=CATEGORY,
            description="Zooms through all levels of a stack without a cut, at constant perceived speed. Save it with "
            "Save Video, which keeps the quality as it is, or Save Zoom Video, which takes every format.",
            search_aliases=[*SEARCH_ALIASES, "zoom animation", "camera path", "gif", "webm", "prores"],
            inputs=[
                ZoomStackType.Input("stack", tooltip="The levels to zoom through: from Zoom Stack."),
                *timing_inputs(),
                *size_inputs(),
                *holds,
                io.Float.Input(
                    "crf",
                    optional=True,
                    advanced=True,
                    default=17.0,
                    min=0.0,
                    max=float(MAX_CRF),
                    step=1.0,
                    tooltip="Quality: lower is better and larger. 17 looks like the frames, 23 is usual on the web. "
                    "Meant for H.264; other formats get the like. ProRes and GIF have none.",
                ),
                io.Combo.Input(
                    "preset",
                    options=list(PRESETS),
                    optional=True,
                    advanced=True,
                    default="veryfast",
                    tooltip="How long the encoder searches for a smaller file of the same quality.",
                ),
                *more_inputs(),
                io.Combo.Input(
                    "format",
                    options=available_formats(),
                    optional=True,
                    advanced=True,
                    default="h264",
                    tooltip="h264, h265, av1: MP4, for Save Video. vp9 (WebM), prores (MOV), gif, webp: for Save Zoom "
                    "Video. Only what this computer can encode is listed.",
                ),
                io.Int.Input(
                    "bit_depth",
                    optional=True,
                    advanced=True,
                    default=8,
                    min=8,
                    max=10,
                    step=2,
                    tooltip="10 bits keep soft gradients free of bands; not every player shows H.264 with 10 bits. "
                    "ProRes always has 10.",
                ),
                *level_inputs(),
            ],
            outputs=[io.Video.Output(tooltip="The video, for Save Video or Save Zoom Video.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    @checked(start="start_zoom", end="end_zoom")
    def execute(
        cls,
        stack: ZoomStack,
        fps: float,
        width: int,
        height: int,
        crf: float = 17.0,
        preset: str = "veryfast",
        motion_blur: float = 0.0,
        format: str = "h264",
        bit_depth: int = 8,
        **path: Any,
    ) -> io.NodeOutput:
        text = NodeText(cls.hidden.unique_id, "Zoom Video")
        rate, size = frame_rate(fps), frame_size(stack.geometry, height, width)
        zooms = make_path(text, stack.geometry, **path).zooms(rate)
        moments = shutter_zooms(zooms, stack.geometry, *size, motion_blur, path["loop"])
        render = _renderer(stack, *size, format, bit_depth)
        file = Path(folder_paths.get_temp_directory()) / f"ZoomVideo_{uuid4().hex}.{FORMATS[format].extension}"
        file.parent.mkdir(parents=True, exist_ok=True)
        progress = FrameProgress(stack, zooms, rate, text)
        with closing(work_ahead(lambda zooms: render(*zooms), moments)) as frames:
            encode_video(file, frames, rate, crf, preset, lambda done, _: progress(done), format, bit_depth)
        return io.NodeOutput(InputImpl.VideoFromFile(str(file)))


def _renderer(stack: ZoomStack, height: int, width: int, form: str, bits: int) -> FrameRenderer | PlaneRenderer:
    """What gives the frames in the form that the encoder takes, on the GPU if there is one."""
    layout, device = FORMATS[form].layout(bits), get_torch_device()
    if layout.rgb:
        return FrameRenderer(stack, height, width)
    pixels = stack.geometry.height * stack.geometry.width + height * width
    free_memory(16 * 4 * pixels, device)  # two or three levels, and the passes of a frame
    return PlaneRenderer(stack, height, width, layout, device)
