"""The video formats: container, encoders, pixel formats, and what quality and speed mean to each encoder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

import av
from av.codec.codec import UnknownCodecError

from .color import BGRA, RGB, YUV420, YUV420_10, YUV422_10, PixelFormat

# Frames per second: fewer than these are none.
SLOWEST = Fraction(1, 1000)
# FFmpeg's own limit for any picture: (height + 128) × (width + 128) × 8 bytes must fit into 31 bits.
MARGIN, MOST_PIXELS = 128, 1 << 28

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
MAX_CRF = 51

Options = dict[str, str]


@dataclass(frozen=True)
class Limits:
    """What an encoder takes, with the container that its format has.

    Found by trying each at its edges and beyond, with PyAV 18.1 (FFmpeg 8): beyond them encoders refuse, hang, write
    where they must not, or make files that play wrong. ``tests/core/video/test_formats.py`` tries them again.

    Args:
        smallest: pixels that both sides must have.
        tallest, widest: the most pixels of each side.
        fastest: the most frames per second.
    """

    smallest: int = 2
    tallest: int = 65534
    widest: int = 65534
    fastest: int = 1000


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
        sound: FFmpeg's name of the encoder of its sound; empty where files of this format have none.
    """

    name: str
    extension: str
    container: str
    encoders: tuple[str, ...]
    layouts: tuple[PixelFormat, ...]
    options: Callable[[str, float, str, int], Options]
    container_options: Options = field(default_factory=dict)
    tag: str | None = None
    sound: str = ""

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

    def sound_encoder(self) -> str:
        """FFmpeg's name of the encoder of its sound.

        Raises:
            ValueError: if the build has none, or the format no sound.
        """
        if not self.sound:
            raise ValueError(f"{self.name} has no sound")
        if not _has_encoder(self.sound):
            raise ValueError(f"this build of PyAV has no encoder for the sound of {self.name} ({self.sound})")
        return self.sound

    @property
    def limits(self) -> Limits:
        """Of the encoder that the build has."""
        return LIMITS[self.encoder()]

    def check_limits(self, height: int, width: int, rate: Fraction) -> None:
        """Raises ValueError unless frames of this size can be written at this rate."""
        limits = self.limits
        for side, pixels, most in (("width", width, limits.widest), ("height", height, limits.tallest)):
            if not limits.smallest <= pixels <= most:
                raise ValueError(
                    f"{side} is {pixels} pixels; {self.name} takes {limits.smallest} to {most}. Choose another {side} "
                    "or another format"
                )
        if (height + MARGIN) * (width + MARGIN) >= MOST_PIXELS:
            raise ValueError(
                f"width and height are {width}×{height}; a video has at most about {MOST_PIXELS // 10**6} million "
                "pixels. Choose a smaller width or height"
            )
        if not SLOWEST <= rate <= limits.fastest:
            raise ValueError(
                f"fps is {float(rate):g}; {self.name} takes {float(SLOWEST):g} to {limits.fastest}. Choose another fps "
                "or another format"
            )


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


@cache
def _has_encoder(name: str) -> bool:
    try:
        av.Codec(name, "w")
    except UnknownCodecError:
        return False
    return True


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
MP4_OPTIONS = {"movflags": "use_metadata_tags+faststart"}

LIMITS = {
    "libx264": Limits(tallest=16384, widest=16384),
    "libopenh264": Limits(smallest=16, tallest=2304, widest=4096, fastest=60),  # by its documentation
    # with frames below 64 pixels x265 4.1 writes where it must not, and takes the process down with it
    "libx265": Limits(smallest=64),
    # SVT-AV1 3 and 4 never come back from frames with one side of up to 26 pixels and another of more than 64
    "libsvtav1": Limits(smallest=32, tallest=8704, widest=16384, fastest=240),
    "libaom-av1": Limits(smallest=16, tallest=16384, widest=16384),  # by its documentation
    "libvpx-vp9": Limits(),
    "prores_ks": Limits(),
    # browsers show frames of up to 10 ms for 100 ms; in GIF times are hundredths of a second, in WebP thousandths
    "gif": Limits(fastest=50),
    "libwebp_anim": Limits(tallest=16383, widest=16383, fastest=90),
}

FORMATS = {
    form.name: form
    for form in (
        VideoFormat(
            "h264",
            "mp4",
            "mp4",
            ("libx264", "libopenh264"),
            (YUV420, YUV420_10),
            _crf_and_preset,
            MP4_OPTIONS,
            sound="aac",
        ),
        VideoFormat(
            "h265", "mp4", "mp4", ("libx265",), (YUV420, YUV420_10), _crf_and_preset, MP4_OPTIONS, "hvc1", "aac"
        ),
        VideoFormat(
            "av1", "mp4", "mp4", ("libsvtav1", "libaom-av1"), (YUV420, YUV420_10), _av1, MP4_OPTIONS, sound="aac"
        ),
        VideoFormat("vp9", "webm", "webm", ("libvpx-vp9",), (YUV420, YUV420_10), _vp9, sound="libopus"),
        VideoFormat("prores", "mov", "mov", ("prores_ks",), (YUV422_10,), _prores, MP4_OPTIONS, sound="aac"),
        VideoFormat("gif", "gif", "gif", ("gif",), (RGB,), _no_options),
        VideoFormat("webp", "webp", "webp", ("libwebp_anim",), (BGRA,), _webp, {"loop": "0"}),
    )
}
