"""WebP files as they lie on the disk: RIFF, whose chunks FFmpeg writes but does not read."""

from __future__ import annotations

import io
import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image

# Flags of the chunk VP8X.
ANIMATED, EXIF, ALPHA = 0x02, 0x08, 0x10
# Of one frame: 24 bits.
LONGEST_MS = (1 << 24) - 1


class Chunk(NamedTuple):
    """A part of a file: its name, and where its content begins and ends."""

    name: bytes
    start: int
    stop: int


class Animation(NamedTuple):
    """What a file shows. A still picture is one frame of 0 milliseconds."""

    height: int
    width: int
    milliseconds: list[int]


def read_animation(path: Path) -> Animation:
    """Size and times; the first and the last frame are decoded.

    Raises:
        ValueError: if the file is not WebP, or broken.
    """
    with _content(path) as data:
        chunks = list(_chunks(data))
        frames = [chunk for chunk in chunks if chunk.name == b"ANMF"]
        if not frames:
            height, width = _decoded(bytes(data))
            return Animation(height, width, [0])
        canvas = next((chunk for chunk in chunks if chunk.name == b"VP8X"), None)
        if canvas is None:
            raise ValueError("it has frames but no size")
        for frame in (frames[0], frames[-1]):
            if _decoded(_still(data[frame.start + 16 : frame.stop])) != _size(data[frame.start + 6 : frame.start + 12]):
                raise ValueError("a frame is not of the size that the file says")
        times = [int.from_bytes(data[frame.start + 12 : frame.start + 15], "little") for frame in frames]
        return Animation(*_size(data[canvas.start + 4 : canvas.start + 10]), times)


def set_total(path: Path, milliseconds: int) -> None:
    """Sets the time of all frames by that of the last one, whose end the writer does not know. What libwebp writes when
    all frames are the same is a still picture, without any time; it becomes an animation."""
    with _content(path) as data:
        chunks = list(_chunks(data))
        frames = [chunk.start for chunk in chunks if chunk.name == b"ANMF"]
        times = [int.from_bytes(data[start + 12 : start + 15], "little") for start in frames]
        picture = b"".join(data[c.start - 8 : c.stop + (c.stop - c.start) % 2] for c in chunks if c.name in _PICTURE)
    if not frames:
        path.write_bytes(_animated(picture, milliseconds))
        return
    last = milliseconds - sum(times[:-1])
    if 0 < last <= LONGEST_MS:
        with path.open("r+b") as file:
            file.seek(frames[-1] + 12)
            file.write(last.to_bytes(3, "little"))


def with_exif(path: Path, exif: bytes) -> bytes:
    """The content of a file, still or animated, with this EXIF in place of any that it had.

    Raises:
        ValueError: if the file is not WebP, or broken.
    """
    with _content(path) as data:
        chunks = list(_chunks(data))
        parts = {c: bytes(data[c.start - 8 : c.stop + (c.stop - c.start) % 2]) for c in chunks if c.name != b"EXIF"}
        canvas = next((chunk for chunk in chunks if chunk.name == b"VP8X"), None)
        if canvas is None:  # the simple form, which holds one picture and nothing else
            body = b"".join(parts.values())
            height, width = _decoded(_file(body))
            side = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
            header = struct.pack("<I", EXIF | _alpha_of(body)) + side
        else:
            body = b"".join(part for chunk, part in parts.items() if chunk is not canvas)
            flags = int.from_bytes(data[canvas.start : canvas.start + 4], "little") | EXIF
            header = struct.pack("<I", flags) + data[canvas.start + 4 : canvas.stop]
    return _file(_chunk(b"VP8X", header) + body + _chunk(b"EXIF", exif))


_PICTURE = (b"ALPH", b"VP8 ", b"VP8L")


@contextmanager
def _content(path: Path) -> Iterator[mmap.mmap]:
    """A file as it lies on the disk; a long animation need not be in memory."""
    with path.open("rb") as file:
        if path.stat().st_size < 20:
            raise ValueError("it is too short")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def _chunks(data: mmap.mmap) -> Iterator[Chunk]:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise ValueError("it is not WebP")
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ValueError("its end is missing")
    start = 12
    while start < end:
        length = int.from_bytes(data[start + 4 : start + 8], "little")
        chunk = Chunk(bytes(data[start : start + 4]), start + 8, start + 8 + length)
        if chunk.stop > end:
            raise ValueError("a part of it is missing")
        yield chunk
        start = chunk.stop + length % 2


def _animated(picture: bytes, milliseconds: int) -> bytes:
    """A file that shows the chunks of one picture for so long."""
    height, width = _decoded(_still(picture))
    side = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    flags = ANIMATED | (ALPHA if picture.startswith(b"ALPH") else 0)
    times = [LONGEST_MS] * (milliseconds // LONGEST_MS) + [milliseconds % LONGEST_MS]
    frames = b"".join(
        _chunk(b"ANMF", bytes(6) + side + struct.pack("<I", time)[:3] + b"\x02" + picture) for time in times if time
    )
    return _file(_chunk(b"VP8X", struct.pack("<I", flags) + side) + _chunk(b"ANIM", bytes(6)) + frames)


def _still(picture: bytes) -> bytes:
    """The chunks of one frame as a file of its own."""
    if picture[:4] != b"ALPH":
        return _file(picture)
    # transparency needs the long form, which has to know the size: it is in the header of the picture beside it
    size = 8 + int.from_bytes(picture[4:8], "little")
    size += size % 2
    width, height = struct.unpack("<HH", picture[size + 8 + 6 : size + 8 + 10])
    side = struct.pack("<I", (width & 0x3FFF) - 1)[:3] + struct.pack("<I", (height & 0x3FFF) - 1)[:3]
    return _file(_chunk(b"VP8X", struct.pack("<I", ALPHA) + side) + picture)


def _decoded(file: bytes) -> tuple[int, int]:
    """(height, width) of a file with one picture, which is decoded."""
    try:
        with Image.open(io.BytesIO(file), formats=["WEBP"]) as picture:
            picture.load()
            return picture.height, picture.width
    except OSError as error:
        raise ValueError("a frame cannot be decoded") from error


def _alpha_of(body: bytes) -> int:
    """The flag of a simple picture: one without loss says in its header whether it is transparent."""
    return ALPHA if body[:4] == b"VP8L" and body[12] & 0x10 else 0


def _size(sides: bytes) -> tuple[int, int]:
    """(height, width) from six bytes."""
    return 1 + int.from_bytes(sides[3:6], "little"), 1 + int.from_bytes(sides[:3], "little")


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _file(body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
