"""The one reduce operator D, its matching expand, and the noise operator, as small 1-D matrices.

Everything that moves pixels between levels goes through these three, so that blending a consistent stack is the
identity and noisy states nest. Along one axis, coarse pixel c of a level covers the fine positions
[(c - o) p, (c + 1 - o) p) of the next level, whose first edge lies at coarse position o.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from ..geometry import Span, Step, ZoomGeometry, step_rect
from ..tensor_cache import cache_tensors
from ..tensors import compute_dtype

# slack, in fine pixels, when asking whether a coarse pixel is covered: positions come from float divisions
TOLERANCE = 1e-6

# what a singular value decomposition leaves in place of zeros
ROUNDING = 1e-14

# from so many coarse pixels along an axis on, adding up the fine ones of each is faster than a product of matrices
MANY_BLOCKS = 32

# a matrix of more rows than this is applied as so many rows at a time, each to the pixels that they use
BAND = 128


class Window(NamedTuple):
    """A block of whole pixels of one level."""

    rows: Span
    columns: Span

    def crop(self, images: Tensor) -> Tensor:
        """A view of images [..., H, W]."""
        return images[..., self.rows.start : self.rows.stop, self.columns.start : self.columns.stop]


Bands = tuple[tuple[int, int], ...]
"""For every `BAND` rows of a matrix, the first and the end of the columns that they use."""


class Link(NamedTuple):
    """From a block of one level's pixels to the block of next wider level's pixels that it wholly covers.

    ``window`` is that block, on the wider level's grid. ``reduce`` is D; ``expand`` is its right inverse: reducing
    an expanded image gives it back. Both are (rows, columns) pairs of matrices. ``block`` is given where D is the plain
    mean of block × block pixels and there are many: the result is the same up to rounding. So it is by the bands.
    """

    window: Window
    down: tuple[Tensor, Tensor]
    up: tuple[Tensor, Tensor]
    block: int | None
    down_bands: tuple[Bands, Bands]
    up_bands: tuple[Bands, Bands]

    def reduce(self, images: Tensor) -> Tensor:
        if self.block is not None:
            return block_sums(images, self.block) / self.block**2
        return _along_both(images, self.down, self.down_bands)

    def expand(self, images: Tensor) -> Tensor:
        return _along_both(images, self.up, self.up_bands)


class NoiseLink(NamedTuple):
    """From a level's unit white noise to that of the wider level: own · ``keep`` + gathered · ``gain``.

    ``block`` as in `Link`.
    """

    window: Window
    gather: tuple[Tensor, Tensor]
    keep: Tensor
    gain: Tensor
    block: int | None
    bands: tuple[Bands, Bands]

    def gathered(self, noise: Tensor) -> Tensor:
        """The level's noise [..., H, W] on the window's pixels."""
        if self.block is not None:
            return block_sums(noise, self.block) / self.block
        return _along_both(noise, self.gather, self.bands)


def links_into(geometry: ZoomGeometry, level: int, depth: int, like: Tensor) -> Link | None:
    """The `depth`-th link of the chain from `level` to wider levels, or None where less than a pixel is left.

    Link d goes from the pixels of the ancestor d - 1 to those of the ancestor d, its parent; each covers only what
    `level` sees. There is none beyond the widest level.
    """
    chain = geometry.outward(level)[:depth]
    if len(chain) < depth:
        return None
    return _chain(geometry.height, geometry.width, geometry.prefilter, chain, compute_dtype(like.dtype), like.device)


def interacting_depth(geometry: ZoomGeometry, level: int) -> int:
    """How many wider levels see `level` in at least one whole pixel; at most about log_p of the size."""
    return len(_windows(geometry.height, geometry.width, geometry.outward(level))) - 1


@lru_cache(maxsize=512)
def _windows(height: int, width: int, steps: tuple[Step, ...]) -> tuple[Window, ...]:
    """What a level covers of itself and of every wider level, until that is less than a pixel.

    ``steps`` lead from the level outwards.
    """
    windows = [Window(Span(0, height), Span(0, width))]
    for step in steps:
        rows, columns = (covered(a, s) for a, s in zip(_axes(height, width, step), windows[-1], strict=True))
        if rows.empty or columns.empty:
            break
        windows.append(Window(rows, columns))
    return tuple(windows)


@cache_tensors
def _chain(
    height: int, width: int, prefilter: str, steps: tuple[Step, ...], dtype: torch.dtype, device: torch.device
) -> Link | None:
    """The last link of a chain of steps that lead from a level outwards."""
    windows = _windows(height, width, steps)
    if len(windows) <= len(steps):
        return None
    fine, coarse = windows[-2:]
    axes = _axes(height, width, steps[-1])
    with torch.inference_mode(False), torch.device("cpu"):  # what is cached must serve every later caller
        down = [reduce_matrix(a, f, c, prefilter) for a, f, c in zip(axes, fine, coarse, strict=True)]
        up = [expand_matrix(a, f, c, d) for a, f, c, d in zip(axes, fine, coarse, down, strict=True)]
        rows_down, columns_down, rows_up, columns_up = (m.to(device, dtype) for m in (*down, *up))
        block = _block(down, steps[-1].factor, 1 / steps[-1].factor)
        bands = (_bands(down[0]), _bands(down[1])), (_bands(up[0]), _bands(up[1]))
    return Link(coarse, (rows_down, columns_down.T), (rows_up, columns_up.T), block, *bands)


@cache_tensors
def noise_link(
    height: int, width: int, prefilter: str, step: Step, dtype: torch.dtype, device: torch.device
) -> NoiseLink:
    """The noise operator of one step; partly covered coarse pixels are included."""
    with torch.inference_mode(False), torch.device("cpu"):  # as in _chain
        parts = [noise_matrix(axis, prefilter) for axis in _axes(height, width, step)]
        window = Window(parts[0][0], parts[1][0])
        share = parts[0][2][:, None] * parts[1][2][None]
        gather = parts[0][1].to(device, dtype), parts[1][1].T.to(device, dtype)
        block = _block([matrix for _, matrix, _ in parts], step.factor, step.factor**-0.5)
        bands = _bands(parts[0][1]), _bands(parts[1][1])
        keep, gain = (1 - share).sqrt().to(device, dtype), share.sqrt().to(device, dtype)
        return NoiseLink(window, gather, keep, gain, block, bands)


def _block(matrices: list[Tensor], factor: float, weight: float) -> int | None:
    """The factor, where both axes have many coarse pixels and each is so many fine ones, all of this weight."""
    block = round(factor)
    for matrix in matrices:
        blocks, fine = matrix.shape
        if blocks < MANY_BLOCKS or blocks * block != fine:
            return None
        plain = torch.eye(blocks, dtype=matrix.dtype).repeat_interleave(block, 1) * weight
        if not torch.allclose(matrix, plain, rtol=0, atol=ROUNDING):
            return None
    return block


def _bands(matrix: Tensor) -> Bands:
    """A pixel depends on its neighbors only: on two or three a side through D, on about twenty through expand."""
    bands = []
    for rows in matrix.split(BAND):
        used = (rows.abs() > ROUNDING).any(0).nonzero()
        bands.append((int(used.min()), int(used.max()) + 1))
    return tuple(bands)


def _along_both(images: Tensor, matrices: tuple[Tensor, Tensor], bands: tuple[Bands, Bands]) -> Tensor:
    """(rows matrix) @ images @ (columns matrix), of large matrices the bands only."""
    rows, columns = matrices
    if len(bands[0]) == 1:
        images = rows @ images
    else:
        parts = zip(rows.split(BAND), bands[0], strict=True)
        images = torch.cat([part[:, a:b] @ images[..., a:b, :] for part, (a, b) in parts], -2)
    if len(bands[1]) == 1:
        return images @ columns
    parts = zip(columns.split(BAND, 1), bands[1], strict=True)
    return torch.cat([images[..., a:b] @ part[a:b] for part, (a, b) in parts], -1)


def block_sums(images: Tensor, block: int) -> Tensor:
    """Sums of block × block pixels, [..., H, W] -> [..., H / block, W / block]."""
    rows = sum((images[..., n::block, :] for n in range(1, block)), images[..., ::block, :])
    return sum((rows[..., n::block] for n in range(1, block)), rows[..., ::block])


class Axis(NamedTuple):
    """One axis of a zoom step: `size` pixels on both levels, the fine level's first edge at coarse `offset`."""

    size: int
    factor: float
    offset: float


def _axes(height: int, width: int, step: Step) -> tuple[Axis, Axis]:
    box = step_rect(step, height, width)
    return Axis(height, step.factor, box.top), Axis(width, step.factor, box.left)


def covered(axis: Axis, fine: Span) -> Span:
    """The coarse pixels that a span of fine pixels wholly covers; an empty span where there is none."""
    start = math.ceil(axis.offset + (fine.start - TOLERANCE) / axis.factor)
    stop = math.floor(axis.offset + (fine.stop + TOLERANCE) / axis.factor)
    return Span(max(start, 0), min(stop, axis.size))


def touched(axis: Axis) -> Span:
    """The coarse pixels that the fine level covers at least in part."""
    start = math.floor(axis.offset + TOLERANCE)
    stop = math.ceil(axis.offset + axis.size / axis.factor - TOLERANCE)
    return Span(max(start, 0), min(stop, axis.size))


def overlaps(axis: Axis, fine: Span, coarse: Span) -> tuple[Tensor, Tensor]:
    """Length of every fine pixel inside every coarse pixel [coarse, fine], and that part's middle from the coarse
    pixel's center, both in fine pixels."""
    edges = (torch.arange(coarse.start, coarse.stop + 1, dtype=torch.float64) - axis.offset) * axis.factor
    low, high = edges[:-1, None], edges[1:, None]
    left = torch.arange(fine.start, fine.stop, dtype=torch.float64)[None]
    start, end = torch.maximum(low, left), torch.minimum(high, left + 1)
    length = (end - start).clamp(min=0)
    length[length < TOLERANCE] = 0
    return length, (start + end) / 2 - (low + high) / 2


def reduce_matrix(axis: Axis, fine: Span, coarse: Span, prefilter: str) -> Tensor:
    """D along one axis, float64 [coarse, fine]: rows sum to one and have their center at the coarse pixel's.

    Where a coarse pixel cuts fine pixels unevenly, the lengths alone are off center and a ramp would drift; the
    weights are tilted back. Nothing changes for whole-numbered factors with the box.
    """
    weight = _average(axis, fine, coarse, prefilter)
    coarse_centers = (torch.arange(coarse.start, coarse.stop, dtype=torch.float64) + 0.5 - axis.offset) * axis.factor
    distance = torch.arange(fine.start, fine.stop, dtype=torch.float64)[None] + 0.5 - coarse_centers[:, None]
    mean = (weight * distance).sum(1, keepdim=True)
    variance = (weight * (distance - mean) ** 2).sum(1, keepdim=True).clamp(min=TOLERANCE**2)
    return weight * (1 - mean * (distance - mean) / variance)


def _average(axis: Axis, fine: Span, coarse: Span, prefilter: str) -> Tensor:
    """The mean over each coarse pixel, or over what is covered of it, float64 [coarse, fine]: rows sum to one."""
    weight, middle = overlaps(axis, fine, coarse)
    if prefilter == "gaussian":
        weight = weight * _gaussian(middle, axis.factor)
    return weight / weight.sum(1, keepdim=True)


def expand_matrix(axis: Axis, fine: Span, coarse: Span, down: Tensor) -> Tensor:
    """The expand matching D along one axis, float64 [fine, coarse]: linear interpolation between coarse centers,
    corrected so that D of the result is exactly the input."""
    centers = (torch.arange(fine.start, fine.stop, dtype=torch.float64) + 0.5) / axis.factor + axis.offset
    position = (centers - coarse.start - 0.5).clamp(0, coarse.stop - coarse.start - 1)
    left = position.floor().clamp(max=max(coarse.stop - coarse.start - 2, 0))
    index, fraction = left.long(), position - left
    linear = torch.zeros(fine.stop - fine.start, coarse.stop - coarse.start, dtype=torch.float64)
    rows = torch.arange(len(linear))
    linear[rows, index] = 1 - fraction
    if linear.shape[1] > 1:
        linear[rows, index + 1] += fraction
    return linear @ torch.linalg.inv(down @ linear)


def noise_matrix(axis: Axis, prefilter: str) -> tuple[Span, Tensor, Tensor]:
    """Coarse span, float64 matrix [coarse, fine] with orthonormal rows, and the covered share of each coarse pixel.

    D of white noise is not white where coarse pixels cut a fine pixel: both would hold its noise. The rows are the
    orthonormal ones nearest to D in least squares, its polar factor, so that noisy states nest as well as they can.
    """
    fine, span, inside = Span(0, axis.size), touched(axis), covered(axis, Span(0, axis.size))
    share = overlaps(axis, fine, span)[0].sum(1) / axis.factor
    share[share > 1 - TOLERANCE] = 1
    weight = _average(axis, fine, span, prefilter) * share[:, None]
    if not inside.empty:
        weight[inside.start - span.start : inside.stop - span.start] = reduce_matrix(axis, fine, inside, prefilter)
    left, _, right = torch.linalg.svd(weight, full_matrices=False)
    rows = left @ right
    rows[rows.abs() < ROUNDING] = 0
    return span, rows, share


def _gaussian(distance: Tensor, factor: float) -> Tensor:
    """The paper's prefilter has the width of a coarse pixel; its sigma is not stated, half a coarse pixel is ours."""
    return torch.exp(-0.5 * (distance / (0.5 * factor)) ** 2)
