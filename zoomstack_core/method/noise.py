"""Π_noise: one noisy scene seen at every zoom level (Generative Powers of Ten, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..geometry import ZoomGeometry
from ..tensors import check_float, compute_dtype
from .render import closing_levels
from .resample import NoiseLink, noise_link


def render_noise(noise: Tensor, geometry: ZoomGeometry) -> Tensor:
    """White noise of every level made to agree with the deeper levels' noise.

    Where a level shows another it holds that one's noise, by the orthonormal rows nearest to D: every level stays
    N(0, I) exactly, for any factor and focus, and is as near to D of the next level's noise, scaled, as white noise
    can be. A coarse pixel that is covered only in part keeps a share of its own noise.

    Args:
        noise: independent N(0, I) samples [N, C, H, W]; N, H, W as in ``geometry``.

    Returns:
        [N, C, H, W], a new tensor of the same dtype and device. For a whole-numbered aligned factor p with the box
        D the inner rectangle of level i is p · D(level i+1).

    Raises:
        ValueError: if ``noise`` does not fit ``geometry`` or is not floating point.

    Source: Generative Powers of Ten, section 4.1 (Π_noise); where D's rows do not overlap, its normalization 1/‖w‖₂;
    the symmetric orthogonalization of rows that do is Löwdin's.

    >>> import torch
    >>> from zoomstack_core import ZoomGeometry, render_noise
    >>> noise = render_noise(torch.randn(2, 4, 16, 16), ZoomGeometry(levels=2, height=16, width=16, zoom_factor=2))
    >>> deeper = torch.nn.functional.avg_pool2d(noise[1], 2)  # D, which leaves half the standard deviation
    >>> bool(torch.allclose(noise[0, :, 4:12, 4:12], 2 * deeper, atol=1e-5))
    True
    """
    check_float("noise", noise)
    geometry.check("noise", noise.shape)
    white = noise.to(compute_dtype(noise.dtype))
    rendered = white.clone()  # of level 0 too, which a ring's last level wants first
    size = geometry.height, geometry.width, geometry.prefilter
    closing = (geometry.parent(level) for level in closing_levels(geometry))
    for level in (*reversed(range(geometry.levels)), *closing):
        assert level is not None, "a ring's levels have parents"
        children = geometry.children(level)
        links = [noise_link(*size, geometry.step_into(child), rendered.dtype, rendered.device) for child in children]
        rendered[level] = white[level] * _kept(links, white[level, 0])
        for child, link in zip(children, links, strict=True):
            link.window.crop(rendered[level]).add_(link.gathered(rendered[child]) * link.gain)
    return rendered.to(noise.dtype)


def _kept(links: Sequence[NoiseLink], like: Tensor) -> Tensor:
    """How much of its own noise each pixel [H, W] keeps beside what these links bring, which may meet in one pixel."""
    if len(links) == 1:
        kept = torch.ones_like(like)
        links[0].window.crop(kept).copy_(links[0].keep)
        return kept
    shares = torch.zeros_like(like)
    for link in links:
        link.window.crop(shares).add_(link.gain.square())
    return (1 - shares).clamp(min=0).sqrt()
