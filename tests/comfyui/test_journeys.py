"""Zoom Video and Zoom Frames through trees and round rings."""

from itertools import groupby
from typing import Any

import pytest
import torch
from bad_values import message_of
from harness import Host, Prompt, call
from zoom_graphs import PATH_WIDGETS

PARENTS = (None, 0, 1, 0, 3)  # two branches of two levels
# 10 frames from one level to the next
WIDGETS = {**PATH_WIDGETS, "seconds_per_level": 1.0, "easing": "none", "width": 16, "height": 16}


def graph(host: Host, nesting: dict[str, Any], node: str = "ZoomFrames", levels: int = 5, **widgets: Any) -> Prompt:
    """Levels of random colors."""
    images = torch.rand(levels, 16, 16, 3, generator=torch.Generator().manual_seed(0))
    return {
        "images": host.source(images),
        "geometry": host.source(host.module("zoomstack_core.nesting").Nesting(**nesting)),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0, geometry=["geometry", 0]),
        "node": call(node, stack=["stack", 0], **{**WIDGETS, **widgets}),
    }


def seen(host: Host, nesting: dict[str, Any], **widgets: Any) -> tuple[int, list[tuple[int, int]]]:
    """How many frames there are, and in which of them which level fills the picture, counted from 1."""
    frames, levels = host.evaluate(graph(host, nesting, **widgets), ["node", 0], ["stack", 1])
    found = []
    for k, frame in enumerate(frames):
        found += [(k, n + 1) for n, level in enumerate(levels) if (frame - level).abs().max() < 1e-5]
    return len(frames), found


def stations(found: list[tuple[int, int]]) -> list[int]:
    """The levels that fill the picture one after another, rests at them taken together."""
    return [level for level, _ in groupby(level for _, level in found)]


TREE: dict[str, Any] = {"zoom_factors": (4.0,), "parents": PARENTS}
RING: dict[str, Any] = {"zoom_factors": (2.0,), "closed": True}


@pytest.mark.parametrize(
    ("widgets", "visited"),
    [
        ({}, [1, 2, 3, 2, 1, 4, 5]),
        ({"visit": "5, 3"}, [1, 4, 5, 4, 1, 2, 3]),
        ({"visit": "3;1"}, [1, 2, 3, 2, 1]),
        ({"visit": "4"}, [1, 4]),
        ({"direction": "out"}, [5, 4, 1, 2, 3, 2, 1]),
        ({"visit": "4", "direction": "in_out"}, [1, 4, 1]),
        ({"first_level": 3.0, "last_level": 6.0}, [3, 2, 1, 4]),
    ],
)
def test_the_camera_visits_the_branches_of_a_tree(host: Host, widgets: dict[str, Any], visited: list[int]) -> None:
    count, found = seen(host, TREE, dwell="0.1", **widgets)
    assert stations(found) == visited
    between = len(visited) - 2 - ("direction" in widgets and widgets["direction"] == "in_out")  # it turns without dwell
    assert count == 10 * (len(visited) - 1) + between
    assert (found[0][0], found[-1][0]) == (0, count - 1)


def test_it_rests_at_the_levels_that_dwell_names_whenever_it_comes_by(host: Host) -> None:
    _, found = seen(host, TREE, dwell="0, 0.3, 0.5, 0, 0")
    assert [[level for _, level in found].count(level) for level in range(1, 6)] == [2, 8, 6, 1, 1]


def test_a_ring_is_gone_round(host: Host) -> None:
    count, found = seen(host, RING, levels=3, dwell="0.1")
    assert (count, stations(found)) == (32, [1, 2, 3, 1])
    count, found = seen(host, RING, levels=3, dwell="0.1", rounds=2, direction="out")
    assert (count, stations(found)) == (65, [1, 3, 2, 1, 3, 2, 1])


@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_ring_that_loops_has_no_last_frame(host: Host, direction: str, caplog: pytest.LogCaptureFixture) -> None:
    widgets = {"loop": True, "easing": "linear", "direction": direction}
    count, found = seen(host, RING, levels=3, **widgets)
    assert [k for k, _ in found] == [0, 10, 20]
    assert "Zoom Frames" not in caplog.text
    # without a stop at the first level, and so without the rests there
    assert seen(host, RING, levels=3, hold_start=0.5, hold_end=1.0, **widgets) == (count, found)
    assert "hold_start and hold_end do not count" in caplog.text
    # a rest at every level, also the first
    count, found = seen(host, RING, levels=3, dwell="0.5", **widgets)
    assert count == 30 + 3 * 5
    assert sorted(level for _, level in found) == [1] * 6 + [2] * 6 + [3] * 6


def test_the_video_has_as_many_frames(host: Host) -> None:
    graphs = [
        (TREE, {"levels": 5}, 60),
        (RING, {"levels": 3, "loop": True}, 30),
        (RING, {"levels": 3, "rounds": 2, "motion_blur": 0.5}, 60),
        (TREE, {"levels": 5, "format": "gif", "visit": "3"}, 20),
    ]
    for nesting, widgets, count in graphs:
        (video,) = host.evaluate(graph(host, nesting, "ZoomVideo", **widgets), ["node", 0])
        assert video.get_frame_count() == count
    assert host.previews


def test_rounds_of_what_is_no_ring_are_told(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    assert seen(host, TREE, rounds=2) == seen(host, TREE)
    assert "Zoom Frames: rounds does not count: only a ring can be gone round" in caplog.text
    seen(host, RING, levels=3, rounds=2, visit="2")
    assert "Zoom Frames: rounds does not count: visit says where the camera goes" in caplog.text


@pytest.mark.parametrize(
    ("nesting", "widgets", "message"),
    [
        (TREE, {"visit": "6"}, "visit is '6'; expected numbers of levels from 1 to 5"),
        (TREE, {"loop": True}, "loop is on and the direction in; expected direction in_out or out_in"),
        (TREE, {"first_level": 7.0}, "first_level is 7; expected a level of those the camera comes to from 1 to below"),
        (
            TREE,
            {"last_level": 8.0},
            "last_level is 8; expected 0, for the last level, or one of those the camera comes",
        ),
        (TREE, {"dwell": "0, 1"}, "dwell is '0, 1'; expected one number of seconds from 0 to 600, or 5 of them"),
        (RING, {"levels": 3, "loop": True, "first_level": 2.0}, "loop is on and the direction in; expected"),
    ],
)
def test_what_cannot_be_is_told(host: Host, nesting: dict[str, Any], widgets: dict[str, Any], message: str) -> None:
    assert message_of(host, graph(host, nesting, **widgets), ["node", 0]).startswith(f"Zoom Frames: {message}")
