"""Zoom KSampler (Advanced): one level is the host's; parts of a run add up to the whole."""

from typing import Any

import pytest
import torch
from harness import Host, NodeFailed, call
from test_guider import relative_gap
from torch import Tensor
from zoom_graphs import BOTH, PROMPTS, ZOOM_ONLY, Checkpoint, logged, model_calls

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy", "ignore:To copy construct")

WHOLE: dict[str, Any] = {
    "add_noise": "enable",
    "noise_seed": 7,
    "start_at_step": 0,
    "end_at_step": 10000,
    "return_with_leftover_noise": "disable",
    **{key: BOTH[key] for key in ("steps", "cfg", "sampler_name", "scheduler")},
}


def advanced(
    host: Host, checkpoint: Checkpoint, model: Any, latent: dict[str, Any], levels: int, **inputs: Any
) -> tuple[Tensor, Tensor | None]:
    """What our node gives, and for one level what the host's gives from the same inputs."""
    links = {
        "model": host.source(model),
        "positive": host.source(checkpoint.schedule(*PROMPTS[:levels])),
        "negative": host.source(checkpoint.encode("")),
        "latent_image": host.source(latent),
    }
    shared = {**{name: [name, 0] for name in links}, **WHOLE}
    shared.update({key: value for key, value in inputs.items() if key in WHOLE})
    zoom = {**ZOOM_ONLY, **{key: value for key, value in inputs.items() if key not in WHOLE}}
    if "blend_options" in zoom:
        links["blend_options"] = host.source(zoom["blend_options"])
        zoom["blend_options"] = ["blend_options", 0]
    graph = {
        **links,
        "zoom": call("ZoomKSamplerAdvanced", **shared, **zoom),
        "stock": call("KSamplerAdvanced", **shared),
    }
    refs = (["zoom", 0], ["stock", 0]) if levels == 1 else (["zoom", 0],)
    results = [result["samples"] for result in host.evaluate(graph, *refs)]
    return results[0], results[1] if levels == 1 else None


PARTS: dict[str, dict[str, Any]] = {
    "whole": {},
    "first": {"end_at_step": 2, "return_with_leftover_noise": "enable"},
    "first, finished": {"end_at_step": 2},
    "last": {"start_at_step": 2, "add_noise": "disable"},
    "last, noise added": {"start_at_step": 2},
    "middle": {"start_at_step": 1, "end_at_step": 3, "return_with_leftover_noise": "enable"},
    "nothing": {"start_at_step": 4},
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("family", ["eps", "flow"])
def test_one_level_is_the_hosts(host: Host, request: pytest.FixtureRequest, family: str, part: str) -> None:
    checkpoint: Checkpoint = request.getfixturevalue(family)
    generator = torch.Generator().manual_seed(1)
    latent = {"samples": torch.randn(1, checkpoint.channels, 8, 8, generator=generator)}
    ours, stock = advanced(host, checkpoint, checkpoint.model, latent, 1, steps=4, **PARTS[part])
    assert stock is not None and torch.isfinite(stock).all()
    assert torch.equal(ours, stock)


@pytest.mark.parametrize("end", [6, 7, 8])
def test_a_scheduler_with_more_sigmas_than_steps(host: Host, eps: Checkpoint, end: int) -> None:
    """The host cuts by sigmas: ddim_uniform gives 8 steps where 7 are asked for. Aligned levels have 8, too."""
    inputs: dict[str, Any] = {"steps": 7, "scheduler": "ddim_uniform", "end_at_step": end}
    ours, stock = advanced(host, eps, eps.model, eps.empty(1), 1, **inputs)
    assert stock is not None and torch.equal(ours, stock)
    with model_calls() as calls:
        advanced(host, eps, eps.model, eps.empty(2), 2, **inputs, cfg=1.0, alignment=0.01)
    assert sum(len(call.x) for call in calls) == 2 * end


@pytest.mark.parametrize("scheduler", ["simple", "beta", "ddim_uniform"])
def test_two_parts_are_the_whole_with_other_schedules(host: Host, flow: Checkpoint, scheduler: str) -> None:
    inputs: dict[str, Any] = {"steps": 7, "scheduler": scheduler, "zoom_factor": 4.0, "cfg": 1.0}
    run = host, flow, flow.model
    whole, _ = advanced(*run, flow.empty(3), 3, **inputs)
    first, _ = advanced(*run, flow.empty(3), 3, **inputs, end_at_step=3, return_with_leftover_noise="enable")
    both, _ = advanced(*run, {"samples": first}, 3, **inputs, start_at_step=3, add_noise="disable")
    assert float((both - whole).abs().max()) < 3e-4 * float(whole.std())
    assert float((first - whole).abs().max()) > 6e-4 * float(whole.std())


@pytest.mark.parametrize("alignment", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("middle", [1, 3, 5])
def test_two_parts_are_the_whole(host: Host, checkpoint: Checkpoint, alignment: float, middle: int) -> None:
    inputs: dict[str, Any] = {"steps": 6, "alignment": alignment, "zoom_factor": 4.0, "cfg": 1.0}
    run = host, checkpoint, checkpoint.model
    whole, _ = advanced(*run, checkpoint.empty(3), 3, **inputs)
    first, _ = advanced(*run, checkpoint.empty(3), 3, **inputs, end_at_step=middle, return_with_leftover_noise="enable")
    both, _ = advanced(*run, {"samples": first}, 3, **inputs, start_at_step=middle, add_noise="disable")
    assert float((both - whole).abs().max()) < 3e-4 * float(whole.std())
    assert float((first - whole).abs().max()) > 6e-4 * float(whole.std())


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_a_run_that_stops_early_can_give_its_estimates(host: Host, checkpoint: Checkpoint, alignment: float) -> None:
    inputs: dict[str, Any] = {"steps": 6, "alignment": alignment, "end_at_step": 3}
    result, _ = advanced(host, checkpoint, checkpoint.model, checkpoint.empty(3), 3, **inputs)
    assert relative_gap(result) < 1e-5


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_2m_sde", "dpmpp_2m"])
def test_other_samplers_go_on_too(host: Host, flow: Checkpoint, sampler: str) -> None:
    """Noisy states nest in both parts."""
    inputs: dict[str, Any] = {"steps": 6, "sampler_name": sampler, "zoom_factor": 2.0}
    first, _ = advanced(host, flow, flow.model, flow.empty(3), 3, **inputs, end_at_step=3,
                        return_with_leftover_noise="enable")  # fmt: skip
    model, log = logged(flow.model)
    result, _ = advanced(host, flow, model, {"samples": first}, 3, **inputs, start_at_step=3, add_noise="disable")
    assert max(map(relative_gap, log.states[1:])) < 1e-4
    assert relative_gap(result) < 1e-5


def test_leftover_noise_that_no_latent_can_hold_is_a_clear_error(host: Host, eps: Checkpoint) -> None:
    """Levels so deep that their noise, which samplers carry in float64, would come out as infinity."""
    levels, inputs = 25, {"zoom_factor": 64.0, "steps": 16, "cfg": 1.0, "end_at_step": 1}
    latent, prompts = eps.empty(levels), (*PROMPTS * 5,)
    run = {"model": eps.model, "positive": eps.schedule(*prompts), "negative": eps.encode(""), "latent_image": latent}
    graph = {name: host.source(value) for name, value in run.items()}
    shared = {**{name: [name, 0] for name in run}, **WHOLE, **ZOOM_ONLY, **inputs}
    graph["zoom"] = call("ZoomKSamplerAdvanced", **{**shared, "return_with_leftover_noise": "enable"})
    message = r"Zoom KSampler \(Advanced\): return_with_leftover_noise is enable, but at end_at_step the deepest level"
    with pytest.raises(NodeFailed, match=message + r" has a sigma of .*, and latents of float32 hold at most 3e\+36"):
        host.evaluate(graph, ["zoom", 0])


def test_errors_name_the_node(host: Host, eps: Checkpoint) -> None:
    with pytest.raises(NodeFailed, match=r"ValueError: Zoom KSampler \(Advanced\): latent_image has a batch of 2"):
        advanced(host, eps, eps.model, eps.empty(2), 3)
