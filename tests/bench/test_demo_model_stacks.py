"""Stacks of the demo benchmark: sampled once, kept with their numbers; a setting's name is all that decides it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from benchmarks.demo_model import stacks as room
from benchmarks.demo_model.classifier import SceneClassifier
from benchmarks.demo_model.rows import CHANNELS, GRAIN, PICTURES, SIZE, TABLES, Row
from benchmarks.demo_model.stacks import Stacks, key, sample
from zoomstack_core.method.metrics import consistency_error

BORDER = Row("border", "border", 1.0, 0.5, 2, steps=3)


class LinearVae:
    """In place of the demo's: the first three channels are colors, each latent is a block of one color."""

    def __init__(self) -> None:
        self.encoded = 0

    def decode(self, latents: Tensor) -> Tensor:
        return interpolate(latents[:, :3] / 8 + 0.5, scale_factor=GRAIN)

    def encode(self, picture: Tensor, like: Tensor) -> Tensor:
        self.encoded += 1
        colors = avg_pool2d(picture - 0.5, GRAIN) * 8
        return torch.cat([colors, torch.zeros_like(like[3:])])


class Shrinking:
    """A denoiser in place of the demo network."""

    def __init__(self, *_: object) -> None:
        self.calls = 0
        self.vae = LinearVae()

    def __call__(self, z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        assert z.shape[1] == CHANNELS
        self.calls += 1
        return z / (1 + sigma.view(-1, 1, 1, 1).square())


def test_a_stack_is_sampled_once_and_kept(tmp_path, monkeypatch):
    network = Shrinking()
    monkeypatch.setattr(room, "DemoNetwork", lambda *_: network)
    first = Stacks(tmp_path, SceneClassifier().eval())
    numbers, calls = first.numbers(BORDER, 0), network.calls
    assert calls > 3 and len(numbers.seams) == 6 and len(numbers.energy) == 7
    again = Stacks(tmp_path, SceneClassifier().eval())
    assert again.numbers(replace(BORDER, label="another label"), 0) == numbers and network.calls == calls
    assert again.picture(BORDER, 0).size == (7 * SIZE, SIZE)
    fresh = Stacks(tmp_path, SceneClassifier().eval(), fresh=True)
    for _ in range(2):
        fresh.numbers(BORDER, 0)
    assert network.calls == 2 * calls


def test_only_few_step_rows_get_the_lora(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(room, "DemoNetwork", lambda prompts, *kind: asked.append(kind) or Shrinking())
    stacks, alone = Stacks(tmp_path, SceneClassifier().eval()), Row("alone", "independent", steps=3)
    stacks.numbers(alone, 0)
    stacks.numbers(replace(alone, guidance=1.0, few_steps=True, churn=math.inf), 0)
    assert asked == [(3.0, False), (1.0, True)]


def test_levels_wake_at_the_sigma_of_the_row():
    seen: dict[int, float] = {}

    class Remembering(Shrinking):
        def __call__(self, z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
            for level, value in zip(levels.tolist(), sigma.tolist(), strict=True):
                seen.setdefault(level, value)
            return super().__call__(z, sigma, levels)

    sample(Remembering(), Row("late", "border", 1.0, 0.0, 2, 14, space="latent", wake=5.0), 0)
    half = (80 / 0.01) ** (0.501 / 13)
    assert seen[0] == pytest.approx(80)
    assert all(5 / half <= seen[level] <= 5 * half for level in range(1, 7))


@pytest.mark.parametrize("method", ["border", "paper", "iterative", "mismatched", "outpainting", "super_resolution"])
def test_levels_agree_as_pictures(method):
    network = Shrinking()
    images = sample(network, Row("one", method, steps=3), 0)
    assert images.shape == (7, 3, SIZE, SIZE) and network.vae.encoded > 0
    assert images.min() >= 0 and images.max() <= 1 and images.std() > 0.01
    assert consistency_error(images, PICTURES) < 0.01  # clamping to [0, 1] is not linear


def test_the_space_decides_where_levels_agree():
    network, latent = Shrinking(), replace(BORDER, space="latent")
    in_latents = sample(network, latent, 0)
    assert network.vae.encoded == 0 and consistency_error(in_latents, PICTURES) < 0.01
    in_pixels = sample(network, BORDER, 0)
    assert network.vae.encoded > 0 and not torch.allclose(in_latents, in_pixels, atol=0.01)
    alone = sample(network, replace(BORDER, method="independent"), 0)
    assert consistency_error(alone, PICTURES) > 0.1


def test_keys_tell_settings_apart():
    rows = {replace(row, label="") for rows in TABLES.values() for row in rows}
    assert len({key(row) for row in rows}) == len(rows)
    for rows_of_one in TABLES.values():
        assert len({row.label for row in rows_of_one}) == len(rows_of_one)
