"""What a sampler's exact covariance says about it: divergence from the truth, energy, seams, consistency."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import einsum
from torch import Tensor

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.resample import links_into

from .world import GaussianWorld, window_pixels

BANDS = 3


@dataclass(frozen=True)
class Report:
    """A sampler against the truth.

    Attributes:
        kl: per level, nats per pixel, from the variance in each eigendirection of the truth.
        joint_kl: of all pixels that no deeper level determines, nats per pixel.
        bands: [N][3] energy in the low, middle and high band over the truth's.
        seams: [N - 1] squared step across each nested border over the truth's.
        profiles: [N - 1][…] the same for the parallel pixel steps around the border, from outside in.
        spectra, true_spectra: [N][…] energy per ring of whole-numbered frequency.
        consistency: root mean square of (inner rectangle - D of the next level) over the pixels' deviation.
    """

    kl: list[float]
    joint_kl: float
    bands: list[list[float]]
    seams: list[float]
    profiles: list[list[float]]
    spectra: list[list[float]]
    true_spectra: list[list[float]]
    consistency: float


def judge(world: GaussianWorld, covariance: Tensor) -> Report:
    """Args: covariance, of all pixels of all finished levels [N H W, N H W]."""
    geometry = world.geometry
    levels, pixels = geometry.levels, geometry.height * geometry.width
    block = covariance.view(levels, pixels, levels, pixels)
    own = [block[level, :, level] for level in range(levels)]
    truth = [world.covariance(level, level) for level in range(levels)]
    profiles = [_profile(geometry, level, own[level], truth[level]) for level in range(levels - 1)]
    spectra = [_rings(geometry, matrix) for matrix in own]
    true_spectra = [_rings(geometry, matrix) for matrix in truth]
    return Report(
        [_divergence(matrix, *pair) for matrix, pair in zip(own, world.eigen, strict=True)],
        _joint_divergence(world, block),
        [_bands(seen, real) for seen, real in zip(spectra, true_spectra, strict=True)],
        [profile[len(profile) // 2] for profile in profiles],
        profiles,
        [ring.tolist() for ring in spectra],
        [ring.tolist() for ring in true_spectra],
        _inconsistency(geometry, block),
    )


def _divergence(covariance: Tensor, values: Tensor, vectors: Tensor) -> float:
    ratio = (vectors * (covariance @ vectors)).sum(0) / values
    return float((ratio - 1 - ratio.log()).mean() / 2)


def free_pixels(geometry: ZoomGeometry) -> list[Tensor]:
    """Per level, the flattened indices of the pixels that the next deeper level does not determine."""
    chosen = []
    for level in range(geometry.levels):
        free = torch.ones(geometry.height, geometry.width, dtype=torch.bool)
        if level + 1 < geometry.levels:
            link = links_into(geometry, level + 1, 1, torch.zeros((), dtype=torch.float64))
            if link is not None:
                link.window.crop(free).fill_(False)
        chosen.append(free.flatten().nonzero().flatten())
    return chosen


def _joint_divergence(world: GaussianWorld, block: Tensor) -> float:
    chosen = free_pixels(world.geometry)
    seen = torch.cat(
        [torch.cat([block[i, a][:, j][:, b] for j, b in enumerate(chosen)], 1) for i, a in enumerate(chosen)]
    )
    rows = []
    for i, a in enumerate(chosen):
        rows.append(torch.cat([world.covariance(i, j)[a][:, b] for j, b in enumerate(chosen)], 1))
    factor = torch.linalg.cholesky(torch.cat(rows))
    whitened = torch.linalg.solve_triangular(
        factor, torch.linalg.solve_triangular(factor, seen, upper=False).T, upper=False
    )
    values = torch.linalg.eigvalsh(whitened).clamp(min=torch.finfo(torch.float64).tiny)
    return float((values - 1 - values.log()).mean() / 2)


def _rings(geometry: ZoomGeometry, covariance: Tensor) -> Tensor:
    """Expected energy of a level per ring of frequency round(max(|fy|, |fx|)), without the mean."""
    height, width = geometry.height, geometry.width
    fy, fx = (torch.fft.fft(torch.eye(n, dtype=torch.complex128), norm="ortho") for n in (height, width))
    image = covariance.view(height, width, height, width).to(torch.complex128)
    half = einsum(fy, fy.conj(), image, "v y1, v y2, y1 x1 y2 x2 -> v x1 x2")
    power = einsum(fx, fx.conj(), half, "u x1, u x2, v x1 x2 -> v u").real
    ry, rx = (torch.fft.fftfreq(n).abs() * n for n in (height, width))
    ring = torch.maximum(ry[:, None] / height, rx[None] / width) * min(height, width)
    index = ring.round().long().flatten()
    total = torch.zeros(int(index.max()) + 1, dtype=torch.float64).index_add_(0, index, power.flatten())
    return total[1:] / (height * width)


def _bands(seen: Tensor, real: Tensor) -> list[float]:
    """Octave bands: the last ends at the Nyquist frequency, each lower one at half of that."""
    top = len(real)
    edges = [0, top // 4, top // 2, top]
    return [float(seen[a:b].sum() / real[a:b].sum()) for a, b in zip(edges, edges[1:], strict=False)]


def _profile(geometry: ZoomGeometry, level: int, seen: Tensor, real: Tensor, reach: int = 3) -> list[float]:
    """Squared steps across lines parallel to the border of the inner rectangle, over the truth's; the border is in
    the middle, lines further out come first."""
    link = links_into(geometry, level + 1, 1, seen)
    if link is None:
        return [float("nan")] * (2 * reach + 1)
    index = torch.arange(geometry.height * geometry.width).view(geometry.height, geometry.width)
    rows, columns = link.window
    ratios = []
    for line in range(-reach, reach + 1):
        pairs = []
        for image, along, across in [(index, columns, rows), (index.T, rows, columns)]:
            for outside, inside in [
                (across.start - 1 + line, across.start + line),
                (across.stop - line, across.stop - 1 - line),
            ]:
                if min(outside, inside) >= 0 and max(outside, inside) < len(image):
                    part = image[:, along.start : along.stop]
                    pairs.append(torch.stack([part[outside], part[inside]]))
        if not pairs:
            ratios.append(float("nan"))
            continue
        a, b = torch.cat(pairs, 1)
        step = [matrix[a, a] + matrix[b, b] - 2 * matrix[a, b] for matrix in (seen, real)]
        ratios.append(float(step[0].mean() / step[1].mean()))
    return ratios


def _inconsistency(geometry: ZoomGeometry, block: Tensor) -> float:
    squares = []
    for level in range(1, geometry.levels):
        link = links_into(geometry, level, 1, block)
        if link is None:
            continue
        inner = window_pixels(link.window, geometry.height, geometry.width)
        reduce = torch.kron(link.down[0], link.down[1].T.contiguous())
        wide, deep = block[level - 1, inner][:, level - 1, inner], block[level, :, level]
        mixed = block[level - 1, inner][:, level]
        error = wide.diagonal() + ((reduce @ deep) * reduce).sum(1) - 2 * (mixed * reduce).sum(1)
        squares.append(error)
    if not squares:
        return 0.0
    variance = torch.stack([block[level, :, level].diagonal().mean() for level in range(geometry.levels)]).mean()
    return float((torch.cat(squares).mean().clamp(min=0) / variance).sqrt())
