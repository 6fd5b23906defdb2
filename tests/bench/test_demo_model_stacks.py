"""Stacks of the demo benchmark: sampled once, kept with their numbers; a setting's name is all that decides it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from benchmarks.demo_model import stacks as room
from benchmarks.demo_model.classifier import SceneClassifier
from benchmarks.demo_model.overlap import AS_OFFERED, Overlap
from benchmarks.demo_model.rows import ROWS, SWEEPS, Row
from benchmarks.demo_model.stacks import Stacks, key, sample
from zoomstack_core.method.metrics import consistency_error


class Shrinking:
    """A denoiser in place of the demo network."""

    def __init__(self, *_: object) -> None:
        self.calls = 0
        self.variants: list[Overlap] = []

    def __call__(self, z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        self.calls += 1
        return (z / (1 + sigma.view(-1, 1, 1, 1).square())).clamp(-1, 1)

    def overlap(self, crop: Tensor, sigma: Tensor, level: int, variant: Overlap = AS_OFFERED) -> Tensor:
        self.variants.append(variant)
        return (crop / (1 + sigma.square())).clamp(-1, 1)


def test_a_stack_is_sampled_once_and_kept(tmp_path, monkeypatch):
    network = Shrinking()
    monkeypatch.setattr(room, "DemoNetwork", lambda *_: network)
    row = Row("border", "border", 1.0, 0.5, 2, steps=3)
    first = Stacks(tmp_path, SceneClassifier().eval())
    numbers, calls = first.numbers(row, 0), network.calls
    assert calls > 3 and len(numbers.seams) == 6 and len(numbers.energy) == 7
    again = Stacks(tmp_path, SceneClassifier().eval())
    assert again.numbers(replace(row, label="another label"), 0) == numbers and network.calls == calls
    assert again.picture(row, 0).size == (7 * 64, 64)
    fresh = Stacks(tmp_path, SceneClassifier().eval(), fresh=True)
    for _ in range(2):
        fresh.numbers(row, 0)
    assert network.calls == 2 * calls


def test_levels_wake_at_the_sigma_of_the_row():
    seen: dict[int, float] = {}

    class Remembering(Shrinking):
        def __call__(self, z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
            for level, value in zip(levels.tolist(), sigma.tolist(), strict=True):
                seen.setdefault(level, value)
            return super().__call__(z, sigma, levels)

    sample(Remembering(), Row("late", "border", 1.0, 0.0, 2, 14, wake=5.0), 0)
    half = (80 / 0.01) ** (0.501 / 13)
    assert seen[0] == pytest.approx(80)
    assert all(5 / half <= seen[level] <= 5 * half for level in range(1, 7))


def test_keys_tell_settings_apart():
    rows = {replace(row, label="") for row in (*ROWS, *(row for rows in SWEEPS.values() for row in rows))}
    assert len({key(row) for row in rows}) == len(rows)
    for rows_of_one in (ROWS, *SWEEPS.values()):
        assert len({row.label for row in rows_of_one}) == len(rows_of_one)


@pytest.mark.parametrize("variant", [AS_OFFERED, Overlap(prompt="deeper"), Overlap(limit=0.1)])
def test_overlap_variants_are_sampled(variant):
    network = Shrinking()
    images = sample(network, Row("once", "overlap_once", 1.0, 0.5, 2, 3, overlap=variant), 0)  # type: ignore[arg-type]
    assert set(network.variants) == {variant} and torch.isfinite(images).all()
    assert consistency_error(images, room.GEOMETRY) < 0.05  # clamping to [0, 1] is not linear
