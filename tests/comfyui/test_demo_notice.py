"""Zoom KSampler says so where the demo model is given the settings of large models."""

import re
from typing import Any

import pytest
import torch
from harness import PROGRESS, Host, call
from zoom_graphs import Checkpoint, load_demo, sampling


@pytest.fixture(scope="module")
def demo(host: Host) -> Checkpoint:
    return load_demo(host)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, host: Host) -> list[tuple[str, str]]:
    """The texts on nodes, as (text, node id)."""
    texts: list[tuple[str, str]] = []
    server = host.module("messages.node_text").PromptServer.instance
    monkeypatch.setattr(server, "send_progress_text", lambda text, node_id: texts.append((text, node_id)))
    return texts


def notices(
    host: Host, checkpoint: Checkpoint, size: int, shown: list[tuple[str, str]], model: Any = None, **inputs: Any
) -> list[str]:
    """What Zoom KSampler says of two levels of this many pixels a side, made by a stock empty latent."""
    prompts = checkpoint.schedule("a blue spiral galaxy", "a blue nebula"), checkpoint.encode("")
    inputs = {"steps": 1, "cfg": 1.0, "alignment": 0.0, "blend": "none", **inputs}
    graph = sampling(host, model or checkpoint.model, *prompts, {}, **inputs)
    graph["latent_image"] = call("EmptyLatentImage", width=size, height=size, batch_size=2)
    host.evaluate(graph, ["zoom", 0])
    lines = dict.fromkeys(line for text, node in shown if node == "zoom" for line in text.splitlines())
    return [line for line in lines if not re.match(PROGRESS, line)]  # but for how far the run is


def test_the_size_of_large_models(host: Host, demo: Checkpoint, shown: list[tuple[str, str]]) -> None:
    (text,) = notices(host, demo, 512, shown)
    assert "The demo model makes pictures of 256 × 256. The latent is 512 × 512: 4 times the work" in text
    assert "2 levels of 1 step take about 2 seconds on two processor cores" in text
    assert "Set width and height of the empty latent to 256." in text


def test_the_cost_of_the_sizes_of_large_models(host: Host, demo: Checkpoint) -> None:
    module = host.module("demo.notice")
    (text,) = module.demo_notices(demo.model, torch.zeros(13, 16, 128, 128), 40, 3.0)
    assert re.search(r"16 times the work; 13 levels of 40 steps take about \d+ minutes on two processor cores", text)


def test_too_small(host: Host, demo: Checkpoint, shown: list[tuple[str, str]]) -> None:
    (text,) = notices(host, demo, 128, shown)
    assert "The latent is 128 × 128, too small" in text and "latent to 256" in text


def test_the_guidance_of_large_models(host: Host, demo: Checkpoint, shown: list[tuple[str, str]]) -> None:
    (text,) = notices(host, demo, 256, shown, cfg=7.0)
    assert text == "cfg is 7, for which the demo model's colors are too strong. Set cfg to 3."


def test_both(host: Host, demo: Checkpoint, shown: list[tuple[str, str]]) -> None:
    notices(host, demo, 128, shown, cfg=7.0)
    assert "too small" in shown[-1][0] and "cfg is 7" in shown[-1][0]


@pytest.mark.parametrize("size", [192, 256, 320])
def test_nothing_where_it_fits(host: Host, demo: Checkpoint, shown: list[tuple[str, str]], size: int) -> None:
    assert notices(host, demo, size, shown, cfg=3.0) == []


def test_nothing_for_other_models(host: Host, eps: Checkpoint, shown: list[tuple[str, str]]) -> None:
    assert notices(host, eps, 512, shown, cfg=9.0) == []


def test_a_patched_model_is_still_the_demo(host: Host, demo: Checkpoint, shown: list[tuple[str, str]]) -> None:
    """Such as behind a LoRA node: a clone of a clone."""
    patched = demo.model.clone().clone()
    patched.set_model_sampler_cfg_function(lambda args: args["cond"])
    assert "too small" in notices(host, demo, 128, shown, patched)[0]


def test_zoom_guider_says_it_on_the_node_that_samples(
    host: Host, demo: Checkpoint, shown: list[tuple[str, str]]
) -> None:
    prompts = demo.schedule("a blue spiral galaxy", "a blue nebula"), demo.encode("")
    graph = {
        "model": host.source(demo.model),
        "positive": host.source(prompts[0]),
        "negative": host.source(prompts[1]),
        "latent": call("EmptyLatentImage", width=128, height=128, batch_size=2),
        "inner": call("CFGGuider", model=["model", 0], positive=["positive", 0], negative=["negative", 0], cfg=6.0),
        "guider": call("ZoomGuider", guider=["inner", 0], zoom_factor=2.0, alignment=0.0, blend="border"),
        "noise": call("RandomNoise", noise_seed=0),
        "sampler": call("KSamplerSelect", sampler_name="euler"),
        "sigmas": call("BasicScheduler", model=["model", 0], scheduler="normal", steps=1, denoise=1.0),
    }
    links = {"noise": "noise", "guider": "guider", "sampler": "sampler", "sigmas": "sigmas", "latent_image": "latent"}
    graph["run"] = call("SamplerCustomAdvanced", **{name: [node, 0] for name, node in links.items()})
    host.evaluate(graph, ["run", 0])
    text = [text for text, node in shown if node == "run"][-1]
    assert "too small" in text and "cfg is 6" in text
