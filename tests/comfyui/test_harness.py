"""The harness itself: what the tests stand on must be the real host, and must notice when something is wrong."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import folder_paths
import pytest
import torch
from harness import PACK, Host, NodeFailed, Prompt, PromptRejected, call
from tiny_models import FAMILIES


def text_to_image(host: Host, checkpoint: str, prompt: str = "a red galaxy", seed: int = 0, size: int = 64) -> Prompt:
    """The host's default graph, with a small checkpoint."""
    return {
        "loader": call("CheckpointLoaderSimple", ckpt_name=host.checkpoint(checkpoint)),
        "positive": call("CLIPTextEncode", clip=["loader", 1], text=prompt),
        "negative": call("CLIPTextEncode", clip=["loader", 1], text=""),
        "latent": call("EmptyLatentImage", width=size, height=size, batch_size=1),
        "sampler": call(
            "KSampler",
            model=["loader", 0],
            positive=["positive", 0],
            negative=["negative", 0],
            latent_image=["latent", 0],
            seed=seed,
            steps=2,
            cfg=2.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "decode": call("VAEDecode", samples=["sampler", 0], vae=["loader", 2]),
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_stock_nodes_run_every_small_checkpoint(host: Host, family: str) -> None:
    size = 32 if FAMILIES[family].pixel else 64
    outputs = (["sampler", 0], ["decode", 0], ["loader", 0])
    latent, image, model = host.evaluate(text_to_image(host, family, size=size), *outputs)
    (other_prompt,) = host.evaluate(text_to_image(host, family, "an icy planet", size=size), ["sampler", 0])
    (again,) = host.evaluate(text_to_image(host, family, size=size), ["sampler", 0])
    samples: torch.Tensor = latent["samples"]
    assert samples.shape == (1, FAMILIES[family].channels, *(2 * [size if FAMILIES[family].pixel else size // 8]))
    assert image.shape == (1, size, size, 3)
    assert image.std() > 0.01
    assert model.model.model_type == FAMILIES[family].model_type
    assert torch.equal(again["samples"], samples)
    assert (other_prompt["samples"] - samples).std() > 0.05 * samples.std(), "prompts must matter in these models"


def test_previews_and_progress_are_recorded(host: Host) -> None:
    host.evaluate(text_to_image(host, "tiny_eps", seed=1), ["sampler", 0], preview_method="latent2rgb")
    assert host.progress == [(1, 2), (2, 2)]
    assert len(host.previews) == 2
    assert all(min(preview.size) > 1 for preview in host.previews)
    assert "progress_state" in [event for event, _ in host.messages]
    host.evaluate(text_to_image(host, "tiny_eps", seed=2), ["sampler", 0])
    assert host.previews == []


def test_what_goes_into_a_source_comes_out_of_a_sink(host: Host) -> None:
    values: list[Any] = [object(), torch.zeros(1), None]
    prompt = {str(i): host.source(value) for i, value in enumerate(values)}
    received = host.evaluate(prompt, *([str(i), 0] for i in range(3)))
    assert all(got is value for got, value in zip(received, values, strict=True))


def test_a_failing_node_fails_the_run(host: Host) -> None:
    prompt = {"source": host.source("not an image"), "invert": call("ImageInvert", image=["source", 0])}
    with pytest.raises(NodeFailed, match="ImageInvert: TypeError"):
        host.evaluate(prompt, ["invert", 0])


def test_a_prompt_that_the_host_refuses_fails_the_run(host: Host) -> None:
    with pytest.raises(PromptRejected, match="width"):
        host.evaluate({"latent": call("EmptyLatentImage", width=-1, height=64, batch_size=1)}, ["latent", 0])
    with pytest.raises(PromptRejected, match="NoSuchNode"):
        host.evaluate({"what": call("NoSuchNode")}, ["what", 0])


def test_the_pack_is_this_checkout_and_nothing_is_written_into_comfyui(host: Host) -> None:
    assert Path(host.pack.__file__ or "").parent == PACK
    folders = [
        folder_paths.get_output_directory(),
        folder_paths.get_temp_directory(),
        folder_paths.get_user_directory(),
    ]
    assert all(Path(folder).is_relative_to(host.base) for folder in folders)


def test_object_info_is_what_the_front_end_gets(host: Host) -> None:
    info = host.object_info()
    assert info["KSampler"]["input"]["required"]["seed"][1]["control_after_generate"] is True
    assert len(info) > 100
    for node in host.nodes:
        assert info[node.GET_SCHEMA().node_id]["python_module"].startswith("custom_nodes.")


def test_every_node_of_the_pack_is_documented(host: Host) -> None:
    assert host.nodes
    for node in host.nodes:
        schema = node.GET_SCHEMA()
        assert schema.node_id.startswith("Zoom")
        assert schema.category == "ZoomStack"
        assert schema.description
        assert {"infinite zoom", "powers of ten", "zoom video"} <= set(schema.search_aliases)
        for port in [*schema.inputs, *schema.outputs]:
            assert port.tooltip, f"{schema.node_id}: {port.id or port.display_name} has no tooltip"


@pytest.mark.slow
def test_the_checkout_and_the_temporary_folder_may_have_any_path(tmp_path: Path) -> None:
    """A dot in a folder's name, a blank, letters beyond ASCII: the host makes module names of them."""
    place = tmp_path / "my.projects" / "a b" / "Zoé"
    place.mkdir(parents=True)
    large = shutil.ignore_patterns(".*", "__pycache__", "*.safetensors", "*.jpg", "benchmarks", "docs")
    shutil.copytree(PACK, place / "zoom.stack", ignore=large)
    names = (
        "test_the_pack_is_this_checkout_and_nothing_is_written_into_comfyui",
        "test_object_info_is_what_the_front_end_gets",
    )
    tests = [f"tests/comfyui/test_harness.py::{name}" for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", "-p", "no:cacheprovider", *tests],
        cwd=place / "zoom.stack",
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        encoding="utf-8",
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "2 passed" in done.stdout
