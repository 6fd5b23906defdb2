"""Where a model's latents resample badly and no VAE is connected, the sampler says so on itself."""

from typing import Any

import pytest
from custom_sampling import custom_sampling
from harness import Host
from zoom_graphs import PROMPTS, Checkpoint, sampling

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy", "ignore:To copy construct")


def said(host: Host, checkpoint: Checkpoint, levels: int = 2, **inputs: Any) -> list[str]:
    prompts = checkpoint.schedule(*PROMPTS[:levels]), checkpoint.encode("")
    graph = sampling(host, checkpoint.model, *prompts, checkpoint.empty(levels), steps=4, **inputs)
    host.evaluate(graph, ["zoom", 0])
    return host.notices("zoom")


def options(host: Host, **values: Any) -> Any:
    return host.module("sampling.agreement.blend_options").BlendOptions(mode="border", **values)


def test_latents_that_resample_badly_are_said(host: Host, flow: Checkpoint) -> None:
    for given in ({}, {"blend_options": options(host)}):
        (text,) = said(host, flow, **given)
        assert text.startswith("The latents of this model do not resample like pictures")
        assert "Connect the model's VAE to vae of Zoom KSampler." in text


def test_nothing_is_said_where_it_is_no_matter(host: Host, flow: Checkpoint, eps: Checkpoint) -> None:
    assert said(host, eps) == []  # only blurs
    assert said(host, flow, levels=1) == []  # nothing to blend
    assert said(host, flow, blend_options=options(host, space="latent")) == []  # asked for
    assert said(host, flow, blend_options=options(host, vae=flow.vae)) == []
    assert said(host, flow, vae=flow.vae) == []
    assert said(host, flow, vae=flow.vae, blend_options=options(host)) == []


@pytest.mark.parametrize("family", ["flow", "eps"])
def test_the_node_that_samples_with_zoom_guider_says_it_at_every_run(
    host: Host, request: pytest.FixtureRequest, family: str
) -> None:
    checkpoint: Checkpoint = request.getfixturevalue(family)
    graph = custom_sampling(host, checkpoint, checkpoint.model, 2)
    for seed in (1, 2):  # the second time the host keeps the guider
        graph["noise"]["inputs"]["noise_seed"] = seed
        host.evaluate(graph, ["run", 0])
        notices = host.notices("run")
        assert len(notices) == (family == "flow")
        assert all("Connect the model's VAE to vae of Zoom Guider." in text for text in notices)
    graph["vae"] = host.source(checkpoint.vae)
    graph["guider"]["inputs"]["vae"] = ["vae", 0]
    host.evaluate(graph, ["run", 0])
    assert host.notices("run") == []
