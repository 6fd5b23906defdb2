"""Every level's own noise level on the host: which levels the network sees, at which sigma, and how often."""

import math
from dataclasses import replace
from typing import Any

import comfy.samplers
import pytest
import torch
from harness import Host, NodeFailed
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, ModelCall, logged, model_calls, zoom

SAMPLERS = ["euler", "euler_ancestral", "dpmpp_2m", "dpmpp_2m_sde", "ddpm"]
STEPS = 4


def prompts(levels: int) -> list[str]:
    return [f"{PROMPTS[i % len(PROMPTS)]} {i}" for i in range(levels)]


def run(host: Host, checkpoint: Checkpoint, levels: int, size: int = 8, **inputs: Any) -> list[ModelCall]:
    """The network's calls in a run at cfg 1, where every row is one level."""
    positive = checkpoint.schedule(*prompts(levels))
    with model_calls() as calls:
        zoom(
            host,
            checkpoint.model,
            positive,
            checkpoint.encode(""),
            checkpoint.empty(levels, size, size),
            **{"steps": STEPS, "cfg": 1.0, "zoom_factor": 4.0, **inputs},
        )
    return calls


def by_level(checkpoint: Checkpoint, calls: list[ModelCall], levels: int) -> list[list[tuple[float, Tensor]]]:
    """Per level, its (sigma, state) in the order of evaluation; levels are told by their prompts. VE terms."""
    embeddings = torch.cat([embedding for embedding, _ in checkpoint.schedule(*prompts(levels))])
    seen: list[list[tuple[float, Tensor]]] = [[] for _ in range(levels)]
    for call in calls:
        for x, sigma, context in zip(call.x, call.sigma, call.context, strict=True):
            (level,) = [i for i, embedding in enumerate(embeddings) if torch.equal(embedding, context)]
            rest = 1 - sigma if checkpoint.flow else 1.0
            seen[level].append((float(sigma / rest), x / rest))
    return seen


def sigma_range(checkpoint: Checkpoint) -> tuple[float, float]:
    """The largest and smallest sigma of the model in VE terms; a flow model's time ends at 0.99."""
    sampling = checkpoint.model.get_model_object("model_sampling")
    high, low = float(sampling.sigma_max), float(sampling.sigma_min)
    return (0.99 / 0.01, low / (1 - low)) if checkpoint.flow else (high, low)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_level_goes_once_through_the_range_of_the_model(host: Host, checkpoint: Checkpoint, sampler: str) -> None:
    levels = 5
    seen = by_level(checkpoint, run(host, checkpoint, levels, sampler_name=sampler), levels)
    high, low = sigma_range(checkpoint)
    rung = math.log(high / low) / (STEPS - 1)
    for states in seen:
        assert len(states) == STEPS
        sigmas = [sigma for sigma, _ in states]
        assert max(sigmas) < high * math.exp(0.501 * rung)
        assert min(sigmas) > low * math.exp(-0.501 * rung)
        for sigma, following in zip(sigmas, sigmas[1:], strict=False):
            assert sigma / following == pytest.approx(math.exp(rung), rel=1e-3)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("family", ["eps", "v", "flow"])
def test_every_state_has_the_noise_of_its_sigma(
    host: Host, request: pytest.FixtureRequest, family: str, sampler: str
) -> None:
    """Where the estimate is always a black image, a state is sigma times noise of variance one."""
    checkpoint: Checkpoint = request.getfixturevalue(family)
    levels = 4
    model = checkpoint.model.clone()
    model.set_model_sampler_post_cfg_function(lambda args: torch.zeros_like(args["denoised"]))
    black = replace(checkpoint, model=model)
    seen = by_level(checkpoint, run(host, black, levels, size=16, sampler_name=sampler), levels)
    for states in seen:
        for sigma, state in states:
            assert float(state.std()) == pytest.approx(sigma, rel=0.15)


def test_the_batch_does_not_grow_with_the_number_of_levels(host: Host, checkpoint: Checkpoint) -> None:
    high, low = sigma_range(checkpoint)
    range_and_slack = math.log(high / low) * STEPS / (STEPS - 1)
    most = math.ceil(range_and_slack / math.log(4.0))
    counts = {levels: run(host, checkpoint, levels) for levels in (most + 1, most + 4)}
    for levels, calls in counts.items():
        assert most - 1 <= max(len(call.x) for call in calls) <= most < levels
        assert sum(len(call.x) for call in calls) == STEPS * levels


def test_half_alignment_gives_half_the_ratio(host: Host, eps: Checkpoint) -> None:
    """One call may hold two levels at once: theirs are factor ** alignment apart."""
    calls = run(host, eps, 2, alignment=0.5, steps=8, zoom_factor=2.0)
    both = [call for call in calls if len(call.x) == 2]
    assert len(both) > 4
    for call in both:
        assert float(call.sigma.max() / call.sigma.min()) == pytest.approx(2.0**0.5, rel=1e-4)


def test_at_alignment_zero_all_levels_share_the_stock_sigmas(host: Host, checkpoint: Checkpoint) -> None:
    calls = run(host, checkpoint, 3, alignment=0.0, scheduler="karras")
    sampling = checkpoint.model.get_model_object("model_sampling")
    expected = comfy.samplers.calculate_sigmas(sampling, "karras", STEPS)[:-1]
    assert [len(call.x) for call in calls] == [3] * STEPS
    for call, sigma in zip(calls, expected, strict=True):
        torch.testing.assert_close(call.sigma, sigma.expand(3))


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_denoise_below_one_takes_the_end_of_a_longer_schedule(host: Host, checkpoint: Checkpoint, steps: int) -> None:
    latent = {"samples": 0.1 * torch.ones(3, checkpoint.channels, 8, 8)}
    with model_calls() as calls:
        zoom(
            host,
            checkpoint.model,
            checkpoint.schedule(*prompts(3)),
            checkpoint.encode(""),
            latent,
            steps=steps,
            cfg=1.0,
            zoom_factor=4.0,
            denoise=0.5,
        )
    seen = by_level(checkpoint, calls, 3)
    high, low = sigma_range(checkpoint)
    steps = max(steps, 2)  # a ladder has two ends
    rung = math.log(high / low) / (2 * steps - 1)
    for states in seen:
        assert len(states) == steps
        assert states[0][0] <= low * math.exp((steps - 0.499) * rung)
        assert states[-1][0] > low * math.exp(-0.501 * rung)
    assert states[0][0] < high / 2


@pytest.mark.parametrize("denoise", [0.0])
@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_no_denoise_gives_the_latents_back(host: Host, eps: Checkpoint, alignment: float, denoise: float) -> None:
    samples = torch.randn(3, 4, 8, 8)
    latent = {"samples": samples}
    result = zoom(
        host, eps.model, eps.schedule(*prompts(3)), eps.encode(""), latent, denoise=denoise, alignment=alignment
    )
    assert torch.equal(result, samples)


def test_many_levels_keep_within_float32(host: Host, checkpoint: Checkpoint) -> None:
    """Deep levels wait with noise that is larger than anything that the sampler knows."""
    levels = 12
    model, log = logged(checkpoint.model)
    result = zoom(
        host,
        model,
        checkpoint.schedule(*prompts(levels)),
        checkpoint.encode(""),
        checkpoint.empty(1),
        steps=2,
        cfg=1.0,
        zoom_factor=64.0,
        sampler_name="euler_ancestral",
    )
    assert len(result) == levels
    assert torch.isfinite(result).all()
    assert log.states[0].std((1, 2, 3)).max() > 1e10


DEEPEST = {"euler": 40, "er_sde": 20, "ddpm": 30, "uni_pc": 7, "deis": 7}


@pytest.mark.parametrize("sampler", DEEPEST)
def test_deep_stacks_run_or_are_a_clear_error(host: Host, flow: Checkpoint, sampler: str) -> None:
    """At zoom factor 64, with numbers far beyond what float32 and some samplers can hold."""
    inputs = {"steps": 3, "zoom_factor": 64.0, "sampler_name": sampler, "cfg": 1.0}
    result = zoom(host, flow.model, flow.encode("x"), [], flow.empty(DEEPEST[sampler]), **inputs)
    assert torch.isfinite(result).all()
    levels = 60
    what = f"ValueError: Zoom KSampler: {levels} levels at zoom_factor 64 and alignment 1 "
    with pytest.raises(NodeFailed, match=what) as failure:
        zoom(host, flow.model, flow.encode("x"), [], flow.empty(levels), **inputs)
    message = str(failure.value).splitlines()[0]
    assert "Use fewer levels, a smaller zoom_factor or a lower alignment" in message
    assert (f"the sampler {sampler.replace('uni_pc', 'unipc')} can carry" in message) == (
        sampler in ("uni_pc", "deis", "ddpm")
    )


@pytest.mark.parametrize("alignment", [0.3, 1.0])
def test_the_scheduler_does_not_enter_aligned_runs(host: Host, eps: Checkpoint, alignment: float) -> None:
    inputs = eps.model, eps.schedule(*prompts(2)), eps.encode(""), eps.empty(2)
    results = [zoom(host, *inputs, alignment=alignment, scheduler=scheduler) for scheduler in ("karras", "simple")]
    assert torch.equal(*results)
