"""Save Zoom Video and Zoom Frames in real graphs: every format into the output folder, and frames as images."""

import json
from pathlib import Path
from typing import Any

import av
import psutil
import pytest
import torch
from harness import Host, NodeFailed, Prompt, call
from PIL import Image
from zoom_graphs import PATH_WIDGETS

WORKFLOW = {"name": "zoom"}


def graph(host: Host, node: str, **widgets: Any) -> Prompt:
    levels = torch.rand(3, 64, 80, 3, generator=torch.Generator().manual_seed(0))
    return {
        "images": host.source(levels),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0),
        "zoom": call(node, stack=["stack", 0], **{**PATH_WIDGETS, **widgets}),
    }


def save(host: Host, prompt: Prompt, video: list[Any]) -> Path:
    prompt["save"] = call("ZoomSaveVideo", video=video, filename_prefix="zooms/test")
    saved = host.run(prompt, extra_pnginfo={"workflow": WORKFLOW})["save"]["images"][0]
    return host.base / "output" / saved["subfolder"] / saved["filename"]


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        ("h264", ".mp4"),
        ("h265", ".mp4"),
        ("av1", ".mp4"),
        ("vp9", ".webm"),
        ("prores", ".mov"),
        ("gif", ".gif"),
        ("webp", ".webp"),
    ],
)
def test_every_format_is_saved_with_the_workflow_and_never_over_another(host: Host, form: str, suffix: str) -> None:
    if form not in host.module("zoomstack_core.video.formats").available_formats():
        pytest.skip(f"no encoder for {form} in this build")
    first = save(host, graph(host, "ZoomVideo", format=form), ["zoom", 0])
    content = first.read_bytes()
    second = save(host, graph(host, "ZoomVideo", format=form), ["zoom", 0])
    assert first != second
    assert {first.suffix, second.suffix} == {suffix}
    assert first.read_bytes() == content
    assert not list(first.parent.glob("*.part*"))
    if suffix == ".webp":
        with Image.open(first) as picture:
            assert picture.n_frames == 10
            assert json.loads(picture.getexif()[0x010F].removeprefix("workflow:")) == WORKFLOW
            assert "ZoomVideo" in picture.getexif()[0x0110]
    elif suffix == ".gif":
        with Image.open(first) as picture:
            assert picture.n_frames == 10
        assert b'workflow:{"name": "zoom"}' in content
    else:
        with av.open(str(first)) as container:
            tags = {name.lower(): text for name, text in container.metadata.items()}
            assert json.loads(tags["workflow"]) == WORKFLOW
            assert len(list(container.decode(video=0))) == 10


def test_sound_is_added_by_the_hosts_own_nodes(host: Host) -> None:
    prompt = graph(host, "ZoomVideo")
    sound = {"waveform": torch.zeros(1, 2, 44100), "sample_rate": 44100}
    prompt["sound"] = host.source(sound)
    prompt["parts"] = call("GetVideoComponents", video=["zoom", 0])
    prompt["both"] = call("CreateVideo", images=["parts", 0], fps=["parts", 2], audio=["sound", 0])
    with av.open(str(save(host, prompt, ["both", 0]))) as container:
        assert len(container.streams.audio) == 1
        assert len(list(container.decode(video=0))) == 10


def test_zoom_frames_are_images(host: Host) -> None:
    (images,) = host.evaluate(graph(host, "ZoomFrames", dwell="0, 0.3, 0", motion_blur=0.5), ["zoom", 0])
    assert images.shape == (13, 64, 80, 3)
    assert images.dtype == torch.float32
    stack = torch.rand(3, 64, 80, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(images[-1], stack[-1], atol=1e-5, rtol=0)  # the deepest level, as it is
    assert host.progress[-1] == (13, 13)


def test_draw_frame_that_do_not_fit_into_memory_are_refused_before_they_are_made(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Little:
        available = 1000

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Little)
    with pytest.raises(NodeFailed, match="Zoom Frames: 10 frames of 80×64 take .* use Zoom Video"):
        host.evaluate(graph(host, "ZoomFrames"), ["zoom", 0])


@pytest.mark.parametrize("dwell", ["soon", "1, 2", "-1"])
def test_a_dwell_that_cannot_be_read_says_so(host: Host, dwell: str) -> None:
    with pytest.raises(NodeFailed, match="Zoom Video: dwell is"):
        host.evaluate(graph(host, "ZoomVideo", dwell=dwell), ["zoom", 0])


def test_the_facts_of_the_source_are_read_once(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which decodes frames of it."""
    read: list[str] = []
    for module in ("nodes.save_zoom_video", "zoomstack_core.video.remux", "zoomstack_core.video.facts"):
        original = host.module(module).read_facts

        def counted(path: Any, *rest: Any, original: Any = original, **options: Any) -> Any:
            read.append(path.name)
            return original(path, *rest, **options)

        monkeypatch.setattr(host.module(module), "read_facts", counted)
    images = torch.rand(2, 32, 48, 3)
    graph = {
        "images": host.source(images),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0),
        "video": call("ZoomVideo", stack=["stack", 0], **PATH_WIDGETS),
    }
    (video,) = host.evaluate(graph, ["video", 0])
    read.clear()
    host.run({"video": host.source(video), "save": call("ZoomSaveVideo", video=["video", 0], filename_prefix="once")})
    assert read.count(Path(video.get_stream_source()).name) == 1
