"""The film strip: where levels do not interact, each is the stock run of its own prompts and noise."""

from collections.abc import Callable
from typing import Any

import comfy.hooks
import pytest
import torch
from harness import Host, call
from stock_levels import LEVELS, SIZE, TOLERANCE, Levels, compare, marked, with_options
from tiny_models import control_net, lora_for
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, model_calls, zoom

LONG = "a red galaxy with " + "very " * 90 + "many stars"


def mask(*, left: bool) -> Tensor:
    """[1, 128, 128] pixels: one half of the picture, with a soft part."""
    values = torch.zeros(1, 128, 128)
    values[:, :, :64] = torch.linspace(0.2, 1, 128)[None, :, None]
    return values if left else values.flip(-1)


# Every case gives one positive and one negative conditioning per level.
Case = Callable[[Checkpoint], tuple[Levels, Levels]]


def plain(c: Checkpoint) -> Levels:
    return [c.encode(text) for text in PROMPTS[:LEVELS]]


def empty(c: Checkpoint) -> Levels:
    return [c.encode("")] * LEVELS


def prompts_of_two_lengths(c: Checkpoint) -> tuple[Levels, Levels]:
    levels = [c.encode(PROMPTS[0]), c.encode(LONG), c.encode(PROMPTS[2])]
    assert [level[0][0].shape[1] for level in levels] == [77, 154, 77]
    return levels, [c.encode(LONG), *empty(c)[1:]]


def several_entries(c: Checkpoint) -> tuple[Levels, Levels]:
    a, b, d = plain(c)
    return [a + c.encode("dust"), b, d + c.encode("mud", strength=0.4) + c.encode("moss")], empty(c)


def negatives_per_level(c: Checkpoint) -> tuple[Levels, Levels]:
    return plain(c), [c.encode("blue"), c.encode("green") + c.encode("gray", strength=0.5), c.encode("")]


def areas(c: Checkpoint) -> tuple[Levels, Levels]:
    a, b, d = plain(c)
    inner = c.encode("dust", area=(6, 8, 3, 4), strength=0.7)
    corner = c.encode("mud", area=(8, 8, 8, 8))
    beyond = c.encode("moss", area=(40, 8, 4, 0))  # the host clips it
    return [a + inner, b + corner, d + beyond], empty(c)


def areas_in_percent(c: Checkpoint) -> tuple[Levels, Levels]:
    a, b, d = plain(c)
    return [c.encode("dust", area=("percentage", 0.5, 0.5, 0.5, 0.25)) + a, b, d], empty(c)


def default_entries(c: Checkpoint) -> tuple[Levels, Levels]:
    """As the host's "… Set Default Combine" nodes make them: for what the others leave free."""
    a, b, d = plain(c)
    left = with_options(a, mask=mask(left=True), mask_strength=1.0, set_area_to_bounds=False)
    return [left + c.encode("dust", default=True), b, d], empty(c)


def only_an_area(c: Checkpoint) -> tuple[Levels, Levels]:
    """The rest of that level is then not conditioned at all."""
    a, b, d = plain(c)
    return [a, with_options(b, area=(8, 10, 4, 2)), d], empty(c)


def masks(c: Checkpoint) -> tuple[Levels, Levels]:
    a, b, d = plain(c)
    left = with_options(a, mask=mask(left=True), mask_strength=0.8, set_area_to_bounds=False)
    bounds = c.encode("mud", mask=mask(left=False), mask_strength=1.0, set_area_to_bounds=True)
    return [left + c.encode("dust"), b + bounds, d], empty(c)


def timestep_ranges(c: Checkpoint) -> tuple[Levels, Levels]:
    a, b, d = plain(c)
    early, late = (
        with_options(a, start_percent=0.0, end_percent=0.5),
        c.encode("dust", start_percent=0.5, end_percent=1.0),
    )
    return [early + late, b, d + c.encode("mud", start_percent=0.3, end_percent=0.7)], empty(c)


def an_area_in_a_timestep_range(c: Checkpoint) -> tuple[Levels, Levels]:
    a, b, d = plain(c)
    part = c.encode("mud", area=(8, 8, 0, 8), start_percent=0.0, end_percent=0.6, strength=0.5)
    return [a, b + part, d], [*empty(c)[:2], c.encode("x", start_percent=0.2, end_percent=1.0) + c.encode("y")]


CASES: list[Case] = [
    prompts_of_two_lengths,
    several_entries,
    negatives_per_level,
    areas,
    areas_in_percent,
    only_an_area,
    masks,
    default_entries,
    timestep_ranges,
    an_area_in_a_timestep_range,
]


@pytest.fixture(scope="module")
def plain_pictures(host: Host, eps: Checkpoint, flow: Checkpoint) -> dict[tuple[str, float], Tensor]:
    """By family and alignment, the joint result of the plain case."""
    results = {}
    for name, checkpoint in (("eps", eps), ("flow", flow)):
        for alignment in (0.0, 1.0):
            error, results[name, alignment] = compare(host, checkpoint, plain(checkpoint), empty(checkpoint), alignment)
            assert error < TOLERANCE
    return results


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("family", ["eps", "flow"])
def test_levels_far_apart_are_stock_runs(
    host: Host,
    request: pytest.FixtureRequest,
    plain_pictures: dict[tuple[str, float], Tensor],
    family: str,
    case: Case,
    alignment: float,
) -> None:
    checkpoint: Checkpoint = request.getfixturevalue(family)
    error, result = compare(host, checkpoint, *case(checkpoint), alignment)
    assert error < TOLERANCE
    without = plain_pictures[family, alignment]
    assert (result - without).abs().max() > 0.01 * without.std(), "the case must matter"


# At alignment 0 a flow model starts from time 1, where only a mask keeps anything of the latent.
@pytest.mark.parametrize(("masked", "alignment"), [(False, 1.0), (True, 0.0), (True, 1.0)])
def test_every_level_starts_from_its_own_latent(
    host: Host, flow: Checkpoint, plain_pictures: dict[tuple[str, float], Tensor], masked: bool, alignment: float
) -> None:
    generator = torch.Generator().manual_seed(0)
    latent: dict[str, Any] = {"samples": 10 * torch.randn(LEVELS, flow.channels, SIZE, SIZE, generator=generator)}
    if masked:
        latent["noise_mask"] = torch.rand(LEVELS, 1, SIZE, SIZE, generator=generator).round()
    error, result = compare(host, flow, plain(flow), empty(flow), alignment, latent=latent)
    assert error < TOLERANCE
    without = plain_pictures["flow", alignment]
    assert (result - without).abs().max() > 0.01 * without.std()


def lora_hooks(checkpoint: Checkpoint, seed: int) -> Any:
    return comfy.hooks.create_hook_lora(lora_for(checkpoint.model, seed), 1.0, 1.0)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_every_level_keeps_its_lora_hooks(
    host: Host, eps: Checkpoint, plain_pictures: dict[tuple[str, float], Tensor], alignment: float
) -> None:
    a, b, d = plain(eps)
    hooked = [comfy.hooks.set_hooks_for_conditioning(level, lora_hooks(eps, i)) for i, level in enumerate((a, b))]
    error, result = compare(host, eps, [*hooked, d], empty(eps), alignment)
    assert error < TOLERANCE
    without = plain_pictures["eps", alignment]
    changed = (result - without).abs().amax((1, 2, 3)) / without.std()
    assert changed[:2].min() > 0.1
    assert changed[2] < TOLERANCE


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_every_level_keeps_its_controlnet(
    host: Host,
    eps: Checkpoint,
    plain_pictures: dict[tuple[str, float], Tensor],
    alignment: float,
) -> None:
    """A ControlNet scales its input by sigma: it needs the level's own. It is cleaned up after the run."""
    apply, net = host.node("ControlNetApplyAdvanced")().apply_controlnet, control_net()
    images = torch.rand(2, 1, 128, 128, 3, generator=torch.Generator().manual_seed(0))
    a, b, d = plain(eps)
    none = eps.encode("")
    first = apply(a, none, net, images[0], 0.7, 0.0, 1.0)
    second = apply(b, none, net, images[1], 0.5, 0.2, 0.6)
    error, result = compare(host, eps, [first[0], second[0], d], [first[1], second[1], none], alignment)
    assert error < TOLERANCE
    without = plain_pictures["eps", alignment]
    changed = (result - without).abs().amax((1, 2, 3)) / without.std()
    assert changed[:2].min() > 0.01
    assert changed[2] < TOLERANCE
    for conditioning in (*first, *second):
        assert conditioning[0][1]["control"].cond_hint is None


def test_unmarked_entries_are_for_all_levels(host: Host, eps: Checkpoint) -> None:
    positive, negative = plain(eps), eps.encode("blue") + eps.encode("blur", strength=0.3)
    everywhere = eps.encode("grain", strength=0.5)
    with model_calls() as calls:
        inputs = {"alignment": 0.0, "zoom_factor": 2.0, "steps": 2}
        latent = eps.empty(LEVELS)
        unmarked = zoom(host, eps.model, marked(positive) + everywhere, negative, latent, **inputs)
    each = marked([level + everywhere for level in positive])
    spelled_out = zoom(host, eps.model, each, marked([negative] * LEVELS), latent, **inputs)
    assert (unmarked - spelled_out).abs().max() < TOLERANCE * unmarked.std()
    assert [len(call.x) for call in calls] == [LEVELS * 4] * 2, "two entries each, all in one batch"


# What other nodes do to guidance and network. Those in SHARED_SIGMA ask one sigma or one mean of a whole batch.
PATCHES: dict[str, dict[str, Any]] = {
    "RescaleCFG": {"multiplier": 0.7},
    "FreeU_V2": {"b1": 1.3, "b2": 1.4, "s1": 0.9, "s2": 0.2},
    "TCFG": {},
    "CFGZeroStar": {},
    "CFGNorm": {"strength": 1.0},
    "FreSca": {"scale_low": 1.0, "scale_high": 1.25, "freq_cutoff": 4},
    "APG": {"eta": 1.0, "norm_threshold": 5.0, "momentum": -0.5},
}
SHARED_SIGMA: dict[str, dict[str, Any]] = {
    "CFGOverride": {"cfg": 1.0, "start_percent": 0.3, "end_percent": 1.0},
    "LazyCache": {"reuse_threshold": 0.5, "start_percent": 0.0, "end_percent": 1.0, "verbose": False},
}


@pytest.mark.parametrize(
    ("patch", "alignment"),
    [*((patch, alignment) for patch in PATCHES for alignment in (0.0, 1.0)), *((patch, 0.0) for patch in SHARED_SIGMA)],
)
def test_patches_by_other_nodes_work_on_every_level(
    host: Host,
    eps: Checkpoint,
    plain_pictures: dict[tuple[str, float], Tensor],
    patch: str,
    alignment: float,
) -> None:
    inputs = {**PATCHES, **SHARED_SIGMA}[patch]
    graph = {"model": host.source(eps.model), "patch": call(patch, model=["model", 0], **inputs)}
    (model,) = host.evaluate(graph, ["patch", 0])
    error, result = compare(host, eps, plain(eps), empty(eps), alignment, model)
    assert error < TOLERANCE
    without = plain_pictures["eps", alignment]
    assert (result - without).abs().max() > 0.01 * without.std()
