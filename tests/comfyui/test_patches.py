"""Other nodes' patches over several levels; see docs/compatibility.md for which are exact.

`test_film_strip.py` has those that are exact on every level; here are LoRAs, patches of the host's real families, and
what decides for all levels at once.
"""

from typing import Any

import pytest
import torch
from harness import Host, NodeFailed, call
from real_families import REAL_FAMILIES, write_real
from safetensors.torch import save_file
from stock_levels import LEVELS, TOLERANCE, compare
from tiny_models import lora_for
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, sampling, zoom


def patched(host: Host, model: Any, node: str, **inputs: Any) -> Any:
    links = {"model": ["model", 0]}
    if "empty_conditioning" in inputs:
        links["empty_conditioning"] = ["empty", 0]
    graph = {"model": host.source(model), "empty": host.source(inputs.pop("empty_conditioning", None))}
    (result,) = host.evaluate({**graph, "patch": call(node, **links, **inputs)}, ["patch", 0])
    return result


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_a_lora_on_model_and_clip(host: Host, eps: Checkpoint, alignment: float) -> None:
    folder = host.base / "models" / "loras"
    folder.mkdir(parents=True, exist_ok=True)
    stem = "text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1"
    rows, columns = eps.clip.get_sd()[stem.removeprefix("text_encoders.") + ".weight"].shape
    generator = torch.Generator().manual_seed(5)
    text = {
        f"{stem}.lora_up.weight": torch.randn(rows, 4, generator=generator),
        f"{stem}.lora_down.weight": torch.randn(4, columns, generator=generator),
    }
    save_file({**lora_for(eps.model, 2), **text}, folder / "tiny_lora.safetensors")
    graph = {
        "model": host.source(eps.model),
        "clip": host.source(eps.clip),
        "lora": call(
            "LoraLoader",
            model=["model", 0],
            clip=["clip", 0],
            lora_name="tiny_lora.safetensors",
            strength_model=0.8,
            strength_clip=1.0,
        ),
    }
    model, clip = host.evaluate(graph, ["lora", 0], ["lora", 1])
    with_lora = Checkpoint(model, clip, eps.vae)
    assert not torch.equal(with_lora.encode("a star")[0][0], eps.encode("a star")[0][0])
    results = []
    for checkpoint in (with_lora, eps):
        positive = [checkpoint.encode(prompt) for prompt in PROMPTS[:LEVELS]]
        error, result = compare(host, checkpoint, positive, [checkpoint.encode("")] * LEVELS, alignment)
        assert error < TOLERANCE
        results.append(result)
    assert (results[0] - results[1]).abs().max() > 0.05 * results[1].std()


SKIP_LAYER = {"layers": "1", "scale": 3.0, "start_percent": 0.0, "end_percent": 1.0}


@pytest.mark.parametrize(
    ("family", "node", "inputs", "alignment", "steps"),
    [
        ("sd15", "PerturbedAttentionGuidance", {"scale": 3.0}, 1.0, 3),
        ("sd3", "SkipLayerGuidanceSD3", SKIP_LAYER, 0.0, 4),
        ("sd3", "SkipLayerGuidanceSD3", SKIP_LAYER, 1.0, 4),
        ("sd3", "SkipLayerGuidanceSD3", {**SKIP_LAYER, "start_percent": 0.01, "end_percent": 0.5}, 0.0, 4),
    ],
)
def test_guidance_by_a_further_pass_through_the_network(
    host: Host, family: str, node: str, inputs: dict[str, Any], alignment: float, steps: int
) -> None:
    kind = REAL_FAMILIES[family]
    loader = call("CheckpointLoaderSimple", ckpt_name=write_real(family, host.base / "models"))
    (model,) = host.evaluate({"loader": loader}, ["loader", 0])
    positive, negative = [kind.prompt(i, 6 + 5 * i) for i in range(2)], [kind.prompt(9, 8)] * 2
    run = {"latent": kind.empty(2), "steps": steps}
    error, result = compare(host, kind, positive, negative, alignment, patched(host, model, node, **inputs), **run)
    assert error < TOLERANCE
    _, without = compare(host, kind, positive, negative, alignment, model, **run)
    assert (result - without).abs().max() > 0.05 * without.std()


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_perpendicular_negatives_do_not_see_levels_that_wait(host: Host, eps: Checkpoint, alignment: float) -> None:
    """Its further pass through the network has a prompt of its own, the empty one."""
    model = patched(host, eps.model, "PerpNeg", empty_conditioning=eps.encode(""), neg_scale=1.0)
    positive = [eps.encode(text) for text in PROMPTS[:LEVELS]]
    error, _ = compare(host, eps, positive, [eps.encode("")] * LEVELS, alignment, model)
    assert error < TOLERANCE


def test_temporal_score_rescaling_takes_no_batch_in_the_host_either(host: Host, eps: Checkpoint) -> None:
    """When this fails, the host has mended it: see docs/compatibility.md."""
    model = patched(host, eps.model, "TemporalScoreRescaling", tsr_k=0.9, tsr_sigma=1.0)
    for levels in (1, LEVELS):
        graph = sampling(host, model, eps.schedule(*PROMPTS[:levels]), eps.encode(""), eps.empty(levels))
        for node in ("stock", "zoom"):
            if levels == 1:
                assert torch.isfinite(host.evaluate(graph, [node, 0])[0]["samples"]).all()
            else:
                with pytest.raises(NodeFailed, match="Boolean value of Tensor with more than one value is ambiguous"):
                    host.evaluate(graph, [node, 0])


# They decide for all levels by one sigma, one entry or one mean.
FOR_ALL_AT_ONCE: dict[str, dict[str, Any]] = {
    "CFGOverride": {"cfg": 1.0, "start_percent": 0.3, "end_percent": 1.0},
    "LazyCache": {"reuse_threshold": 0.5, "start_percent": 0.0, "end_percent": 1.0, "verbose": False},
    "EasyCache": {"reuse_threshold": 0.5, "start_percent": 0.0, "end_percent": 1.0, "verbose": False},
    "Mahiro": {},
}


def relative_gap(result: Tensor) -> float:
    inner = torch.nn.functional.avg_pool2d(result, 2)[1:]
    return float((result[:-1, :, 2:6, 2:6] - inner).abs().max() / inner.std())


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("node", FOR_ALL_AT_ONCE)
def test_patches_that_decide_for_all_levels_at_once_still_give_one_scene(
    host: Host, eps: Checkpoint, node: str, alignment: float
) -> None:
    prompts = eps.schedule(*PROMPTS[:LEVELS]), eps.encode("")
    model = patched(host, eps.model, node, **FOR_ALL_AT_ONCE[node])
    inputs = {"alignment": alignment, "steps": 8}
    result = zoom(host, model, *prompts, eps.empty(LEVELS), **inputs)
    assert torch.isfinite(result).all()
    assert relative_gap(result) < 1e-5
    without = zoom(host, eps.model, *prompts, eps.empty(LEVELS), **inputs)
    assert (result - without).abs().max() > 0.01 * without.std()
