"""Zoom Hold Levels: a finished stack extended deeper and wider, or partly made anew, with the held levels exact."""

from typing import Any

import pytest
import torch
from harness import Host, NodeFailed, call
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, model_calls, zoom

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy", "ignore:To copy construct")


def finished(host: Host, checkpoint: Checkpoint, levels: int = 3, **inputs: Any) -> dict[str, Any]:
    prompts = checkpoint.schedule(*PROMPTS[:levels]), checkpoint.encode("")
    return {"samples": zoom(host, checkpoint.model, *prompts, checkpoint.empty(levels), **inputs)}


def hold(host: Host, latent: dict[str, Any], levels: str = "all", deeper: int = 0, wider: int = 0) -> Any:
    node = call("ZoomHeldLevels", latent=["stack", 0], levels=levels, add_deeper=deeper, add_wider=wider)
    held, count = host.evaluate({"stack": host.source(latent), "hold": node}, ["hold", 0], ["hold", 1])
    assert count == len(held["samples"])
    return held


def resample(host: Host, checkpoint: Checkpoint, held: dict[str, Any], **inputs: Any) -> Tensor:
    prompts = checkpoint.schedule(*(PROMPTS * 2)[: len(held["samples"])]), checkpoint.encode("")
    return zoom(host, checkpoint.model, *prompts, held, **{"seed": 1, **inputs})


def outside(size: int = 8, factor: int = 2) -> Tensor:
    """Where a level is not covered by the next one."""
    mask = torch.ones(size, size, dtype=torch.bool)
    edge = (size - size // factor) // 2
    mask[edge : size - edge, edge : size - edge] = False
    return mask


def disagreement(host: Host, levels: Tensor) -> float:
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(len(levels), 8, 8)
    return float(host.module("zoomstack_core.method.metrics").consistency_error(levels, geometry))


@pytest.mark.parametrize(
    ("sampler", "alignment"), [("euler", 0.0), ("euler", 1.0), ("ddpm", 0.0), ("ddpm", 1.0), ("uni_pc", 0.0)]
)
def test_deeper_levels_join(host: Host, checkpoint: Checkpoint, sampler: str, alignment: float) -> None:
    """Held levels change by exactly nothing outside the middle of the last one, and are not evaluated."""
    stack = finished(host, checkpoint)
    with model_calls() as calls:
        inputs = {"sampler_name": sampler, "alignment": alignment, "steps": 3, "cfg": 1.0}
        result = resample(host, checkpoint, hold(host, stack, deeper=2), **inputs)
    assert result.shape[0] == 5
    assert torch.equal(result[:2][..., outside()], stack["samples"][:2][..., outside()])
    assert torch.equal(result[2][:, outside()], stack["samples"][2][:, outside()])
    assert not torch.allclose(result[2][:, ~outside()], stack["samples"][2][:, ~outside()], atol=1e-3)
    assert disagreement(host, result) < 1e-5
    assert sum(len(call.x) for call in calls) <= 2 * 3 + (sampler == "uni_pc") * 2
    assert all(float(level.std()) > 1e-3 for level in result)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_wider_levels_join(host: Host, eps: Checkpoint, alignment: float) -> None:
    stack = finished(host, eps)
    result = resample(host, eps, hold(host, stack, wider=2), alignment=alignment)
    assert torch.equal(result[-1], stack["samples"][-1])
    assert torch.equal(result[2:4][..., outside()], stack["samples"][:2][..., outside()])
    torch.testing.assert_close(result[2:], stack["samples"], atol=1e-4, rtol=1e-4)
    assert disagreement(host, result) < 1e-5


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_a_level_is_made_anew(host: Host, eps: Checkpoint, alignment: float) -> None:
    stack = finished(host, eps)
    held = hold(host, stack, "1, 3")
    assert not held["samples"][1].any()
    first, second = (resample(host, eps, held, alignment=alignment, seed=seed) for seed in (1, 2))
    for result in (first, second):
        assert torch.equal(result[2], stack["samples"][2])
        assert torch.equal(result[0][:, outside()], stack["samples"][0][:, outside()])
        assert disagreement(host, result) < 1e-5
    assert not torch.allclose(first[1], second[1], atol=1e-2)


def test_held_levels_through_the_vae(host: Host, flow: Checkpoint) -> None:
    stack = finished(host, flow, 2, steps=2)
    options = host.module("sampling.agreement.blend_options").BlendOptions(space="pixels", vae=flow.vae)
    with pytest.raises(NodeFailed, match="Zoom Hold Levels: latent does not nest"):
        resample(host, flow, hold(host, stack, deeper=1), blend_options=options, steps=2)  # agrees as latents only
    result = resample(host, flow, hold(host, stack, "1", deeper=1), blend_options=options, steps=2)
    assert torch.equal(result[0][:, outside()], stack["samples"][0][:, outside()])
    assert torch.isfinite(result).all()


def test_what_is_held_is_no_more_in_the_result(host: Host, eps: Checkpoint) -> None:
    """So it can be extended again; other keys of the LATENT go on."""
    stack = {**finished(host, eps, 2), "note": "kept", "noise_mask": torch.ones(2, 1, 8, 8)}
    held = hold(host, stack, deeper=1)
    assert held["note"] == "kept" and "noise_mask" not in held
    graph = {
        name: host.source(value)
        for name, value in {
            "model": eps.model,
            "positive": eps.schedule(*PROMPTS[:3]),
            "negative": eps.encode(""),
            "latent": held,
        }.items()
    }
    links = {"model": ["model", 0], "positive": ["positive", 0], "negative": ["negative", 0]}
    widgets: dict[str, Any] = {"seed": 0, "steps": 2, "cfg": 1.0, "sampler_name": "euler", "scheduler": "normal"}
    widgets |= {"denoise": 1.0, "zoom_factor": 2.0, "alignment": 1.0, "blend": "laplacian"}
    graph["zoom"] = call("ZoomKSampler", latent_image=["latent", 0], **links, **widgets)
    (result,) = host.evaluate(graph, ["zoom", 0])
    assert result.keys() == {"samples", "note", "zoom_nesting"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("all", [0, 1, 2, 3]), ("1-3", [0, 1, 2]), (" 4, 2 ", [1, 3]), ("1 - 2; 4", [0, 1, 3]), ("1..3 3", [0, 1, 2])],
)
def test_levels_as_text(host: Host, text: str, expected: list[int]) -> None:
    assert host.module("sampling.agreement.held").parse_levels(text, 4, first=1) == expected


@pytest.mark.parametrize("text", ["", "first", "0", "5", "2-9", "3-1", "-1", "1-2-3", "1.5", "9" * 5000])
def test_levels_that_are_none_are_a_clear_error(host: Host, eps: Checkpoint, text: str) -> None:
    with pytest.raises(NodeFailed, match=r"Zoom Hold Levels: levels (is|has) .*; expected all, or levels from 1 to 4"):
        hold(host, eps.empty(4), text)


def test_a_range_that_runs_backwards_is_said_to(host: Host, eps: Checkpoint) -> None:
    with pytest.raises(NodeFailed, match=r"levels has 3-1, which runs backwards \(1-3\); expected all"):
        hold(host, eps.empty(4), "3-1")


@pytest.mark.parametrize("prompts", [3, 5])
def test_another_number_of_prompts_says_how_many_to_write(host: Host, eps: Checkpoint, prompts: int) -> None:
    held = hold(host, finished(host, eps), "1-2", deeper=1)
    total = len(held["samples"])
    given = eps.schedule(*["x"] * (total - 4 + prompts)), eps.encode("")
    message = rf"gives {total} levels \(2 held, {total - 2} new\), positive has prompts for \d; write {total} prompts"
    with pytest.raises(NodeFailed, match=message):
        zoom(host, eps.model, *given, held)


@pytest.mark.parametrize("inputs", [{"zoom_factor": 4.0}, {"zoom_factor": 3.0}, {"focus_x": 0.1}])
def test_another_factor_or_focus_is_a_clear_error(host: Host, eps: Checkpoint, inputs: dict[str, float]) -> None:
    stack = finished(host, eps)
    with pytest.raises(NodeFailed, match="Zoom Hold Levels: latent does not nest at zoom factor .* levels 1 and 2"):
        resample(host, eps, hold(host, stack, deeper=1), **inputs)


def test_a_stack_of_another_size_is_a_clear_error(host: Host, eps: Checkpoint, flow: Checkpoint) -> None:
    held = hold(host, finished(host, eps), deeper=1)
    with pytest.raises(NodeFailed, match="Zoom Hold Levels: latent holds levels of a stack of 4, but has 3 levels now"):
        resample(host, eps, {**held, "samples": held["samples"][:3]})
    with pytest.raises(NodeFailed, match="Zoom Hold Levels: latent has 4 channels, the model's latents have 16"):
        resample(host, flow, held)
