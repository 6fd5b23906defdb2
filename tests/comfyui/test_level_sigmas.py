"""Every level's own noise level on the host: which levels the network sees, at which sigma, and how often."""

import itertools
import math
from dataclasses import replace
from typing import Any

import comfy.samplers
import pytest
import torch
from comfy.samplers import KSampler
from harness import Host, NodeFailed
from harness import call as node_call
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
            **{"steps": STEPS, "cfg": 1.0, "zoom_factor": 4.0, "scheduler": "exponential", **inputs},
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
    first, *_, last = 2 * stock_sigmas(checkpoint, steps, "normal", 0.5)
    rung = math.log(first / last) / max(1, steps - 1) or math.log(4.0)
    for states in seen:
        assert len(states) == steps
        assert abs(math.log(states[0][0] / first)) < 0.501 * rung
        assert abs(math.log(states[-1][0] / last)) < 0.501 * rung
    assert seen[0][0][0] == pytest.approx(first, rel=1e-4)
    assert first < sigma_range(checkpoint)[0] / 2


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


def test_one_step_per_level(host: Host, checkpoint: Checkpoint) -> None:
    """Each begins at the first sigma, after the wider one is finished."""
    calls = run(host, checkpoint, 3, steps=1)
    assert [len(call.x) for call in calls] == [1, 1, 1]
    first, _ = sigma_range(checkpoint)
    for states in by_level(checkpoint, calls, 3):
        assert [sigma for sigma, _ in states] == pytest.approx([first], rel=1e-4)


def stock_sigmas(
    checkpoint: Checkpoint, steps: int, scheduler: str, denoise: float, sampler: str = "euler"
) -> list[float]:
    """Those above 0 that the host's KSampler has, in VE terms; a flow model's time ends at 0.99."""
    times = KSampler(checkpoint.model, steps, "cpu", sampler, scheduler, denoise).sigmas.double()[:-1]
    return [float(min(t, 0.99) / (1 - min(t, 0.99)) if checkpoint.flow else t) for t in times]


@pytest.mark.parametrize("family", ["eps", "v", "flow"])
@pytest.mark.parametrize("scheduler", KSampler.SCHEDULERS)
def test_every_level_has_the_ends_and_the_number_of_the_hosts_schedule(
    host: Host, request: pytest.FixtureRequest, scheduler: str, family: str
) -> None:
    """dpm_2 is a sampler for which the host leaves out the last sigma but one."""
    checkpoint: Checkpoint = request.getfixturevalue(family)
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(3, 8, 8, (2.0, 3.5))
    level_sigmas = host.module("sampling.noise.sigmas").level_sigmas
    tried = 0
    for steps, denoise, sampler in itertools.product(range(1, 41), (1.0, 0.7, 0.31), ("euler", "dpm_2")):
        stock = stock_sigmas(checkpoint, steps, scheduler, denoise, sampler)
        inputs = checkpoint.model, geometry, steps, sampler, scheduler, denoise, 1.0
        if not math.isfinite(sum(stock)):  # kl_optimal divides by steps - 1
            with pytest.raises(ValueError, match=r"sigmas has the steps \[nan, 0.0\]; expected steps that fall"):
                level_sigmas(*inputs)
            continue
        tried += 1
        ours = level_sigmas(*inputs)
        own = [[float(s) * ratio for s in ours.sigmas[:-1] if level in ours.front(s, 3).active]
               for level, ratio in enumerate(ours.ladder.ratios)]  # fmt: skip
        assert [len(sigmas) for sigmas in own] == [len(stock)] * 3, (steps, denoise, sampler)
        assert ours.steps == len(stock) and float(ours.sigmas[-1]) == 0
        assert (own[0][0], own[0][-1]) == pytest.approx((stock[0], stock[-1]), rel=1e-5), (steps, denoise, sampler)
        half = 0.501 * (math.log(stock[0] / stock[-1]) / (len(stock) - 1) if len(stock) > 1 else math.log(2.0))
        for sigmas in own[1:]:
            assert abs(math.log(sigmas[0] / stock[0])) < half and abs(math.log(sigmas[-1] / stock[-1])) < half
    assert tried > 200


def test_the_exponential_schedule_is_the_whole_range_of_the_model(host: Host, checkpoint: Checkpoint) -> None:
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(4, 8, 8, 2.0)
    ours = host.module("sampling.noise.sigmas").level_sigmas(
        checkpoint.model, geometry, 20, "euler", "exponential", 1.0, 1.0
    )
    ladder = host.module("zoomstack_core.method.ladder").aligned_ladder(geometry, *sigma_range(checkpoint), 20)
    assert ours.sigmas.tolist() == pytest.approx(ladder.sigmas, rel=1e-5)


def test_few_steps_of_a_flow_model_stay_where_its_own_schedule_is(host: Host, flow: Checkpoint) -> None:
    """At shift 3, as docs/samplers.md has it."""
    (model,) = host.evaluate(
        {"flow": host.source(flow.model), "shifted": node_call("ModelSamplingSD3", model=["flow", 0], shift=3.0)},
        ["shifted", 0],
    )
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(2, 8, 8, 1.01)
    level_sigmas = host.module("sampling.noise.sigmas").level_sigmas
    for scheduler, expected in (
        ("exponential", [99, 22, 5.1, 1.15, 0.26, 0.059, 0.0133, 0.003]),
        ("simple", [99, 46, 21, 9.6, 4.4, 2.0, 0.93, 0.43]),
    ):
        times = level_sigmas(model, geometry, 8, "euler", scheduler, 1.0, 1.0).of_level(0)[:-1]
        assert (times / (1 - times)).tolist() == pytest.approx(expected, rel=0.03)


def test_schedules_that_do_not_fall_are_told_of_the_scheduler(host: Host, eps: Checkpoint) -> None:
    message = r"ValueError: Zoom KSampler: scheduler has the steps \[nan, 0.0\]; expected steps that fall, where"
    with pytest.raises(NodeFailed, match=message):
        run(host, eps, 2, scheduler="kl_optimal", steps=1)
