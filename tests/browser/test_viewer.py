"""The explorer in the node, with a mouse and a keyboard."""

import pytest
from chrome import Tab
from explorer import BLUE, GREEN, NODE, PICTURE, RED, VIEWER, focus, graph_scale, settled, show_result, strongest, view


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
