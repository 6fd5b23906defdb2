"""The blueprint *Zoom*: generated as committed, served by the host, and running as a node of a workflow."""

import json
from pathlib import Path
from typing import Any

import av
import comfyui_version
import folder_paths
import pins
import pytest
from comfy_cli.workflow_to_api import convert_ui_to_api
from harness import PACK, Host, Prompt
from templates.blueprint import INPUTS, NAME, SUBGRAPH, blueprints
from templates.workflow import Node, Output, Workflow

FOLDER = PACK / "subgraphs"
WIDGETS = [name for name, kind in INPUTS.items() if kind in ("STRING", "INT", "FLOAT")]


@pytest.fixture(scope="module")
def definitions(host: Host) -> dict[str, Any]:
    return host.object_info()


@pytest.fixture(scope="module")
def blueprint() -> dict[str, Any]:
    return json.loads((FOLDER / f"{NAME}.json").read_text(encoding="utf-8"))


def test_the_file_is_what_make_workflows_writes(definitions: dict[str, Any]) -> None:
    if comfyui_version.__version__ != pins.COMFYUI_VERSION:
        pytest.skip(f"the file is written on ComfyUI {pins.COMFYUI_VERSION}")
    made = blueprints(definitions)
    assert {path.name for path in FOLDER.iterdir()} == set(made)
    for name, content in made.items():
        found = json.loads((FOLDER / name).read_text(encoding="utf-8"))
        assert found == content, "run python tools/make_workflows.py"


def test_the_host_serves_it(host: Host, blueprint: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "custom_nodes", ([str(PACK.parent)], set()))
    monkeypatch.setattr("server.PromptServer.instance.subgraph_manager.cached_custom_node_subgraphs", None)
    status, listed = host.ask("GET", "/global_subgraphs")
    assert status == 200
    pack = f"custom_nodes.{PACK.name}"
    (key,) = [key for key, entry in listed.items() if entry["info"]["node_pack"] == pack]
    assert (listed[key]["name"], listed[key]["source"]) == (NAME, "custom_node")
    status, entry = host.ask("GET", f"/global_subgraphs/{key}")
    assert status == 200 and json.loads(entry["data"]) == blueprint


def test_every_input_leads_somewhere_and_every_link_fits(blueprint: dict[str, Any]) -> None:
    (subgraph,) = blueprint["definitions"]["subgraphs"]
    nodes = {node["id"]: node for node in subgraph["nodes"]}
    links = {link["id"]: link for link in subgraph["links"]}
    assert [slot["name"] for slot in subgraph["inputs"]] == list(INPUTS)
    for row, slot in enumerate(subgraph["inputs"]):
        assert slot["linkIds"]
        for link in (links[number] for number in slot["linkIds"]):
            target = nodes[link["target_id"]]["inputs"][link["target_slot"]]
            assert (link["origin_slot"], link["type"], target["type"], target["link"]) == (
                row,
                slot["type"],
                slot["type"],
                link["id"],
            )
    for slot in subgraph["outputs"]:
        (link,) = (links[number] for number in slot["linkIds"])
        source = nodes[link["origin_id"]]["outputs"][link["origin_slot"]]
        assert source["type"] == slot["type"] and link["id"] in source["links"]
    shown = [name for _, name in blueprint["nodes"][0]["properties"]["proxyWidgets"]]
    assert [name for name in shown if name != "control_after_generate"] == WIDGETS


def placed(definitions: dict[str, Any], blueprint: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """A workflow: the demo model, the blueprint's node with these values of its widgets, and what saves its results."""
    workflow = Workflow(SUBGRAPH, definitions)
    workflow.group("All")
    model = workflow.node("ZoomDemoModel")
    zoom = Node(100, NAME, {"output_name": ["images", "video"], "output": ["IMAGE", "VIDEO"]}, "", {}, (0, 0), (0, 0))
    workflow.node("SaveImage", images=zoom["images"], filename_prefix="blueprint/level")
    workflow.node("SaveVideo", video=zoom["video"], filename_prefix="blueprint/zoom")
    file = workflow.ui()
    instance = json.loads(json.dumps({**blueprint["nodes"][0], "id": zoom.id}))
    for slot, (name, output) in enumerate((("model", "MODEL"), ("clip", "CLIP"), ("vae", "VAE"))):
        source = Output(model, definitions["ZoomDemoModel"]["output_name"].index(output))
        link = len(file["links"]) + 1
        file["links"].append([link, source.node.id, source.slot, zoom.id, slot, source.type])
        instance["inputs"][slot]["link"] = link
        assert instance["inputs"][slot]["name"] == name
        file["nodes"][0]["outputs"][source.slot]["links"] = [link]
    instance["widgets_values"] = [values[name] for name in WIDGETS]
    file["nodes"].append(instance)
    return {**file, "definitions": blueprint["definitions"]}


def test_it_runs_as_one_node(host: Host, definitions: dict[str, Any], blueprint: dict[str, Any]) -> None:
    values = {
        "prompts": "a blue spiral galaxy\nthe spiral arms of a blue galaxy\na blue nebula full of stars",
        "negative": "",
        "width": 64,
        "height": 64,
        "seed": 3,
        "steps": 2,
        "cfg": 3.0,
        "zoom_factor": 2.0,
    }
    prompt: Prompt = convert_ui_to_api(placed(definitions, blueprint, values), definitions)
    by_type = {node["class_type"]: node["inputs"] for node in prompt.values()}
    assert by_type["ZoomPromptSchedule"]["prompts"] == values["prompts"]
    assert [by_type["ZoomKSampler"][name] for name in ("seed", "steps", "cfg")] == [3, 2, 3.0]
    by_type["ZoomVideo"].update(seconds_per_level=0.1, width=64, height=64, hold_start=0.0, hold_end=0.0)
    files = [file for output in host.run(prompt).values() for file in output["images"]]
    assert sorted(Path(file["filename"]).suffix for file in files) == [".mp4", ".png", ".png", ".png"]
    (video,) = [file for file in files if file["filename"].endswith(".mp4")]
    with av.open(str(host.base / "output" / video["subfolder"] / video["filename"])) as container:
        assert len(list(container.decode(video=0))) == 6


def test_what_is_not_set_is_of_a_checkpoint_of_today(blueprint: dict[str, Any]) -> None:
    nodes = {node["type"]: node for node in blueprint["definitions"]["subgraphs"][0]["nodes"]}
    assert nodes["EmptyLatentImage"]["widgets_values"] == [1024, 1024, 1]
    sampler = nodes["ZoomKSampler"]
    assert next(slot for slot in sampler["inputs"] if slot["name"] == "vae")["link"], "blended as pictures"
