"""Workflow files as tools/ writes them, judged by the converter of comfy-cli and by the host itself."""

from typing import Any

import pytest
from comfy_cli.workflow_to_api import convert_ui_to_api
from harness import Host
from templates.workflow import GAP, TITLE, Model, Workflow

MODEL = Model("tiny_eps.safetensors", "https://example.org/tiny_eps.safetensors", "checkpoints")


def sketch(definitions: dict[str, Any], checkpoint: str = MODEL.name) -> Workflow:
    """A graph with a linked widget, a seed, dynamic combos, optional inputs and a note."""
    workflow = Workflow("0b0c6a0e-7f0e-4c1c-9a36-0d6a2f1c7b52", definitions)
    workflow.group("Model")
    workflow.note("# Hello", 100)
    loader = workflow.node("CheckpointLoaderSimple", models=(MODEL,), ckpt_name=checkpoint)
    workflow.group("Prompts")
    schedule = workflow.node("ZoomPromptSchedule", clip=loader["CLIP"], prompts="a star\na planet", suffix="8k")
    factor = workflow.node("PrimitiveFloat", room=90, title="Zoom factor", value=2.5)
    workflow.group("Images")
    latent = workflow.node("EmptyLatentImage", width=64, height=64, batch_size=schedule["levels"])
    sampler = workflow.node(
        "KSampler",
        model=loader["MODEL"],
        positive=schedule["positive"],
        negative=schedule["negative"],
        latent_image=latent["LATENT"],
        steps=2,
    )
    decode = workflow.node("VAEDecode", samples=sampler["LATENT"], vae=loader["VAE"])
    stack = workflow.node("ZoomStack", images=decode["IMAGE"], zoom_factor=factor["FLOAT"], focus_x=0.4)
    workflow.node("SaveImage", images=stack["images"], filename_prefix="sketch")
    workflow.group("Video")
    video = workflow.node("CreateVideo", room=100, images=stack["images"], fps=8.0)
    workflow.node("SaveVideo", video=video["VIDEO"], filename_prefix="sketch")
    return workflow


def without_titles(prompt: dict[str, Any]) -> dict[str, Any]:
    return {key: {"class_type": node["class_type"], "inputs": node["inputs"]} for key, node in prompt.items()}


@pytest.fixture(scope="module")
def definitions(host: Host) -> dict[str, Any]:
    return host.object_info()


def test_the_ui_format_converts_to_the_api_format(definitions: dict[str, Any]) -> None:
    workflow = sketch(definitions)
    assert without_titles(convert_ui_to_api(workflow.ui(), definitions)) == without_titles(workflow.api())


def test_the_api_format_runs(host: Host, definitions: dict[str, Any]) -> None:
    workflow = sketch(definitions, host.checkpoint("tiny_eps"))
    outputs = host.run(workflow.api())
    saved = [file["filename"] for output in outputs.values() for file in output.get("images", [])]
    assert sum(name.endswith(".png") for name in saved) == 2
    assert sum(name.endswith(".mp4") for name in saved) == 1


def test_a_node_keeps_its_own_width_and_height(definitions: dict[str, Any]) -> None:
    """They are widgets of many nodes, and not their size on the screen."""
    (latent,) = (n["inputs"] for n in sketch(definitions).api().values() if n["class_type"] == "EmptyLatentImage")
    assert (latent["width"], latent["height"]) == (64, 64)


def test_links_name_the_slots_that_they_join(definitions: dict[str, Any]) -> None:
    ui = sketch(definitions).ui()
    nodes = {node["id"]: node for node in ui["nodes"]}
    assert len(nodes) == len(ui["nodes"])
    assert ui["links"]
    for link, source, source_slot, target, target_slot, link_type in ui["links"]:
        assert link in nodes[source]["outputs"][source_slot]["links"]
        assert nodes[source]["outputs"][source_slot]["type"] == link_type
        assert nodes[target]["inputs"][target_slot]["link"] == link
    assert ui["last_link_id"] == max(link[0] for link in ui["links"])
    assert ui["last_node_id"] == max(nodes)


def test_nothing_overlaps_and_every_node_is_in_a_group(definitions: dict[str, Any]) -> None:
    assert_layout(sketch(definitions).ui())


def assert_layout(ui: dict[str, Any]) -> None:
    """Node boxes with their title bars are apart, and every one lies in one group; groups are apart too."""
    boxes = [(x, y - TITLE, x + w, y + h) for (x, y), (w, h) in ((n["pos"], n["size"]) for n in ui["nodes"])]
    groups = [(x, y, x + w, y + h) for x, y, w, h in (group["bounding"] for group in ui["groups"])]
    assert all(apart(a, b, GAP) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(apart(a, b, 0) for i, a in enumerate(groups) for b in groups[:i])
    for box in boxes:
        assert sum(not apart(box, group, 0) for group in groups) == 1
        assert any(g[0] <= box[0] and g[1] < box[1] and box[2] <= g[2] and box[3] <= g[3] for g in groups)


def apart(a: tuple[int, ...], b: tuple[int, ...], gap: int) -> bool:
    return a[2] + gap <= b[0] or b[2] + gap <= a[0] or a[3] + gap <= b[1] or b[3] + gap <= a[1]


@pytest.mark.parametrize(
    ("node", "inputs", "message"),
    [
        ("NoSuchNode", {}, "no node 'NoSuchNode'"),
        ("CreateVideo", {}, "CreateVideo: give its height as room, or in HEIGHTS"),
        ("VAEDecode", {}, "samples must be linked"),
        ("EmptyLatentImage", {"depth": 1}, r"no inputs \['depth'\]"),
    ],
)
def test_a_wrong_description_is_an_error(
    definitions: dict[str, Any], node: str, inputs: dict[str, Any], message: str
) -> None:
    workflow = Workflow("0b0c6a0e-7f0e-4c1c-9a36-0d6a2f1c7b52", definitions)
    workflow.group("Group")
    with pytest.raises(ValueError, match=message):
        workflow.node(node, **inputs)


def test_links_between_types_are_an_error(definitions: dict[str, Any]) -> None:
    workflow = Workflow("0b0c6a0e-7f0e-4c1c-9a36-0d6a2f1c7b52", definitions)
    workflow.group("Group")
    latent = workflow.node("EmptyLatentImage")
    with pytest.raises(ValueError, match="images takes IMAGE; EmptyLatentImage gives LATENT"):
        workflow.node("SaveImage", images=latent["LATENT"])
    with pytest.raises(ValueError, match="expected one named 'IMAGE'"):
        workflow.node("SaveImage", images=latent["IMAGE"])
