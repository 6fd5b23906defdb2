"""What a prefix may contain, in the front end: the same as in the host's own Save Image, by a run and by the button."""

import re
from datetime import date
from typing import Any

from chrome import Tab
from explorer import NODE, READY
from graphs import viewer_graph

# Titles that only the front end knows as the user gave them, and a node that never reaches the server.
PREFIX = "filled/%date:yyyy-MM-dd%_%width%x%height%_%year%_%My stack.zoom_factor%_%A note.value%_%None.none%"
NAME_NODES = """() => {
    app.rootGraph.nodes.find((n) => n.type === "ZoomStack").title = "My stack";
    const note = LiteGraph.createNode("PrimitiveNode");
    note.title = "A note";
    note.addWidget("text", "value", "so:said", () => {});
    app.rootGraph.add(note);
}"""
ADD_SAVER = """(prefix) => {
    const stack = app.rootGraph.nodes.find((n) => n.type === "ZoomStack");
    const [video, saver] = ["ZoomVideo", "ZoomSaveVideo"].map((type) => LiteGraph.createNode(type));
    for (const node of [video, saver]) app.rootGraph.add(node);
    const set = (node, name, value) => { node.widgets.find((w) => w.name === name).value = value; };
    set(video, "seconds_per_level", 0.1);
    set(video, "hold_start", 0);
    set(video, "hold_end", 0);
    set(video, "easing", "none");
    set(video, "width", 256);
    set(video, "height", 256);
    set(saver, "filename_prefix", prefix);
    stack.connect(0, video, video.findInputSlot("stack"));
    video.connect(0, saver, saver.findInputSlot("video"));
    return String(saver.id);
}"""


def filled(suffix: str) -> str:
    today = date.today()
    return rf"{today:%Y-%m-%d}_256x256_{today.year}_2_so_said_%None\.none%_\d{{5}}_\.{suffix}"


def text_of(tab: Tab, file: dict[str, str]) -> str:
    fetch = "async (file) => (await fetch('/view?' + new URLSearchParams(file))).status"
    assert tab.do(fetch, file) == 200
    return file["filename"]


def test_places_are_filled_in_by_a_run_and_by_the_button(tab: Tab) -> None:
    nodes = viewer_graph(tab, export_html=True, filename_prefix=PREFIX)
    tab.do(NAME_NODES)
    saver = tab.do(ADD_SAVER, PREFIX)
    outputs: dict[str, Any] = tab.run()
    (video,) = outputs[saver]["images"]
    (page,) = outputs[str(nodes["viewer"])]["files"]
    assert video["subfolder"] == page["subfolder"] == "filled"
    assert re.fullmatch(filled("mp4"), text_of(tab, video))
    assert re.fullmatch(filled("html"), text_of(tab, page))
    tab.until(READY)
    # the user's text stays what it was, in the node and in the saved workflow
    assert tab.do(f"() => {NODE}.widgets.find((w) => w.name === 'filename_prefix').value") == PREFIX
    tab.click(".zoomstack-bar button[aria-label^='Save']")
    shown = "document.querySelector('.zoomstack-path')?.textContent"
    tab.until(f"() => {shown} !== 'output/filled/{page['filename']}' && {shown}")
    told = tab.do(f"() => {shown}")
    assert re.fullmatch("output/filled/" + filled("html"), told)


def test_a_page_among_the_files_shows_as_before(tab: Tab) -> None:
    """The output "files" is for clients of the API: the front end shows the explorer, the link, and nothing else."""
    viewer_graph(tab, export_html=True, filename_prefix="filled/plain")
    tab.run()
    tab.until(READY)
    assert tab.do("() => document.querySelectorAll('.zoomstack-note a').length") == 2
    names = tab.do(f"() => {NODE}.widgets.map((w) => w.name)")
    assert sorted(names) == sorted({"export_html", "filename_prefix", "explorer", "roll", "drift", "drift_seconds"})
    assert tab.do(f"() => {NODE}.imgs ?? null") is None
