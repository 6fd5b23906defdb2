"""Other nodes' patches over several levels; see docs/compatibility.md for which are exact.

`test_film_strip.py` has those that are exact on every level; here are LoRAs, patches of the host's real families, and
what decides for all levels at once.
"""

import re
from pathlib import Path
from typing import Any

import comfy.model_base
import pytest
import torch
from harness import Host, call
from real_families import REAL_FAMILIES, write_real
from safetensors.torch import save_file
from stock_levels import LEVELS, TOLERANCE, compare
from tiny_models import lora_for
from zoom_graphs import PROMPTS, Checkpoint, zoom


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
        ("sd3", "SkipLayerGuidanceSD3", {**SKIP_LAYER, "start_percent": 0.01, "end_percent": 0.5}, 1.0, 4),
        ("sd15", "SelfAttentionGuidance", {"scale": 0.8, "blur_sigma": 2.0}, 0.0, 3),
        ("sd15", "SelfAttentionGuidance", {"scale": 0.8, "blur_sigma": 2.0}, 1.0, 3),
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


# They decide for a whole call by one sigma, one entry or one mean: each level has calls of its own.
DECIDE_PER_CALL: dict[str, dict[str, Any]] = {
    "CFGOverride": {"cfg": 1.0, "start_percent": 0.3, "end_percent": 1.0},
    "LazyCache": {"reuse_threshold": 0.5, "start_percent": 0.0, "end_percent": 1.0, "verbose": False},
    "EasyCache": {"reuse_threshold": 0.5, "start_percent": 0.0, "end_percent": 1.0, "verbose": False},
    "Mahiro": {},
    "TemporalScoreRescaling": {"tsr_k": 0.9, "tsr_sigma": 1.0},
    "PatchModelAddDownscale": {
        "block_number": 1,
        "downscale_factor": 2.0,
        "start_percent": 0.0,
        "end_percent": 0.5,
        "downscale_after_skip": True,
        "downscale_method": "bicubic",
        "upscale_method": "bicubic",
    },
}


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("node", DECIDE_PER_CALL)
def test_patches_that_decide_for_a_whole_call(host: Host, eps: Checkpoint, node: str, alignment: float) -> None:
    model = patched(host, eps.model, node, **DECIDE_PER_CALL[node])
    positive, negative = [eps.encode(prompt) for prompt in PROMPTS[:LEVELS]], [eps.encode("")] * LEVELS
    error, result = compare(host, eps, positive, negative, alignment, model, steps=6)
    assert error < TOLERANCE
    _, without = compare(host, eps, positive, negative, alignment, steps=6)
    assert (result - without).abs().max() > 0.01 * without.std()


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_what_other_patches_remember_stays_with_its_level_then_too(
    host: Host, eps: Checkpoint, alignment: float
) -> None:
    momentum = patched(host, eps.model, "APG", eta=1.0, norm_threshold=5.0, momentum=0.5)
    model = patched(host, momentum, "CFGOverride", **{**DECIDE_PER_CALL["CFGOverride"], "cfg": 2.0})
    positive, negative = [eps.encode(prompt) for prompt in PROMPTS[:LEVELS]], [eps.encode("")] * LEVELS
    error, _ = compare(host, eps, positive, negative, alignment, model, steps=6)
    assert error < TOLERANCE


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_samplers_that_ask_for_unconditional_estimates_get_agreeing_ones(
    host: Host, eps: Checkpoint, alignment: float
) -> None:
    prompts = eps.schedule(*PROMPTS[:LEVELS]), eps.encode("")
    inputs = {"alignment": alignment, "steps": 6, "sampler_name": "euler_cfg_pp", "cfg": 1.5}
    together = zoom(host, eps.model, *prompts, eps.empty(LEVELS), **inputs)
    # a range in which nothing is ever changed: the same numbers, one level after another
    never = {**DECIDE_PER_CALL["PatchModelAddDownscale"], "block_number": 32}
    alone = zoom(
        host, patched(host, eps.model, "PatchModelAddDownscale", **never), *prompts, eps.empty(LEVELS), **inputs
    )
    assert (alone - together).abs().max() < TOLERANCE * together.std()


# Files of the host's nodes whose patches treat every picture of a batch by itself.
PER_PICTURE = {
    "nodes_advanced_samplers",  # Euler CFG++: asks for unconditional estimates
    "nodes_apg",
    "nodes_cfg",
    "nodes_differential_diffusion",
    "nodes_flux",
    "nodes_freelunch",
    "nodes_fresca",
    "nodes_hidream_o1",
    "nodes_hypernetwork",
    "nodes_hypertile",  # at random
    "nodes_latent",
    "nodes_minimax_h3",
    "nodes_model_advanced",
    "nodes_multigpu",
    "nodes_nag",
    "nodes_pag",
    "nodes_perpneg",  # but for its sums; its own prompt is processed for all levels as one batch
    "nodes_rope",
    "nodes_tcfg",
    "nodes_tomesd",  # at random
    "nodes_train",
    "nodes_triposplat",
    "nodes_wan",
}


def test_every_file_of_the_host_that_patches_models_is_decided(host: Host) -> None:
    module = host.module("sampling.network.one_by_one")
    known = PER_PICTURE | module.FOR_ALL.keys() | module.BY_THE_FIRST_SIGMA.keys()
    patching = re.compile(r"\.(set_model_\w+|add_wrapper\w*|add_object_patch)\(")
    files = sorted(Path(comfy.model_base.__file__).parents[1].glob("comfy_extras/nodes_*.py"))
    found = {file.stem for file in files if patching.search(file.read_text(encoding="utf-8"))}
    assert len(found) > 20 and found - known == set(), "decide in sampling/network/one_by_one.py or here"
