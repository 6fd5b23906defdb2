"""Roll, drift and settings for whole videos, in real graphs."""

from pathlib import Path
from typing import Any

import av
import pytest
import torch
from harness import Host, Prompt, call
from zoom_graphs import PATH_WIDGETS

WIDGETS = {**PATH_WIDGETS, "seconds_per_level": 1.0, "easing": "none", "width": 32, "height": 32}
RING: dict[str, Any] = {"zoom_factors": (2.0,), "closed": True}
LAST_OF_OLD = {"ZoomVideo": "audio", "ZoomFrames": "visit"}


def graph(host: Host, node: str = "ZoomFrames", nesting: dict[str, Any] | None = None, **widgets: Any) -> Prompt:
    """Three levels of random colors."""
    images = torch.rand(3, 32, 32, 3, generator=torch.Generator().manual_seed(0))
    geometry = host.module("zoomstack_core.nesting").Nesting(**(nesting or {"zoom_factors": (2.0,)}))
    return {
        "images": host.source(images),
        "geometry": host.source(geometry),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0, geometry=["geometry", 0]),
        "node": call(node, stack=["stack", 0], **{**WIDGETS, **widgets}),
    }


def frames(host: Host, nesting: dict[str, Any] | None = None, **widgets: Any) -> torch.Tensor:
    (images,) = host.evaluate(graph(host, nesting=nesting, **widgets), ["node", 0])
    return images


def video_of(host: Host, nesting: dict[str, Any] | None = None, **widgets: Any) -> Any:
    (video,) = host.evaluate(graph(host, "ZoomVideo", nesting, **widgets), ["node", 0])
    return video


def said(host: Host) -> str:
    """What the node says on itself."""
    return "\n".join(host.notices("node"))


@pytest.mark.parametrize("node", LAST_OF_OLD)
def test_new_inputs_are_behind_those_of_saved_workflows(host: Host, node: str) -> None:
    """A workflow knows widgets by their place; without the new ones it runs as before."""
    schema = next(made for made in host.nodes if made.define_schema().node_id == node).define_schema()
    names = [entry.id for entry in schema.inputs]
    new = names[names.index(LAST_OF_OLD[node]) + 1 :]
    assert new == ["roll", "drift", "drift_seconds"] + (["settings_for"] if node == "ZoomVideo" else [])
    assert all(entry.optional for entry in schema.inputs if entry.id in new)


def test_neutral_values_change_no_bit(host: Host) -> None:
    plain = frames(host)
    assert torch.equal(frames(host, roll=0.0, drift=0.0, drift_seconds=3.0), plain)
    assert not torch.equal(frames(host, roll=20.0), plain)
    assert not torch.equal(frames(host, drift=0.05), plain)


def test_roll_turns_the_other_way_below_0(host: Host) -> None:
    """The widest view is upright; what is turned one way at the end is the mirror image of the other way."""
    images = torch.rand(1, 32, 32, 3, generator=torch.Generator().manual_seed(1))
    levels = torch.cat([images + images.flip(2)] * 3) / 2  # each level is its own mirror image

    def seen(roll: float) -> torch.Tensor:
        prompt = graph(host, roll=roll)
        prompt["images"] = host.source(levels)
        (found,) = host.evaluate(prompt, ["node", 0])
        return found

    right, left = seen(40.0), seen(-40.0)
    torch.testing.assert_close(right[0], left[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(right[-1], left[-1].flip(1), atol=1e-4, rtol=0)
    assert (right[-1] - left[-1]).abs().max() > 0.05


def test_a_looped_drift_goes_on_over_the_seam(host: Host) -> None:
    """A frame changes over the seam by no more than along the way."""
    found = frames(host, RING, loop=True, drift=0.1, drift_seconds=2.7, roll=10.0, seconds_per_level=4.0)
    changes = (torch.cat([found[1:], found[:1]]) - found).square().mean(dim=(1, 2, 3)).sqrt()
    assert changes[-1] < 1.3 * changes[:-1].max()
    assert changes[-1] > 0.2 * changes[:-1].max()


def test_the_node_says_by_how_much_a_ring_turns(host: Host) -> None:
    frames(host, RING, roll=10.0)
    assert "roll is 120 in place of 10: a round of a ring makes whole turns, at least one." in said(host)
    frames(host, RING, roll=-240.0)
    assert "roll is" not in said(host)


def test_a_video_turns_too(host: Host) -> None:
    plain, turned = video_of(host), video_of(host, roll=45.0, drift=0.02, motion_blur=0.5)
    assert turned.get_frame_count() == plain.get_frame_count()
    last = [decoded(video)[-1] for video in (plain, turned)]
    assert (last[0] - last[1]).abs().mean() > 2


def decoded(video: Any) -> list[torch.Tensor]:
    with av.open(str(Path(video.get_stream_source()))) as container:
        return [torch.from_numpy(f.to_ndarray(format="rgb24")).float() for f in container.decode(video=0)]


@pytest.mark.parametrize(("settings", "size", "rate"), [("reel 9:16", (1080, 1920), 30), ("1080p", (1920, 1080), 30)])
def test_settings_take_the_place_of_single_inputs(host: Host, settings: str, size: tuple[int, int], rate: int) -> None:
    video = video_of(host, settings_for=settings, seconds_per_level=0.05, format="gif")
    assert video.get_dimensions() == size
    assert video.get_frame_rate() == rate
    taken = f"settings_for {settings} takes width {size[0]}, height {size[1]}, fps {rate}, format h264"
    assert taken in said(host)


def test_as_set_here_takes_nothing(host: Host) -> None:
    video = video_of(host, settings_for="as set here")
    assert video.get_dimensions() == (32, 32)
    assert "settings_for" not in said(host)


@pytest.mark.parametrize(("nesting", "way"), [(None, "in_out"), (RING, "in")])
def test_loops_end_where_they_begin(host: Host, nesting: dict[str, Any] | None, way: str) -> None:
    """There and back, in a ring round it."""
    video = video_of(host, nesting, settings_for="gif loop", direction="out", hold_end=1.0, seconds_per_level=0.5)
    assert f"direction {way}" in said(host)
    assert Path(video.get_stream_source()).suffix == ".gif"
    shown = decoded(video)
    assert shown[0].shape == (480, 480, 3)
    steps = [float((after - before).abs().mean()) for before, after in zip(shown, [*shown[1:], shown[0]], strict=True)]
    assert 0 < steps[-1] < 2 * max(steps[:-1])
