"""Trees and rings in the explorer: in the node and in the saved page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from chrome import Chrome, Tab
from explorer import BLUE, GREEN, PICTURE, READY, RED, VIEWER, caption, focus, settled, strongest
from graphs import viewer_graph

from zoomstack_core.camera.journey import Journey
from zoomstack_core.explorer_page import explorer_page, images_of
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.stack import ZoomStack

# Three plain levels of half the picture's size, two of them beside each other in the first one.
BRANCHES = f"""async () => {{
    const {{stack, size}} = {VIEWER}, [width, height] = [size.width / 2, size.height / 2].map(Math.round);
    const urls = ["red", "lime", "blue"].map((color) => {{
        const canvas = Object.assign(document.createElement("canvas"), {{width, height}});
        const target = canvas.getContext("2d");
        target.fillStyle = color;
        target.fillRect(0, 0, width, height);
        return canvas.toDataURL();
    }});
    const geometry = {{height, width, factors: [4, 4], foci: [[0.2, 0.5], [0.8, 0.5]], parents: [null, 0, 0]}};
    await {VIEWER}.show({{...stack, urls, geometry}});
}}"""
STILL = f"() => !{VIEWER}.flight && !{VIEWER}.request"
CURRENT = "() => document.querySelector('.zoomstack-map [aria-current]')?.textContent ?? null"
NAMES = "() => [...document.querySelectorAll('.zoomstack-map button')].map((button) => button.ariaLabel)"


def press_map(tab: Tab, level: int) -> None:
    tab.click(f".zoomstack-map button:nth-of-type({level})")


def test_all_branches_are_shown_and_the_wheel_follows_the_one_under_the_pointer(tab: Tab) -> None:
    viewer_graph(tab)
    tab.run()
    tab.until(READY)
    assert tab.do("() => document.querySelector('.zoomstack-map').hidden")
    tab.do(BRANCHES)
    assert [strongest(tab, x, 0.5) for x in (0.2, 0.5, 0.8)] == [GREEN, RED, BLUE]
    assert tab.do(NAMES) == [
        "Level 1 of 3, ×1: the red field",
        "Level 2 of 3, ×4: the green field",
        "Level 3 of 3, ×4: the blue field",
    ]
    focus(tab)
    for right, color in ((110, BLUE), (-110, GREEN)):
        for _ in range(8):
            tab.wheel(PICTURE, -120, right=right)
            settled(tab)
        assert {strongest(tab, x, y) for x in (0.1, 0.9) for y in (0.1, 0.9)} == {color}
        assert caption(tab).startswith(f"Level {color + 1} of 3, ×")
        assert tab.do(CURRENT) == f"{color + 1}"
        for _ in range(12):
            tab.wheel(PICTURE, 120, right=-right)
            settled(tab)
        assert caption(tab) == "Level 1 of 3, ×1: the red field"
        assert [strongest(tab, x, 0.5) for x in (0.2, 0.5, 0.8)] == [GREEN, RED, BLUE]


def test_the_map_leads_from_branch_to_branch_and_escape_stops_there(tab: Tab) -> None:
    viewer_graph(tab)
    tab.run()
    tab.until(READY)
    tab.do(BRANCHES)
    press_map(tab, 2)
    tab.until(STILL)
    assert (strongest(tab, 0.1, 0.1), tab.do(CURRENT)) == (GREEN, "2")
    assert tab.do("() => document.querySelectorAll('.zoomstack-ticks span').length") == 2
    press_map(tab, 3)
    tab.until(f"() => {VIEWER}.flight && {VIEWER}.view.zoom < 0.9")
    assert tab.do("() => document.activeElement.closest('.zoomstack-map') !== null")
    tab.press("Escape")
    tab.until(STILL)
    stopped = tab.do(f"() => {VIEWER}.view")
    tab.do("() => new Promise((done) => setTimeout(done, 200))")
    assert tab.do(f"() => {VIEWER}.view") == stopped
    press_map(tab, 3)
    tab.until(STILL)
    assert (strongest(tab, 0.9, 0.9), caption(tab)) == (BLUE, "Level 3 of 3, ×4: the blue field")


def test_playing_goes_through_all_branches_and_on(tab: Tab) -> None:
    viewer_graph(tab)
    tab.run()
    tab.until(READY)
    tab.do(BRANCHES)
    tab.do("() => { document.querySelector('.zoomstack-bar select').value = '4'; }")
    tab.click(".zoomstack-bar button")
    for color in (GREEN, BLUE, GREEN):
        tab.until(f"(level) => ({CURRENT})() === String(level + 1)", color)
    tab.press("Space")
    tab.until(STILL)
    assert not tab.do(f"() => {VIEWER}.playing")
    # out on the way to the other branch, stopped there and gone on with
    press_map(tab, 2)
    tab.until(STILL)
    tab.click(".zoomstack-bar button")
    tab.until(f"() => {VIEWER}.view.zoom < 0.8")
    tab.press("Space")
    tab.press("Space")
    tab.until(f"() => ({CURRENT})() === '1'")
    tab.until(f"() => ({CURRENT})() === '3'")
    tab.press("Space")


def test_a_ring_has_no_end(tab: Tab) -> None:
    viewer_graph(tab)
    tab.do(
        """() => {
            const geometry = LiteGraph.createNode("ZoomGeometry");
            geometry.pos = [0, 680];
            app.rootGraph.add(geometry);
            geometry.widgets.find((widget) => widget.name === "endless").value = true;
            const stack = app.rootGraph.nodes.find((node) => node.type === "ZoomStack");
            geometry.connect(0, stack, stack.findInputSlot("geometry"));
        }"""
    )
    tab.run()
    tab.until(READY)
    assert caption(tab) == "Round 1 · Level 1 of 3, ×1: the red field"
    assert tab.do("() => document.querySelector('.zoomstack-map').hidden")
    focus(tab)
    tab.press("End")
    settled(tab)
    assert caption(tab) == "Round 1 · Level 3 of 3, ×4: the blue field"
    for told in ("Round 2 · Level 1 of 3, ×1: the red field", "Round 2 · Level 2 of 3, ×2: the green field"):
        tab.press("PageDown")
        settled(tab)
        assert caption(tab) == told
    for _ in range(30):
        tab.wheel(PICTURE, 120)
        settled(tab)
    assert caption(tab).startswith(("Round -", "Round 0"))
    tab.do("() => { document.querySelector('.zoomstack-bar select').value = '4'; }")
    start = tab.do(f"() => {VIEWER}.round")
    tab.click(".zoomstack-bar button")
    tab.until(f"(start) => {VIEWER}.round > start + 2", start)
    assert tab.do(f"() => {VIEWER}.playing")
    assert tab.do(f"() => Object.values({VIEWER}.view).every(Number.isFinite)")
    tab.press("Space")
    tab.click(".zoomstack-bar button[aria-label^=Save]")
    tab.until("() => document.querySelector('.zoomstack-path')?.textContent.endsWith('.html')")
    address = tab.do("() => document.querySelector('.zoomstack-note a[download]').href")
    page = tab.do("async (address) => (await fetch(address)).text()", address)
    assert '"parents": [2, 0, 1]' in page


TREE = ZoomGeometry(
    6,
    256,
    256,
    (4, 4, 2, 2, 3),
    ((0.25, 0.5), (0.75, 0.5), (0.5, 0.3), (0.25, 0.7), (0.75, 0.7)),
    parents=(None, 0, 0, 1, 2, 2),
)
RING = ZoomGeometry(3, 256, 256, (2, 3, 4), ((0.4, 0.4), (0.6, 0.5), (0.5, 0.5)), parents=(2, 0, 1))


def plain(geometry: ZoomGeometry) -> str:
    """A page of plain levels, in shades from black to white."""
    layers = torch.linspace(0, 1, geometry.levels)[:, None, None, None].expand(-1, 3, geometry.height, geometry.width)
    prompts = [f"thing {i + 1}" for i in range(geometry.levels)]
    return explorer_page(images_of(ZoomStack(layers, geometry).images), geometry, prompts)


@pytest.fixture
def page(chrome: Chrome) -> Iterator[Tab]:
    opened = chrome.tab("")
    yield opened
    assert (opened.errors, opened.requests) == ([], [])
    opened.close()


def open_page(page: Tab, folder: Path, geometry: ZoomGeometry) -> None:
    file = folder / "page.html"
    file.write_text(plain(geometry), encoding="utf-8")
    page.open(file.as_uri())
    page.until("() => explorer.frames > 0")


def told(page: Tab) -> str:
    page.until("() => !explorer.request && !explorer.flight && !explorer.hand.glide.amount")
    return page.do("() => explorer.controls.caption.textContent")  # type: ignore[no-any-return]


def test_the_saved_page_of_a_tree_has_its_map_and_keys(page: Tab, tmp_path: Path) -> None:
    open_page(page, tmp_path, TREE)
    assert page.do(CURRENT) == "1"
    for level, size in ((4, 8), (6, 12), (5, 8), (3, 4), (1, 1)):
        press_map(page, level)
        assert told(page) == f"Level {level} of 6, ×{size}: thing {level}"
        assert page.do(CURRENT) == f"{level}"
    page.do("() => explorer.root.focus()")
    # the keys go along the line, and a zoom at the middle of the view into the child that is nearest to it
    press_map(page, 5)
    told(page)
    page.do("() => explorer.root.focus()")
    for key, level in (("PageUp", 3), ("Home", 1), ("PageDown", 3), ("End", 5)):
        page.press(key)
        assert told(page).endswith(f"thing {level}"), key
    for key, times in (("0", 1), ("+", 4), ("ArrowLeft", 4), ("+", 25)):
        for _ in range(times):
            page.press(key)
    assert told(page).endswith("thing 4")


def test_the_saved_page_of_a_tree_plays_as_the_video_goes(page: Tab, tmp_path: Path) -> None:
    open_page(page, tmp_path, TREE)
    page.do(
        """() => {
            const {controls, tour} = explorer, {step} = tour;
            window.seen = [];
            tour.step = (place, amount) => {
                const next = step.call(tour, place, amount);
                const level = next.line.levels[Math.max(0, Math.round(next.zoom))];
                if (seen.at(-1) !== level) seen.push(level);
                return next;
            };
            controls.speed.append(new Option("x", 8));
            controls.speed.value = "8";
        }"""
    )
    expected = Journey.visiting(TREE, [3, 4, 5, 3]).levels
    page.press("Space")
    page.until("(count) => seen.length > count", len(expected))
    assert page.do("() => explorer.playing")
    assert tuple(page.do("() => seen")[: len(expected)]) == expected


def test_two_fingers_on_a_branch_zoom_into_it(page: Tab, tmp_path: Path) -> None:
    open_page(page, tmp_path, TREE)
    x, y = page.center("canvas")
    apart = [[(x + 200 - half, y + 90), (x + 200 + half, y + 90)] for half in range(40, 100, 10)]
    for _ in range(6):
        page.touch(*apart)
    assert told(page).endswith("thing 6")
    for _ in range(10):
        page.touch([(x - 280, y), (x - 120, y)], [(x - 220, y), (x - 180, y)])
    assert told(page) == "Level 1 of 6, ×1: thing 1"


def test_the_saved_page_of_a_ring_plays_for_ever(page: Tab, tmp_path: Path) -> None:
    open_page(page, tmp_path, RING)
    assert told(page) == "Round 1 · Level 1 of 3, ×1: thing 1"
    # much faster than anyone can choose, so that many rounds pass
    page.do("() => { explorer.controls.speed.append(new Option('x', 60)); explorer.controls.speed.value = '60'; }")
    page.press("Space")
    page.until("() => explorer.round > 30")
    page.press("Space")
    shown = told(page)
    assert shown.startswith("Round ") and "thing" in shown
    view: dict[str, Any] = page.do("() => ({...explorer.view, first: explorer.line.first})")
    assert view["first"] - 0.5 <= view["zoom"] < view["first"] + 2.5
    assert 0 <= view["x"] <= 1 and 0 <= view["y"] <= 1
