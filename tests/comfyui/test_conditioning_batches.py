"""Batches within a conditioning entry: prompts, pictures, masks, one item per level."""

from collections.abc import Callable
from typing import Any

import comfy.clip_vision
import comfy.conds
import comfy.samplers
import pytest
import torch
from custom_sampling import custom_sampling
from harness import Host, NodeFailed, call
from real_families import REAL_FAMILIES, write_real
from stock_levels import (
    CFG,
    LEVELS,
    SEED,
    SIZE,
    STEPS,
    TOLERANCE,
    Levels,
    compare,
    far_apart,
    initial_noise,
    marked,
    with_options,
)
from torch import Tensor
from zoom_graphs import BOTH, PROMPTS, ZOOM_ONLY, Checkpoint, Conditioning, load, zoom

PIXELS = 8 * SIZE


def prompts(c: Checkpoint) -> Levels:
    return [c.encode(text) for text in PROMPTS[:LEVELS]]


def stacked(levels: Levels) -> Conditioning:
    """The levels' only entries as one entry with a batch, as batch prompt nodes make it."""
    options = dict(levels[0][0][1])
    for key, value in options.items():
        if isinstance(value, Tensor):
            options[key] = torch.cat([level[0][1][key] for level in levels])
    return [[torch.cat([level[0][0] for level in levels]), options]]


@pytest.fixture(scope="module", params=["eps", "flow"])
def inpainting(request: pytest.FixtureRequest, host: Host) -> Checkpoint:
    return load(host, f"tiny_inpaint_{request.param}")


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_a_batch_of_prompts_is_one_per_level(host: Host, checkpoint: Checkpoint, alignment: float) -> None:
    positive = prompts(checkpoint)
    negative = [checkpoint.encode(text) for text in ("blue", "green", "gray")]
    given = stacked(positive), stacked(negative)
    error, result = compare(host, checkpoint, positive, negative, alignment, given=given)
    assert error < TOLERANCE
    other = zoom(host, checkpoint.model, *given, checkpoint.empty(1, SIZE, SIZE), alignment=alignment)
    assert other.shape == result.shape, "prompts are levels, a single latent is for all of them"


def test_a_batch_beside_marked_entries(host: Host, eps: Checkpoint) -> None:
    """Entries for one level, for all, and with one prompt for each, in one conditioning."""
    own, everywhere, batch = prompts(eps), eps.encode("grain"), [eps.encode(t) for t in ("dust", "mud", "moss")]
    positive = [own[i] + everywhere + batch[i] for i in range(LEVELS)]
    negative = [eps.encode("")] * LEVELS
    given = marked(own) + everywhere + stacked(batch), negative[0]
    assert compare(host, eps, positive, negative, 1.0, given=given)[0] < TOLERANCE


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("name", ["sdxl", "sd3", "flux", "flux2", "hunyuan", "wan"])
def test_what_comes_with_a_batch_of_prompts(host: Host, name: str, alignment: float) -> None:
    """Pooled prompts; and what the host's Reference Latent adds, a list of batches."""
    family = REAL_FAMILIES[name]
    loader = call("CheckpointLoaderSimple", ckpt_name=write_real(name, host.base / "models"))
    (model,) = host.evaluate({"loader": loader}, ["loader", 0])
    positive, negative = [family.prompt(i, 7) for i in range(2)], [family.prompt(5 + i, 7) for i in range(2)]
    run = {"model": model, "latent": family.empty(2), "steps": 5 if name in ("flux", "flux2") else 4}
    without = compare(host, family, positive, negative, alignment, **run)[1]
    given = stacked(positive), stacked(negative)
    if name in ("flux", "flux2"):
        generator = torch.Generator().manual_seed(3)
        references = [torch.randn(2, *family.shape, generator=generator) for _ in range(2)]

        def with_references(conditioning: Conditioning, rows: slice) -> Conditioning:
            for reference in references:
                graph = {
                    "conditioning": host.source(conditioning),
                    "latent": host.source({"samples": reference[rows]}),
                    "add": call("ReferenceLatent", conditioning=["conditioning", 0], latent=["latent", 0]),
                }
                (conditioning,) = host.evaluate(graph, ["add", 0])
            return conditioning

        positive = [with_references(level, slice(i, i + 1)) for i, level in enumerate(positive)]
        given = with_references(given[0], slice(None)), given[1]
    error, result = compare(host, family, positive, negative, alignment, given=given, **run)
    assert error < TOLERANCE
    if name in ("flux", "flux2"):
        assert (result - without).abs().max() > 0.01 * without.std(), "references must matter"


def pictures(count: int) -> Tensor:
    return torch.rand(count, PIXELS, PIXELS, 3, generator=torch.Generator().manual_seed(0))


def masks() -> Tensor:
    """One per level: left, right, and the middle of the picture."""
    values = torch.zeros(LEVELS, PIXELS, PIXELS)
    quarter = PIXELS // 4
    values[0, :, : 2 * quarter] = values[1, :, 2 * quarter :] = 1
    values[2, quarter : 3 * quarter, quarter : 3 * quarter] = 1
    return values


@torch.inference_mode()
def inpaint(
    host: Host, c: Checkpoint, positive: Conditioning, images: Tensor, mask: Tensor, noise_mask: bool
) -> tuple[Conditioning, Conditioning, dict[str, Any]]:
    """What the host's InpaintModelConditioning gives."""
    node = host.node("InpaintModelConditioning")()
    return node.encode(positive, c.encode(""), images, c.vae, mask, noise_mask=noise_mask)


def inpaint_each(
    host: Host, c: Checkpoint, images: Tensor, mask: Tensor, noise_mask: bool = False
) -> tuple[Levels, Levels]:
    """The same, level by level."""
    each = [
        inpaint(host, c, level, images[i : i + 1], mask[i : i + 1], noise_mask) for i, level in enumerate(prompts(c))
    ]
    return [level[0] for level in each], [level[1] for level in each]


@pytest.mark.parametrize("noise_mask", [False, True])
@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_every_level_has_its_own_picture_to_inpaint(
    host: Host, inpainting: Checkpoint, alignment: float, noise_mask: bool
) -> None:
    images, mask = pictures(LEVELS), masks()
    positive, negative, latent = inpaint(host, inpainting, marked(prompts(inpainting)), images, mask, noise_mask)
    each = inpaint_each(host, inpainting, images, mask, noise_mask)
    error, result = compare(host, inpainting, *each, alignment, latent=latent, given=(positive, negative))
    assert error < TOLERANCE
    plain = prompts(inpainting), [inpainting.encode("")] * LEVELS
    without = compare(host, inpainting, *plain, alignment, latent=latent)[1]
    assert (result - without).abs().max() > 0.01 * without.std(), "the pictures must matter"


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("inner", ["CFGGuider", "BasicGuider", "DualCFGGuider"])
def test_every_guider_takes_batches(host: Host, inpainting: Checkpoint, inner: str, alignment: float) -> None:
    """Below Zoom Guider; where levels have entries of their own is compared with stock runs above."""
    images, mask = pictures(LEVELS), masks()
    given = inpaint(host, inpainting, stacked(prompts(inpainting)), images, mask, noise_mask=True)
    each = inpaint_each(host, inpainting, images, mask)
    results = []
    for positive, negative in (given[:2], (marked(each[0]), marked(each[1]))):
        graph = custom_sampling(host, inpainting, inpainting.model, LEVELS, alignment=alignment, zoom_factor=2.0)
        graph |= {
            "positive": host.source(positive),
            "negative": host.source(negative),
            "latent": host.source(given[2]),
        }
        ports = {"model": ["model", 0]}
        if inner == "BasicGuider":
            graph["inner"] = call(inner, **ports, conditioning=["positive", 0])
        elif inner == "DualCFGGuider":
            links = {"cond1": ["positive", 0], "cond2": ["negative", 0], "negative": ["negative", 0]}
            graph["inner"] = call(inner, **ports, **links, cfg_conds=3.0, cfg_cond2_negative=2.0, style="regular")
        results.append(host.evaluate(graph, ["run", 0])[0]["samples"])
    assert (results[0] - results[1]).abs().max() < TOLERANCE * results[1].std()
    assert results[0].std() > 0.1


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_a_batch_of_conditioning_masks_is_one_per_level(host: Host, eps: Checkpoint, alignment: float) -> None:
    def masked(conditioning: Conditioning, mask: Tensor) -> Conditioning:
        return host.node("ConditioningSetMask")().append(conditioning, mask, "default", 0.8)[0]

    dust, mask = eps.encode("dust"), masks()
    positive = [level + masked(dust, mask[i : i + 1]) for i, level in enumerate(prompts(eps))]
    given = marked(prompts(eps)) + masked(dust, mask), eps.encode("")
    assert compare(host, eps, positive, [eps.encode("")] * LEVELS, alignment, given=given)[0] < TOLERANCE
    one_for_all = marked(prompts(eps)) + masked(dust, mask[:1]), eps.encode("")
    other = compare(host, eps, positive, [eps.encode("")] * LEVELS, alignment, given=one_for_all)[0]
    assert other > 0.01, "masks must matter"


@pytest.mark.parametrize("perp_neg", [False, True])
def test_levels_are_the_pictures_of_the_hosts_own_batch(host: Host, inpainting: Checkpoint, perp_neg: bool) -> None:
    """Also what a patch brings of its own: Perp-Neg processes its empty prompt for all levels at once."""
    images, mask = pictures(LEVELS), masks()
    positive, negative, latent = inpaint(host, inpainting, stacked(prompts(inpainting)), images, mask, False)
    model = inpainting.model
    if perp_neg:
        empty = inpaint(host, inpainting, inpainting.encode("mist"), images, mask, False)[0]
        graph = {"model": host.source(model), "empty": host.source(empty)}
        graph["patch"] = call("PerpNeg", model=["model", 0], empty_conditioning=["empty", 0], neg_scale=1.0)
        (model,) = host.evaluate(graph, ["patch", 0])
    factor, _ = far_apart(model, SIZE)
    inputs = {"alignment": 0.0, "zoom_factor": factor, "seed": SEED, "steps": STEPS, "cfg": CFG}
    result = zoom(host, model, positive, negative, latent, **inputs)
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(positive, negative)
    guider.set_cfg(CFG)
    noise, euler = initial_noise(host, model, latent["samples"], factor), comfy.samplers.sampler_object("euler")
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", STEPS)
    with torch.inference_mode():
        expected = guider.sample(noise, latent["samples"], euler, sigmas, disable_pbar=True, seed=SEED)
    assert (result - expected).abs().max() < TOLERANCE * expected.std()


def batch_of_two(options: dict[str, Any]) -> Callable[[Checkpoint], Any]:
    return lambda c: (with_options(c.schedule(*PROMPTS[:LEVELS]), **options), c.encode(""), c.empty(LEVELS))


WRONG: dict[str, tuple[Callable[[Checkpoint], Any], str]] = {
    "prompts": (
        lambda c: (stacked(prompts(c)[:2]), c.encode(""), c.empty(LEVELS)),
        "latent_image has a batch of 3, positive has prompts for 2 levels",
    ),
    "two batches": (
        lambda c: (stacked(prompts(c)[:2]) + stacked(prompts(c)), c.encode(""), c.empty(LEVELS)),
        "positive has batches of 2 and 3 prompts; expected one number",
    ),
    "prompts beside a schedule": (
        lambda c: (c.schedule(*PROMPTS[:LEVELS]) + stacked(prompts(c)[:2]), c.encode(""), c.empty(LEVELS)),
        "positive: the prompt has a batch of 2 for 3 zoom levels; expected 3, one per level, or 1",
    ),
    "negative": (
        lambda c: (c.schedule(*PROMPTS[:LEVELS]), stacked(prompts(c)[:2]), c.empty(LEVELS)),
        "negative: the prompt has a batch of 2 for 3 zoom levels",
    ),
    "negative of one level": (
        lambda c: (c.encode("a"), stacked(prompts(c)), c.empty(1)),
        "negative: the prompt has a batch of 3, but there is one zoom level; expected 1",
    ),
    "pictures": (
        batch_of_two({"concat_latent_image": torch.zeros(2, 4, 8, 8)}),
        "positive: concat_latent_image has a batch of 2 for 3",
    ),
    "references": (
        batch_of_two({"reference_latents": [torch.zeros(1, 4, 8, 8), torch.zeros(2, 4, 8, 8)]}),
        "positive: reference_latents has a batch of 2 for 3",
    ),
    "masks": (batch_of_two({"mask": torch.zeros(2, 64, 64)}), "positive: mask has a batch of 2 for 3"),
    "noise masks": (
        lambda c: (
            c.schedule(*PROMPTS[:LEVELS]),
            c.encode(""),
            {**c.empty(LEVELS), "noise_mask": torch.ones(2, 1, 64, 64)},
        ),
        "the noise mask of latent_image has a batch of 2 for 3",
    ),
    "of another pack": (
        batch_of_two({"model_conds": {"c_theirs": comfy.conds.CONDRegular(torch.zeros(2, 5))}}),
        "positive: c_theirs of the model's conditioning has a batch of 2 for 3",
    ),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("node", ["Zoom KSampler", "Zoom KSampler (Advanced)", "Zoom Guider"])
def test_batches_of_another_size_are_errors(host: Host, eps: Checkpoint, node: str, case: str) -> None:
    make, message = WRONG[case]
    positive, negative, latent = make(eps)
    if node == "Zoom Guider":
        graph = custom_sampling(host, eps, eps.model, LEVELS)
    else:
        own: dict[str, Any] = {**BOTH, **ZOOM_ONLY}
        if node != "Zoom KSampler":
            own = {key: value for key, value in own.items() if key not in ("seed", "denoise")}
            own |= {"add_noise": "enable", "noise_seed": 1, "start_at_step": 0, "end_at_step": 99}
            own["return_with_leftover_noise"] = "disable"
        ports = {name: [name, 0] for name in ("model", "positive", "negative")}
        kind = "ZoomKSampler" if node == "Zoom KSampler" else "ZoomKSamplerAdvanced"
        graph = {"model": host.source(eps.model), "run": call(kind, **ports, latent_image=["latent", 0], **own)}
    graph |= {"positive": host.source(positive), "negative": host.source(negative), "latent": host.source(latent)}
    with pytest.raises(NodeFailed) as error:
        host.evaluate(graph, ["run", 0])
    assert f"{node}: {message}" in str(error.value).splitlines()[0]


def test_what_another_packs_model_makes_of_a_batch_is_one_per_level(host: Host, eps: Checkpoint) -> None:
    """The pack cannot know its key; the model's own conditioning says what is a batch."""
    of_level = host.module("sampling.network.batches").model_conds_of_level
    batch, words = torch.arange(3.0).view(3, 1), {"same": True}
    entry = {
        "model_conds": {
            "theirs": comfy.conds.CONDRegular(batch),
            "several": comfy.conds.CONDList([batch, batch[:1]]),
            "constant": comfy.conds.CONDConstant(words),
        }
    }
    (own,) = of_level([entry], 1, 3, "Zoom KSampler: positive")
    assert own["model_conds"]["theirs"].cond.tolist() == [[1.0]]
    assert [tensor.tolist() for tensor in own["model_conds"]["several"].cond] == [[[1.0]], [[0.0]]]
    assert own["model_conds"]["constant"].cond is words
    assert len(entry["model_conds"]["theirs"].cond) == 3, "the given entry stays"


def test_batches_by_shape(host: Host) -> None:
    """Outputs of vision models, numbers, masks of videos, and keys that are in no table."""
    split = host.module("sampling.network.batches").items_per_level
    seen = comfy.clip_vision.Output()
    seen["last_hidden_state"], seen["image_sizes"] = torch.arange(3.0).view(3, 1, 1), [(3, 8, 8), (3, 9, 9), (3, 7, 7)]
    seen["mm_projected"] = None
    entry = {
        "clip_vision_output": seen,
        "clip_vision_outputs": [seen, seen],
        "elevation": [10.0, 20.0, 30.0],
        "theirs": torch.arange(6.0).view(3, 2),
        "other": torch.zeros(2, 2),
        "row": torch.arange(3.0),
        "mask": torch.zeros(5, 8, 8),
        "concat_mask": torch.arange(3.0).view(3, 1, 1).expand(3, 8, 8),
        "vace_frames": [torch.arange(3.0).view(3, 1, 1, 1, 1), torch.zeros(1, 1, 1, 1, 1)],
        "t5xxl_ids": torch.arange(3),
        "unclip_conditioning": [{"clip_vision_output": seen}],
    }
    parts = split({"positive": [entry]}, 3, 5, "Zoom KSampler")["positive"]
    assert [part["zoom_level"] for part in parts] == [0, 1, 2]
    last = parts[2]
    assert last["clip_vision_output"].last_hidden_state.tolist() == [[[2.0]]]
    assert last["clip_vision_output"].image_sizes == [(3, 7, 7)]
    assert last["clip_vision_outputs"][1].last_hidden_state.item() == 2.0
    assert last["elevation"] == 30.0
    assert last["theirs"].tolist() == [[4.0, 5.0]]
    assert last["mask"] is entry["mask"], "the frames of one mask"
    assert last["concat_mask"].shape == (1, 8, 8)
    assert float(last["concat_mask"].max()) == 2.0
    assert [tensor.flatten().tolist() for tensor in last["vace_frames"]] == [[2.0], [0.0]]
    for key in ("other", "row", "t5xxl_ids", "unclip_conditioning"):
        assert last[key] is entry[key], key
    assert len(seen.image_sizes) == 3, "the given output stays"
