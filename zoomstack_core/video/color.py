"""RGB → Y'CbCr of BT.709, and the pixel formats that video encoders take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

# the number of BT.709 as primaries, transfer and matrix, and of the limited ("TV") range, in ITU-T H.273 and in FFmpeg
BT709 = 1
LIMITED_RANGE = 1
# of the limited range, in 8-bit steps: the lowest code of all planes, and the highest of luma and of chroma
LOWEST, HIGHEST_LUMA, HIGHEST_CHROMA = 16, 235, 240


@dataclass(frozen=True)
class PixelFormat:
    """How a picture lies in memory.

    Args:
        name: FFmpeg's.
        bits: of every sample, 8 or 10.
        step_y, step_x: pixels per sample of chroma, down and across.
        rgb: an order of RGB instead of planes of Y'CbCr.
    """

    name: str
    bits: int = 8
    step_y: int = 1
    step_x: int = 1
    rgb: bool = False

    @property
    def dtype(self) -> torch.dtype:
        """Of the codes in ``Planes``."""
        return torch.uint8 if self.bits == 8 else torch.int16


YUV420 = PixelFormat("yuv420p", 8, 2, 2)
YUV420_10 = PixelFormat("yuv420p10le", 10, 2, 2)
YUV422_10 = PixelFormat("yuv422p10le", 10, 1, 2)
RGB = PixelFormat("rgb24", rgb=True)
BGRA = PixelFormat("bgra", rgb=True)


class Planes(NamedTuple):
    """A picture in Y'CbCr: codes of the limited range, each [height, width] of its plane, on the CPU; uint8 for 8 bits,
    int16 for 10."""

    luma: Tensor
    cb: Tensor
    cr: Tensor


def to_codes(rgb: Tensor, layout: PixelFormat) -> tuple[Tensor, Tensor]:
    """Colors as real codes plus a half, so that cutting the fraction off rounds them.

    Args:
        rgb: [3, H, W] float32 in [0, 1].
        layout: a format of Y'CbCr.

    Returns:
        Luma [1, H, W], and chroma [2, h, w] at its own resolution, rounded up; it is sited left, as players of all
        formats here take it to be: on the first column of its pixels and in the middle of its rows.

    Source: ITU-R BT.709-6, sections 3 and 4.
    """
    unit = 2.0 ** (layout.bits - 8)
    matrix, offset = rgb.new_tensor(_RGB_TO_YUV) * unit, rgb.new_tensor([LOWEST, 128, 128]) * unit + 0.5
    codes = torch.addmm(offset[:, None], matrix, rgb.reshape(3, -1)).reshape(rgb.shape)
    chroma = codes[1:]
    if layout.step_x == 2:
        height, width = chroma.shape[1:]
        padded = pad(chroma, (1, width % 2, 0, height % layout.step_y), mode="replicate")
        rows = padded if layout.step_y == 1 else (padded[:, ::2] + padded[:, 1::2]) / 2
        chroma = (rows[..., :-2:2] + 2 * rows[..., 1:-1:2] + rows[..., 2::2]) / 4
    return codes[:1], chroma


def to_planes(frame: Tensor, layout: PixelFormat) -> Planes:
    """A frame's Y'CbCr.

    Args:
        frame: [3, H, W] in [0, 1], H and W multiples of the steps of chroma.
        layout: a format of Y'CbCr.
    """
    luma, chroma = to_codes(frame.to(torch.float32), layout)
    return Planes(*(plane.to(layout.dtype).cpu() for plane in (*luma, *chroma)))


def _rgb_to_yuv(red: float, blue: float) -> list[list[float]]:
    """Rows Y, Cb, Cr, in 8-bit steps of the limited range, from the luma weights of red and blue."""
    luma = [red, 1 - red - blue, blue]
    cb = [(float(c == 2) - luma[c]) / (2 * (1 - blue)) for c in range(3)]
    cr = [(float(c == 0) - luma[c]) / (2 * (1 - red)) for c in range(3)]
    return [[219 * v for v in luma], [224 * v for v in cb], [224 * v for v in cr]]


_RGB_TO_YUV = _rgb_to_yuv(red=0.2126, blue=0.0722)
