"""A finished video under another name, with texts in it and its pictures as they are."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import av
from PIL import Image

from .whole_file import whole_file

_EXIF_MAKE, _EXIF_MODEL = 0x010F, 0x0110


def copy_video(source: Path, target: Path, metadata: dict[str, str]) -> None:
    """Copies a video without encoding it again, and adds texts that its format can keep.

    MP4, MOV and WebM keep any text by its name. In WebP they are written as ComfyUI does, so that it can read them
    back: into EXIF, "prompt" as the camera's model, all others as its make, counted downwards. GIF has a comment.

    Args:
        source: of any format that ``encode_video`` writes, told by its extension.
        target: must not exist; it appears when it is complete.
        metadata: texts by name.

    Raises:
        FileExistsError: if the target exists.
        OSError: if it cannot be written, e.g. when the disk is full.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists")
    copy = {".webp": _copy_webp, ".gif": _copy_gif}.get(source.suffix.lower(), _copy_streams)
    with whole_file(target) as part:
        copy(source, part, metadata)


def _copy_streams(source: Path, target: Path, metadata: dict[str, str]) -> None:
    with av.open(str(source)) as old:
        name = {".webm": "webm", ".mov": "mov"}.get(source.suffix.lower(), "mp4")
        options = {} if name == "webm" else {"movflags": "use_metadata_tags+faststart"}
        with av.open(str(target), "w", format=name, options=options) as new:
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
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    new.mux(packet)


def _copy_webp(source: Path, target: Path, metadata: dict[str, str]) -> None:
    """WebP is RIFF: a chunk more at the end, and a flag that tells of it."""
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
    chunk = exif.tobytes().removeprefix(b"Exif\0\0")
    data = bytearray(source.read_bytes())
    data[20] |= 8  # the flags of VP8X, which is the first chunk of an animation
    data += b"EXIF" + struct.pack("<I", len(chunk)) + chunk + b"\0" * (len(chunk) % 2)
    data[4:8] = struct.pack("<I", len(data) - 8)
    target.write_bytes(data)


def _copy_gif(source: Path, target: Path, metadata: dict[str, str]) -> None:
    """A comment is cut into blocks of up to 255 bytes, and stands before the byte that ends the file."""
    data = source.read_bytes()
    text = "\n".join(f"{name}:{text}" for name, text in metadata.items()).encode()
    blocks = (text[k : k + 255] for k in range(0, len(text), 255))
    comment = b"!\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0" if text else b""
    target.write_bytes(data[:-1] + comment + data[-1:])
