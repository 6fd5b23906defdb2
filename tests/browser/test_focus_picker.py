"""The focus picker: a rectangle on the last result, and the two widgets and a factor that it sets."""

import pytest
from chrome import Tab
from graphs import viewer_graph

STACK = "app.rootGraph.nodes.find(n => n.type === 'ZoomStack')"
MENU = f"""(index) => {{
    const items = app.extensions.find((e) => e.name === "zoomstack").getNodeMenuItems({STACK});
    if (index >= 0) items[index].callback();
    return items.map((item) => item.content);
}}"""
RECT = """() => {
    const {left, top, width} = document.querySelector('.zoomstack-focus-rect').style;
    return [left, top, width];
}"""


def widgets(tab: Tab) -> list[float]:
    names = ["zoom_factor", "focus_x", "focus_y"]
    value = f"{STACK}.widgets.find((widget) => widget.name === name).value"
    return tab.do(f"(names) => names.map((name) => {value})", names)  # type: ignore[no-any-return]


def test_dragging_the_rectangle_sets_the_focus(tab: Tab) -> None:
    viewer_graph(tab)
    tab.run()
    assert tab.do(MENU, 0) == ["Choose the focus"]
    tab.until("() => document.querySelector('.zoomstack-focus img')?.naturalWidth === 256")
    assert tab.do(RECT) == ["25%", "25%", "50%"]
    frame = tab.wait(tab.page.locator(".zoomstack-focus-frame").bounding_box())
    assert frame
    tab.drag(".zoomstack-focus-rect", -0.2 * frame["width"], -2 * frame["height"])
    tab.press("Shift+ArrowDown")
    tab.click(".zoomstack-focus-use")
    tab.until("() => !document.querySelector('.zoomstack-focus')")
    assert widgets(tab) == pytest.approx([2, 0.3, 0.35], abs=0.011)


def test_the_fields_show_and_set_the_same(tab: Tab) -> None:
    viewer_graph(tab)
    tab.do(MENU, 0)
    tab.wait(tab.page.locator(".zoomstack-focus input").first.fill("4"))
    assert tab.do(RECT) == ["37.5%", "37.5%", "25%"]
    tab.wait(tab.page.locator(".zoomstack-focus input").nth(1).fill("0.1"))
    assert tab.do(RECT) == ["0%", "37.5%", "25%"]
    tab.press("Escape")
    tab.until("() => !document.querySelector('.zoomstack-focus')")
    assert widgets(tab) == [2, 0.5, 0.5]


def test_a_focus_that_is_linked_is_not_offered(tab: Tab) -> None:
    viewer_graph(tab)
    tab.do(
        f"""() => {{
            const number = LiteGraph.createNode("PrimitiveFloat"), stack = {STACK};
            app.rootGraph.add(number);
            number.connect(0, stack, stack.findInputSlot("focus_x"));
        }}"""
    )
    assert tab.do(MENU, -1) == []
