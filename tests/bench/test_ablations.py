"""The ablations differ from the paper's method in the one thing that they take away."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks.ablations import ABLATIONS, binomial_blend
from benchmarks.pictures import Change
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.metrics import consistency_error
from zoomstack_core.method.sample import sample_joint

SIGMAS = torch.tensor([9.0, 4.0, 2.0, 1.0, 0.5, 0.0], dtype=torch.float64)


def denoise(z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
    return torch.tanh(z / (1 + sigma.view(-1, 1, 1, 1).square()) + 0.1 * levels.view(-1, 1, 1, 1))


def draws(shape: tuple[int, ...], seed: int = 0):  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_gives_a_consistent_stack(name):
    geometry = ZoomGeometry(3, 16, 16)
    images = ABLATIONS[name](denoise, geometry, SIGMAS, draws((3, 2, 16, 16)))
    assert torch.isfinite(images).all() and consistency_error(images, geometry) < 1e-10


class Brighter:
    """Pictures that are the values plus one, which neither blending nor rendering can tell."""

    def __init__(self) -> None:
        self.edits = 0

    def decode(self, values: Tensor) -> Tensor:
        return values + 1

    def edit(self, values: Tensor, change: Change) -> Tensor:
        self.edits += 1
        return change(values + 1) - 1


@pytest.mark.parametrize("name", ABLATIONS)
def test_levels_agree_as_pictures(name):
    geometry, pictures = ZoomGeometry(3, 16, 16), Brighter()
    plain = ABLATIONS[name](denoise, geometry, SIGMAS, draws((3, 2, 16, 16)))
    images = ABLATIONS[name](denoise, geometry, SIGMAS, draws((3, 2, 16, 16)), pictures=pictures)
    torch.testing.assert_close(images, plain)
    assert pictures.edits >= len(SIGMAS) - 1


@pytest.mark.parametrize("name", ABLATIONS)
def test_one_level_is_the_paper_s_sampler_or_the_plain_one(name):
    geometry = ZoomGeometry(1, 8, 8)
    images = ABLATIONS[name](denoise, geometry, SIGMAS, draws((1, 2, 8, 8)))
    method = "paper" if name == "iterative" else "independent"
    expected = sample_joint(
        denoise, geometry, SIGMAS, 2, None, method, 0.0, churn=1.0, order=1, noise=draws((1, 2, 8, 8))
    )
    torch.testing.assert_close(images, expected)


def test_a_binomial_pyramid_does_not_keep_a_consistent_stack():
    """Only where all is constant does it; that is the mismatch."""
    geometry = ZoomGeometry(3, 16, 16)
    flat = torch.full((3, 1, 16, 16), 2.0, dtype=torch.float64)
    torch.testing.assert_close(binomial_blend(flat, geometry)[:, :, 4:12, 4:12], flat[:, :, 4:12, 4:12])
    from zoomstack_core.method.render import render_images

    images = render_images(torch.randn(3, 1, 16, 16, dtype=torch.float64), geometry)
    assert (binomial_blend(images, geometry) - images).abs().max() > 0.1


def test_a_binomial_pyramid_refuses_other_factors():
    with pytest.raises(ValueError, match=r"powers of two, got \(3.0,\)"):
        binomial_blend(torch.zeros(2, 1, 9, 9), ZoomGeometry(2, 9, 9, 3.0))
