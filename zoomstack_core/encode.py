"""Frames → video file, one frame at a time: memory does not grow with the length of the clip."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import av
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

logger = logging.getLogger("zoomstack")

# the number of BT.709 as primaries, transfer and matrix, and of the limited ("TV") range, in ITU-T H.273 and in FFmpeg
BT709 = 1
LIMITED_RANGE = 1
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
MAX_CRF = 51


def encode_video(
    path: str | Path,
    frames: Iterable[Tensor],
    fps: float | Fraction,
    crf: float = 17.0,
    preset: str = "veryfast",
    on_frame: Callable[[int, Tensor], None] | None = None,
) -> int:
    """Writes an H.264 MP4 (yuv420p, BT.709, playable while it loads) and returns the number of its frames.

    The file appears under its name when it is complete; until then it grows beside it under a temporary name, which is
    removed if anything goes wrong.

    Args:
        path: of the file; one that exists is replaced.
        frames: each [3, height, width], colors in [0, 1] as on screen (sRGB), all of one size; both even, since the
            colors of yuv420p have half the resolution.
        fps: frames per second; see ``frame_rate``.
        crf: x264's constant rate factor, 0 (lossless) to 51; 17 is visually lossless.
        preset: x264's trade of speed for size.
        on_frame: called with (frames done, frame) after every frame; what it raises ends the encoding.

    Raises:
        ValueError: for frames or options that do not fit.
        OSError: if the file cannot be written, e.g. when the disk is full.
    """
    rate = frame_rate(fps)
    if not 0 <= crf <= MAX_CRF:
        raise ValueError(f"crf must be in [0, {MAX_CRF}], got {crf!r}")
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
    path = Path(path)
    temporary = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        count = _encode(temporary, frames, rate, {"crf": f"{crf:g}", "preset": preset}, on_frame)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    logger.debug("wrote %d frames at %s fps to %s", count, rate, path)
    return count


def frame_rate(fps: float | Fraction) -> Fraction:
    """The exact rate of a video: 29.97 and its kin mean 30000/1001, other floats are taken to a thousandth.

    Raises:
        ValueError: if fps is not a number from 0.001 to 1000.
    """
    if not 0.001 <= fps <= 1000:
        raise ValueError(f"fps must be a number from 0.001 to 1000, got {fps!r}")
    if isinstance(fps, (int, Fraction)):
        return Fraction(fps)
    rate = Fraction(round(fps * 1000), 1000)
    broadcast = Fraction(math.ceil(fps) * 1000, 1001)
    return broadcast if rate.denominator > 1 and abs(broadcast - rate) < Fraction(1, 200) else rate


def _encode(
    path: Path,
    frames: Iterable[Tensor],
    rate: Fraction,
    options: dict[str, str],
    on_frame: Callable[[int, Tensor], None] | None,
) -> int:
    count, size = 0, None
    # faststart moves the index to the front; the tags let the host's nodes keep the workflow in the file
    with av.open(str(path), "w", format="mp4", options={"movflags": "use_metadata_tags+faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        for frame in frames:
            if size is None:
                size = _check_first(frame)
                _, stream.height, stream.width = size
                stream.pix_fmt = "yuv420p"
                context = stream.codec_context
                context.color_primaries = context.color_trc = context.colorspace = BT709
                context.color_range = LIMITED_RANGE
            elif tuple(frame.shape) != size:
                raise ValueError(f"all frames must have the shape {list(size)} of the first, got {list(frame.shape)}")
            picture = av.VideoFrame.from_ndarray(to_yuv420(frame).numpy(), format="yuv420p")
            picture.colorspace, picture.color_range = BT709, LIMITED_RANGE
            container.mux(stream.encode(picture))
            count += 1
            if on_frame is not None:
                on_frame(count, frame)
        if not count:
            raise ValueError("a video needs at least one frame, got none")
        container.mux(stream.encode(None))
    return count


def _check_first(frame: Tensor) -> tuple[int, ...]:
    channels, height, width = frame.shape if frame.ndim == 3 else (0, 0, 0)
    if channels != 3 or height < 2 or width < 2 or height % 2 or width % 2:
        raise ValueError(f"a frame must be [3, height, width] with an even height and width, got {list(frame.shape)}")
    return tuple(frame.shape)


def to_yuv420(frame: Tensor) -> Tensor:
    """RGB to 8-bit 4:2:0 in BT.709, limited range, with chroma sited left, as H.264 players take it to be.

    Args:
        frame: [3, H, W] in [0, 1], H and W even.

    Returns:
        [H · 3/2, W] uint8 on the CPU: the Y plane, then U and V, as FFmpeg lays out yuv420p.

    Source: ITU-R BT.709-6, sections 3 and 4.
    """
    height, width = frame.shape[1:]
    matrix = frame.new_tensor(_RGB_TO_YUV, dtype=torch.float32)
    rgb = frame.to(torch.float32)
    luma = (matrix[:1] @ rgb.reshape(3, -1)).add_(16)
    # left-sited: centered on the even columns and between two rows
    site = torch.tensor([[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]], device=frame.device) / 8
    kernel = matrix[1:, :, None, None] * site
    chroma = conv2d(pad(rgb[None], (1, 0, 0, 0), mode="replicate"), kernel, stride=2).add_(128)
    planes = torch.cat([luma.reshape(-1), chroma.reshape(-1)])
    # colors in [0, 1] come to lie in [16, 240]; adding a half and cutting the fraction off rounds
    return planes.add_(0.5).clamp_(0, 255).to(torch.uint8).reshape(height * 3 // 2, width).cpu()


def _rgb_to_yuv(red: float, blue: float) -> list[list[float]]:
    """Rows Y, Cb, Cr, in 8-bit steps of the limited range, from the luma weights of red and blue."""
    luma = [red, 1 - red - blue, blue]
    cb = [(float(c == 2) - luma[c]) / (2 * (1 - blue)) for c in range(3)]
    cr = [(float(c == 0) - luma[c]) / (2 * (1 - red)) for c in range(3)]
    return [[219 * v for v in luma], [224 * v for v in cb], [224 * v for v in cr]]


_RGB_TO_YUV = _rgb_to_yuv(red=0.2126, blue=0.0722)
