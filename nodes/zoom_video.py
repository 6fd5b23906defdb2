"""ZoomVideo: the continuous zoom through a stack, as a video."""

from contextlib import closing
from fractions import Fraction
from typing import Any
from uuid import uuid4

import psutil
from comfy_api.latest import io

from ..messages.node_text import NodeText
from ..zoomstack_core.camera.journey import Journey
from ..zoomstack_core.camera.shutter import shutter_zooms
from ..zoomstack_core.method.stack import ZoomStack
from ..zoomstack_core.video.ahead import work_ahead
from ..zoomstack_core.video.draw_frame import FrameRenderer, PlaneRenderer
from ..zoomstack_core.video.encode import FORMATS, MAX_CRF, PRESETS, available_formats, encode_video, frame_rate
from ..zoomstack_core.video.formats import VideoFormat
from ..zoomstack_core.video.memory import FLOAT, IN_VIEW, most_in_view, video_memory
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
from .shared.host import check_interrupted, device_with_room, temporary_file
from .shared.rendered_files import RenderedFiles
from .shared.rendered_video import RenderedVideo, cannot_keep, is_saved_by_host
from .shared.saving import TEMPORARY, told
from .shared.sound_inputs import fit_options, make_sound, moved_zooms, sound_inputs, told_of_sound
from .shared.turn_inputs import make_drift, turn_inputs
from .shared.video_settings import AS_SET, settings_input, with_settings
from .shared.wire_types import CATEGORY, SEARCH_ALIASES, ZoomStackType

NAME = "Zoom Video"
RENDERED = RenderedFiles()


class ZoomVideo(io.ComfyNode):
    """Renders frame by frame straight into the encoder, so that a long video takes no more memory than a short one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        holds = hold_inputs()
        return io.Schema(
            node_id="ZoomVideo",
            display_name=NAME,
            category=CATEGORY,
            description="Zooms through all levels of a stack without a cut, at constant perceived speed, with sound if "
            "you connect one. Save it with "
            "Save Video, which keeps the quality as it is and takes MP4 only, or Save Zoom Video, which takes every "
            "format.",
            search_aliases=[
                *SEARCH_ALIASES,
                "zoom animation",
                "camera path",
                "gif",
                "webm",
                "prores",
                "music",
                "beats",
                "rotate",
                "spiral",
                "reel",
            ],
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
                    "Video. Only what this computer can encode is listed. Browsers play gif at most at 50 frames per "
                    "second and webp at 90; a higher fps is lowered to that, the video takes as long.",
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
                *journey_inputs(),
                *sound_inputs(),
                *turn_inputs(),
                settings_input(),
            ],
            outputs=[io.Video.Output(tooltip="The video, for Save Video or Save Zoom Video.")],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
        )

    @classmethod
    @checked(ends="soft_ends")
    def execute(cls, stack: ZoomStack, settings_for: str = AS_SET, **inputs: Any) -> io.NodeOutput:
        text = NodeText(cls.hidden.unique_id, NAME)
        inputs = with_settings(text, settings_for, stack.geometry, inputs.get("visit", ""), inputs)
        return cls._render(text, stack, **inputs)

    @classmethod
    def _render(
        cls,
        text: NodeText,
        stack: ZoomStack,
        fps: float,
        width: int,
        height: int,
        crf: float = 17.0,
        preset: str = "veryfast",
        motion_blur: float = 0.0,
        format: str = "h264",
        bit_depth: int = 8,
        rounds: int = 1,
        visit: str = "",
        fit_sound: bool = False,
        beat_strength: float = 0.0,
        beat_smoothing: float = 0.5,
        audio: dict[str, Any] | None = None,
        roll: float = 0.0,
        drift: float = 0.0,
        drift_seconds: float = 12.0,
        **options: Any,
    ) -> io.NodeOutput:
        form = FORMATS[format]
        if form.extension != "mp4" and is_saved_by_host(cls.hidden.prompt, cls.hidden.unique_id):
            text.notice(cannot_keep(format))
        rate, size = _rate(fps, form, text), frame_size(stack.geometry, height, width)
        tell_size(text, size, height, width)
        _check_limits(form, size, rate)
        sound = make_sound(text, audio, form, fit_sound, beat_strength)
        journey = make_journey(text, stack.geometry, rounds, visit, roll)
        if sound is not None and fit_sound:
            options = fit_options(text, sound, options)
        with told_of_sound(fit_sound and sound is not None):
            path = make_path(text, journey, **options)
            heard = sound and sound.fitted(path.frame_count(rate) / rate)
            zooms = moved_zooms(text, path, rate, heard, beat_strength, beat_smoothing)
        _check_memory(stack, journey, size, form, bit_depth, preset)
        swaying = make_drift(drift, drift_seconds, rate, len(zooms), options["loop"])
        moments = shutter_zooms(zooms, journey, *size, motion_blur, options["loop"], swaying)
        render = _renderer(stack, journey, *size, format, bit_depth)
        file = temporary_file(f"ZoomVideo_{uuid4().hex}.{form.extension}")
        progress = FrameProgress(stack, journey, zooms, rate, text)
        with told(NAME, file.parent, TEMPORARY), closing(work_ahead(lambda shots: render(*shots), moments)) as frames:
            file.parent.mkdir(parents=True, exist_ok=True)
            encode_video(
                file,
                frames,
                rate,
                crf,
                preset,
                lambda done, _: progress(done),
                format,
                bit_depth,
                check=check_interrupted,
                sound=heard if form.sound else None,
            )
        RENDERED.add(cls.hidden.unique_id, file)
        return io.NodeOutput(RenderedVideo(file))

    @classmethod
    def fingerprint_inputs(cls, **_: Any) -> int:
        """The host renders again what it has in its cache if the file of it is gone."""
        return RENDERED.fingerprint(cls.hidden.unique_id)


def _rate(fps: float, form: VideoFormat, text: NodeText) -> Fraction:
    """The rate to render at: what plays too slowly at a higher one takes as long with fewer frames."""
    rate, most = frame_rate(fps), form.limits.fastest
    if rate <= most:
        return rate
    text.notice(f"{form.name} plays at most {most} frames per second, so there are {most} instead of {fps:g}.")
    return Fraction(most)


def _check_limits(form: VideoFormat, size: tuple[int, int], rate: Fraction) -> None:
    try:
        form.check_limits(*size, rate)
    except ValueError as error:
        raise ValueError(f"{NAME}: {error}.") from error


def _check_memory(
    stack: ZoomStack, journey: Journey, size: tuple[int, int], form: VideoFormat, bits: int, preset: str
) -> None:
    needed, free = video_memory(stack, *size, form, bits, preset, journey), psutil.virtual_memory().available
    if needed > free:
        height, width = size
        raise ValueError(
            f"{NAME}: a video of {width}×{height} as {form.name} takes about {needed / 2**30:.1f} GB of memory; "
            f"expected at most the {free / 2**30:.1f} GB that are free. Choose a smaller width and height, another "
            "format, or a faster preset."
        )


def _renderer(
    stack: ZoomStack, journey: Journey, height: int, width: int, form: str, bits: int
) -> FrameRenderer | PlaneRenderer:
    """What gives the frames in the form that the encoder takes, on the GPU if there is one."""
    layout = FORMATS[form].layout(bits)
    if layout.rgb:
        return FrameRenderer(stack, height, width, journey)
    more = most_in_view(journey, height, width) - IN_VIEW
    levels = (16 + 3 * max(0, more)) * stack.geometry.height * stack.geometry.width
    frame = (32 if journey.roll else 16) * height * width
    device = device_with_room(FLOAT * (levels + frame))  # the levels in view, and the passes of a frame
    return PlaneRenderer(stack, height, width, layout, device, journey)
