"""What was saved when levels were counted from 0 keeps its meaning: UI files, which hold widgets by their place, and
API prompts, which hold them by name. The files in saved/ are of that time."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from comfy_cli.workflow_to_api import convert_ui_to_api
from harness import Host, Prompt, call
from zoom_graphs import PATH_WIDGETS, Checkpoint

SAVED = Path(__file__).with_name("saved")
NAMES = sorted(path.stem for path in SAVED.glob("*.json"))
# inputs that came later, with what says nothing: of a path, of a video's sound, and of other nodes
LATER = {"first_level": 1.0, "last_level": 0.0, "rounds": 1, "visit": ""}
OF_SOUND = {"fit_sound": False, "beat_strength": 0.0, "beat_smoothing": 0.5}
OF_MOTION = {"roll": 0.0, "drift": 0.0, "drift_seconds": 12.0}
OF_SETTINGS = {"settings_for": "as set here"}
WIDGETS = ("BOOLEAN", "INT", "FLOAT", "STRING", "COMBO")
ELSEWHERE = {"endless": False, "keep": False, "level_seeds": "", "kept_file": "", "feather": 0}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def definitions(host: Host) -> dict[str, Any]:
    """The host's node definitions; a file of a model counts as there."""
    info = host.object_info()
    for node, field in (("CheckpointLoaderSimple", "ckpt_name"), ("LoraLoader", "lora_name")):
        info[node]["input"]["required"][field][0].extend(
            node["inputs"][field] for name in NAMES for node in read(SAVED / "api" / f"{name}.json").values()
            if field in node["inputs"]
        )  # fmt: skip
    return info


def converted(workflow: Any, definitions: dict[str, Any]) -> Prompt:
    """What a converter without our scripts makes of a UI file."""
    return {
        key: {"class_type": node["class_type"], "inputs": node["inputs"]}
        for key, node in convert_ui_to_api(workflow, definitions).items()
    }


def test_there_are_files() -> None:
    assert len(NAMES) == 8
    assert {path.stem for path in (SAVED / "api").glob("*.json")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_file_becomes_the_prompt_of_then(definitions: dict[str, Any], name: str) -> None:
    """Node for node and input for input; inputs that came later say nothing."""
    then, now = read(SAVED / "api" / f"{name}.json"), converted(read(SAVED / f"{name}.json"), definitions)
    assert then.keys() == now.keys()
    for key, node in now.items():
        assert node["class_type"] == then[key]["class_type"]
        later = {field: value for field, value in node["inputs"].items() if field not in then[key]["inputs"]}
        assert later.items() <= {**LATER, **OF_SOUND, **OF_MOTION, **OF_SETTINGS, **ELSEWHERE}.items()
        assert {**node["inputs"], **then[key]["inputs"]} == node["inputs"]


@pytest.mark.parametrize("name", NAMES)
def test_the_host_takes_a_saved_prompt(host: Host, name: str) -> None:
    """Node ids and inputs are still there, so that nothing of it is refused but files that are not."""
    for node in read(SAVED / "api" / f"{name}.json").values():
        known = host.node(node["class_type"]).INPUT_TYPES()
        inputs = {**known["required"], **known.get("optional", {})}
        assert node["inputs"].keys() <= inputs.keys()
        assert known["required"].keys() <= node["inputs"].keys()


def edited(name: str, node_type: str, values: dict[int, Any]) -> Any:
    """A saved UI file with other values in the widgets of a node, by their place."""
    workflow = copy.deepcopy(read(SAVED / f"{name}.json"))
    (node,) = [node for node in workflow["nodes"] if node["type"] == node_type]
    for place, value in values.items():
        node["widgets_values"][place] = value
    return workflow


def inputs_of(prompt: Prompt, node_type: str) -> dict[str, Any]:
    (inputs,) = [node["inputs"] for node in prompt.values() if node["class_type"] == node_type]
    return {name: value for name, value in inputs.items() if not isinstance(value, list)}


def test_held_levels_of_a_saved_file(host: Host, eps: Checkpoint, definitions: dict[str, Any]) -> None:
    workflow = edited("extend_zoom_demo", "ZoomHoldLevels", {0: "0-1, 3"})
    then = inputs_of(converted(workflow, definitions), "ZoomHoldLevels")
    stack = host.source({"samples": torch.rand(5, 4, 8, 8)})
    graph = {
        "stack": stack,
        "then": call("ZoomHoldLevels", latent=["stack", 0], **then),
        "now": call("ZoomHeldLevels", latent=["stack", 0], **{**then, "levels": "1-2, 4"}),
    }
    then_held, now_held = host.evaluate(graph, ["then", 0], ["now", 0])
    assert then_held["zoom_held"].tolist() == [True, True, False, True, False] + [False] * then["add_deeper"]
    for key in ("samples", "zoom_held"):
        assert torch.equal(then_held[key], now_held[key])


def test_the_photo_of_a_saved_file(host: Host, definitions: dict[str, Any]) -> None:
    workflow = edited("photo_zoom_demo", "ZoomPhotoAnchor", {0: 2})
    then = inputs_of(converted(workflow, definitions), "ZoomPhotoAnchor")
    graph = {
        "photo": host.source(torch.rand(1, 8, 8, 3)),
        "then": call("ZoomPhotoAnchor", photo=["photo", 0], **then),
        "now": call("ZoomAnchorPhoto", photo=["photo", 0], **{**then, "level": 3}),
    }
    (then_photo,), (now_photo,) = host.evaluate(graph, ["then", 0], ["now", 0])
    assert then_photo.level == now_photo.level == 2


# By today's inputs: what they were called when levels were counted from 0, and their place in saved widgets.
CUTS = [
    ({"start_zoom": 1.5}, {"first_level": 2.5}, {14: 1.5}),
    ({"end_zoom": 2.0}, {"last_level": 3.0}, {15: 2.0}),
    ({"end_zoom": 0.5}, {"last_level": 1.5}, {15: 0.5}),
    ({"start_zoom": 1.0, "end_zoom": 2.0}, {"first_level": 2.0, "last_level": 3.0}, {14: 1.0, 15: 2.0}),
]


def frames(host: Host, **path: Any) -> torch.Tensor:
    """Of a zoom through four levels by Zoom Frames."""
    graph = {
        "images": host.source(torch.rand(4, 16, 16, 3, generator=torch.Generator().manual_seed(0))),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0),
        "frames": call("ZoomFrames", stack=["stack", 0], **{**PATH_WIDGETS, "width": 32, "height": 32, **path}),
    }
    return host.evaluate(graph, ["frames", 0])[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(("then", "now", "places"), CUTS)
def test_the_first_and_the_last_level_of_a_saved_file(
    host: Host, definitions: dict[str, Any], then: dict[str, float], now: dict[str, float], places: dict[int, float]
) -> None:
    saved = inputs_of(converted(edited("galaxy_to_planet_demo", "ZoomVideo", places), definitions), "ZoomVideo")
    assert {name: saved[name] for name in then} == then
    assert {name: saved[name] for name in LATER} == LATER
    by_file = frames(host, **{name: saved[name] for name in (*LATER, "start_zoom", "end_zoom")})
    assert torch.equal(by_file, frames(host, **now))
    assert torch.equal(by_file, frames(host, **then))  # an API prompt of then
    assert by_file.shape != frames(host).shape


def test_what_is_set_today_counts_before_what_was_saved(host: Host) -> None:
    assert torch.equal(frames(host, start_zoom=2.0, first_level=1.5), frames(host, first_level=1.5))


def test_levels_of_an_older_workflow_are_said_on_the_node(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    frames(host, first_level=2.0)
    assert "Zoom Frames" not in caplog.text
    frames(host, start_zoom=1.0)
    assert "Zoom Frames: This workflow is of an older version and has start_zoom 1, counted from 0." in caplog.text


LAST = {
    "ZoomVideo": [*LATER, *OF_SOUND, "audio", *OF_MOTION, *OF_SETTINGS],
    "ZoomFrames": [*LATER, *OF_MOTION],
    "ZoomViewer": [*OF_MOTION],
}


@pytest.mark.parametrize("node", LAST)
def test_new_inputs_are_the_last_ones_and_the_old_ones_are_hidden(host: Host, node: str) -> None:
    """Widgets of saved files are known by their place, and so are sockets."""
    schema = host.node(node).define_schema()
    assert [entry.id for entry in schema.inputs][-len(LAST[node]) :] == LAST[node]
    shown = host.node(node).INPUT_TYPES()["optional"]
    hidden = [name for name in shown if shown[name][1].get("hidden")]
    assert hidden == ([] if node == "ZoomViewer" else ["start_zoom", "end_zoom"])


@pytest.mark.parametrize("node", ["ZoomKSampler", "ZoomKSamplerAdvanced", "ZoomGuider"])
def test_the_samplers_vae_is_the_last_socket(host: Host, node: str) -> None:
    """Links of saved files know sockets by their place, and a socket has no value among the widgets."""
    sockets = [entry for entry in host.node(node).define_schema().inputs if entry.get_io_type() not in WIDGETS]
    assert (sockets[-1].id, sockets[-1].get_io_type(), sockets[-1].optional) == ("vae", "VAE", True)


def test_no_node_that_is_offered_counts_levels_from_zero(host: Host) -> None:
    """The nodes of then are there for saved workflows; the front end offers no deprecated ones."""
    schemas = {schema.node_id: schema for schema in (node.define_schema() for node in host.nodes)}
    old = {name for name, schema in schemas.items() if schema.is_deprecated}
    assert old == {"ZoomHoldLevels", "ZoomPhotoAnchor"}
    for name, schema in schemas.items():
        counted = [
            entry for entry in schema.inputs if "counted from 0" in (entry.tooltip or "") and not entry.extra_dict
        ]
        assert bool(counted) == (name in old), name
        assert schema.display_name.endswith("(from 0)") == (name in old)
