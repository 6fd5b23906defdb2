"""What a video file holds, read from the file itself: whether it opens, and its first and last frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import av
from av.container import InputContainer

from .gif import read_frames
from .webp import read_animation

P = TypeVar("P", bound=Any)

# Codecs of which every frame stands for itself, or which decode a frame from any state: of these the last packet alone
# is decoded.
_WITHOUT_KEYFRAMES = ("gif", "prores")
# Seconds that the last packet of a sound may go on, at 8000 samples per second and more.
_PACKET = Fraction(1, 7)


class BrokenVideo(ValueError):
    """A file that is no video, or not a whole one."""


class VideoFacts(NamedTuple):
    """Pixels and frames of a video, how long it is, and when its sound ends; 0 is without sound.

    WebP joins frames that are the same; ``frames`` are then fewer than were written.
    """

    height: int
    width: int
    frames: int
    seconds: Fraction
    sound: Fraction = Fraction(0)


def read_facts(path: Path, check: Callable[[], None] = lambda: None, strict: bool = False) -> VideoFacts:
    """Opens a video, counts its frames from its container, and decodes the first and the last one.

    Args:
        path: of the file; its format is told by its content.
        check: called now and then; what it raises ends the reading.
        strict: let nothing pass that a decoder can make up for, such as frames of other programs that refer to some
            which are not there.

    Raises:
        BrokenVideo: if the file is empty, cut off, damaged at an end, or holds no video.
        OSError: if it cannot be read.
    """
    size = path.stat().st_size
    if not size:
        raise BrokenVideo(f"{path.name} is empty")
    with path.open("rb") as file:
        magic = file.read(12)
    try:
        if magic[:4] == b"RIFF" and magic[8:] == b"WEBP":
            height, width, times = read_animation(path)
            return VideoFacts(height, width, len(times), Fraction(sum(times), 1000))
        _check_length(path, magic)
        facts = _read_container(path, check, strict)
        if magic[:4] == b"GIF8":
            height, width, delays, _ = read_frames(path)
            if len(delays) != facts.frames:
                raise ValueError("its frames cannot be counted")
            return VideoFacts(height, width, len(delays), Fraction(sum(delays), 100))
        return facts
    except ValueError as error:  # FFmpeg's errors about data are some of these
        reason = error.strerror if isinstance(error, av.FFmpegError) else error
        raise BrokenVideo(f"{path.name} cannot be read as a video: {reason}") from error
    except EOFError as error:
        raise BrokenVideo(f"{path.name} cannot be read as a video: its end is missing") from error


def check_video(
    path: Path, expected: VideoFacts, check: Callable[[], None] = lambda: None, copied: bool = False
) -> VideoFacts:
    """``read_facts`` of a file that was just written, or copied from one that may have frames of any length.

    Raises:
        BrokenVideo: if it is not what was written into it.
    """
    facts = read_facts(path, check, strict=not copied)
    few = facts.frames < expected.frames and path.suffix.lower() != ".webp"
    # containers round times, and say in different ways how long the last frame is seen
    frame = Fraction(1) if copied else expected.seconds / expected.frames
    if (
        (facts.height, facts.width) != (expected.height, expected.width)
        or few
        or facts.frames > expected.frames
        or abs(facts.seconds - expected.seconds) > frame + (_PACKET if expected.sound else Fraction(1, 100))
        or bool(facts.sound) != bool(expected.sound)
        or abs(facts.sound - expected.sound) > (frame if copied else _PACKET)
    ):
        raise BrokenVideo(f"{path.name} holds {_words(facts)}; {_words(expected)} were written to it")
    return facts


def _words(facts: VideoFacts) -> str:
    sound = f" with {float(facts.sound):.3g} s of sound" if facts.sound else ""
    return f"{facts.frames} frames of {facts.width}×{facts.height} in {float(facts.seconds):.3g} s{sound}"


def _read_container(path: Path, check: Callable[[], None], strict: bool) -> VideoFacts:
    with av.open(str(path)) as container:
        if not container.streams.video:
            raise ValueError("there are no pictures in it")
        stream = container.streams.video[0]
        count = stream.frames or _count_packets(container, stream, check)
        if not count:
            raise ValueError("there are no pictures in it")
        rate = stream.average_rate or Fraction(1)
        seconds = Fraction(container.duration, av.time_base) if container.duration else count / rate
        if stream.duration and stream.time_base:
            seconds = stream.duration * stream.time_base
    for decode in (_decode_first, _decode_last):
        # opened anew: a decoder takes its options when it begins
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if stream.codec_context is not None:  # or this build has no decoder of it
                stream.codec_context.options = {"err_detect": "explode"} if strict else {}
                decode(container, stream, check)
            height, width = stream.height, stream.width
    return VideoFacts(height, width, count, seconds, _sound_end(path, check))


def _sound_end(path: Path, check: Callable[[], None]) -> Fraction:
    """When the last packet of the sound ends: looked for in the last seconds, and then in the whole file."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return Fraction(0)
        stream = container.streams.audio[0]
        for start in (max(0, (container.duration or 0) - 2 * av.time_base), 0):
            container.seek(start)
            end = Fraction(0)
            for packet in container.demux(stream):
                check()
                if packet.size and packet.pts is not None and packet.time_base:
                    end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            if end:
                return end
    return Fraction(0)


def _count_packets(container: InputContainer, stream: av.VideoStream, check: Callable[[], None]) -> int:
    count = 0
    for packet in container.demux(stream):
        count += packet.size > 0
        check()
    return count


def _decode_first(container: InputContainer, stream: av.VideoStream, check: Callable[[], None]) -> None:
    begin = None
    for packet in container.demux(stream):
        begin = packet.pts if begin is None and not packet.is_discard else begin
        check()
        for frame in stream.decode(packet):
            # of data that they do not know at all some decoders only skip what belongs to it
            if frame.is_corrupt or (begin is not None and frame.pts is not None and frame.pts > begin):
                break
            return
    raise ValueError("its first frame cannot be decoded")


def _decode_last(container: InputContainer, stream: av.VideoStream, check: Callable[[], None]) -> None:
    if container.duration and stream.codec_context.name not in _WITHOUT_KEYFRAMES:
        container.seek(container.duration, backward=True)
    packets: Iterable[av.Packet[av.VideoStream] | None] = container.demux(stream)
    if stream.codec_context.name in _WITHOUT_KEYFRAMES:
        packets = _first_and_last(packets, check)
    written = shown = -math.inf
    sound = False
    for packet in packets:
        check()
        if packet and packet.is_corrupt:
            raise ValueError("a part of it is missing")
        if packet and packet.size and packet.pts is not None and not packet.is_discard:
            written = max(written, packet.pts)
        for frame in stream.decode(packet):
            if frame.pts is None or frame.pts > shown:
                shown, sound = frame.pts or 0, not frame.is_corrupt
    if not sound or shown < written:
        raise ValueError("its last frame cannot be decoded")


def _first_and_last(packets: Iterable[P], check: Callable[[], None]) -> list[P | None]:
    """Two packets, and the end. Decoders begin with a first frame."""
    first = last = None
    for packet in packets:
        check()
        if packet.size:
            first, last = first or packet, packet
    return [first, last, None] if first is not last else [first, None]


def _check_length(path: Path, magic: bytes) -> None:
    """Raises ValueError if a Matroska or WebM file is shorter than it says; its readers take what is there."""
    if magic[:4] != b"\x1a\x45\xdf\xa3":
        return
    with path.open("rb") as file:
        head = file.read(4096)
    at, size = _number(head, 4)
    at, kind = at + size, head[at + size : at + size + 4]
    if kind != b"\x18\x53\x80\x67":
        return
    start, length = _number(head, at + 4)
    unknown = (1 << 7 * (start - at - 4)) - 1
    if length != unknown and start + length > path.stat().st_size:
        raise ValueError("its end is missing")


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of Matroska, whose first byte says how many it has: (where it ends, the number)."""
    length = 9 - data[at].bit_length()
    return at + length, int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
