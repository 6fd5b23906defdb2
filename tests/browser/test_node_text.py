"""What a node says of itself while it runs and after it, in the page."""

import time
from typing import Any

import pytest
from chrome import RUN, Tab
from graphs import BUILD

TEXTS = """() => app.rootGraph.nodes.flatMap((node) => (node.widgets ?? [])
    .filter((widget) => widget.textElement).map((widget) => [node.type, widget.textElement.innerText]))"""
# Every text that comes, in its order.
RECORD = """() => {
    window.heard = [];
    window.comfyAPI.api.api.addEventListener("progress_text", ({detail}) => heard.push(detail.text));
}"""


def graph(tab: Tab, prompts: str) -> None:
    """The demo model, with no step more than it needs, and its pictures; nothing of it is in the server's cache."""
    sampling = {"steps": 4, "cfg": 3.0, "seed": time.monotonic_ns() % 2**40, "control_after_generate": "fixed"}
    nodes: dict[str, Any] = {
        "model": {"type": "ZoomDemoModel", "pos": [0, 0]},
        "schedule": {"type": "ZoomPromptSchedule", "pos": [0, 240], "widgets": {"prompts": prompts}},
        "latent": {"type": "EmptyLatentImage", "pos": [500, 700], "widgets": {"width": 256, "height": 256}},
        "sampler": {"type": "ZoomKSampler", "pos": [500, 0], "widgets": sampling},
        "decode": {"type": "VAEDecode", "pos": [900, 0]},
        "stack": {"type": "ZoomStack", "pos": [900, 200]},
        "viewer": {"type": "ZoomViewer", "pos": [1200, 0]},
    }
    tab.do(f"async (graph) => {{ window.ids = await ({BUILD})(graph); }}", {"nodes": nodes, "links": links(tab)})


def links(tab: Tab) -> list[list[str]]:
    outputs = tab.do("() => LiteGraph.createNode('ZoomDemoModel').outputs.map((output) => [output.type, output.name])")
    model, clip, vae = (dict(outputs)[kind] for kind in ("MODEL", "CLIP", "VAE"))
    return [
        ["model", clip, "schedule", "clip"],
        ["model", model, "sampler", "model"],
        ["schedule", "positive", "sampler", "positive"],
        ["schedule", "negative", "sampler", "negative"],
        ["latent", "LATENT", "sampler", "latent_image"],
        ["model", vae, "sampler", "vae"],
        ["sampler", "LATENT", "decode", "samples"],
        ["model", vae, "decode", "vae"],
        ["decode", "IMAGE", "stack", "images"],
        ["stack", "stack", "viewer", "stack"],
    ]


def run(tab: Tab) -> None:
    ran = tab.do(RUN, 60000)
    assert ran["status"] == "success", ran["status"]
    tab.do("() => new Promise((done) => setTimeout(done, 300))")


def set_widget(tab: Tab, type_: str, name: str, value: Any) -> None:
    tab.do(
        """([type, name, value]) => {
            const node = app.rootGraph.nodes.find((node) => node.type === type);
            node.widgets.find((widget) => widget.name === name).value = value;
        }""",
        [type_, name, value],
    )


SAMPLER = "app.rootGraph.nodes.find((node) => node.type === 'ZoomKSampler')"
GALAXY = "a blue spiral galaxy\nthe spiral arms of a blue galaxy"


def test_the_sampler_tells_its_progress_and_keeps_a_summary(tab: Tab) -> None:
    graph(tab, GALAXY)
    tab.do(RECORD)
    run(tab)
    heard = tab.do("() => heard")
    assert any(text.startswith("0 of 2 levels done\nstep 1 of 4") for text in heard), heard
    ((kind, text),) = tab.do(TEXTS)
    assert kind == "ZoomKSampler" and text.startswith("2 levels, ") and " evaluations, 0:" in text
    shown = tab.wait(tab.page.locator(".zoomstack-text").count())
    assert shown == 1
    assert tab.do("() => document.querySelectorAll('[data-testid=skeleton], .zoomstack-text').length") == 1
    # inside its node, below the other widgets
    inside = """() => {
        const node = app.rootGraph.nodes.find((node) => node.type === "ZoomKSampler"), {scale, offset} = app.canvas.ds;
        const box = document.querySelector(".zoomstack-text").getBoundingClientRect();
        const canvas = app.canvas.canvas.getBoundingClientRect();
        const bottom = canvas.top + (node.pos[1] + node.size[1] + offset[1]) * scale;
        return [box.height > 15 * scale, box.bottom <= bottom + 2];
    }"""
    assert tab.do(inside) == [True, True]
    run(tab)  # everything is cached: what was said stays
    assert tab.do(TEXTS) == [[kind, text]]


def test_what_was_said_goes_when_the_node_runs_again_without_a_word(tab: Tab) -> None:
    graph(tab, GALAXY)
    run(tab)
    assert len(tab.do(TEXTS)) == 1
    set_widget(tab, "ZoomPromptSchedule", "prompts", "a blue spiral galaxy")
    run(tab)
    assert tab.do(TEXTS) == []


def test_a_node_is_as_high_as_its_text(tab: Tab) -> None:
    """The events are those that the front end makes of the server's messages."""
    graph(tab, GALAXY)
    # no room to spare
    tab.do(f"() => {{ const node = {SAMPLER}; node.setSize([node.size[0], node.computeSize()[1]]); }}")
    tell = """async ([event, text]) => {
        const node = app.rootGraph.nodes.find((node) => node.type === "ZoomKSampler"), {api} = window.comfyAPI.api;
        const detail = text === null ? String(node.id) : {nodeId: String(node.id), text};
        api.dispatchEvent(new CustomEvent(event, {detail}));
        await new Promise((done) => setTimeout(done, 400));
        const shown = document.querySelector(".zoomstack-text");
        const box = LiteGraph.vueNodesMode && document.querySelector(`[data-node-id="${node.id}"]`);
        return [box ? box.offsetHeight : node.size[1], shown?.offsetHeight ?? 0];
    }"""
    start, none = tab.do(tell, ["executing", None])
    assert none == 0
    one, line = tab.do(tell, ["progress_text", "3 levels"])
    many, lines = tab.do(tell, ["progress_text", "\n".join(["Levels 2 and 3 differ more than they should. " * 3] * 4)])
    assert lines > 6 * line / 2
    assert one >= start + line
    assert many >= one + lines - line - 1
    assert tab.do(tell, ["progress_text", "3 levels"])[0] == pytest.approx(one, abs=1)
    assert tab.do(tell, ["executing", None]) == [pytest.approx(start, abs=1), 0]


def test_a_text_is_not_saved(tab: Tab) -> None:
    graph(tab, GALAXY)
    before = tab.do("async () => (await app.graphToPrompt()).workflow.nodes.map((node) => node.widgets_values)")
    run(tab)
    after = tab.do("async () => (await app.graphToPrompt()).workflow.nodes.map((node) => node.widgets_values)")
    assert after == before
    output = tab.do("async () => (await app.graphToPrompt()).output")
    assert not [name for node in output.values() for name in node["inputs"] if name.startswith("$$")]


def test_in_a_subgraph_it_is_there_when_that_is_opened(tab: Tab) -> None:
    graph(tab, GALAXY)
    tab.do(
        """() => {
            const sampler = app.rootGraph.nodes.find((node) => node.type === "ZoomKSampler");
            window.outer = app.rootGraph.convertToSubgraph(new Set([sampler])).node;
        }"""
    )
    run(tab)
    tab.do("() => { app.canvas.openSubgraph(outer.subgraph, outer); }")
    tab.until("() => document.querySelector('.zoomstack-text')?.textContent.startsWith('2 levels, ')")
    tab.do("() => { app.canvas.setGraph(app.rootGraph); }")
