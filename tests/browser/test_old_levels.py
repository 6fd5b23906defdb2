"""Workflows that were saved when levels were counted from 0, in both ways to draw nodes: what they say is shown and
sent counted from 1, and no widget that counts from 0 is to be seen."""

import json
from pathlib import Path
from typing import Any

import pytest
from chrome import Tab

SAVED = Path(__file__).resolve().parents[1] / "comfyui" / "saved"
START, END = 14, 15  # places of start_zoom and end_zoom among the saved widgets of Zoom Video

VALUES = """() => Object.fromEntries(
    app.rootGraph.nodes.find((node) => node.type === "ZoomVideo").widgets.map((w) => [w.name, w.value])
)"""
# Newer front ends show a linked widget as its socket alone.
SHOWN = """() => {
    const node = app.rootGraph.nodes.find((node) => node.type === "ZoomVideo");
    return node.widgets.filter((w) => (!w.hidden || w.connectionSuppressed) && !w.options?.hidden).map((w) => w.name);
}"""
# All advanced widgets in view. Nodes 2.0 draws elements, in which the names of widgets are text.
OPEN = """async () => {
    await app.extensionManager.setting.set("Comfy.Node.AlwaysShowAdvancedWidgets", true);
    const node = app.rootGraph.nodes.find((node) => node.type === "ZoomVideo");
    node.showAdvanced = true;
    app.canvas.ds.scale = 1;
    app.canvas.ds.offset = [60 - node.pos[0], 60 - node.pos[1]];
    app.canvas.setDirty(true, true);
    await new Promise((done) => setTimeout(done, 500));
    return document.querySelector(`[data-node-id="${node.id}"]`)?.innerText ?? null;
}"""
CLOSE = 'async () => { await app.extensionManager.setting.set("Comfy.Node.AlwaysShowAdvancedWidgets", false); }'


def saved(start: float, end: float) -> Any:
    workflow = json.loads((SAVED / "galaxy_to_planet_demo.json").read_text(encoding="utf-8"))
    (node,) = [node for node in workflow["nodes"] if node["type"] == "ZoomVideo"]
    assert node["widgets_values"][START : END + 1] == [0.0, -1.0]
    node["widgets_values"][START : END + 1] = [start, end]
    return workflow


@pytest.mark.parametrize(
    ("start", "end", "first", "last"), [(0.0, -1.0, 1, 0), (2.5, -1.0, 3.5, 0), (0.0, 7.0, 1, 8), (1.0, 3.25, 2, 4.25)]
)
def test_levels_are_shown_and_sent_counted_from_one(
    tab: Tab, start: float, end: float, first: float, last: float
) -> None:
    tab.load(saved(start, end))
    values = tab.do(VALUES)
    assert (values["first_level"], values["last_level"]) == (first, last)
    prompt = tab.do("async () => (await app.graphToPrompt()).output")
    (inputs,) = [node["inputs"] for node in prompt.values() if node["class_type"] == "ZoomVideo"]
    assert {name: inputs[name] for name in ("first_level", "last_level", "start_zoom", "end_zoom")} == {
        "first_level": first,
        "last_level": last,
        "start_zoom": 0,
        "end_zoom": -1,
    }


def test_what_was_saved_today_is_left_as_it_is(tab: Tab) -> None:
    tab.load(saved(2.0, 5.0))
    again = tab.do("() => app.rootGraph.serialize()")
    tab.load(again)
    values = tab.do(VALUES)
    assert [values[name] for name in ("first_level", "last_level", "start_zoom", "end_zoom")] == [3, 6, 0, -1]


def test_no_widget_that_counts_from_zero_is_shown(tab: Tab, tmp_path: Path) -> None:
    tab.load(saved(2.0, 5.0))
    text = tab.do(OPEN)
    tab.screenshot(tmp_path / "node.png")
    tab.do(CLOSE)
    shown = tab.do(SHOWN)
    assert {"first_level", "last_level"} <= set(shown)
    assert not {"start_zoom", "end_zoom"} & set(shown)
    if text is not None:
        assert "first_level" in text and "last_level" in text
        assert "start_zoom" not in text and "end_zoom" not in text


def test_a_value_that_comes_by_a_link_is_shown(tab: Tab) -> None:
    """It goes on to count from 0, so nobody should overlook it."""
    workflow = saved(0.0, -1.0)
    (node,) = [node for node in workflow["nodes"] if node["type"] == "ZoomVideo"]
    entry = {"name": "start_zoom", "type": "FLOAT", "widget": {"name": "start_zoom"}, "link": 9001}
    node["inputs"].append(entry)
    number = {
        "id": 9001,
        "type": "PrimitiveFloat",
        "pos": [0, 0],
        "size": [200, 60],
        "flags": {},
        "order": 0,
        "mode": 0,
    }
    number |= {"inputs": [], "properties": {}, "widgets_values": [1.5]}
    number["outputs"] = [{"name": "FLOAT", "type": "FLOAT", "links": [9001]}]
    workflow["nodes"].append(number)
    workflow["links"].append([9001, 9001, 0, node["id"], node["inputs"].index(entry), "FLOAT"])
    tab.load(workflow)
    assert "start_zoom" in tab.do(SHOWN)
    prompt = tab.do("async () => (await app.graphToPrompt()).output")
    (inputs,) = [node["inputs"] for node in prompt.values() if node["class_type"] == "ZoomVideo"]
    assert inputs["start_zoom"] == ["9001", 0]


@pytest.mark.parametrize(
    ("name", "old"), [("extend_zoom_demo", "ZoomHoldLevels"), ("photo_zoom_demo", "ZoomPhotoAnchor")]
)
def test_nodes_of_then_are_there_but_not_offered(tab: Tab, name: str, old: str) -> None:
    tab.load(json.loads((SAVED / f"{name}.json").read_text(encoding="utf-8")))
    assert tab.do(f"() => app.rootGraph.nodes.some((node) => node.type === '{old}')")
    assert tab.do(f"() => LiteGraph.registered_node_types['{old}'].nodeData.deprecated")


BLEND = {"mode": "laplacian", "space": "latent", "start_percent": 0.1, "end_percent": 0.9, "every": 2}
BLEND |= {"travel_repeats": 3, "travel_start": 0.3, "travel_end": 0.7}


def test_blending_that_was_saved_before_late_waking_keeps_its_values(tab: Tab) -> None:
    """Widgets are saved by their place; one that came later has its default."""
    sockets = [{"name": "vae", "type": "VAE", "shape": 7, "link": None}]
    for name, value in BLEND.items():
        kind = "COMBO" if isinstance(value, str) else "INT" if isinstance(value, int) else "FLOAT"
        sockets.append({"name": name, "type": kind, "widget": {"name": name}, "link": None})
    node = {"id": 1, "type": "ZoomMultiResBlend", "pos": [0, 0], "size": [300, 300], "flags": {}, "order": 0, "mode": 0}
    node |= {"inputs": sockets, "widgets_values": list(BLEND.values()), "properties": {}}
    node["outputs"] = [{"name": "blend_options", "type": "ZOOM_BLEND", "links": None}]
    tab.load({"version": 0.4, "nodes": [node], "links": [], "groups": [], "config": {}, "extra": {}})
    prompt = tab.do("async () => (await app.graphToPrompt()).output")
    assert prompt["1"]["inputs"] == {**BLEND, "wake_sigma": 48}
