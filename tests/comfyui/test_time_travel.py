"""Time travel: steps taken again from re-noised states, by any sampler, and the levels still agree."""

from typing import Any

import comfy.samplers
import pytest
import torch
from harness import Host
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, SamplerLog, logged, zoom

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:comfy", "ignore::UserWarning:torchsde", "ignore:To copy construct"
)

TRAVEL: dict[str, Any] = {"travel_repeats": 3, "travel_start": 0.25, "travel_end": 0.75}  # steps 1 and 2 of 4


def run(host: Host, checkpoint: Checkpoint, options: dict[str, Any], **inputs: Any) -> tuple[Tensor, SamplerLog]:
    model, log = logged(checkpoint.model)
    prompts = checkpoint.schedule(*PROMPTS[:3]), checkpoint.encode("")
    blend_options = host.module("sampling.agreement.blend_options").BlendOptions(**options)
    result = zoom(host, model, *prompts, checkpoint.empty(3), steps=4, blend_options=blend_options, **inputs)
    return result, log


def disagreement(host: Host, levels: Tensor) -> float:
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(3, 8, 8)
    return float(host.module("zoomstack_core.method.metrics").consistency_error(levels, geometry))


@pytest.mark.parametrize("sampler", comfy.samplers.KSampler.SAMPLERS)
def test_every_sampler_repeats_the_steps_of_the_range(host: Host, eps: Checkpoint, sampler: str) -> None:
    result, log = run(host, eps, {**TRAVEL, "travel_repeats": 2}, alignment=0.0, sampler_name=sampler, cfg=1.0)
    assert max(log.sigmas.count(sigma) for sigma in log.sigmas) >= 2
    assert torch.isfinite(result).all()
    assert disagreement(host, result) < 1e-5
    assert float(result.std()) == pytest.approx(float(log.denoised[-1].std()) / 0.18215, rel=0.05)


def test_the_range_is_a_part_of_the_steps(host: Host, eps: Checkpoint) -> None:
    result, plain = run(host, eps, {"travel_repeats": 1}, alignment=0.0)
    a, b, c, d = plain.sigmas
    _, log = run(host, eps, TRAVEL, alignment=0.0)
    assert log.sigmas == [a, b, b, b, c, c, c, d]
    _, whole = run(host, eps, {"travel_repeats": 2}, alignment=0.0)
    assert whole.sigmas == [a, a, b, b, c, c, d, d]
    same, _ = run(host, eps, {"travel_repeats": 4, "travel_start": 0.5, "travel_end": 0.5}, alignment=0.0)
    torch.testing.assert_close(same, result, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("sampler", ["euler", "ddpm"])
def test_states_still_nest_at_every_call(host: Host, checkpoint: Checkpoint, sampler: str) -> None:
    """With aligned noise the noisy states themselves agree; noise of its own on every level would be seen."""
    plain, _ = run(host, checkpoint, {}, sampler_name=sampler)
    result, log = run(host, checkpoint, TRAVEL, sampler_name=sampler)
    assert max(disagreement(host, state) for state in log.states) < 1e-4
    assert disagreement(host, result) < 1e-5
    assert not torch.allclose(result, plain, atol=1e-2)
    again, _ = run(host, checkpoint, TRAVEL, sampler_name=sampler)
    assert torch.equal(result, again)


@pytest.mark.parametrize(("flow", "before"), [(False, 5.0), (True, 0.9), (True, 1.0)])
def test_a_renoised_state_has_the_noise_of_its_sigma(host: Host, flow: bool, before: float) -> None:
    renoised = host.module("sampling.noise.time_travel").renoised
    generator = torch.Generator().manual_seed(0)
    image, noise, fresh = (torch.randn(1, 1, 200, 200, generator=generator) for _ in range(3))
    sigma = 0.5
    state = renoised((1 - sigma if flow else 1) * image + sigma * noise, sigma, before, flow, fresh)
    rest = state - (1 - before if flow else 1) * image
    assert float(rest.std()) == pytest.approx(before, rel=0.02)
    assert abs(float((rest * image).mean())) < 0.03 * before


def test_progress_follows_the_schedule(host: Host, eps: Checkpoint) -> None:
    run(host, eps, TRAVEL, alignment=0.0, preview_method="latent2rgb")
    assert [value for value, _ in host.progress] == [1, 2, 2, 2, 3, 3, 3, 4]
    assert {total for _, total in host.progress} == {4}
