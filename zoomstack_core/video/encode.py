"""Frames → video file, one frame at a time: memory does not grow with the length of the clip."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
import av.container
import numpy as np
import torch
from av.video.frame import PictureType
from torch import Tensor

from ..sound.sound import Sound
from ..whole_file import whole_file
from . import gif, webp
from .aside import Aside
from .color import BT709, LIMITED_RANGE, PixelFormat, Planes, to_planes
from .facts import VideoFacts, check_video
from .formats import FORMATS, KEYFRAME_EVERY, MAX_CRF, PRESETS, VideoFormat, available_formats
from .palette import PaletteFilter
from .sound_track import SoundTrack

__all__ = ["FORMATS", "MAX_CRF", "PRESETS", "EncoderError", "available_formats", "encode_video", "frame_rate"]

logger = logging.getLogger("zoomstack")

F = TypeVar("F", bound=Tensor | Planes)
R = TypeVar("R")

# Of the parts of a rate, as containers keep them.
LARGEST_PART = (1 << 31) - 1

# Frames since a rest from which on the picture counts as moving: it sets out slowly.
MOVING = 30


class EncoderError(ValueError):
    """An encoder does not take what it was given, though it is within the limits that are known of it."""


def encode_video(
    path: str | Path,
    frames: Iterable[F],
    fps: float | Fraction,
    crf: float = 17.0,
    preset: str = "veryfast",
    on_frame: Callable[[int, F], None] | None = None,
    form: str = "h264",
    bits: int = 8,
    metadata: dict[str, str] | None = None,
    check: Callable[[], None] = lambda: None,
    sound: Sound | None = None,
) -> int:
    """Writes a video and returns the number of its frames; H.264 in MP4 by default (BT.709, playable while it loads).

    The file appears under its name when it is complete and was opened again: it has all frames, and its first and last
    one can be decoded. Until then it grows beside it under a temporary name, which is removed if anything goes wrong.

    Args:
        path: of the file; one that exists is replaced.
        frames: all of one size, both sides even. Either images [3, height, width], colors in [0, 1] as on screen
            (sRGB), or what a ``PlaneRenderer`` for this format gives.
        fps: frames per second; see ``frame_rate``.
        crf: x264's constant rate factor, 0 (lossless) to 51; 17 is visually lossless. Other encoders get the like.
        preset: x264's trade of speed for size. Other encoders get the like.
        on_frame: called with (frames done, frame) after every frame; what it raises ends the encoding.
        form: a key of ``FORMATS``.
        bits: per sample, 8 or 10, where the format has both.
        metadata: texts to keep in the file, if its container can.
        check: called a few times a second while the encoder works; what it raises ends the encoding.
        sound: heard with the frames from the first one on; silent after its end. What is longer than the video is cut
            off at once: see ``Sound.fitted``.

    Raises:
        ValueError: for frames or options that do not fit, or beyond the limits of the format; for a sound where the
            format has none, or this build no encoder for it.
        EncoderError: a ValueError, if the encoder refuses them all the same.
        BrokenVideo: a ValueError, if the file does not hold what was written to it.
        OSError: if the file cannot be written, e.g. when the disk is full.
    """
    rate = frame_rate(fps)
    if not 0 <= crf <= MAX_CRF:
        raise ValueError(f"crf must be in [0, {MAX_CRF}], got {crf!r}")
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
    if form not in FORMATS:
        raise ValueError(f"form must be one of {', '.join(FORMATS)}, got {form!r}")
    chosen = FORMATS[form]
    writer = _Writer(chosen, chosen.layout(bits), rate, (crf, preset), metadata or {}, check, sound)
    path = Path(path)
    count = 0
    with whole_file(path, replace=True) as part:
        with closing(writer.write(part, frames)) as written:
            for count, frame in enumerate(written, 1):
                if on_frame is not None:
                    on_frame(count, frame)
        seconds = count / rate
        if form == "gif":
            gif.set_total(part, round(seconds * 100))
        elif form == "webp":
            webp.set_total(part, max(1, round(seconds * 1000)))
        check_video(part, VideoFacts(*writer.size, count, seconds, seconds if sound else Fraction(0)), check)
    logger.debug("wrote %d frames at %s fps to %s", count, rate, path)
    return count


def frame_rate(fps: float | Fraction) -> Fraction:
    """The exact rate of a video: 29.97 and its kin mean 30000/1001, other floats are taken to a thousandth.

    Raises:
        ValueError: if fps is not a number from 0.001 to 1000.
    """
    if not 0.001 <= fps <= 1000:
        raise ValueError(f"fps must be a number from 0.001 to 1000, got {fps!r}")
    if isinstance(fps, (int, Fraction)) and max(Fraction(fps).as_integer_ratio()) <= LARGEST_PART:
        return Fraction(fps)
    fps = float(fps)
    rate = Fraction(round(fps * 1000), 1000)
    broadcast = Fraction(math.ceil(fps) * 1000, 1001)
    return broadcast if rate.denominator > 1 and abs(broadcast - rate) < Fraction(1, 200) else rate


class _Writer:
    """One video file in the making; ``size`` is (height, width) of its frames."""

    def __init__(
        self,
        form: VideoFormat,
        layout: PixelFormat,
        rate: Fraction,
        quality: tuple[float, str],
        metadata: dict[str, str],
        check: Callable[[], None],
        sound: Sound | None,
    ):
        self._form, self._layout, self._rate = form, layout, rate
        self._quality, self._metadata = quality, metadata
        self._check = check
        self._sound, self._sound_encoder = sound, form.sound_encoder() if sound else ""
        self.size = (0, 0)

    def write(self, path: Path, frames: Iterable[F]) -> Generator[F, None, None]:
        """Gives back every frame that the encoder has taken; the file is complete when there are no more."""
        count, encode = 0, None
        keys = KeyframeTimer() if self._form.name in ("h264", "h265") else None
        container = av.open(str(path), "w", format=self._form.container, options=self._form.container_options)
        self._aside = Aside(self._check)  # not before: its thread ends only when it is left
        try:
            container.metadata.update(self._metadata)
            for frame in frames:
                if encode is None:
                    self.size = _size(frame)
                    self._form.check_limits(*self.size, self._rate)
                    encode = self._call(self._encoder, container)
                elif _size(frame) != self.size:
                    raise ValueError(f"all frames must have the size {self.size} of the first, got {_size(frame)}")
                picture = make_picture(frame, self._layout)
                picture.pts, picture.time_base = count, 1 / self._rate
                if keys and keys.due(frame):
                    picture.pict_type = PictureType.I
                self._call(encode, picture)
                count += 1
                yield frame
            if encode is None:
                raise ValueError("a video needs at least one frame, got none")
            self._call(encode, None)
            self._call(container.close)
        finally:
            self._aside.leave(container.close)

    def _call(self, function: Callable[..., R], *arguments: object) -> R:
        """In the encoder's thread. Its errors name FFmpeg's functions; those about the disk are left as they are."""
        try:
            return self._aside(function, *arguments)
        except av.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            height, width = self.size
            raise EncoderError(
                f"{self._form.encoder()}, the encoder of {self._form.name}, does not take frames of {width}×{height} "
                f"at {float(self._rate):g} fps ({error.strerror}). Choose another format, or a smaller width and height"
            ) from error

    def _encoder(self, container: av.container.OutputContainer) -> Callable[[av.VideoFrame | None], None]:
        """What takes the next frame, or None after the last one."""
        stream = self._add_stream(container)
        palette = PaletteFilter(*self.size, self._rate) if self._form.name == "gif" else None
        track = None
        if self._sound:
            track = SoundTrack(container, self._sound_encoder, self._sound, self._aside.given_up.is_set)

        def encode(picture: av.VideoFrame | None) -> None:
            if track and picture:
                track.write(((picture.pts or 0) + 1) / self._rate)
            # one packet at a time: after the last frame come all those that were kept back, and each may take long
            for packet in stream.encode_lazy(palette(picture) if palette and picture else picture):
                container.mux(_ordered(packet))
                if self._aside.given_up.is_set():
                    return
            if track and not picture:
                track.end()

        return encode

    def _add_stream(self, container: av.container.OutputContainer) -> av.VideoStream:
        height, width = self.size
        encoder = self._form.encoder()
        options = self._form.options(encoder, *self._quality, height * width)
        stream = container.add_stream(encoder, rate=self._rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = height, width
        context = stream.codec_context
        if self._form.tag:
            context.codec_tag = self._form.tag
        if self._form.name == "gif":
            stream.pix_fmt = "pal8"
        else:
            stream.pix_fmt = self._layout.name
        if not self._layout.rgb:
            context.color_primaries = context.color_trc = context.colorspace = BT709
            context.color_range = LIMITED_RANGE
        return stream


class KeyframeTimer:
    """Says which frames become keyframes: those in the midst of a movement, where they do not show."""

    def __init__(self) -> None:
        self._before: object = None
        self._since = self._moving = 0

    def due(self, frame: object) -> bool:
        """Of the next frame. It rests if it is the very frame before it, as a ``PlaneRenderer`` gives it."""
        self._moving = 0 if frame is self._before else self._moving + 1
        self._before = frame
        self._since += 1
        if self._since <= KEYFRAME_EVERY or self._moving < MOVING:
            return False
        self._since = 1
        return True


def _ordered(packet: av.Packet[av.VideoStream]) -> av.Packet[av.VideoStream]:
    """x265 leaves the decoding time of clips of one or two frames undefined; these are decoded as they are shown."""
    if packet.pts is not None and packet.dts is not None and not 0 <= packet.pts - packet.dts < 1 << 30:
        packet.dts = packet.pts
    return packet


def _size(frame: Tensor | Planes) -> tuple[int, int]:
    if isinstance(frame, Planes):
        return frame.luma.shape[0], frame.luma.shape[1]
    channels, height, width = frame.shape if frame.ndim == 3 else (0, 0, 0)
    if channels != 3 or height < 2 or width < 2 or height % 2 or width % 2:
        raise ValueError(f"a frame must be [3, height, width] with an even height and width, got {list(frame.shape)}")
    return height, width


def make_picture(frame: Tensor | Planes, layout: PixelFormat) -> av.VideoFrame:
    """A frame as PyAV takes it. Planes must be of this layout."""
    if layout.rgb:
        if isinstance(frame, Planes):
            raise ValueError(f"{layout.name} takes images [3, height, width], got planes of Y'CbCr")
        pixels = (frame.movedim(0, -1) * 255).round().byte().cpu().numpy()
        picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        return picture if layout.name == "rgb24" else picture.reformat(format=layout.name)
    planes = frame if isinstance(frame, Planes) else to_planes(frame, layout)
    height, width = planes.luma.shape
    picture = av.VideoFrame(width, height, layout.name)
    for plane, codes in zip(picture.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8 if layout.bits == 8 else np.int16).reshape(plane.height, -1)
        torch.from_numpy(rows[:, : plane.width]).copy_(codes)
    picture.colorspace, picture.color_range = BT709, LIMITED_RANGE
    return picture
