"""The browser's geometry against ours: one file of numbers, written here, checked here and by the tests of js/."""

import json
import math
import os
from pathlib import Path
from typing import Any

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.video.draw_frame import place_levels

FILE = Path(__file__).resolve().parents[1] / "vectors" / "zoom_math.json"
GEOMETRIES = [
    ZoomGeometry(4, 64, 64, 2.0),
    ZoomGeometry(3, 1024, 768, 4.0, (0.9, 0.2)),
    ZoomGeometry(5, 45, 60, 1.3, (0.3, 0.8)),
    ZoomGeometry(4, 48, 64, (1.5, 3.7, 2.0), ((0.4, 0.6), (0.5, 0.5), (0.0, 1.0))),
    ZoomGeometry(1, 20, 30),
]
SIZES = [(480, 480), (300, 533)]  # height, width of the view
PARTS = (0.0, 0.37, 0.71, 0.96)


def vectors() -> list[dict[str, Any]]:
    """Per geometry: what the front end is told of it, and the levels of frames at many zooms and sizes."""
    return [
        {
            "height": g.height,
            "width": g.width,
            "factors": list(g.factors),
            "foci": [list(step.focus) for step in g.steps],
            "frames": [frame(g, zoom, *size) for size in SIZES for zoom in zooms(g)],
        }
        for g in GEOMETRIES
    ]


def zooms(geometry: ZoomGeometry) -> list[float]:
    return [level + part for level in range(geometry.levels - 1) for part in PARTS] + [float(geometry.levels - 1)]


def frame(geometry: ZoomGeometry, zoom: float, height: int, width: int) -> dict[str, Any]:
    placements = [
        {
            "level": p.level,
            "rect": {"left": p.rect.left, "top": p.rect.top, "width": p.rect.width, "height": p.rect.height},
            "scale": p.scale,
            "opacity": p.opacity,
            "feather": list(p.feather),
        }
        for p in place_levels(geometry, zoom, height, width)
    ]
    return {"zoom": zoom, "height": height, "width": width, "placements": placements}


def assert_close(found: Any, expected: Any, where: str = "vectors") -> None:
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            assert_close(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for i, value in enumerate(expected):
            assert_close(found[i], value, f"{where}[{i}]")
    else:
        assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-7), where


def test_the_file_holds_what_the_renderer_does() -> None:
    """ZOOMSTACK_WRITE_VECTORS=1 writes it anew after a change of the renderer, which js/zoom_math.js must follow."""
    made = vectors()
    if os.environ.get("ZOOMSTACK_WRITE_VECTORS"):
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(json.dumps(made) + "\n", encoding="utf-8")
    assert_close(json.loads(FILE.read_text(encoding="utf-8")), made)
