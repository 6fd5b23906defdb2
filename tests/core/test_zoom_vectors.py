"""The browser's geometry against ours: one file of numbers, written here, checked here and by the tests of js/."""

import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from zoomstack_core.camera.journey import Journey
from zoomstack_core.explorer_page import geometry_for_browser
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.video.draw_frame import place_levels

FOLDER = Path(__file__).resolve().parents[1] / "vectors"
GEOMETRIES = [
    ZoomGeometry(4, 64, 64, 2.0),
    ZoomGeometry(3, 1024, 768, 4.0, (0.9, 0.2)),
    ZoomGeometry(5, 45, 60, 1.3, (0.3, 0.8)),
    ZoomGeometry(4, 48, 64, (1.5, 3.7, 2.0), ((0.4, 0.6), (0.5, 0.5), (0.0, 1.0))),
    ZoomGeometry(1, 20, 30),
]
TREE = ZoomGeometry(
    5, 60, 80, (3.0, 2.5, 2.0, 4.0), ((0.4, 0.6), (0.2, 0.3), (0.7, 0.7), (0.1, 0.9)), parents=(None, 0, 1, 1, 3)
)
RING = ZoomGeometry(3, 64, 48, (4.0, 2.5, 3.0), ((0.9, 0.2), (0.3, 0.6), (0.5, 0.5)), parents=(2, 0, 1))
RING_OF_TWO = ZoomGeometry(3, 50, 50, (3.0, 4.0, 2.0), ((0.2, 0.2), (0.7, 0.8), (0.3, 0.3)), parents=(1, 0, 0))
ROLLS = [(TREE, -35.0, [2, 4]), (GEOMETRIES[0], 30.0, None), (GEOMETRIES[1], 200.0, None), (RING, 100.0, None)]
JOURNEYS = [
    Journey.visiting(TREE, [2, 4]),  # one branch after the other
    Journey.visiting(TREE, [4, 2, 0]),
    Journey.of(RING),
    Journey.round(RING_OF_TWO, 2),  # with a branch beside
]
# In the last one the branch with the smallest number is not the first one that ends.
TREES = [
    TREE,
    ZoomGeometry(4, 64, 64, 4.0, ((0.5, 0.5), (0.2, 0.2), (0.8, 0.8)), parents=(None, 0, 1, 1)),
    ZoomGeometry(
        6,
        64,
        48,
        (2.0, 4.0, 3.0, 2.0, 5.0),
        ((0.25, 0.5), (0.8, 0.2), (0.17, 0.5), (0.75, 0.5), (0.5, 0.5)),
        parents=(None, 0, 0, 1, 1, 4),
    ),
]
SIZES = [(480, 480), (300, 533)]  # height, width of the view
PARTS = (0.0, 0.37, 0.71, 0.96)
FEW_PARTS = (0.0, 0.3)


def vectors() -> list[dict[str, Any]]:
    """Per geometry: what the front end is told of it, and the levels of frames at many zooms and sizes."""
    return [
        {
            **geometry_for_browser(g),
            "frames": [frame(g, zoom, *size) for size in SIZES for zoom in zooms(g.levels - 1, PARTS)],
        }
        for g in GEOMETRIES
    ]


def journeys() -> list[dict[str, Any]]:
    """The same of trees and rings: "journey" holds the levels that a camera visits, a zoom is a place on it."""
    return [
        {
            **geometry_for_browser(journey.geometry),
            "journey": list(journey.levels),
            "frames": [frame(journey, place, *size) for size in SIZES for place in zooms(journey.last, FEW_PARTS)],
        }
        for journey in JOURNEYS
    ]


def tours() -> list[dict[str, Any]]:
    """Of trees: the levels on the way to the end of every branch in turn, and on to the first one again."""
    found = []
    for tree in TREES:
        ends = [level for level in range(tree.levels) if not tree.children(level)]
        found.append({**geometry_for_browser(tree), "tour": list(Journey.visiting(tree, [*ends, ends[0]]).levels)})
    return found


def rolls() -> list[dict[str, Any]]:
    """The same with a roll, and the angle of each frame."""
    made = []
    for geometry, roll, visit in ROLLS:
        straight = Journey.visiting(geometry, visit) if visit else Journey.of(geometry)
        journey = replace(straight, roll=roll)
        frames = [
            {**frame(journey, place, *size), "angle": journey.angle(place, size[1] / size[0])}
            for size in SIZES
            for place in zooms(journey.last, FEW_PARTS)
        ]
        told = {**geometry_for_browser(geometry), "roll": roll}
        made.append({**told, "journey": list(journey.levels), "frames": frames})
    return made


def zooms(last: int, parts: tuple[float, ...]) -> list[float]:
    return [level + part for level in range(last) for part in parts] + [float(last)]


def frame(way: ZoomGeometry | Journey, zoom: float, height: int, width: int) -> dict[str, Any]:
    placements = [
        {
            "level": p.level,
            "rect": {"left": p.rect.left, "top": p.rect.top, "width": p.rect.width, "height": p.rect.height},
            "scale": p.scale,
            "opacity": p.opacity,
            "feather": list(p.feather),
        }
        for p in place_levels(way, zoom, height, width)
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
    elif expected is None:
        assert found is None, where
    else:
        assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-7), where


VECTORS = [("zoom_math", vectors), ("zoom_journeys", journeys), ("zoom_tours", tours), ("zoom_rolls", rolls)]


@pytest.mark.parametrize(("name", "make"), VECTORS)
def test_the_file_holds_what_the_renderer_does(name: str, make: Callable[[], list[dict[str, Any]]]) -> None:
    """ZOOMSTACK_WRITE_VECTORS=1 writes it anew after a change of the renderer, which js/zoom_math.js must follow."""
    file, made = FOLDER / f"{name}.json", make()
    if os.environ.get("ZOOMSTACK_WRITE_VECTORS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(made) + "\n", encoding="utf-8")
    assert_close(json.loads(file.read_text(encoding="utf-8")), made)
