"""RGB to Y'CbCr: the standard's numbers, and where chroma lies."""

import pytest
import torch

from zoomstack_core.video.color import YUV420, YUV420_10, YUV422_10, PixelFormat, to_planes

# BT.709 in limited range, from the tables of the standard's test signals: RGB -> Y, Cb, Cr
COLOR_BARS = {
    (1.0, 1.0, 1.0): (235, 128, 128),
    (0.0, 0.0, 0.0): (16, 128, 128),
    (1.0, 0.0, 0.0): (63, 102, 240),
    (0.0, 1.0, 0.0): (173, 42, 26),
    (0.0, 0.0, 1.0): (32, 240, 118),
    (1.0, 1.0, 0.0): (219, 16, 138),
}


@pytest.mark.parametrize("layout", [YUV420, YUV420_10, YUV422_10], ids=lambda layout: layout.name)
@pytest.mark.parametrize("rgb", COLOR_BARS, ids=str)
def test_colors_follow_the_standard(rgb: tuple[float, float, float], layout: PixelFormat, dtype: torch.dtype) -> None:
    planes = to_planes(torch.tensor(rgb, dtype=dtype)[:, None, None].expand(3, 4, 6), layout)
    assert planes.cb.shape == planes.cr.shape == (4 // layout.step_y, 3)
    unit = 2 ** (layout.bits - 8)
    for plane, value in zip(planes, COLOR_BARS[rgb], strict=True):
        # the standard's table is rounded to 8 bits
        assert (plane - value * unit).abs().max() <= (unit / 2 if unit > 1 else 0)
        assert len(plane.unique()) == 1


@pytest.mark.parametrize("layout", [YUV420, YUV422_10], ids=lambda layout: layout.name)
def test_chroma_is_sited_left(layout: PixelFormat) -> None:
    """A ramp of blue is sampled at the even columns and in the middle of its rows, not between columns."""
    ramp = torch.zeros(3, 8, 64)
    ramp[2] = torch.arange(64) / 63 / 2 + torch.arange(8)[:, None] / 63 / 2
    blue = to_planes(ramp, layout).cb.double() / 2 ** (layout.bits - 8)
    rows = layout.step_y * torch.arange(8 // layout.step_y)[:, None] + (layout.step_y - 1) / 2
    expected = 128 + 112 * (torch.arange(0, 64, 2) + rows) / 126
    assert (blue - expected)[:, 1:].abs().max() <= 0.5 + 1e-3
    assert (blue - expected)[:, 1:].mean().abs() < 0.1
