"""ControlNet hints and keyframes of hooks: one object in the graph, a state of its own for every level."""

from typing import Any

import comfy.hooks
import pytest
import torch
from harness import Host, NodeFailed
from stock_levels import LEVELS, TOLERANCE, compare, initial_noise, marked
from tiny_models import control_net, lora_for
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, Conditioning, model_calls, zoom


@pytest.fixture(scope="module")
def net() -> Any:
    return control_net()


def prompts(c: Checkpoint) -> list[Conditioning]:
    return [c.encode(text) for text in PROMPTS[:LEVELS]]


def hints(count: int) -> Tensor:
    """[count, 128, 128, 3] pixels, each picture far brighter than the one before."""
    noise = torch.rand(count, 128, 128, 3, generator=torch.Generator().manual_seed(0))
    return noise * 10.0 ** torch.arange(count).view(-1, 1, 1, 1)


def apply(host: Host, positive: Conditioning, negative: Conditioning, net: Any, images: Tensor) -> Any:
    return host.node("ControlNetApplyAdvanced")().apply_controlnet(positive, negative, net, images, 0.8, 0.0, 0.7)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("chained", [False, True])
def test_a_batch_of_hints_is_one_per_level(
    host: Host, eps: Checkpoint, net: Any, chained: bool, alignment: float
) -> None:
    """One apply node over the whole schedule gives what one apply node per level with its own image gives."""
    images, none = hints(LEVELS), eps.encode("")
    positive, negative = marked(prompts(eps)), none
    if chained:  # a first one with one image for all
        positive, negative = apply(host, positive, negative, net, hints(LEVELS + 1)[-1:])
    positive, negative = apply(host, positive, negative, net, images)
    result = zoom(host, eps.model, positive, negative, eps.empty(LEVELS), alignment=alignment)
    by_level = []
    for i, prompt in enumerate(prompts(eps)):
        level = prompt, none
        if chained:
            level = apply(host, *level, net, hints(LEVELS + 1)[-1:])
        by_level.append(apply(host, *level, net, images[i : i + 1]))
    each = marked([level[0] for level in by_level]), marked([level[1] for level in by_level])
    expected = zoom(host, eps.model, *each, eps.empty(LEVELS), alignment=alignment)
    assert (result - expected).abs().max() < TOLERANCE * expected.std()
    first_for_all = apply(host, marked(prompts(eps)), none, net, images[:1])
    other = zoom(host, eps.model, *first_for_all, eps.empty(LEVELS), alignment=alignment)
    assert (other - expected).abs().max() > 100 * TOLERANCE * expected.std(), "hints must matter"
    assert positive[0][1]["control"].cond_hint is None, "cleaned up"


def test_one_hint_for_all_levels_is_one_batch(host: Host, eps: Checkpoint, net: Any) -> None:
    positive, negative = apply(host, marked(prompts(eps)), eps.encode(""), net, hints(1))
    with model_calls() as calls:
        zoom(host, eps.model, positive, negative, eps.empty(LEVELS), alignment=0.0, steps=2)
    assert [len(call.x) for call in calls] == [2 * LEVELS] * 2


def test_hints_that_are_not_one_per_level_are_an_error(host: Host, eps: Checkpoint, net: Any) -> None:
    positive, negative = apply(host, marked(prompts(eps)), eps.encode(""), net, hints(2))
    with pytest.raises(
        NodeFailed, match="Zoom KSampler: positive: the image of a ControlNet has a batch of 2 for 3 zoom levels"
    ):
        zoom(host, eps.model, positive, negative, eps.empty(LEVELS))


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_hooks_with_keyframes_go_at_every_levels_pace(host: Host, eps: Checkpoint, alignment: float) -> None:
    def hooked(keyframes: bool) -> list[Conditioning]:
        hooks = comfy.hooks.create_hook_lora(lora_for(eps.model, 1), 1.0, 1.0)
        if keyframes:
            frames = comfy.hooks.HookKeyframeGroup()
            for start, strength in ((0.0, 0.2), (0.3, 1.0), (0.6, 0.5)):
                frames.add(comfy.hooks.HookKeyframe(strength, start))
            hooks.set_keyframes_on_hooks(frames)
        return [comfy.hooks.set_hooks_for_conditioning(level, hooks) for level in prompts(eps)]

    negative = [eps.encode("")] * LEVELS
    error, result = compare(host, eps, hooked(True), negative, alignment)
    assert error < TOLERANCE
    _, constant = compare(host, eps, hooked(False), negative, alignment)
    assert (result - constant).abs().max() > 0.05 * constant.std()


@pytest.mark.parametrize("denoise", [1.0, 0.4])
def test_keyframes_compare_with_the_sigmas_of_their_level(host: Host, checkpoint: Checkpoint, denoise: float) -> None:
    """The host gives keyframes that lie before the first sigma of a run no steps of their own."""
    hooks = comfy.hooks.create_hook_lora(lora_for(checkpoint.model, 1), 1.0, 1.0)
    frames = comfy.hooks.HookKeyframeGroup()
    for start, strength in ((0.0, 0.2), (0.3, 1.0)):
        frames.add(comfy.hooks.HookKeyframe(strength, start))
    hooks.set_keyframes_on_hooks(frames)
    positive = comfy.hooks.set_hooks_for_conditioning(marked(prompts(checkpoint)), hooks)
    schedules: list[list[float]] = []

    def note(executor: Any, x: Tensor, t: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        options = next(arg for arg in (*args, *kwargs.values()) if isinstance(arg, dict) and "sample_sigmas" in arg)
        assert float(options["sigmas"][0]) in options["sample_sigmas"].tolist()
        schedules.append(options["sample_sigmas"].tolist())
        return executor(x, t, *args, **kwargs)

    model = checkpoint.model.clone()
    model.add_wrapper_with_key("apply_model", "note", note)
    latent = {"samples": torch.ones(LEVELS, checkpoint.channels, 8, 8)}
    zoom(host, model, positive, checkpoint.encode(""), latent, steps=4, denoise=denoise)
    assert {len(schedule) for schedule in schedules} == {5}
    sampling = checkpoint.model.get_model_object("model_sampling")
    highest = max(schedule[0] for schedule in schedules)
    assert (highest < 0.9 * float(sampling.sigma_max)) == (denoise < 1)


def test_levels_that_are_far_apart_still_start_from_rendered_noise(host: Host, eps: Checkpoint) -> None:
    """What the comparisons above rest on."""
    noise = initial_noise(host, eps.model, eps.empty(LEVELS, 16, 16)["samples"], 60.0)
    assert float(noise.std()) == pytest.approx(1, rel=0.05)
