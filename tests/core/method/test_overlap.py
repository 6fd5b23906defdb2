"""Overlap counted once: the sum of two estimates less what both know, from coarse to fine."""

from __future__ import annotations

import pytest
import torch

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.metrics import consistency_error
from zoomstack_core.method.overlap import OverlapStep
from zoomstack_core.method.render import render_images
from zoomstack_core.method.resample import links_into


def test_the_shared_region_is_the_sum_of_both_estimates_less_the_overlap(geometry, white):
    estimates, z = white(geometry, channels=1), white(geometry, channels=1, seed=1)
    sigma = torch.arange(1.0, geometry.levels + 1, dtype=torch.float64)
    asked = []

    def overlap(crop, own, level):
        asked.append((level, float(own)))
        return crop * own

    result = OverlapStep(geometry, overlap).joined(estimates, z, sigma, range(geometry.levels))
    layers = [estimates[0]]
    for level in range(1, geometry.levels):
        link = links_into(geometry, level, 1, estimates)
        shared = link.window.crop(layers[-1]) + link.reduce(estimates[level])
        shared = shared - link.window.crop(z[level - 1]) * sigma[level - 1]
        layers.append(estimates[level] + link.expand(shared - link.reduce(estimates[level])))
        torch.testing.assert_close(link.reduce(layers[-1]), shared)
    torch.testing.assert_close(result[-1], layers[-1])
    assert consistency_error(result, geometry) < 1e-10
    assert asked == [(level, level + 1.0) for level in range(geometry.levels - 1)]


def test_agreeing_estimates_stay(white):
    """Where the overlap alone says what level i says of it, the rest of level i's view adds nothing."""
    geometry = ZoomGeometry(2, 16, 16)
    estimates = white(geometry)
    link = links_into(geometry, 1, 1, estimates)
    joint = OverlapStep(geometry, lambda *_: link.window.crop(estimates[0]))
    assert torch.equal(joint.joined(estimates, estimates, torch.ones(2).double(), range(2))[1], estimates[1])


def test_waiting_and_finished_levels(white):
    """Only pairs of active levels have an overlap; a finished level adds nothing to the next one."""
    geometry = ZoomGeometry(3, 16, 16)
    estimates, sigma = white(geometry), torch.ones(3, dtype=torch.float64)
    asked = []

    def overlap(crop, own, level):
        asked.append(level)
        return torch.zeros_like(crop)

    joint = OverlapStep(geometry, overlap)
    first = joint.joined(estimates[:2], estimates[:2], sigma[:2], range(2))
    link = links_into(geometry, 2, 1, first)
    torch.testing.assert_close(first[2], link.expand(link.window.crop(first[1])))
    assert asked == [0]
    second = joint.joined(estimates[2:], estimates[2:], sigma[:1], range(2, 3))
    assert asked == [0] and torch.equal(second[2], estimates[2])
    assert consistency_error(second, geometry) < 1e-10


def test_an_overlap_of_another_shape_is_reported(white):
    geometry = ZoomGeometry(2, 16, 16)
    images = white(geometry)
    joint = OverlapStep(geometry, lambda crop, *_: crop[:1])
    with pytest.raises(ValueError, match=r"denoise_overlap must return x0 of shape \[2, 8, 8\], got \[1, 8, 8\]"):
        joint.joined(images, images, torch.ones(2).double(), range(2))


def test_what_one_call_knew_of_overlaps_is_gone_in_the_next(white):
    geometry = ZoomGeometry(3, 16, 16)
    estimates, others = white(geometry), white(geometry, seed=1)
    used = OverlapStep(geometry, lambda crop, *_: crop / 2)
    used.joined(estimates, estimates, torch.ones(3).double(), range(3))
    assert torch.equal(used(others), OverlapStep(geometry, used.denoise_overlap)(others))
    assert torch.equal(used(others), render_images(others, geometry))
