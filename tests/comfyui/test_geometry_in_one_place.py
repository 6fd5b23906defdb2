"""Where a zoom goes is set at the sampler and handed on; levels that nest in another way are said on the node."""

from typing import Any

import pytest
import torch
from harness import Host, Prompt, call
from torch import Tensor
from zoom_graphs import BOTH, PROMPTS, Checkpoint, sampling

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy", "ignore:To copy construct")


WHOLE_RUN = {"add_noise": "enable", "start_at_step": 0, "end_at_step": 99, "return_with_leftover_noise": "disable"}


def scene(host: Host, factor: float, levels: int = 5, size: int = 64, **rest: Any) -> Tensor:
    """Images [N, H, W, 3] that nest exactly."""
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(levels, size, size, factor, **rest)
    spots = torch.rand(levels, 3, 7, 7, generator=torch.Generator().manual_seed(1))
    layers = torch.nn.functional.interpolate(spots, (size, size), mode="bicubic", align_corners=False).clamp(0, 1)
    return host.module("zoomstack_core.method.render").render_images(layers, geometry).movedim(1, -1)


def stack_notices(host: Host, images: Tensor, factor: float, geometry: Any = None, **inputs: Any) -> list[str]:
    """What Zoom Stack shows; that it makes a stack all the same is checked."""
    graph: Prompt = {"images": host.source(images)}
    if geometry is not None:
        graph["geometry"] = host.source(geometry)
        inputs["geometry"] = ["geometry", 0]
    graph["stack"] = call("ZoomStack", images=["images", 0], zoom_factor=factor, **inputs)
    (stack,) = host.evaluate(graph, ["stack", 0])
    assert len(stack) == len(images)
    return host.texts("stack")


def test_a_stack_that_nests_says_nothing(host: Host) -> None:
    assert stack_notices(host, scene(host, 2.0), 2.0) == []
    assert stack_notices(host, scene(host, 2.0, focus=(0.4, 0.7)), 2.0, focus_x=0.4, focus_y=0.7) == []


def test_another_factor_is_said_with_the_likely_one(host: Host) -> None:
    (text,) = stack_notices(host, scene(host, 4.0, levels=3), 2.0)
    assert text.startswith("Levels 1 and 2, 2 and 3 do not show the same place at zoom factor 2: they differ by ")
    assert "They do nest at zoom factor 4." in text
    assert text.endswith("Connect geometry of Zoom KSampler to geometry here, or set zoom_factor and focus as there.")


def test_the_reverse_order_is_said(host: Host) -> None:
    (text,) = stack_notices(host, scene(host, 2.0).flip(0), 2.0)
    assert "They seem to be in reverse order, and nest when turned round." in text
    assert text.endswith("Give images in the order of the prompts, the widest view first.")


def test_an_edited_level_is_said_and_stays(host: Host) -> None:
    images = scene(host, 2.0, size=128)
    images[2, 40:90, 40:90] = torch.tensor([1.0, 0.0, 0.0])
    (text,) = stack_notices(host, images, 2.0)
    assert text.startswith("Levels 2 and 3, 3 and 4 do not show the same place")
    assert "do nest" not in text and "reverse" not in text
    assert "less than 0.3. This is right if they were edited. Connect geometry" in text


def test_many_pairs_are_not_all_named(host: Host) -> None:
    (text,) = stack_notices(host, scene(host, 3.0, levels=9), 2.0)
    assert text.startswith("Levels 1 and 2, 2 and 3, and 6 more pairs do not show")
    assert len(text) < 400


def test_of_a_linked_geometry_the_sampler_is_named(host: Host) -> None:
    nesting = host.module("zoomstack_core.nesting").Nesting((2.0,))
    (text,) = stack_notices(host, scene(host, 4.0), 3.0, nesting)
    assert "at zoom factor 2" in text
    assert text.endswith("Connect geometry of the sampler that made these levels.")


def graph_of(host: Host, checkpoint: Checkpoint, latent: Any, levels: int = 3, **inputs: Any) -> Prompt:
    prompts = checkpoint.schedule(*PROMPTS[:levels]), checkpoint.encode("")
    graph = sampling(host, checkpoint.model, *prompts, latent, **{"steps": 4, **inputs})
    del graph["stock"]
    return graph


@pytest.mark.parametrize("node", ["ZoomKSampler", "ZoomKSamplerAdvanced"])
def test_a_sampler_gives_out_its_geometry(host: Host, eps: Checkpoint, node: str) -> None:
    graph = graph_of(host, eps, eps.empty(3), zoom_factor=4.0, focus_x=0.25, steps=1)
    if node == "ZoomKSamplerAdvanced":
        inputs = graph["zoom"]["inputs"]
        seed, _ = inputs.pop("seed"), inputs.pop("denoise")
        more = {
            "add_noise": "enable",
            "start_at_step": 0,
            "end_at_step": 10000,
            "return_with_leftover_noise": "disable",
        }
        graph["zoom"] = call(node, noise_seed=seed, **inputs, **more)
    (made,) = host.evaluate(graph, ["zoom", 1])
    assert (made.zoom_factors, made.focus) == ((4.0,), ((0.25, 0.5),))


def test_a_sampler_hands_a_linked_geometry_on(host: Host, eps: Checkpoint) -> None:
    given = host.module("zoomstack_core.nesting").Nesting((2.0, 4.0), ((0.5, 0.5), (0.3, 0.3)))
    (made,) = host.evaluate(graph_of(host, eps, eps.empty(3), geometry=given, steps=1), ["zoom", 1])
    assert made == given


def test_zoom_guider_gives_out_its_geometry(host: Host, eps: Checkpoint) -> None:
    guiding = call("CFGGuider", model=["model", 0], positive=["text", 0], negative=["text", 0], cfg=2.0)
    graph = {
        "model": host.source(eps.model),
        "text": host.source(eps.encode("a star")),
        "guider": guiding,
        "zoom": call("ZoomGuider", guider=["guider", 0], zoom_factor=3.0, alignment=1.0, blend="border"),
    }
    (made,) = host.evaluate(graph, ["zoom", 1])
    assert made.zoom_factors == (3.0,)


def test_levels_and_stack_agree_by_one_widget(host: Host, eps: Checkpoint) -> None:
    """The README's smallest graph: the factor is set at the sampler, and the stack says nothing."""
    graph = graph_of(host, eps, eps.empty(3, 16, 16), zoom_factor=4.0)
    graph["vae"] = host.source(eps.vae)
    graph["decode"] = call("VAEDecode", samples=["zoom", 0], vae=["vae", 0])
    graph["stack"] = call("ZoomStack", images=["decode", 0], zoom_factor=2.0, geometry=["zoom", 1])
    (stack,) = host.evaluate(graph, ["stack", 0])
    assert stack.geometry.zoom_factor == 4.0


def second_pass(host: Host, checkpoint: Checkpoint, first: dict[str, Any], factor: float, **inputs: Any) -> list[str]:
    """What a second sampler at another or the same factor has to say of the latents of a first one."""
    host.evaluate(graph_of(host, checkpoint, first, zoom_factor=factor, **{"denoise": 0.4, **inputs}), ["zoom", 0])
    return notices(host)


def notices(host: Host) -> list[str]:
    """What the sampler showed in its last run, but for how far it was."""
    return host.notices("zoom")


@pytest.mark.parametrize("made", [2.0, 4.0])
def test_a_second_pass_at_another_factor_is_said(host: Host, eps: Checkpoint, made: float) -> None:
    graph = graph_of(host, eps, eps.empty(3, 32, 32), zoom_factor=made)
    (first,) = host.evaluate(graph, ["zoom", 0])
    assert second_pass(host, eps, first, made) == []
    (text,) = second_pass(host, eps, first, 6.0 - made)
    assert text.startswith(f"The levels of latent_image do not show the same places at zoom factor {6.0 - made:g} and")
    assert f"They were sampled with zoom factor {made:g} and focus 0.5, 0.5; connect geometry" in text
    bare = {"samples": first["samples"]}  # as Load Latent gives it
    (text,) = second_pass(host, eps, bare, 6.0 - made)
    assert f"They do nest at zoom factor {made:g}." in text
    assert second_pass(host, eps, first, 6.0 - made, denoise=1.0) == []  # nothing of the latents is left


def test_the_second_part_of_a_run_at_another_factor_is_said(host: Host, eps: Checkpoint) -> None:
    def part(latent: Any, factor: float, **steps: Any) -> Prompt:
        graph = graph_of(host, eps, latent, zoom_factor=factor)
        inputs = graph["zoom"]["inputs"]
        seed, _ = inputs.pop("seed"), inputs.pop("denoise")
        graph["zoom"] = call("ZoomKSamplerAdvanced", noise_seed=seed, **inputs, **steps)
        return graph

    begin = {"add_noise": "enable", "start_at_step": 0, "end_at_step": 2, "return_with_leftover_noise": "enable"}
    end = {"add_noise": "disable", "start_at_step": 2, "end_at_step": 10, "return_with_leftover_noise": "disable"}
    (noisy,) = host.evaluate(part(eps.empty(3, 16, 16), 4.0, **begin), ["zoom", 0])
    host.evaluate(part(noisy, 4.0, **end), ["zoom", 0])
    assert notices(host) == []
    host.evaluate(part(noisy, 2.0, **end), ["zoom", 0])
    assert "They were sampled with zoom factor 4" in notices(host)[-1]


def test_held_levels_at_another_factor_name_the_likely_one(host: Host, eps: Checkpoint) -> None:
    (first,) = host.evaluate(graph_of(host, eps, eps.empty(3, 32, 32), zoom_factor=4.0), ["zoom", 0])
    hold = call("ZoomHoldLevels", latent=["stack", 0], levels="all", add_deeper=1, add_wider=0)
    (held,) = host.evaluate({"stack": host.source(first), "hold": hold}, ["hold", 0])
    with pytest.raises(Exception, match="They do nest at zoom factor 4. Give Zoom KSampler the zoom factor"):
        host.evaluate(graph_of(host, eps, held, 4, zoom_factor=2.0, seed=BOTH["seed"] + 1), ["zoom", 0])
