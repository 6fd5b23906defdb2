"""GIF files as they lie on the disk: blocks, and how long each frame is shown."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_EXTENSION, _IMAGE, _END = 0x21, 0x2C, 0x3B
# Extensions: the delay of the next frame; what an application says of the whole, such as to repeat it.
_CONTROL, _APPLICATION = 0xF9, 0xFF


class Frames(NamedTuple):
    """Size of the picture, and of every frame its hundredths of a second and where they stand in the file."""

    height: int
    width: int
    delays: list[int]
    places: list[int]


def read_frames(path: Path) -> Frames:
    """What a file holds; the pictures are not decoded.

    Raises:
        ValueError: if it is not GIF, or its end is missing.
    """
    with _content(path) as data:
        if data[:4] != b"GIF8":
            raise ValueError("it is not GIF")
        width, height = (int.from_bytes(data[k : k + 2], "little") for k in (6, 8))
        delays, places, delay, place = [], [], 0, 0
        for kind, start in _blocks(data):
            if kind == _CONTROL:
                delay, place = int.from_bytes(data[start + 4 : start + 6], "little"), start + 4
            elif kind == _IMAGE:
                delays.append(delay)
                places.append(place)
                delay = place = 0
    return Frames(height, width, delays, places)


def set_total(path: Path, hundredths: int) -> None:
    """Sets the delay of the last frame so that all of them take this time; the writer does not know how long the last
    one is to be seen."""
    frames = read_frames(path)
    last = hundredths - sum(frames.delays[:-1])
    if frames.places and frames.places[-1] and 0 < last < 1 << 16:
        with path.open("r+b") as file:
            file.seek(frames.places[-1])
            file.write(last.to_bytes(2, "little"))


def copy_with_comment(source: Path, target: Path, comment: bytes) -> None:
    """Copies a file with a comment before its first frame; after the last one readers count it as a frame."""
    pieces = (comment[k : k + 255] for k in range(0, len(comment), 255))
    block = b"!\xfe" + b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\0" if comment else b""
    with _content(source) as data, target.open("wb") as file:
        at = next(start for kind, start in _blocks(data) if kind != _APPLICATION)
        file.write(data[:at])
        file.write(block)
        file.write(memoryview(data)[at:])


@contextmanager
def _content(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file:
        if path.stat().st_size < 14:
            raise ValueError("it is too short")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def _blocks(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    """(kind, start) of every block up to the one that ends the file; an extension's kind is its label."""
    at = 13 + _table(data[10])
    try:
        while data[at] != _END:
            if data[at] == _EXTENSION:
                yield data[at + 1], at
                at = _after(data, at + 2)
            elif data[at] == _IMAGE:
                yield _IMAGE, at
                at = _after(data, at + 11 + _table(data[at + 9]))
            else:
                raise ValueError("a part of it is missing")
    except IndexError as error:
        raise ValueError("its end is missing") from error


def _after(data: mmap.mmap, at: int) -> int:
    """Where the pieces of up to 255 bytes that begin here end."""
    while size := data[at]:
        at += 1 + size
    return at + 1


def _table(flags: int) -> int:
    """Bytes of a table of colors."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
