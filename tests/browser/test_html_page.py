"""The exported page in Chromium, from a file and without a network."""

from pathlib import Path

import pytest
import torch
from chrome import Chrome

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.html_export import explorer_page, images_of


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
        tab.until("(lowest) => explorer.view.zoom > lowest + 1 && explorer.glide.amount === 0", lowest)
        tab.press("End")
        tab.until("() => explorer.view.zoom === 2 && !explorer.request")
        pixel = """() => [...document.querySelector('canvas').getContext('2d')
            .getImageData(700, 400, 1, 1).data]"""
        assert tab.do(pixel) == pytest.approx([0, 0, 255, 255], abs=2)
        assert tab.requests == []
        assert tab.errors == []
    finally:
        tab.close()
