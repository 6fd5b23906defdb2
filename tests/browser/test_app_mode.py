"""App mode of the front end, which has a panel of inputs and the results: rows and explorer in it, and the video."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chrome import Tab
from explorer import PICTURE, READY, VIEWER
from graphs import viewer_graph
from prompt_graph import FIELDS, HOST_IS_QUIET, NODE, prompts, text
from templates.descriptions import UI_FILES
from test_prompt_drag import drop, hold
from test_prompt_editing import UNDO, press_and_wait, reads

APP_FILE = Path(__file__).resolve().parents[2] / "workflows" / f"{UI_FILES['app_demo'].title}.json"
ITEM = "[data-testid=app-mode-widget-item]"
ITEMS = f"() => [...document.querySelectorAll('{ITEM}')].map((item) => item.dataset.widgetKey.split(':').at(-1))"
RESULTS = "[data-testid=linear-history-item]"
SCROLLED = f"""() => {{
    let box = document.querySelector("{ITEM}");
    while (box && box.scrollHeight <= box.clientHeight + 1) box = box.parentElement;
    return box?.scrollTop ?? 0;
}}"""
# A schedule beside the graph of the explorer, and a video.
ADD = """() => {
    const make = (type, pos) => {
        const node = LiteGraph.createNode(type);
        node.pos = pos;
        app.rootGraph.add(node);
        return node;
    };
    const schedule = make("ZoomPromptSchedule", [0, 700]), video = make("ZoomVideo", [1000, 0]);
    const text = schedule.widgets.find((widget) => widget.name === "prompts");
    text.value = "a\\nb\\nc";
    text.callback(text.value);
    const stack = app.rootGraph.nodes.find((node) => node.type === "ZoomStack");
    const viewer = app.rootGraph.nodes.find((node) => node.type === "ZoomViewer");
    const save = make("SaveVideo", [1300, 0]);
    stack.connect(0, video, video.findInputSlot("stack"));
    video.connect(0, save, save.findInputSlot("video"));
    const inputs = [[schedule.id, "prompt_rows"], [viewer.id, "explorer"]];
    return {linearData: {inputs, outputs: [save.id]}, linearMode: true};
}"""


@pytest.fixture
def app(tab: Tab) -> Iterator[Tab]:
    """A small workflow, opened as an app."""
    viewer_graph(tab)
    extra = tab.do(ADD)
    saved = tab.do("async () => (await app.graphToPrompt()).workflow")
    open_app(tab, {**saved, "extra": {**saved["extra"], **extra}})
    yield tab
    leave(tab)


def open_app(tab: Tab, workflow: Any) -> None:
    tab.load(workflow)
    tab.until(f"() => document.querySelector('{ITEM}')")


def leave(tab: Tab) -> None:
    tab.do("() => app.extensionManager.command.execute('Comfy.ToggleLinear')")
    tab.until(f"() => !document.querySelector('{ITEM}')")


def test_the_rows_are_used_as_in_the_node(app: Tab) -> None:
    assert app.do(ITEMS) == ["prompt_rows", "explorer"]
    app.click(FIELDS)
    app.press("End")
    app.wait(app.page.keyboard.type(" galaxy"))
    app.press("Enter")
    app.wait(app.page.keyboard.type("a star"))
    reads(app, "a galaxy\na star\nb\nc")
    hold(app, 3, 0, 0.8)
    drop(app)
    reads(app, "a galaxy\nc\na star\nb")
    app.do(HOST_IS_QUIET)
    press_and_wait(app, UNDO)
    reads(app, "a galaxy\na star\nb\nc")
    app.click(FIELDS)  # the rows of the nodes that undo has made anew
    app.press("End")
    app.wait(app.page.keyboard.type("!"))
    assert text(app) == "a galaxy!\na star\nb\nc"


def test_the_result_is_the_video_and_the_explorer_stands_beside_it(app: Tab) -> None:
    app.run()
    app.until(READY)
    app.until(f"() => document.querySelectorAll('{RESULTS}').length === 1 && document.querySelector('video[src]')")
    box = app.wait(app.page.locator(PICTURE).bounding_box())
    assert box and box["width"] > 200 and box["height"] > 200
    zoom, scale = app.do(f"() => {VIEWER}.view.zoom"), app.do("() => app.canvas.ds.scale")
    app.wheel(PICTURE, 60)  # the panel's, until the explorer is clicked
    app.wheel(PICTURE, -60)
    assert app.do(f"() => {VIEWER}.view.zoom") == zoom
    app.click(PICTURE)
    app.wheel(PICTURE, -600)
    app.until(f"(zoom) => {VIEWER}.view.zoom > zoom + 1", zoom)
    assert app.do("() => app.canvas.ds.scale") == scale


def test_the_wheel_scrolls_the_panel(app: Tab) -> None:
    app.do(
        f"""() => {{
            const text = {NODE}.widgets.find((widget) => widget.name === "prompts");
            text.value = Array.from({{length: 40}}, (_, i) => `level ${{i}}`).join("\\n");
            text.callback(text.value);
        }}"""
    )
    assert len(prompts(app)) == 40
    scale = app.do("() => app.canvas.ds.scale")
    app.wheel(".zoomstack-rows-bar", 200)
    app.until(f"() => ({SCROLLED})() > 50")
    assert app.do("() => app.canvas.ds.scale") == scale


def test_back_in_the_graph_rows_and_explorer_are_in_their_nodes(app: Tab) -> None:
    leave(app)
    app.until("() => document.querySelectorAll('.zoomstack-rows li').length === 3")
    inside = "(name) => !!document.querySelector(`.zoomstack-${name}`).closest('.lg-node, .dom-widget')"
    app.until(f"() => ['rows', 'viewer'].every({inside})")
    app.do("() => app.extensionManager.command.execute('Comfy.ToggleLinear')")
    app.until(f"() => document.querySelectorAll('{ITEM} .zoomstack-rows li').length === 3")


def test_the_template_opens_as_an_app(tab: Tab) -> None:
    open_app(tab, json.loads(APP_FILE.read_text(encoding="utf-8")))
    assert tab.do(ITEMS) == ["prompt_rows", "seed", "explorer"]
    assert len(prompts(tab)) == 13
    leave(tab)
