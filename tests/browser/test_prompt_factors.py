"""The magnifications in the rows of Zoom Prompt Schedule, wherever the zoom factors stand in the graph."""

from typing import Any

import pytest
from chrome import Tab
from prompt_graph import CAPTURE, build, sizes

FOUR = "a\nb\nc\nd"
SAMPLER = "app.rootGraph.nodes.find(n => n.type === 'ZoomKSampler')"


def graph(tab: Tab, factors: dict[str, Any], links: list[list[str]], sampler: dict[str, Any] | None = None) -> None:
    """A schedule of four levels, a sampler, and the nodes that the sampler's zoom factors come from."""
    nodes = {
        "schedule": {"type": "ZoomPromptSchedule", "pos": [0, 0], "widgets": {"prompts": FOUR}},
        "sampler": {"type": "ZoomKSampler", "pos": [520, 0], "widgets": sampler or {}},
        **factors,
    }
    build(tab, nodes, [["schedule", "positive", "sampler", "positive"], *links])


def set_value(tab: Tab, type_: str, name: str, value: Any) -> None:
    tab.do(
        """([type, name, value]) => {
            const widget = app.rootGraph.nodes.find((node) => node.type === type).widgets.find((w) => w.name === name);
            widget.value = value;
            widget.callback?.(value);
        }""",
        [type_, name, value],
    )
    tab.do(CAPTURE)


def test_every_step_of_a_zoom_geometry_counts(tab: Tab) -> None:
    geometry = {"type": "ZoomGeometry", "pos": [0, 700], "widgets": {"zoom_factors": "2, 4, 1.5"}}
    graph(tab, {"geometry": geometry}, [["geometry", "geometry", "sampler", "geometry"]], {"zoom_factor": 9})
    assert sizes(tab) == ["×1", "×2", "×8", "×12"]
    set_value(tab, "ZoomGeometry", "zoom_factors", "3x")
    assert sizes(tab) == ["×1", "×3", "×9", "×27"]
    set_value(tab, "ZoomGeometry", "zoom_factors", "2, 4")  # of the third step nothing is known
    assert sizes(tab) == ["×1", "×2", "×8", "×?"]
    set_value(tab, "ZoomGeometry", "zoom_factors", "2, two")
    assert sizes(tab) == ["", "", "", ""]


def test_factors_come_through_reroutes_and_primitive_nodes(tab: Tab) -> None:
    nodes = {
        "number": {"type": "PrimitiveFloat", "pos": [0, 700], "widgets": {"value": 3}},
        "corner": {"type": "Reroute", "pos": [300, 700]},
    }
    graph(tab, nodes, [["number", "FLOAT", "corner", ""], ["corner", "", "sampler", "zoom_factor"]])
    assert sizes(tab) == ["×1", "×3", "×9", "×27"]
    set_value(tab, "PrimitiveFloat", "value", 2)
    assert sizes(tab) == ["×1", "×2", "×4", "×8"]


def test_the_text_of_a_zoom_geometry_may_be_linked(tab: Tab) -> None:
    nodes = {
        "text": {"type": "PrimitiveString", "pos": [0, 700], "widgets": {"value": "2, 2, 5"}},
        "geometry": {"type": "ZoomGeometry", "pos": [300, 700]},
    }
    links = [["text", "STRING", "geometry", "zoom_factors"], ["geometry", "geometry", "sampler", "geometry"]]
    graph(tab, nodes, links)
    assert sizes(tab) == ["×1", "×2", "×4", "×20"]


@pytest.mark.parametrize("unknown", ["computed", "two samplers", "none", "off"])
def test_no_magnification_is_better_than_a_wrong_one(tab: Tab, unknown: str) -> None:
    if unknown == "computed":
        computed = {"type": "ComfyMathExpression", "pos": [0, 700]}
        graph(tab, {"computed": computed}, [["computed", "FLOAT", "sampler", "zoom_factor"]])
    elif unknown == "two samplers":
        other = {"type": "ZoomKSampler", "pos": [520, 700], "widgets": {"zoom_factor": 8}}
        graph(tab, {"other": other}, [["schedule", "positive", "other", "positive"]])
    else:
        graph(tab, {}, [])
        changes = {"none": "sampler.disconnectInput(sampler.findInputSlot('positive'))", "off": "sampler.mode = 2"}
        tab.do(f"() => {{ const sampler = {SAMPLER}; {changes[unknown]}; }}")
        tab.do(CAPTURE)
    assert sizes(tab) == ["", "", "", ""]


def test_the_sampler_may_be_in_a_subgraph(tab: Tab) -> None:
    number = {"type": "PrimitiveFloat", "pos": [0, 700], "widgets": {"value": 3}}
    graph(tab, {"number": number}, [["number", "FLOAT", "sampler", "zoom_factor"]])
    tab.do(f"() => {{ app.rootGraph.convertToSubgraph(new Set([{SAMPLER}])); }}")
    tab.do(CAPTURE)
    assert sizes(tab) == ["×1", "×3", "×9", "×27"]
    tab.do(
        """() => {
            const node = app.rootGraph.nodes.find((node) => node.subgraph);
            node.disconnectInput(node.inputs.findIndex((input) => input.name === "zoom_factor"));
            node.widgets.find((widget) => widget.name === "zoom_factor").value = 5;
        }"""
    )
    tab.do(CAPTURE)
    assert sizes(tab) == ["×1", "×5", "×25", "×125"]


def test_the_prompts_may_be_in_a_subgraph(tab: Tab) -> None:
    graph(tab, {}, [], {"zoom_factor": 4})
    tab.do(
        """() => {
            const schedule = app.rootGraph.nodes.find((node) => node.type === "ZoomPromptSchedule");
            const { subgraph } = app.rootGraph.convertToSubgraph(new Set([schedule]));
            app.canvas.setGraph(subgraph);
        }"""
    )
    tab.until("() => document.querySelectorAll('.zoomstack-rows').length === 1")
    tab.do(CAPTURE)
    assert sizes(tab) == ["×1", "×4", "×16", "×64"]
    tab.do("() => { app.canvas.setGraph(app.rootGraph); }")


def test_a_sampler_hands_its_factor_on(tab: Tab) -> None:
    """In the graph of an extended zoom the second sampler takes the geometry of the first one."""
    nodes = {"first": {"type": "ZoomKSampler", "pos": [520, 700], "widgets": {"zoom_factor": 3}}}
    graph(tab, nodes, [["first", "geometry", "sampler", "geometry"]], {"zoom_factor": 9})
    assert sizes(tab) == ["×1", "×3", "×9", "×27"]
    nodes |= {"geometry": {"type": "ZoomGeometry", "pos": [0, 700], "widgets": {"zoom_factors": "2, 4, 1.5"}}}
    links = [["geometry", "geometry", "first", "geometry"], ["first", "geometry", "sampler", "geometry"]]
    graph(tab, nodes, links, {"zoom_factor": 9})
    assert sizes(tab) == ["×1", "×2", "×8", "×12"]
    tab.do("() => { app.rootGraph.nodes.find(n => n.type === 'ZoomKSampler' && n.pos[1] >= 700).mode = 4; }")
    tab.do(CAPTURE)
    assert sizes(tab) == ["", "", "", ""]  # bypassed, it hands nothing on
