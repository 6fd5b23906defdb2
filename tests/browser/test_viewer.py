"""The explorer in the node, with a mouse, a keyboard and fingers."""

import math
from typing import Any

import pytest
from chrome import Tab
from graphs import viewer_graph

PICTURE = ".zoomstack-picture canvas"
NODE = "app.rootGraph.nodes.find(n => n.type === 'ZoomViewer')"
VIEWER = f"{NODE}.widgets.find(w => w.name === 'explorer').viewer"
READY = f"() => {VIEWER}.stack && {VIEWER}.frames > 0"
RED, GREEN, BLUE = range(3)


def view(tab: Tab) -> dict[str, float]:
    return tab.do(f"() => {VIEWER}.view")  # type: ignore[no-any-return]


def strongest(tab: Tab, x: float, y: float) -> int:
    """RED, GREEN or BLUE: of the picture at a point, given as parts of its size."""
    pixel = tab.do(
        f"""([x, y]) => {{
            const viewer = {VIEWER}, {{canvas}} = viewer;
            viewer.draw();
            const pixel = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
            return [...canvas.getContext("2d").getImageData(...pixel, 1, 1).data.slice(0, 3)];
        }}""",
        [x, y],
    )
    return max(range(3), key=lambda channel: pixel[channel])


def settled(tab: Tab) -> None:
    """Wait until nothing moves."""
    tab.until(f"() => {VIEWER}.glide.amount === 0 && !{VIEWER}.request")


def focus(tab: Tab) -> None:
    tab.click(PICTURE)
    tab.until("() => document.activeElement?.classList.contains('zoomstack-viewer')")


def graph_scale(tab: Tab) -> float:
    return tab.do("() => app.canvas.ds.scale")  # type: ignore[no-any-return]


def show_result(tab: Tab, **widgets: Any) -> None:
    viewer_graph(tab, **widgets)
    tab.run()
    tab.until(READY)


def test_it_shows_the_result_and_no_second_preview(tab: Tab) -> None:
    show_result(tab)
    assert view(tab)["zoom"] <= 0
    assert [strongest(tab, 0.5, 0.03), strongest(tab, 0.5, 0.3), strongest(tab, 0.5, 0.5)] == [RED, GREEN, BLUE]
    caption = tab.do("() => document.querySelector('.zoomstack-caption').textContent")
    assert caption.startswith("Level 1 of 3, ×")
    assert caption.endswith(": the red field")
    assert tab.do("() => document.querySelectorAll('.zoomstack-ticks span').length") == 3
    assert tab.do("() => document.querySelectorAll('.zoomstack-viewer').length") == 1
    assert tab.do(f"() => {NODE}.imgs ?? null") is None
    assert tab.do("() => document.querySelectorAll('[data-node-id] img[src*=view]').length") == 0


def test_the_wheel_is_the_graphs_until_the_picture_is_clicked(tab: Tab) -> None:
    show_result(tab)
    scale = graph_scale(tab)
    tab.wheel(PICTURE, -120)
    tab.until("(scale) => app.canvas.ds.scale > scale", scale)
    assert view(tab)["zoom"] <= 0

    focus(tab)
    scale, start = graph_scale(tab), view(tab)["zoom"]
    tab.wheel(PICTURE, -240)
    settled(tab)
    assert view(tab)["zoom"] > start + 0.5
    assert graph_scale(tab) == scale


def test_it_zooms_towards_the_pointer_and_drags_inside_limits(tab: Tab) -> None:
    show_result(tab)
    focus(tab)
    start = view(tab)
    tab.wheel(PICTURE, -300, right=60, down=40)
    settled(tab)
    zoomed = view(tab)
    assert zoomed["zoom"] > start["zoom"] + 0.5
    assert zoomed["x"] > start["x"]
    assert zoomed["y"] > start["y"]
    tab.drag(PICTURE, 50, 30)
    settled(tab)
    dragged = view(tab)
    assert dragged["x"] < zoomed["x"]
    assert dragged["y"] < zoomed["y"]
    for _ in range(6):
        tab.drag(PICTURE, 120, 80)
    settled(tab)
    assert strongest(tab, 0.02, 0.02) == RED, "the picture was dragged out of its frame"


def test_keys_reach_every_level(tab: Tab) -> None:
    show_result(tab)
    focus(tab)
    for key, zoom in (("End", 2), ("PageUp", 1), ("Home", 0), ("PageDown", 1)):
        tab.press(key)
        settled(tab)
        assert view(tab)["zoom"] == pytest.approx(zoom)
    tab.press("End")
    settled(tab)
    assert {strongest(tab, x, y) for x in (0.1, 0.9) for y in (0.1, 0.9)} <= {GREEN, BLUE}
    assert strongest(tab, 0.5, 0.2) == BLUE
    tab.press("+")
    settled(tab)
    assert view(tab)["zoom"] > 2
    tab.press("0")
    settled(tab)
    assert view(tab)["zoom"] <= 0
    spoken = tab.do("() => document.querySelector('.zoomstack-track input').getAttribute('aria-valuetext')")
    assert spoken.startswith("Level 1 of 3")
    tab.press("Escape")
    tab.until("() => !document.activeElement.closest('.zoomstack-viewer')")


def test_it_plays_to_the_end_and_draws_only_what_moves(tab: Tab) -> None:
    show_result(tab)
    tab.do("() => { document.querySelector('.zoomstack-bar select').value = '4'; }")
    tab.click(".zoomstack-bar button")
    tab.until(f"() => {VIEWER}.playing")
    tab.until(f"() => !{VIEWER}.playing && {VIEWER}.view.zoom === 2")
    settled(tab)
    drawn = tab.do(f"() => {VIEWER}.frames")
    tab.do("() => new Promise((done) => setTimeout(done, 300))")
    assert tab.do(f"() => {VIEWER}.frames") == drawn


def test_two_fingers_zoom(tab: Tab) -> None:
    show_result(tab)
    start = view(tab)["zoom"]
    tab.do(
        """async () => {
            const canvas = document.querySelector(".zoomstack-picture canvas"), box = canvas.getBoundingClientRect();
            canvas.setPointerCapture = () => {};
            const touch = (type, pointerId, x) => canvas.dispatchEvent(new PointerEvent(type, {
                pointerId, pointerType: "touch", bubbles: true, button: 0,
                clientX: box.left + x * box.width, clientY: box.top + 0.5 * box.height,
            }));
            touch("pointerdown", 11, 0.45);
            touch("pointerdown", 12, 0.55);
            for (let i = 1; i <= 10; i++) {
                touch("pointermove", 11, 0.45 - i * 0.01);
                touch("pointermove", 12, 0.55 + i * 0.01);
            }
            touch("pointerup", 11, 0.35);
            touch("pointerup", 12, 0.65);
        }"""
    )
    settled(tab)
    assert view(tab)["zoom"] - start == pytest.approx(math.log2(0.3 / 0.1))


def test_a_new_result_takes_the_place_of_the_old(tab: Tab) -> None:
    show_result(tab)
    tab.do(
        """() => {
            const stack = app.rootGraph.nodes.find(n => n.type === "ZoomStack");
            stack.widgets.find(w => w.name === "zoom_factor").value = 4;
        }"""
    )
    tab.run()
    tab.until(f"() => {VIEWER}.stack.geometry.factors[0] === 4")
    assert strongest(tab, 0.5, 0.27) == RED


def test_it_survives_undo_and_redo(tab: Tab) -> None:
    show_result(tab)
    tab.do(f"() => {{ {VIEWER}.goTo(1); }}")
    tab.do(
        """async () => {
            const tracker = app.extensionManager.workflow.activeWorkflow.changeTracker;
            tracker.captureCanvasState();
            const node = app.rootGraph.nodes.find(n => n.type === "ZoomStack");
            node.pos = [node.pos[0] + 30, node.pos[1] + 30];
            tracker.captureCanvasState();
            await tracker.undo();
        }"""
    )
    tab.until(READY)
    assert tab.do("() => document.querySelectorAll('.zoomstack-viewer').length") == 1
    assert tab.do(f"() => {VIEWER}.root.isConnected")
    focus(tab)
    start = view(tab)["zoom"]
    tab.wheel(PICTURE, -240)
    settled(tab)
    assert view(tab)["zoom"] > start


def test_it_survives_saving_and_loading(tab: Tab) -> None:
    show_result(tab, filename_prefix="zoomstack/kept")
    saved = tab.do("async () => (await app.graphToPrompt()).workflow")
    (node,) = [node for node in saved["nodes"] if node["type"] == "ZoomViewer"]
    assert node["widgets_values"] == [False, "zoomstack/kept"]
    tab.load(saved)
    tab.until(READY)
    assert strongest(tab, 0.5, 0.5) == BLUE


def test_lost_images_are_said_to_be_lost(tab: Tab) -> None:
    show_result(tab)
    saved = tab.do("async () => (await app.graphToPrompt()).workflow")
    for node in saved["nodes"]:
        if node["type"] == "ZoomViewer":
            node["properties"]["last_result"]["images"][0]["filename"] = "gone.png"
    tab.load(saved)
    tab.until("() => document.querySelector('.zoomstack-message')?.textContent.includes('Run the workflow again')")
    assert all("gone.png" in error for error in tab.errors)
    tab.errors.clear()


def test_it_works_in_a_subgraph(tab: Tab) -> None:
    viewer_graph(tab)
    tab.do(
        """async () => {
            const viewer = app.rootGraph.nodes.find(n => n.type === "ZoomViewer");
            app.canvas.selectItems?.([viewer]) ?? app.canvas.selectNodes([viewer]);
            const {node} = app.rootGraph.convertToSubgraph(new Set([viewer]));
            await new Promise(done => setTimeout(done, 200));
            window.inner = node.subgraph.nodes.find(n => n.type === "ZoomViewer");
        }"""
    )
    tab.run()
    inner = "window.inner.widgets.find(w => w.name === 'explorer').viewer"
    tab.until(f"() => {inner}.stack?.urls.length === 3")


def test_a_removed_viewer_leaves_nothing(tab: Tab) -> None:
    show_result(tab)
    tab.do(f"() => {{ window.removed = {VIEWER}; window.removed.play(); app.rootGraph.remove({NODE}); }}")
    tab.until("() => document.querySelectorAll('.zoomstack-viewer').length === 0")
    assert tab.do("() => [removed.playing, removed.stack, removed.painter]") == [False, None, None]


def test_the_button_saves_a_page_and_links_to_it(tab: Tab) -> None:
    show_result(tab, filename_prefix="zoomstack/button")
    tab.click(".zoomstack-bar button[aria-label^='Save']")
    tab.until("() => document.querySelector('.zoomstack-note a')")
    link = tab.do("() => document.querySelector('.zoomstack-note a').textContent")
    assert link.startswith("zoomstack/button_")
    status = tab.do("async () => (await fetch(document.querySelector('.zoomstack-note a').href)).status")
    assert status == 200
