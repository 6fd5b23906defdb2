"""The demo network outside the host's executor: its latents are those of its VAE, and the LoRA changes it."""

from __future__ import annotations

import pytest
import torch

from benchmarks.demo_model.agree import ThroughVae
from benchmarks.demo_model.network import DemoNetwork
from demo.canvas import Scene
from demo.universe import Universe

PROMPT = "a whole ocean planet in space"


@pytest.fixture(scope="module")
def network():
    return DemoNetwork([PROMPT], 1.0)


@pytest.fixture(scope="module")
def latents(network):
    picture = Universe(64, 0).draw([Scene(6, "blue", "yellow", "ocean", False)])
    return network.vae.encode_picture(picture.movedim(1, -1))


@torch.inference_mode()
def test_it_denoises_what_the_vae_encodes(network, latents):
    sigma = torch.full((1,), 0.5)
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
    estimate = network(latents + 0.5 * noise, sigma, torch.tensor([0]))
    assert (estimate - latents).square().mean() < 0.8 * 0.2  # of the best linear filter of latents of deviation 1


@torch.inference_mode()
def test_guidance_and_lora_change_the_estimate(network, latents):
    sigma, level = torch.full((1,), 5.0), torch.tensor([0])
    z = latents + 5 * torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
    plain = network(z, sigma, level)
    assert torch.isfinite(plain).all()
    for guidance, few_steps in ((3.0, False), (1.0, True)):
        assert (DemoNetwork([PROMPT], guidance, few_steps)(z, sigma, level) - plain).abs().max() > 0.1


@torch.inference_mode()
def test_pictures_that_stay_leave_latents_alone(network, latents):
    pictures = ThroughVae(network.vae)
    torch.testing.assert_close(pictures.edit(latents, lambda x: x), latents)
    two = latents.repeat(2, 1, 1, 1)
    (first,) = pictures.edit(two, lambda x: 1 - x[:1])
    assert (first - latents[0]).abs().max() > 0.1
