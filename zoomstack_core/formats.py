"""The video formats: container, encoders, pixel formats, and what quality and speed mean to each encoder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import av
from av.codec.codec import UnknownCodecError

from .color import BGRA, RGB, YUV420, YUV420_10, YUV422_10, PixelFormat

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
MAX_CRF = 51

Options = dict[str, str]


@dataclass(frozen=True)
class VideoFormat:
    """One way to write a video.

    Args:
        name: as users choose it.
        extension: of its files, without the dot.
        container: FFmpeg's name of it.
        encoders: FFmpeg's names; the first one that the build has is used.
        layouts: the pixel formats, the usual one first.
        options: of an encoder, from its name, the crf, the preset and the pixels of a frame.
        container_options: of the container.
        tag: of the stream, where players ask for a special one.
        smallest: pixels that both sides must have.
    """

    name: str
    extension: str
    container: str
    encoders: tuple[str, ...]
    layouts: tuple[PixelFormat, ...]
    options: Callable[[str, float, str, int], Options]
    container_options: Options = field(default_factory=dict)
    tag: str | None = None
    smallest: int = 2

    def layout(self, bits: int) -> PixelFormat:
        """The pixel format of at least this depth, of the encoder that the build has.

        Raises:
            ValueError: if there is none.
        """
        offered = _pixel_formats(self.encoder())
        layouts = [layout for layout in self.layouts if layout.rgb or layout.name in offered]
        for layout in layouts:
            if layout.bits >= bits:
                return layout
        raise ValueError(f"{self.name} has {max(layout.bits for layout in layouts)} bits here at most, got {bits} bits")

    def encoder(self) -> str:
        """FFmpeg's name of the encoder.

        Raises:
            ValueError: if the build has none.
        """
        for name in self.encoders:
            if _pixel_formats(name):
                return name
        raise ValueError(f"this build of PyAV has no encoder for {self.name} ({', '.join(self.encoders)})")


def available_formats() -> list[str]:
    """Names of the formats that this build of PyAV can write."""
    return [name for name, form in FORMATS.items() if any(map(_pixel_formats, form.encoders))]


@cache
def _pixel_formats(encoder: str) -> tuple[str, ...]:
    """Of an encoder; none if the build does not have it."""
    try:
        codec = av.Codec(encoder, "w")
    except UnknownCodecError:
        return ()
    return tuple(form.name for form in codec.video_formats or ())


def _crf_and_preset(encoder: str, crf: float, preset: str, pixels: int) -> Options:
    options = {"crf": f"{crf:g}", "preset": preset, "g": str(2 * KEYFRAME_EVERY)}
    if encoder == "libx264":
        # the frames that wait, for a look ahead or to be shown after later ones, and those that threads work at, are
        # most of the memory; the two fastest presets do not look ahead
        if PRESETS.index(preset) >= 2:
            ahead = min(max(X264_LEAST, X264_PIXELS // pixels), X264_MOST)
            options.update({"rc-lookahead": str(ahead), "bf": "1"})
        options["threads"] = str(min(MOST_THREADS, max(1, (os.cpu_count() or 1) * 3 // 2)))
    if encoder == "libx265":
        options["x265-params"] = f"log-level=error:rc-lookahead={LOOKAHEAD}:frame-threads=1"
    return options


# Frames from one keyframe of x264 and x265 to the next while the camera moves. Each draws the whole picture anew, which
# shows as a faint pulse where the picture rests: there it may take twice as long.
KEYFRAME_EVERY = 250
# Frames that x265 keeps back to look ahead.
LOOKAHEAD = 20
# The same for x264: as many as have this number of pixels, so that they take no more memory than at 1920×1080.
X264_LEAST, X264_MOST = 6, 40
X264_PIXELS = X264_LEAST * 1920 * 1080
# Of x264; it holds several frames for each.
MOST_THREADS = 4
# With smaller frames x265 4.1 writes where it must not, and takes the process down with it.
X265_SMALLEST = 64


def _scaled(crf: float) -> int:
    """x264's scale of 51 steps on the scale of 63 of AV1 and VP9."""
    return round(crf * 63 / MAX_CRF)


def _av1(encoder: str, crf: float, preset: str, pixels: int) -> Options:
    speed = len(PRESETS) - 1 - PRESETS.index(preset)  # 8 is the fastest
    if encoder == "libsvtav1":
        return {"crf": str(_scaled(crf)), "preset": str(min(9, speed + 3))}
    return {"crf": str(_scaled(crf)), "cpu-used": str(speed), "row-mt": "1"}


def _vp9(encoder: str, crf: float, preset: str, pixels: int) -> Options:
    speed = len(PRESETS) - 1 - PRESETS.index(preset)
    return {"crf": str(_scaled(crf)), "b": "0", "deadline": "good", "cpu-used": str(speed), "row-mt": "1"}


def _prores(encoder: str, crf: float, preset: str, pixels: int) -> Options:
    return {"profile": "3", "vendor": "apl0"}  # ProRes 422 HQ has a quality of its own


def _webp(encoder: str, crf: float, preset: str, pixels: int) -> Options:
    effort = str(min(6, PRESETS.index(preset)))
    return {"quality": f"{100 - 1.2 * crf:g}", "lossless": str(int(crf == 0)), "compression_level": effort}


def _no_options(encoder: str, crf: float, preset: str, pixels: int) -> Options:
    return {}


# the index comes first, so that a video plays while it loads; the tags let the host's nodes keep the workflow in it
_MP4 = {"movflags": "use_metadata_tags+faststart"}

FORMATS = {
    form.name: form
    for form in (
        VideoFormat("h264", "mp4", "mp4", ("libx264", "libopenh264"), (YUV420, YUV420_10), _crf_and_preset, _MP4),
        VideoFormat(
            "h265", "mp4", "mp4", ("libx265",), (YUV420, YUV420_10), _crf_and_preset, _MP4, "hvc1", X265_SMALLEST
        ),
        VideoFormat("av1", "mp4", "mp4", ("libsvtav1", "libaom-av1"), (YUV420, YUV420_10), _av1, _MP4),
        VideoFormat("vp9", "webm", "webm", ("libvpx-vp9",), (YUV420, YUV420_10), _vp9),
        VideoFormat("prores", "mov", "mov", ("prores_ks",), (YUV422_10,), _prores, _MP4),
        VideoFormat("gif", "gif", "gif", ("gif",), (RGB,), _no_options),
        VideoFormat("webp", "webp", "webp", ("libwebp_anim",), (BGRA,), _webp, {"loop": "0"}),
    )
}
