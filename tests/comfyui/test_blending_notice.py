"""Where a model's latents resample badly and no VAE is connected, the sampler says so on itself."""

from typing import Any

import pytest
from harness import Host, Prompt, call
from zoom_graphs import PROMPTS, Checkpoint, sampling

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy", "ignore:To copy construct")


def said(host: Host, checkpoint: Checkpoint, levels: int = 2, **inputs: Any) -> list[str]:
    prompts = checkpoint.schedule(*PROMPTS[:levels]), checkpoint.encode("")
    graph = sampling(host, checkpoint.model, *prompts, checkpoint.empty(levels), steps=1, **inputs)
    host.evaluate(graph, ["zoom", 0])
    return host.notices("zoom")


def options(host: Host, **values: Any) -> Any:
    return host.module("sampling.agreement.blend_options").BlendOptions(mode="border", **values)


def test_latents_that_resample_badly_are_said(host: Host, flow: Checkpoint) -> None:
    for given in ({}, {"blend_options": options(host)}):
        (text,) = said(host, flow, **given)
        assert text.startswith("The latents of this model do not resample like pictures")
        assert "Connect the model's VAE to Zoom Multi-Res Blend" in text


def test_nothing_is_said_where_it_is_no_matter(host: Host, flow: Checkpoint, eps: Checkpoint) -> None:
    assert said(host, eps) == []  # only blurs
    assert said(host, flow, levels=1) == []  # nothing to blend
    assert said(host, flow, blend_options=options(host, space="latent")) == []  # asked for
    assert said(host, flow, blend_options=options(host, vae=flow.vae)) == []


@pytest.mark.parametrize("family", ["flow", "eps"])
def test_zoom_guider_says_it_too(host: Host, request: pytest.FixtureRequest, family: str) -> None:
    checkpoint: Checkpoint = request.getfixturevalue(family)
    graph: Prompt = {
        "model": host.source(checkpoint.model),
        "text": host.source(checkpoint.encode("a star")),
        "guider": call("BasicGuider", model=["model", 0], conditioning=["text", 0]),
        "zoom": call("ZoomGuider", guider=["guider", 0], zoom_factor=2.0, alignment=1.0, blend="border"),
    }
    host.evaluate(graph, ["zoom", 0])
    assert len(host.texts("zoom")) == (family == "flow")
