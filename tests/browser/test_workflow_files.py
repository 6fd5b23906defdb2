"""Every workflow file in the real front end: nothing is missing, and the server takes what the page makes of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from chrome import Tab
from comfy_server import ComfyServer
from templates.descriptions import DESCRIPTIONS

FOLDER = Path(__file__).resolve().parents[2] / "workflows"
NAMES = sorted(DESCRIPTIONS)
UNKNOWN = """() => {
    const graphs = [app.rootGraph, ...app.rootGraph.subgraphs.values()];
    const types = graphs.flatMap((graph) => graph.nodes).filter((node) => !node.subgraph).map((node) => node.type);
    return types.filter((type) => !(type in LiteGraph.registered_node_types));
}"""


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def models(workflow: Any) -> set[str]:
    """Model files that the workflow names for download: they are not here."""
    return {model["name"] for node in workflow["nodes"] for model in node["properties"].get("models", ())}


def ui_file(name: str) -> Path:
    return FOLDER / f"{DESCRIPTIONS[name].title}.json"


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_and_the_server_takes_it(tab: Tab, server: ComfyServer, name: str) -> None:
    workflow = read(ui_file(name))
    skip_where_the_model_is_not_known(workflow, server)
    tab.load(workflow)
    assert tab.do(UNKNOWN) == []
    prompt = tab.do("async () => (await app.graphToPrompt()).output")
    expected = read(FOLDER / "api" / f"{name}.json")
    assert {key: (node["class_type"], node["inputs"]) for key, node in prompt.items()} == {
        key: (node["class_type"], node["inputs"]) for key, node in expected.items()
    }
    absent = models(workflow)
    refused = [complaint for complaint in complaints(server, prompt) if not any(name in complaint for name in absent)]
    assert refused == []


def skip_where_the_model_is_not_known(workflow: Any, server: ComfyServer) -> None:
    """Older versions of ComfyUI do not have the text encoder of every model."""
    known = server.get("/object_info/CLIPLoader")["CLIPLoader"]["input"]["required"]["type"][0]
    for node in workflow["nodes"]:
        if node["type"] == "CLIPLoader" and node["widgets_values"][1] not in known:
            pytest.skip(f"this ComfyUI has no {node['widgets_values'][1]}")


def complaints(server: ComfyServer, prompt: Any) -> list[str]:
    """What the server has against a prompt. One that it takes does not run to its end."""
    status, answer = server.post("/prompt", {"prompt": prompt, "client_id": "tests"})
    if status == 200:
        for path, data in (("/queue", {"delete": [answer["prompt_id"]]}), ("/interrupt", {})):
            server.send(path, data)
        return []
    found = [error for node in answer["node_errors"].values() for error in node["errors"]] or [answer["error"]]
    return [f"{error['message']}: {error['details']}" for error in found]


def test_the_demo_runs_and_its_viewer_shows_it(tab: Tab) -> None:
    tab.load(read(ui_file("galaxy_to_planet_demo")))
    tab.do(
        """() => {
            const set = (type, values) => {
                const node = app.rootGraph.nodes.find((n) => n.type === type);
                for (const [name, value] of Object.entries(values)) {
                    const widget = node.widgets.find((w) => w.name === name);
                    widget.value = value;
                    widget.callback?.(value);
                }
            };
            set("ZoomPromptSchedule", {prompts: "a blue spiral galaxy\\nthe spiral arms of a blue galaxy"});
            set("ZoomKSampler", {steps: 2});
            set("ZoomVideo", {seconds_per_level: 0.1, width: 64, height: 64, hold_start: 0, hold_end: 0});
        }"""
    )
    outputs = tab.run()
    (shown,) = [output for output in outputs.values() if "zoom" in output]
    assert shown["zoom"][0]["prompts"][1] == "the spiral arms of a blue galaxy"
    viewer = "app.rootGraph.nodes.find(n => n.type === 'ZoomViewer').widgets.find(w => w.name === 'explorer').viewer"
    tab.until(f"() => {viewer}.stack?.urls.length === 2")
