"""ZoomVideo in real graphs: a stack in, a video out, which Save Video keeps as it is."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import comfy.model_management
import numpy as np
import pytest
import torch
from harness import Host, NodeFailed, Prompt, PromptRejected, call
from zoom_graphs import PATH_WIDGETS

WIDGETS = {**PATH_WIDGETS, "easing": "linear", "hold_start": 0.2, "hold_end": 0.3, "width": 48, "height": 32}


def images(levels: int = 3, height: int = 32, width: int = 48) -> torch.Tensor:
    """Levels of one gray each: level 0 black, the deepest white."""
    return torch.linspace(0, 1, levels)[:, None, None, None].expand(levels, height, width, 3)


def graph(host: Host, levels: torch.Tensor, **widgets: Any) -> Prompt:
    return {
        "images": host.source(levels),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0),
        "video": call("ZoomVideo", stack=["stack", 0], **{**WIDGETS, **widgets}),
    }


def frames_of(path: Path) -> list[np.ndarray[Any, Any]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def rendered(host: Host) -> list[Path]:
    """What Zoom Video has left in the folder for temporary files, the oldest first."""
    return sorted((host.base / "temp").glob("*ZoomVideo*"), key=lambda path: path.stat().st_mtime_ns)


def test_the_video_has_the_frames_of_the_path(host: Host) -> None:
    (video,) = host.evaluate(graph(host, images()), ["video", 0])
    assert video.get_dimensions() == (48, 32)
    assert video.get_frame_rate() == Fraction(10)
    assert video.get_frame_count() == 2 * 5 + 2 + 3
    corner = [float(frame[:2, :2].mean()) for frame in frames_of(Path(video.get_stream_source()))]
    assert corner[:3] == pytest.approx([0] * 3, abs=2)
    assert corner[-4:] == pytest.approx([255] * 4, abs=2)
    assert all(after >= before - 3 for before, after in pairwise(corner))
    assert host.progress[-1] == (15, 15)


def test_save_video_keeps_the_stream_and_the_workflow(host: Host) -> None:
    prompt = graph(host, torch.rand(3, 32, 48, 3))
    prompt["save"] = call("SaveVideo", video=["video", 0], filename_prefix="zoom", format="auto", codec="auto")
    saved = host.run(prompt, extra_pnginfo={"workflow": {"name": "test"}})["save"]["images"][0]
    path = host.base / "output" / saved["subfolder"] / saved["filename"]
    for kept, made in zip(frames_of(path), frames_of(rendered(host)[-1]), strict=True):
        assert np.array_equal(kept, made)
    with av.open(str(path)) as container:
        assert "workflow" in container.metadata


def test_out_in_loop_starts_deep_and_does_not_repeat_its_first_frame(host: Host) -> None:
    widgets = {"direction": "out_in", "loop": True, "easing": "none", "hold_start": 0.0, "hold_end": 0.0}
    (video,) = host.evaluate(graph(host, images(), **widgets), ["video", 0])
    corner = [float(frame[:2, :2].mean()) for frame in frames_of(Path(video.get_stream_source()))]
    assert len(corner) == 2 * 2 * 5
    assert corner[0] > 250
    assert corner[10] < 5
    assert corner[-1] < 200


@pytest.mark.parametrize(
    ("widgets", "size"),
    [
        ({"width": 96, "height": 0}, (96, 64)),
        ({"width": 0, "height": 20}, (30, 20)),
        ({"width": 40, "height": 60}, (40, 60)),
        ({"width": 2, "height": 2}, (2, 2)),
    ],
)
def test_the_size_is_the_users(host: Host, widgets: dict[str, int], size: tuple[int, int]) -> None:
    (video,) = host.evaluate(graph(host, images(), **widgets), ["video", 0])
    assert video.get_dimensions() == size


@pytest.mark.parametrize(
    ("levels", "size"),
    [
        ((64, 64), (512, 512)),
        ((32, 48), (352, 528)),
        ((33, 45), (396, 540)),
        ((127, 171), (508, 684)),  # 3 × 171 is odd
        ((511, 511), (1022, 1022)),
        ((8, 640), (8, 640)),
        ((512, 512), (512, 512)),
        ((513, 515), (512, 514)),
    ],
)
def test_without_a_wish_small_levels_make_a_video_that_can_be_watched(
    host: Host, levels: tuple[int, int], size: tuple[int, int]
) -> None:
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(2, *levels)
    assert host.module("nodes.shared.camera_inputs").frame_size(geometry, 0, 0) == size


@pytest.mark.parametrize("node", ["ZoomVideo", "ZoomFrames"])
def test_both_nodes_enlarge_small_levels(host: Host, node: str) -> None:
    prompt = graph(host, images(2, 24, 32), width=0, height=0)
    prompt["video"]["class_type"] = node
    (rendered,) = host.evaluate(prompt, ["video", 0])
    width, height = rendered.get_dimensions() if node == "ZoomVideo" else (rendered.shape[2], rendered.shape[1])
    assert (width, height) == (512, 384)


def test_odd_levels_make_an_even_video(host: Host) -> None:
    (video,) = host.evaluate(graph(host, images(height=33, width=45), width=45, height=0), ["video", 0])
    assert video.get_dimensions() == (44, 32)


def test_duration_takes_the_place_of_the_speed(host: Host) -> None:
    (video,) = host.evaluate(graph(host, images(), duration=1.7, fps=29.97), ["video", 0])
    assert video.get_frame_count() == round(1.7 * 29.97)
    assert video.get_frame_rate() == Fraction(30000, 1001)


def test_one_level_is_a_still(host: Host) -> None:
    (video,) = host.evaluate(graph(host, images(levels=1)), ["video", 0])
    assert video.get_frame_count() == 10


def test_draw_frame_are_previewed_once_a_second(host: Host) -> None:
    host.evaluate(graph(host, images(), duration=2.5), ["video", 0])
    assert [preview.size for preview in host.previews] == [(48, 32)] * 3


def test_it_stops_within_a_frame_and_leaves_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = host.module("zoomstack_core.video.draw_frame").PlaneRenderer
    before, render, zooms = rendered(host), renderer.__call__, []

    def interrupted(self: Any, *moments: float) -> Any:
        zooms.append(moments)
        if len(zooms) == 4:
            comfy.model_management.interrupt_current_processing()
        return render(self, *moments)

    monkeypatch.setattr(renderer, "__call__", interrupted)
    with pytest.raises(NodeFailed, match="ZoomVideo: interrupted"):
        host.evaluate(graph(host, images()), ["video", 0])
    # a frame is encoded while the next ones are rendered
    assert 4 <= len(zooms) <= 9
    assert len(host.progress) <= 4
    assert rendered(host) == before


@pytest.mark.parametrize(
    ("widgets", "message"), [({"loop": True}, "Zoom Video: loop is on"), ({"duration": 0.5}, "more than 0 seconds")]
)
def test_widgets_that_contradict_each_other_say_so(host: Host, widgets: dict[str, Any], message: str) -> None:
    with pytest.raises(NodeFailed, match=f"ZoomVideo: ValueError: .*{message}"):
        host.evaluate(graph(host, images(), **widgets), ["video", 0])


@pytest.mark.parametrize("widgets", [{"fps": 0.0}, {"direction": "up"}, {"crf": 60.0}, {"seconds_per_level": 0.0}])
def test_widget_values_out_of_range_are_refused(host: Host, widgets: dict[str, Any]) -> None:
    with pytest.raises(PromptRejected, match=next(iter(widgets))):
        host.evaluate(graph(host, images(), **widgets), ["video", 0])


def test_every_input_says_what_it_does(host: Host) -> None:
    schema = host.node("ZoomVideo").GET_SCHEMA()
    assert set(schema.search_aliases) >= {"infinite zoom", "powers of ten", "zoom video"}
    assert all(entry.tooltip for entry in [*schema.inputs, *schema.outputs])


@pytest.mark.parametrize("node", ["ZoomVideo", "ZoomFrames"])
def test_one_level_is_said_to_stand_still(host: Host, monkeypatch: pytest.MonkeyPatch, node: str) -> None:
    shown: list[str] = []
    server = host.module("messages.node_text").PromptServer.instance
    monkeypatch.setattr(server, "send_progress_text", lambda text, node_id: shown.append(f"{node_id}: {text}"))
    for levels in (1, 2):
        shown.clear()
        prompt = graph(host, images(levels=levels), seconds_per_level=0.5)
        prompt["video"]["class_type"] = node
        host.evaluate(prompt, ["video", 0])
        assert any(text.startswith("video: There is one level, so nothing moves.") for text in shown) == (levels == 1)


SILENT: list[tuple[dict[str, Any], str]] = [
    ({"width": 101, "height": 64}, "width is 100 in place of 101: the sides of a video are even numbers."),
    ({"width": 64, "height": 33}, "height is 32 in place of 33"),
    ({"start_zoom": 0.5, "first_level": 1.2}, "start_zoom of an older version does not count"),
    ({"end_zoom": 0.5, "last_level": 1.7}, "end_zoom of an older version does not count"),
]


@pytest.mark.parametrize("node", ["ZoomVideo", "ZoomFrames"])
@pytest.mark.parametrize(("widgets", "notice"), SILENT)
def test_what_is_changed_or_does_not_count_is_said(
    host: Host, monkeypatch: pytest.MonkeyPatch, node: str, widgets: dict[str, Any], notice: str
) -> None:
    shown: list[str] = []
    server = host.module("messages.node_text").PromptServer.instance
    monkeypatch.setattr(server, "send_progress_text", lambda text, node_id: shown.append(f"{node_id}: {text}"))
    prompt = graph(host, images(levels=2), **widgets)
    prompt["video"]["class_type"] = node
    host.evaluate(prompt, ["video", 0])
    assert any(text.startswith(f"video: {notice}") for text in shown)
