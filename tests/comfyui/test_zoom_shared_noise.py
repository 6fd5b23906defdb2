"""Zoom Shared Noise: its choice reaches the sampler, through Zoom KSampler and through the host's own node."""

from typing import Any

import pytest
import torch
from custom_sampling import custom_sampling
from harness import Host, call
from test_guider import relative_gap, state_gap
from zoom_graphs import PROMPTS, Checkpoint, SamplerLog, logged, sampling, zoom


def states(host: Host, checkpoint: Checkpoint, initial: str, step: str, **inputs: Any) -> SamplerLog:
    """The states of a run of Zoom KSampler with noise from Zoom Shared Noise."""
    model, log = logged(checkpoint.model)
    prompts = checkpoint.schedule(*PROMPTS[:3]), checkpoint.encode("")
    graph = sampling(host, model, *prompts, checkpoint.empty(3), **inputs)
    graph["noise"] = call("ZoomSharedNoise", noise_seed=5, initial_noise=initial, step_noise=step)
    graph["zoom"]["inputs"]["noise"] = ["noise", 0]
    host.evaluate(graph, ["zoom", 0])
    return log


@pytest.mark.parametrize(
    ("sampler", "initial", "shared"),
    [
        ("euler", "auto", True),
        ("euler", "independent", False),
        ("ddpm", "auto", False),
        ("ddpm", "shared", True),
    ],
)
def test_initial_noise_at_equal_sigmas(host: Host, eps: Checkpoint, sampler: str, initial: str, shared: bool) -> None:
    log = states(host, eps, initial, "shared", sampler_name=sampler, alignment=0.0)
    assert (state_gap(log.states[0]) < 1e-5) == shared


@pytest.mark.parametrize("initial", ["auto", "shared", "independent"])
def test_initial_noise_at_aligned_sigmas(host: Host, eps: Checkpoint, initial: str) -> None:
    log = states(host, eps, initial, "shared", sampler_name="ddpm", alignment=1.0)
    first = log.states[0]
    assert (relative_gap(first) < 1e-5) == (initial != "independent")
    assert float(first[2].std() / first[0].std()) == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("step", ["shared", "independent"])
def test_step_noise(host: Host, eps: Checkpoint, step: str, alignment: float) -> None:
    log = states(host, eps, "shared", step, sampler_name="euler_ancestral", alignment=alignment)
    gap = relative_gap if alignment else state_gap
    assert (max(map(gap, log.states)) < 1e-4) == (step == "shared")


def test_it_takes_the_place_of_the_seed(host: Host, eps: Checkpoint) -> None:
    prompts = eps.schedule(*PROMPTS[:2]), eps.encode("")
    graph = sampling(host, eps.model, *prompts, eps.empty(2), seed=99)
    graph["noise"] = call("ZoomSharedNoise", noise_seed=5, initial_noise="auto", step_noise="shared")
    graph["zoom"]["inputs"]["noise"] = ["noise", 0]
    (result,) = host.evaluate(graph, ["zoom", 0])
    assert torch.equal(result["samples"], zoom(host, eps.model, *prompts, eps.empty(2), seed=5))


@pytest.mark.parametrize("step", ["shared", "independent"])
def test_the_choice_reaches_a_zoom_guider(host: Host, eps: Checkpoint, step: str) -> None:
    model, log = logged(eps.model)
    graph = custom_sampling(host, eps, model, 3, sampler_name="euler_ancestral")
    graph["noise"] = call("ZoomSharedNoise", noise_seed=5, initial_noise="auto", step_noise=step)
    host.evaluate(graph, ["run", 0])
    assert (max(map(relative_gap, log.states)) < 1e-4) == (step == "shared")
