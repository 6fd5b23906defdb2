"""The explorer on screens: full screen, dense pixels, fingers, less motion, light colors."""

import math
from collections.abc import Iterator

import pytest
from chrome import Tab
from explorer import PICTURE, VIEWER, canvas_size, focus, settled, show_result, view

FULL = f"document.fullscreenElement === {VIEWER}.root"
# The zooms that are drawn, from now on.
RECORD = f"""() => {{
    const viewer = {VIEWER}, draw = viewer.draw.bind(viewer), zooms = window.drawnZooms = new Set();
    viewer.draw = (moving) => {{ zooms.add(viewer.view.zoom); draw(moving); }};
}}"""
# WCAG's contrast ratio between the text of an element and what is behind it.
CONTRAST = """(selector) => {
    const element = document.querySelector(selector), paint = document.createElement("canvas");
    const target = Object.assign(paint, {width: 1, height: 1}).getContext("2d", {willReadFrequently: true});
    const luminance = (color) => {
        target.fillStyle = color;
        target.fillRect(0, 0, 1, 1);
        const linear = [...target.getImageData(0, 0, 1, 1).data].map((c) => c / 255)
            .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    let behind = element;
    while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
    const colors = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
    const [dark, light] = colors.map(luminance).sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
}"""


def test_full_screen_fills_the_screen_and_comes_back(tab: Tab) -> None:
    show_result(tab)
    focus(tab)
    before = canvas_size(tab)
    tab.press("f")
    tab.until(f"() => {FULL} && {VIEWER}.canvas.clientWidth > {before[2]} && !{VIEWER}.request")
    width, height, page_width, page_height = canvas_size(tab)
    window = tab.do("() => [innerWidth, innerHeight]")
    assert page_width > 0.95 * window[0]
    assert page_height > 0.85 * window[1]
    assert [width, height] == [page_width, page_height]
    start = view(tab)["zoom"]
    tab.wheel(PICTURE, -240)
    settled(tab)
    assert view(tab)["zoom"] > start + 0.5
    tab.press("f")
    tab.until(f"() => !document.fullscreenElement && {VIEWER}.canvas.clientWidth === {before[2]}")
    settled(tab)
    assert canvas_size(tab) == before


@pytest.fixture
def dense(tab: Tab) -> Iterator[Tab]:
    tab.cdp("Emulation.setDeviceMetricsOverride", width=1400, height=900, deviceScaleFactor=2, mobile=False)
    yield tab
    tab.cdp("Emulation.clearDeviceMetricsOverride")


def test_on_a_dense_screen_the_picture_has_all_of_its_pixels(dense: Tab) -> None:
    show_result(dense)
    assert dense.do("() => devicePixelRatio") == 2
    dense.until(f"() => {VIEWER}.canvas.width === 2 * {VIEWER}.canvas.clientWidth")
    width, height, page_width, page_height = canvas_size(dense)
    assert [width, height] == [2 * page_width, 2 * page_height]


@pytest.fixture
def touchable(tab: Tab) -> Iterator[Tab]:
    """A tab on a screen for fingers."""
    tab.cdp("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=5)
    yield tab
    tab.cdp("Emulation.setTouchEmulationEnabled", enabled=False)


def test_one_finger_moves_and_two_zoom(touchable: Tab) -> None:
    tab = touchable
    show_result(tab)
    settled(tab)
    x, y = tab.center(PICTURE)
    start, scale = view(tab)["zoom"], tab.do("() => [app.canvas.ds.scale, ...app.canvas.ds.offset]")
    tab.touch(*[[(x - 20 - 4 * i, y), (x + 20 + 4 * i, y)] for i in range(11)])
    settled(tab)
    zoomed = view(tab)
    assert zoomed["zoom"] - start == pytest.approx(math.log2(120 / 40), abs=0.05)
    tab.touch(*[[(x - 5 * i, y)] for i in range(9)])
    settled(tab)
    assert view(tab)["x"] > zoomed["x"]
    assert view(tab)["zoom"] == zoomed["zoom"]
    assert tab.do("() => [app.canvas.ds.scale, ...app.canvas.ds.offset]") == scale, "the graph moved too"


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_with_less_motion_the_wheel_does_not_glide(tab: Tab, motion: str) -> None:
    show_result(tab)
    focus(tab)
    tab.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": motion}])
    try:
        start = view(tab)["zoom"]
        tab.do(RECORD)
        tab.wheel(PICTURE, -400)
        tab.until(f"(start) => {VIEWER}.view.zoom > start", start)
        settled(tab)
        between = tab.do(f"() => [...drawnZooms].filter((zoom) => zoom !== {VIEWER}.view.zoom).length")
        assert between <= 1 if motion == "reduce" else between > 2
    finally:
        tab.cdp("Emulation.setEmulatedMedia", features=[])


@pytest.mark.parametrize("palette", ["light", "dark"])
def test_the_bar_can_be_read_in_both_palettes(tab: Tab, palette: str) -> None:
    show_result(tab)
    tab.do("async (palette) => { await app.extensionManager.setting.set('Comfy.ColorPalette', palette); }", palette)
    try:
        for part in ("button", "select"):
            assert tab.do(CONTRAST, f".zoomstack-bar {part}") > 4.5, f"{part}, {palette}"
        focus(tab)
        tab.press("f")
        tab.until(f"() => {FULL}")
        for part in (".zoomstack-note", ".zoomstack-bar button", ".zoomstack-bar select"):
            assert tab.do(CONTRAST, part) > 4.5, f"{part}, full screen, {palette}"
        tab.press("f")
        tab.until("() => !document.fullscreenElement")
    finally:
        tab.do("async () => { await app.extensionManager.setting.set('Comfy.ColorPalette', 'dark'); }")
