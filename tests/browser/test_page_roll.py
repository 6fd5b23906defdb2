"""The roll of the explorer in Chromium: it shows what the video shows, and hands work on the turned picture."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from chrome import Chrome, Tab

from zoomstack_core.camera.journey import Journey
from zoomstack_core.explorer_page import Motion, explorer_page, images_of
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.stack import ZoomStack
from zoomstack_core.video.draw_frame import FrameRenderer

GEOMETRY = ZoomGeometry(5, 128, 128, (2.0, 3.0, 1.5, 4.0), ((0.4, 0.3), (0.5, 0.5), (0.9, 0.1), (0.5, 0.7)))
SETTLED = "() => explorer.hand.glide.amount === 0 && !explorer.request"
PAINT = """([zoom, width, height]) => {
    const canvas = document.createElement("canvas"), {line} = explorer;
    [canvas.width, canvas.height] = [width, height];
    const target = canvas.getContext("2d"), view = zoom_math.pathView(line, zoom, width / height);
    const angle = zoom_math.angleAt(line, zoom, width / height);
    explorer.painter.paint(target, zoom_math.layoutLevels(line, view, width, height), angle);
    return [...target.getImageData(0, 0, width, height).data];
}"""
# The point of level 0 that is seen at a place of the picture, given as parts of it.
POINT = """([atX, atY]) => {
    const {line, view, aspect} = explorer, [x, y] = zoom_math.uprightAt(line, view.zoom, atX, atY, aspect);
    const [width, height] = zoom_math.viewSize(line, view.zoom, aspect);
    const point = [view.x + (x - 0.5) * width, view.y + (y - 0.5) * height];
    return zoom_math.toLevel(line, point, zoom_math.levelOf(line, view.zoom), 0);
}"""


def soft_stack() -> ZoomStack:
    coarse = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(4))
    return ZoomStack(torch.nn.functional.interpolate(coarse, size=(128, 128), mode="bilinear"), GEOMETRY)


@pytest.fixture
def page(chrome: Chrome, tmp_path: Path) -> Iterator[Tab]:
    file = tmp_path / "page.html"
    motion = Motion(roll=40.0, drift=0.05, drift_seconds=2.0)
    file.write_text(explorer_page(images_of(soft_stack().images), GEOMETRY, motion=motion), encoding="utf-8")
    tab = chrome.tab("")
    tab.open(file.as_uri())
    tab.until("() => explorer.frames > 0")
    yield tab
    assert (tab.errors, tab.requests) == ([], [])
    tab.close()


def test_the_page_turns_as_the_video_does(page: Tab) -> None:
    stack = soft_stack()
    journey = replace(Journey.of(GEOMETRY), roll=40.0)
    for width, height in ((150, 100), (120, 140)):
        render = FrameRenderer(stack, height, width, journey)
        for zoom in (0, 0.4, 0.9, 1.5, 2.3, 2.9, 3.3, 4):
            data = page.do(PAINT, [zoom, width, height])
            shown = torch.tensor(data).reshape(height, width, 4)[..., :3].movedim(-1, 0) / 255
            difference = (shown - render(zoom)).abs()
            assert difference.mean() < 0.012, f"zoom {zoom}, {width} × {height}"
            assert difference.quantile(0.99) < 0.06, f"zoom {zoom}, {width} × {height}"


def test_wheel_and_drag_hold_the_point_under_the_pointer(page: Tab) -> None:
    page.do("() => explorer.goTo(2.4)")
    page.until(SETTLED)
    assert page.do("() => zoom_math.angleAt(explorer.line, explorer.view.zoom, explorer.aspect)") > 0.5
    width, height = page.do("() => [explorer.canvas.clientWidth, explorer.canvas.clientHeight]")
    right, down = 60, -40
    pointer = [0.5 + right / width, 0.5 + down / height]
    before, zoom = page.do(POINT, pointer), page.do("() => explorer.zoom")
    page.wait(page.page.keyboard.down("Shift"))
    page.wheel("canvas", -60, right=right, down=down)
    page.until(SETTLED)
    page.wait(page.page.keyboard.up("Shift"))
    assert page.do("() => explorer.zoom") > zoom
    assert page.do(POINT, pointer) == pytest.approx(before, abs=1e-5)
    before = page.do(POINT, [0.5, 0.5])
    page.drag("canvas", 50, 30)
    page.until(SETTLED)
    assert page.do(POINT, [0.5 + 50 / width, 0.5 + 30 / height]) == pytest.approx(before, abs=1e-4)
    assert math.dist(page.do(POINT, [0.5, 0.5]), before) > 1e-3


def test_it_sways_while_it_plays(page: Tab) -> None:
    """Away from the path by the drift, at most, and with the turn of its zoom."""
    page.do("() => explorer.goTo(1)")
    page.until(SETTLED)
    page.do("() => { explorer.controls.speed.value = '0.25'; explorer.play(); }")
    page.until("() => explorer.sway.played > 400")
    page.do("() => explorer.pause()")
    page.until(SETTLED)
    away = page.do("() => zoom_math.awayFromPath(explorer.line, explorer.view, explorer.aspect)")
    assert 0.005 < math.hypot(*away) < 0.08
    assert page.do("() => explorer.hand.strayed") is False
