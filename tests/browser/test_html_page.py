"""The exported page in Chromium, from a file and without a network."""

from pathlib import Path
from typing import Any

import pytest
import torch
from chrome import Chrome

from zoomstack_core.explorer_page import explorer_page, images_of
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.stack import ZoomStack
from zoomstack_core.video.draw_frame import render_frame

# The page's own modules are objects of these names.
PAINT = """([zoom, width, height]) => {
    const canvas = document.createElement("canvas"), {geometry} = explorer.stack;
    [canvas.width, canvas.height] = [width, height];
    const target = canvas.getContext("2d"), view = zoom_math.pathView(geometry, zoom, width / height);
    explorer.painter.paint(target, zoom_math.layoutLevels(geometry, view, width, height));
    return [...target.getImageData(0, 0, width, height).data];
}"""


def test_the_page_opens_offline_and_zooms(chrome: Chrome, tmp_path: Path) -> None:
    colors = torch.eye(3)[:, :, None, None].expand(3, 3, 64, 64)
    file = tmp_path / "page.html"
    page = explorer_page(images_of(colors), ZoomGeometry(3, 64, 64, 2.0), ["<b>red</b>", "green", "blue"])
    file.write_text(page, encoding="utf-8")
    tab = chrome.tab("")
    try:
        tab.open(file.as_uri())
        tab.until("() => explorer.frames > 0")
        assert tab.do("() => document.querySelector('.zoomstack-caption').textContent").endswith(": <b>red</b>")
        lowest = tab.do("() => explorer.view.zoom")
        tab.wheel("canvas", -600)
        tab.until("(lowest) => explorer.view.zoom > lowest + 1 && explorer.hand.glide.amount === 0", lowest)
        tab.press("End")
        tab.until("() => explorer.view.zoom === 2 && !explorer.request")
        pixel = """() => [...document.querySelector('canvas').getContext('2d')
            .getImageData(700, 400, 1, 1).data]"""
        assert tab.do(pixel) == pytest.approx([0, 0, 255, 255], abs=2)
        assert tab.requests == []
        assert tab.errors == []
    finally:
        tab.close()


# Where the page's view is: distance from the path, the size of a seen pixel, and what is said of it.
STATE = """() => {
    const {stack, view, aspect, size} = explorer, {geometry} = stack;
    const placements = zoom_math.layoutLevels(geometry, view, size.width, size.height);
    const {level, scale} = zoom_math.seenOf(placements, size.width, size.height);
    const caption = document.querySelector(".zoomstack-caption").textContent;
    return {away: Math.max(...zoom_math.awayFromPath(geometry, view, aspect).map(Math.abs)), scale, level, caption};
}"""
SETTLED = "() => explorer.hand.glide.amount === 0 && !explorer.request"


@pytest.mark.parametrize(
    ("factors", "foci"),
    [
        ((2.0,) * 4, ((0.5, 0.5),) * 4),
        ((4.0, 1.5, 3.0, 2.0), ((0.15, 0.8), (0.5, 0.5), (0.9, 0.1), (0.4, 0.7))),
    ],
    ids=["even", "mixed"],
)
def test_in_the_page_the_wheel_follows_the_zoom_and_nothing_leads_into_blur(
    chrome: Chrome, tmp_path: Path, factors: tuple[float, ...], foci: tuple[tuple[float, float], ...]
) -> None:
    geometry = ZoomGeometry(5, 256, 256, factors, foci)
    layers = torch.rand(5, 3, 256, 256, generator=torch.Generator().manual_seed(4))
    file = tmp_path / "page.html"
    page = explorer_page(images_of(ZoomStack(layers, geometry).images), geometry, [f"level {i}" for i in range(1, 6)])
    file.write_text(page, encoding="utf-8")
    tab = chrome.tab("")

    def turn(amount: float, right: float, down: float) -> dict[str, Any]:
        tab.wheel("canvas", amount, right=right, down=down)
        tab.until(SETTLED)
        return tab.do(STATE)  # type: ignore[no-any-return]

    try:
        tab.open(file.as_uri())
        tab.until("() => explorer.frames > 0")
        assert tab.do(STATE)["caption"] == "Level 1 of 5, ×1: level 1"
        for _ in range(25):
            state = turn(-120, 90, -60)
            assert state["away"] < 1e-6
            assert state["caption"].startswith(f"Level {state['level'] + 1} of 5, ×")
        assert state["level"] == 4
        for _ in range(25):
            state = turn(120, -200, 100)
        assert (state["away"], state["caption"]) == (pytest.approx(0, abs=1e-6), "Level 1 of 5, ×1: level 1")
        tab.wait(tab.page.keyboard.down("Shift"))
        most = tab.do("() => zoom_moves.largestScale(explorer.stack.geometry, explorer.size)")
        for _ in range(20):
            state = turn(-120, 250, -200)
            assert state["scale"] <= most * 1.001
        tab.wait(tab.page.keyboard.up("Shift"))
        assert state["away"] > 0.1
        assert state["caption"].endswith(f": level {state['level'] + 1}")
        for _ in range(25):
            state = turn(120, 250, -200)
        assert (state["away"], state["caption"]) == (pytest.approx(0, abs=1e-6), "Level 1 of 5, ×1: level 1")
        assert tab.errors == []
    finally:
        tab.close()


@pytest.mark.parametrize(
    ("factors", "foci"),
    [
        ((2.0,) * 4, ((0.5, 0.5),) * 4),
        ((2.0, 3.0, 1.5, 4.0), ((0.2, 0.3), (0.5, 0.5), (0.9, 0.1), (0.5, 0.7))),
    ],
)
def test_the_page_shows_what_the_video_shows(
    chrome: Chrome, tmp_path: Path, factors: tuple[float, ...], foci: tuple[tuple[float, float], ...]
) -> None:
    geometry = ZoomGeometry(5, 128, 128, factors, foci)
    coarse = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(4))
    layers = torch.nn.functional.interpolate(coarse, size=(128, 128), mode="bilinear")
    stack = ZoomStack(layers, geometry)
    file = tmp_path / "page.html"
    file.write_text(explorer_page(images_of(stack.images), geometry), encoding="utf-8")
    tab = chrome.tab("")
    try:
        tab.open(file.as_uri())
        tab.until("() => explorer.frames > 0")
        for width, height in ((150, 100), (120, 140)):
            for zoom in (0, 0.4, 0.9, 1.5, 2.3, 2.9, 3.3, 4):
                data = tab.do(PAINT, [zoom, width, height])
                shown = torch.tensor(data).reshape(height, width, 4)[..., :3].movedim(-1, 0) / 255
                video = render_frame(stack, zoom, height, width)
                assert (shown - video).abs().mean() < 0.01, f"zoom {zoom}, {width} × {height}"
                assert (shown - video).abs().quantile(0.99) < 0.05, f"zoom {zoom}, {width} × {height}"
    finally:
        tab.close()
