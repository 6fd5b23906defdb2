"""The explorer in the node, with a mouse and a keyboard."""

import pytest
from chrome import Tab
from explorer import (
    BLUE,
    GREEN,
    NODE,
    PICTURE,
    RED,
    VIEWER,
    away,
    caption,
    focus,
    graph_scale,
    pixel_size,
    settled,
    show_result,
    strongest,
    view,
    view_at_start,
)
from graphs import viewer_graph


def test_it_shows_the_result_and_no_second_preview(tab: Tab) -> None:
    show_result(tab)
    assert view(tab)["zoom"] <= 0
    assert [strongest(tab, 0.5, 0.03), strongest(tab, 0.5, 0.3), strongest(tab, 0.5, 0.5)] == [RED, GREEN, BLUE]
    assert caption(tab) == "Level 1 of 3, ×1: the red field"
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


def test_the_wheel_follows_the_zoom_wherever_the_pointer_is(tab: Tab) -> None:
    show_result(tab)
    focus(tab)
    assert caption(tab) == "Level 1 of 3, ×1: the red field"
    for right, down in ((60, 40), (-120, -70)):
        told = []
        for _ in range(8):
            tab.wheel(PICTURE, -120, right=right, down=down)
            settled(tab)
            assert max(away(tab)) < 1e-6
            told.append(caption(tab))
        assert strongest(tab, 0.5, 0.5) == BLUE
        assert strongest(tab, 0.05, 0.05) == BLUE, "it did not end in the deepest level"
        assert told[-1].startswith("Level 3 of 3, ×") and told[-1].endswith(": the blue field")
        for _ in range(12):
            tab.wheel(PICTURE, 120, right=right, down=down)
        settled(tab)
        assert caption(tab) == "Level 1 of 3, ×1: the red field"


def test_with_shift_the_wheel_goes_where_the_pointer_is_as_long_as_there_is_detail(tab: Tab) -> None:
    show_result(tab)
    focus(tab)
    tab.wait(tab.page.keyboard.down("Shift"))
    for _ in range(12):
        tab.wheel(PICTURE, -120, right=-150, down=-90)
        settled(tab)
    tab.wait(tab.page.keyboard.up("Shift"))
    assert strongest(tab, 0.3, 0.3) == RED
    assert caption(tab).startswith("Level 1 of 3, ×") and caption(tab).endswith(": the red field")
    assert pixel_size(tab) <= 4 * 1.01
    assert "no more detail" in tab.do("() => document.querySelector('.zoomstack-hint').textContent")
    for _ in range(16):
        tab.wheel(PICTURE, 120, right=-150, down=-90)
    settled(tab)
    assert max(away(tab)) < 1e-6
    assert caption(tab) == "Level 1 of 3, ×1: the red field"


def test_after_a_drag_the_wheel_goes_on_there_and_comes_back_outwards(tab: Tab) -> None:
    show_result(tab)
    focus(tab)
    tab.wheel(PICTURE, -300, right=60, down=40)
    settled(tab)
    start = view(tab)
    tab.drag(PICTURE, -130, -90)
    settled(tab)
    dragged = view(tab)
    assert dragged["x"] > start["x"] and dragged["y"] > start["y"]
    for _ in range(8):
        tab.wheel(PICTURE, -120)
        settled(tab)
    assert strongest(tab, 0.5, 0.5) in (RED, GREEN)
    assert pixel_size(tab) <= 4 * 1.01
    assert f"Level {strongest(tab, 0.5, 0.5) + 1} of 3" in caption(tab)
    for _ in range(16):
        tab.wheel(PICTURE, 120)
    settled(tab)
    assert max(away(tab)) < 1e-6
    for _ in range(8):
        tab.drag(PICTURE, 120, 80)
    settled(tab)
    assert strongest(tab, 0.02, 0.02) == RED, "the picture was dragged out of its frame"


def test_a_double_click_beside_the_next_level_goes_there_and_on_it_follows_the_zoom(tab: Tab) -> None:
    show_result(tab)
    focus(tab)
    x, y = tab.center(PICTURE)
    tab.wait(tab.page.mouse.dblclick(x + 20, y - 20))
    settled(tab)
    assert max(away(tab)) < 1e-6
    assert view(tab)["zoom"] == pytest.approx(1 + view_at_start(tab), abs=0.01)
    tab.press("0")
    settled(tab)
    tab.wait(tab.page.mouse.dblclick(x - 150, y - 100))
    settled(tab)
    assert max(away(tab)) > 0.1


def test_a_double_click_before_the_first_result_does_nothing(tab: Tab) -> None:
    viewer_graph(tab)
    x, y = tab.center(PICTURE)
    tab.wait(tab.page.mouse.dblclick(x - 100, y - 40))
    assert tab.do(f"() => {VIEWER}.hand.glide.amount") == 0  # and the console has no error


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
    assert spoken.startswith("Level 1 of 3, ×1:")
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
