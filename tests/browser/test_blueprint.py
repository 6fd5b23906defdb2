"""The blueprint *Zoom* in the real front end: listed among the nodes, placed, and run."""

import json
from pathlib import Path
from typing import Any

import pytest
from chrome import Tab
from templates.blueprint import INPUTS, NAME

FILE = Path(__file__).resolve().parents[2] / "subgraphs" / f"{NAME}.json"
LISTED = """() => {
    const stores = document.querySelector("#vue-app").__vue_app__.config.globalProperties.$pinia._s;
    const found = stores.get("nodeDef").visibleNodeDefs.filter((node) => node.display_name === "Zoom");
    return found.map(({description, category}) => [description, category]);
}"""
# What the front end does with a blueprint that is chosen from the list.
PLACE = """async (blueprint) => {
    await app.loadGraphData({version: 0.4, nodes: [], links: [], groups: [], config: {}, extra: {}}, true, true);
    const items = {nodes: blueprint.nodes, subgraphs: blueprint.definitions.subgraphs, links: [], groups: [],
        reroutes: []};
    app.canvas._deserializeItems(items, {position: [600, 0]});
    const zoom = app.rootGraph.nodes.find((node) => node.subgraph);
    const made = (type, x, y) => {
        const node = LiteGraph.createNode(type);
        node.pos = [x, y];
        app.rootGraph.add(node);
        return node;
    };
    const model = made("ZoomDemoModel", 0, 0);
    ["MODEL", "CLIP", "VAE"].forEach((name, slot) => {
        model.connect(slot, zoom, zoom.findInputSlot(name.toLowerCase()));
    });
    zoom.connect(zoom.findOutputSlot("images"), made("PreviewImage", 1200, 0), 0);
    zoom.connect(zoom.findOutputSlot("video"), made("SaveVideo", 1200, 500), 0);
    return {
        title: zoom.title,
        inputs: zoom.inputs.map((slot) => slot.name),
        outputs: zoom.outputs.map((slot) => slot.name),
        values: Object.fromEntries(zoom.widgets.map((widget) => [widget.name, widget.value])),
    };
}"""
SET = """(values) => {
    const zoom = app.rootGraph.nodes.find((node) => node.subgraph);
    for (const [name, value] of Object.entries(values)) {
        const widget = zoom.widgets.find((w) => w.name === name);
        widget.value = value;
        widget.callback?.(value);
    }
    const video = zoom.subgraph.nodes.find((node) => node.type === "ZoomVideo");
    for (const [name, value] of Object.entries({seconds_per_level: 0.1, width: 64, height: 64})) {
        video.widgets.find((w) => w.name === name).value = value;
    }
}"""


@pytest.fixture
def blueprint() -> Any:
    return json.loads(FILE.read_text(encoding="utf-8"))


def test_it_is_listed_among_the_nodes(tab: Tab, blueprint: Any) -> None:
    tab.until(f"() => ({LISTED})().length")
    description = blueprint["definitions"]["subgraphs"][0]["description"]
    assert tab.do(LISTED) == [[description, "Subgraph Blueprints/ZoomStack"]]


def test_it_is_one_node_that_runs(tab: Tab, blueprint: Any) -> None:
    placed = tab.do(PLACE, blueprint)
    assert (placed["title"], placed["inputs"], placed["outputs"]) == (NAME, list(INPUTS), ["images", "video"])
    values = placed["values"]
    assert [name for name in INPUTS if name not in ("model", "clip", "vae")] == list(values)
    assert (values["width"], values["height"], values["steps"], values["zoom_factor"]) == (1024, 1024, 40, 2)
    prompts = "a blue spiral galaxy\nthe spiral arms of a blue galaxy"
    tab.do(SET, {"prompts": prompts, "width": 64, "height": 64, "steps": 2, "seed": 5})
    outputs = tab.run()
    files = sorted(file["filename"].rpartition(".")[2] for output in outputs.values() for file in output["images"])
    assert files == ["mp4", "png", "png"]
