"""Variants of counting the overlap once: the default is the product's, each option does what it says."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks.demo_model.overlap import AS_OFFERED, Overlap, VariedOverlapStep
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.blend import blend_levels
from zoomstack_core.method.ladder import Front
from zoomstack_core.method.overlap import OverlapStep
from zoomstack_core.method.render import render_images

GEOMETRY = ZoomGeometry(3, 16, 16)
SIGMAS = torch.tensor([0.5, 1.0, 2.0])


def overlap(crop: Tensor, sigma: Tensor, level: int) -> Tensor:
    return torch.tanh(crop / (1 + sigma**2))


def joined(variant: Overlap) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    z, estimates = (torch.randn(3, 2, 16, 16, generator=generator) for _ in range(2))
    front = Front((), range(3), ())
    return VariedOverlapStep(GEOMETRY, overlap, variant).joined(estimates, z, SIGMAS, front), estimates


def test_the_default_is_the_product_s():
    generator = torch.Generator().manual_seed(0)
    z, estimates = (torch.randn(3, 2, 16, 16, generator=generator) for _ in range(2))
    expected = OverlapStep(GEOMETRY, overlap).joined(estimates, z, SIGMAS, range(3))
    torch.testing.assert_close(joined(AS_OFFERED)[0], expected)


def test_a_limit_of_nothing_leaves_the_estimates_alone():
    result, estimates = joined(Overlap(limit=0.0))
    torch.testing.assert_close(result, render_images(estimates, GEOMETRY))
    torch.testing.assert_close(joined(Overlap(limit=1e6))[0], joined(AS_OFFERED)[0])


def test_outside_its_range_levels_are_joined_at_the_border():
    """Level 0 is at sigma 0.5, level 1 at 1."""
    result, estimates = joined(Overlap(below=0.1))
    torch.testing.assert_close(
        result, render_images(blend_levels(estimates, GEOMETRY, "border", SIGMAS.tolist()), GEOMETRY)
    )
    torch.testing.assert_close(joined(Overlap(above=0.1, below=3.0))[0], joined(AS_OFFERED)[0])
    mixed = joined(Overlap(above=1.0))[0]
    assert not torch.allclose(mixed, result) and not torch.allclose(mixed, joined(AS_OFFERED)[0])
    assert Overlap(below=1.0).counts(0.5) and not Overlap(below=1.0).counts(1.0) and Overlap(above=1.0).counts(1.0)


def test_an_unknown_prompt_is_refused():
    with pytest.raises(ValueError, match="prompt must be one of wider, deeper, none, got 'both'"):
        Overlap(prompt="both")
