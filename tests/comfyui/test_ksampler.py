"""Zoom KSampler as a node: one level is the host's KSampler, inputs and errors, previews, progress and interrupt."""

from typing import Any

import comfy.samplers
import pytest
import torch
from harness import Host
from zoom_graphs import Checkpoint, load, sampling

SAMPLERS = comfy.samplers.KSampler.SAMPLERS


@pytest.fixture(scope="module")
def eps(host: Host) -> Checkpoint:
    return load(host, "tiny_eps")


@pytest.fixture(scope="module")
def flow(host: Host) -> Checkpoint:
    return load(host, "tiny_flow")


def assert_like_stock(host: Host, checkpoint: Checkpoint, latent: dict[str, Any], **inputs: Any) -> None:
    """Bit for bit, whatever the alignment, keys of the LATENT included."""
    prompts = checkpoint.encode("a red galaxy"), checkpoint.encode("")
    graph = sampling(host, checkpoint.model, *prompts, latent, **inputs)
    graph["paper"] = {**graph["zoom"], "inputs": {**graph["zoom"]["inputs"], "alignment": 0.0}}
    stock, aligned, paper = host.evaluate(graph, ["stock", 0], ["zoom", 0], ["paper", 0])
    assert torch.isfinite(stock["samples"]).all()
    for result in (aligned, paper):
        assert result.keys() == stock.keys()
        assert torch.equal(result["samples"], stock["samples"])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("family", ["eps", "flow"])
def test_one_level_is_the_stock_sampler(
    host: Host, request: pytest.FixtureRequest, family: str, sampler: str
) -> None:
    checkpoint: Checkpoint = request.getfixturevalue(family)
    assert_like_stock(host, checkpoint, checkpoint.empty(1), sampler_name=sampler)
