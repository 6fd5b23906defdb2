"""Joint sampling judged against the truth: a Gaussian random field, whose ideal denoiser is a matrix.

The field has the spectrum f^-β on a fine periodic grid twice as wide as the widest view. Level i averages blocks of
p^(N-1-i) fine pixels, so its covariance follows from one FFT, and the best estimate of x from z = x + sigma · ε is
K (K + sigma²)^-1 z. Channels are independent draws of the field.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.metrics import band_energy, consistency_error, seam_ratio
from zoomstack_core.render import render_images
from zoomstack_core.sample import sample_joint

GEOMETRY = ZoomGeometry(4, 16, 16, 2.0)
DRAWS, STEPS = 128, 40


def covariance(level: int, beta: float = 2.5) -> Tensor:
    """Covariance of one level's pixels, float64 [H W, H W], up to a factor common to all levels."""
    size, cell = GEOMETRY.height, 2 ** (GEOMETRY.levels - 1 - level)
    grid = 2 * size * 2 ** (GEOMETRY.levels - 1)
    f = torch.fft.fftfreq(grid, dtype=torch.float64)
    spectrum = torch.hypot(f[:, None], f[None]) ** -beta
    spectrum[0, 0] = 0
    block = torch.where(f == 0, 1.0, torch.sin(math.pi * f * cell) / (cell * torch.sin(math.pi * f)))
    correlation = torch.fft.ifft2(spectrum * torch.outer(block, block).square()).real
    lag = cell * (torch.arange(size)[:, None] - torch.arange(size)[None]) % grid
    return correlation[lag[:, None, :, None], lag[None, :, None, :]].reshape(size * size, size * size)


class Field:
    """Eigenvalues and eigenvectors of every level, and what follows from them."""

    def __init__(self) -> None:
        matrices = [covariance(level) for level in range(GEOMETRY.levels)]
        unit = matrices[0].diagonal().mean()
        pairs = [torch.linalg.eigh(matrix / unit) for matrix in matrices]
        self.values = [values.clamp(min=0) for values, _ in pairs]
        self.vectors = [vectors for _, vectors in pairs]

    def denoise(self, z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        estimates = []
        for state, s, level in zip(z, sigma, levels.tolist(), strict=True):
            shrink = self.values[level] / (self.values[level] + s**2)
            estimates.append((state.flatten(1) @ self.vectors[level] * shrink) @ self.vectors[level].T)
        return torch.stack(estimates).view_as(z)

    def draw(self) -> Tensor:
        """Independent exact samples of every level."""
        generator, levels = torch.Generator().manual_seed(1), []
        for values, vectors in zip(self.values, self.vectors, strict=True):
            white = torch.randn(DRAWS, len(values), generator=generator, dtype=torch.float64)
            levels.append((white * values.sqrt()) @ vectors.T)
        return torch.stack(levels).view(GEOMETRY.levels, DRAWS, GEOMETRY.height, GEOMETRY.width)


@pytest.fixture(scope="module")
def field() -> Field:
    return Field()


@pytest.fixture(scope="module")
def samples(field: Field) -> dict[tuple[str, float], Tensor]:
    """Finished stacks by method and alignment."""
    sigmas = torch.tensor([*(20 * 0.001 ** (n / (STEPS - 1)) for n in range(STEPS)), 0.0], dtype=torch.float64)
    drawn = {}
    for method, alignment in [("average", 0.0), ("average", 1.0), ("naive", 1.0), ("independent", 0.0)]:
        generator = torch.Generator().manual_seed(0)
        layers = sample_joint(field.denoise, GEOMETRY, sigmas, DRAWS, generator, method, alignment)
        drawn[method, alignment] = layers if method == "independent" else render_images(layers, GEOMETRY)
    return drawn


def energy(images: Tensor, field: Field) -> Tensor:
    """Energy in low, middle and high band over the truth's [N, 3]."""
    return band_energy(images) / band_energy(field.draw())


def test_the_world_is_what_it_claims(field):
    """Neighbors agree between levels: the variance of a 2 × 2 average of level i+1 is that of a pixel of level i."""
    for level in range(3):
        fine = covariance(level + 1).view(16, 16, 16, 16)
        block = fine[:2, :2, :2, :2].mean()
        assert float(covariance(level)[0, 0] / block) == pytest.approx(1)


def test_the_plain_sampler_is_right(samples, field):
    """The yardstick: every level alone, with the ideal denoiser, keeps most of the energy in every band."""
    kept = energy(samples["independent", 0.0], field)
    assert (kept > 0.7).all() and (kept < 1.1).all()
    assert consistency_error(samples["independent", 0.0], GEOMETRY) > 1


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_joint_sampling_gives_one_scene(samples, alignment):
    images = samples["average", alignment]
    assert consistency_error(images, GEOMETRY) < 1e-10
    assert (seam_ratio(images, GEOMETRY) < 1.6).all()


def test_alignment_keeps_the_deep_levels_from_washing_out(samples, field):
    """The deepest level's low band: 0.58 of the truth at equal sigmas, 0.74 at aligned ones, 0.81 on its own."""
    paper, aligned, alone = (
        energy(samples[key], field)[-1, 0] for key in [("average", 0.0), ("average", 1.0), ("independent", 0.0)]
    )
    assert aligned > paper + 0.1
    assert aligned > 0.85 * alone
    assert (energy(samples["average", 1.0], field) > 0.65).all()


def test_naive_averages_blur_and_show_seams(samples, field):
    assert (energy(samples["naive", 1.0], field)[-1, 1:] < 0.25).all()
    assert seam_ratio(samples["naive", 1.0], GEOMETRY)[-1] > 5
