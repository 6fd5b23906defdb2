"""Progressive baselines: what is known stays known, and every level is made once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks.demo_model.baselines import BASELINES
from benchmarks.pictures import Plain
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.metrics import consistency_error

GEOMETRY = ZoomGeometry(3, 8, 8)
SIGMAS = torch.tensor([9.0, 3.0, 1.0, 0.0], dtype=torch.float64)


@pytest.mark.parametrize(("name", "order"), [("outpainting", [2, 1, 0]), ("super_resolution", [0, 1, 2])])
def test_levels_follow_each_other_and_agree(name, order):
    asked: list[int] = []

    def denoise(z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        asked.extend(levels.tolist())
        return torch.tanh(z / (1 + sigma.view(-1, 1, 1, 1).square()))

    generator = torch.Generator().manual_seed(0)
    noise = lambda: torch.randn(3, 2, 8, 8, generator=generator, dtype=torch.float64)  # noqa: E731
    images = BASELINES[name](denoise, GEOMETRY, SIGMAS, noise, Plain())
    assert asked == [level for level in order for _ in range(3)]
    assert consistency_error(images, GEOMETRY) < 1e-10
    assert images.std() > 0.1
