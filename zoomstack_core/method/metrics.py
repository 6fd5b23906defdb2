"""Numbers for a zoom stack: do the levels agree, do borders show, is detail kept."""

from __future__ import annotations

import torch
from torch import Tensor

from ..geometry import ZoomGeometry
from ..tensors import check_float, compute_dtype
from .resample import links_into


def consistency_error(images: Tensor, geometry: ZoomGeometry) -> Tensor:
    """Root mean square of (inner rectangle of a level) - D(the level in it), over the images' standard deviation.

    Args:
        images: [N, C, H, W].

    Returns:
        A scalar, zero for a consistent stack or a single level.

    Raises:
        ValueError: if ``images`` does not fit ``geometry``.

    >>> import torch
    >>> from zoomstack_core import ZoomGeometry, consistency_error, render_images
    >>> geometry, layers = ZoomGeometry(levels=3, height=16, width=16), torch.rand(3, 3, 16, 16)
    >>> images = render_images(layers, geometry)
    >>> bool(consistency_error(layers, geometry) > 0.5), bool(consistency_error(images, geometry) < 1e-5)
    (True, True)
    """
    check_float("images", images)
    geometry.check("images", images.shape)
    images = images.to(compute_dtype(images.dtype))
    squares = [images.new_zeros(0)]
    for level, parent in pairs_of(geometry):
        link = links_into(geometry, level, 1, images)
        if link is not None:
            difference = link.window.crop(images[parent]) - link.reduce(images[level])
            squares.append(difference.square().flatten())
    values = torch.cat(squares)
    if values.numel() == 0:
        return images.new_zeros(())
    precision = torch.finfo(images.dtype)
    least = images.square().mean().sqrt() * precision.eps**0.5  # rounding is no error, even in a flat image
    return values.mean().sqrt() / torch.maximum(images.std(), least).clamp(min=precision.tiny)


def seam_ratio(images: Tensor, geometry: ZoomGeometry, margin: int = 2) -> Tensor:
    """How much each nested border shows: the squared step across it over that of its neighborhood.

    Args:
        images: [N, C, H, W].
        margin: the neighborhood is the parallel pixel steps 1 … margin inside and outside the border.

    Returns:
        [N - 1], or [N] for a ring: one for each step of the geometry. 1 where a border cannot be told from its
        neighborhood, NaN where it lies on the image's own border.

    Raises:
        ValueError: if ``images`` does not fit ``geometry`` or margin < 1.

    >>> import torch
    >>> from zoomstack_core import ZoomGeometry, render_images, seam_ratio
    >>> geometry = ZoomGeometry(levels=2, height=16, width=16)
    >>> layers = torch.stack([torch.zeros(3, 16, 16), torch.ones(3, 16, 16)]) + torch.rand(2, 3, 16, 16) / 10
    >>> bool(seam_ratio(render_images(layers, geometry), geometry) > 10)  # a white square in a black one
    True
    """
    check_float("images", images)
    geometry.check("images", images.shape)
    if margin < 1:
        raise ValueError(f"margin must be at least 1, got {margin}")
    images = images.to(compute_dtype(images.dtype))
    ratios = []
    for level, parent in pairs_of(geometry):
        link = links_into(geometry, level, 1, images)
        across: list[Tensor] = []
        beside: list[Tensor] = []
        if link is not None:
            image = images[parent]
            rows, columns = link.window
            _border_steps(image, rows.start, rows.stop, columns.start, columns.stop, margin, across, beside)
            turned = image.transpose(-1, -2)
            _border_steps(turned, columns.start, columns.stop, rows.start, rows.stop, margin, across, beside)
        if not across or not beside:
            ratios.append(images.new_full((), float("nan")))
        else:
            ratios.append(torch.cat(across).mean() / torch.cat(beside).mean())
    return torch.stack(ratios) if ratios else images.new_zeros(0)


def pairs_of(geometry: ZoomGeometry) -> list[tuple[int, int]]:
    """Every level that lies in another, and that one, in the order of the steps."""
    pairs = ((level, geometry.parent(level)) for level in (*range(1, geometry.levels), 0))
    return [(level, parent) for level, parent in pairs if parent is not None]


def _border_steps(
    image: Tensor, top: int, bottom: int, left: int, right: int, margin: int, across: list[Tensor], beside: list[Tensor]
) -> None:
    """Squared vertical steps over the two horizontal borders of a block, and over the parallel lines beside them."""
    steps = (image[:, 1:, left:right] - image[:, :-1, left:right]).square()
    for line in (top - 1, bottom - 1):
        if 0 <= line < steps.shape[1]:
            across.append(steps[:, line].flatten())
            near = (line + d for m in range(1, margin + 1) for d in (-m, m))
            beside.extend(steps[:, n].flatten() for n in near if 0 <= n < steps.shape[1])


def band_energy(images: Tensor, bands: int = 3) -> Tensor:
    """Spectral energy per level in octave bands of frequency.

    Args:
        images: [N, C, H, W].
        bands: number of bands; the last ends at the Nyquist frequency 0.5, each lower one at half that, and the
            first holds all below. The mean (frequency zero) is left out.

    Returns:
        [N, bands], from low to high, float64, on the CPU: mean squared amplitude per pixel and channel.

    Raises:
        ValueError: if ``images`` is not [N, C, H, W] float or bands < 1.

    >>> import torch
    >>> from zoomstack_core import band_energy
    >>> checkered = torch.ones(1, 1, 16, 16)
    >>> checkered[..., ::2] = -1
    >>> band_energy(checkered).tolist()  # all of it at the Nyquist frequency
    [[0.0, 0.0, 1.0]]
    """
    check_float("images", images)
    if images.ndim != 4:
        raise ValueError(f"images must have shape [N, C, H, W], got {list(images.shape)}")
    if bands < 1:
        raise ValueError(f"bands must be at least 1, got {bands}")
    height, width = images.shape[-2:]
    # on the CPU: not every device has float64
    power = torch.fft.fft2(images.cpu().double(), norm="ortho").abs().square().mean(1) / (height * width)
    fy, fx = (torch.fft.fftfreq(size, device="cpu").abs() for size in (height, width))
    radius = torch.maximum(fy[:, None], fx[None])
    edges = [0.5 / 2 ** (bands - 1 - b) for b in range(bands)]
    energies, low = [], 0.0
    for high in edges:
        energies.append((power * ((radius > low) & (radius <= high))).sum((1, 2)))
        low = high
    return torch.stack(energies, 1)
