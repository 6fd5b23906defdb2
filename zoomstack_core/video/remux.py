"""A finished video under another name, with texts in it and its pictures as they are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import av
from PIL import Image

from ..whole_file import whole_file
from .facts import BrokenVideo, VideoFacts, check_video, read_facts
from .formats import MP4_OPTIONS
from .gif import copy_with_comment
from .webp import with_exif

_EXIF_MAKE, _EXIF_MODEL = 0x010F, 0x0110


def copy_video(source: Path, target: Path, metadata: dict[str, str], check: Callable[[], None] = lambda: None) -> None:
    """Copies a video without encoding it again, and adds texts that its format can keep.

    MP4, MOV and WebM keep any text by its name. In WebP they are written as ComfyUI does, so that it can read them
    back: into EXIF, "prompt" as the camera's model, all others as its make, counted downwards. GIF has a comment.

    Args:
        source: of any format that ``encode_video`` writes, told by its extension.
        target: must not exist; it appears when it is complete.
        metadata: texts by name.
        check: called now and then; what it raises ends the copying.

    Raises:
        FileExistsError: if the target exists.
        BrokenVideo: a ValueError, if the source is no whole video, or the copy does not hold what it holds.
        OSError: if it cannot be written, e.g. when the disk is full.
    """
    with whole_file(target) as part:
        write_copy(source, part, metadata, check)


def write_copy(
    source: Path,
    target: Path,
    metadata: dict[str, str],
    check: Callable[[], None] = lambda: None,
    facts: VideoFacts | None = None,
) -> None:
    """``copy_video`` into a file that may exist, and grows under its own name; ``facts`` of the source if known."""
    facts = facts or read_facts(source, check)
    copy = {".webp": _copy_webp, ".gif": _copy_gif}.get(source.suffix.lower(), _copy_streams)
    copy(source, target, metadata, check)
    check_video(target, facts, check, copied=True)


def _copy_streams(source: Path, target: Path, metadata: dict[str, str], check: Callable[[], None]) -> None:
    name = {".webm": "webm", ".mov": "mov"}.get(source.suffix.lower(), "mp4")
    options = {} if name == "webm" else MP4_OPTIONS
    try:
        with av.open(str(source)) as old, av.open(str(target), "w", format=name, options=options) as new:
            new.metadata.update(metadata)
            # opaque: there is a decoder of the codec at least, but not always an encoder of the same name
            streams = {stream.index: new.add_stream_from_template(stream, opaque=True) for stream in old.streams}
            for stream in old.streams.video:
                context = streams[stream.index].codec_context
                if stream.average_rate:
                    context.framerate = stream.average_rate  # WebM rounds times to milliseconds
                if name in old.format.name.split(","):
                    context.codec_tag = stream.codec_context.codec_tag  # Apple's players want H.265 as "hvc1"
            for packet in old.demux():
                check()
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    new.mux(packet)
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise BrokenVideo(f"{source.name} cannot be copied into {name.upper()}: {error.strerror}") from error


def _copy_webp(source: Path, target: Path, metadata: dict[str, str], check: Callable[[], None]) -> None:
    if not metadata:
        shutil.copyfile(source, target)
        return
    exif, make = Image.Exif(), _EXIF_MAKE
    for name, text in metadata.items():
        if name == "prompt":
            exif[_EXIF_MODEL] = f"{name}:{text}"
        else:
            exif[make] = f"{name}:{text}"
            make -= 1
    target.write_bytes(with_exif(source, exif.tobytes().removeprefix(b"Exif\0\0")))


def _copy_gif(source: Path, target: Path, metadata: dict[str, str], check: Callable[[], None]) -> None:
    copy_with_comment(source, target, "\n".join(f"{name}:{text}" for name, text in metadata.items()).encode())
