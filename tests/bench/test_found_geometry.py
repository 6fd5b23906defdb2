"""The experiment with moving rectangles: it finds a shift that is there, keeps its limits, and states go on to nest."""

from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.found_geometry import SIZE, Search, disagreement, improve, sample
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.metrics import consistency_error
from zoomstack_core.method.render import render_images

ASKED = ZoomGeometry(2, SIZE, SIZE)


def smooth(levels: int) -> Tensor:
    """Levels of soft noise, so that a rectangle can feel its way."""
    noise = torch.randn(
        levels, 3, SIZE + 16, SIZE + 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    return torch.nn.functional.avg_pool2d(noise, 17, 1) * 10


def test_a_shifted_rectangle_is_found() -> None:
    truth = replace(ASKED, focus=(0.5 + 3 / SIZE, 0.5 - 2 / SIZE))
    estimates, geometry = render_images(smooth(2), truth), ASKED
    before = disagreement(estimates, geometry, 1)
    for _ in range(6):
        geometry = improve(estimates, geometry, ASKED, 1, Search())
    after = disagreement(estimates, geometry, 1)
    assert max(abs(a - b) for a, b in zip(geometry.steps[0].focus, truth.steps[0].focus, strict=True)) < 1 / SIZE
    assert after[0] < 0.05 * before[0]
    assert after[1] < 0.05 * before[1]
    assert disagreement(estimates, truth, 1) == (0.0, 0.0)


def test_it_stays_within_the_limits() -> None:
    truth = replace(ASKED, focus=(0.6, 0.5))
    estimates, geometry, search = render_images(smooth(2), truth), ASKED, Search(shift=0.03, scale=0.02)
    for _ in range(6):
        geometry = improve(estimates, geometry, ASKED, 1, search)
    (step,) = geometry.steps
    assert 0 < max(abs(step.focus[0] - 0.5), abs(step.focus[1] - 0.5)) <= 0.03
    assert 2 / 1.02 <= step.factor <= 2 * 1.02


def test_a_run_with_moving_rectangles_ends_consistent() -> None:
    def denoise(z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        soft = torch.nn.functional.avg_pool2d(z, 5, 1, 2) / (1 + sigma.view(-1, 1, 1, 1).square())
        return torch.stack([torch.roll(x, 4 * int(level), -1) for x, level in zip(soft, levels, strict=True)])

    asked = ZoomGeometry(3, SIZE, SIZE)
    moved = sample(denoise, asked, 6, 0, Search(), moving=True)
    fixed = sample(denoise, asked, 6, 0, Search(), moving=False)
    assert fixed.geometry == asked
    assert moved.geometry != asked
    for run in (moved, fixed):
        assert float(consistency_error(run.images, run.geometry)) < 1e-6
        assert 0 < run.relative < 10
