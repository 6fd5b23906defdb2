"""What Zoom Video refuses before it renders, what it makes of rates, and files that are gone, empty or broken."""

import re
import threading
import time
from pathlib import Path
from typing import Any

import av
import comfy.model_management
import psutil
import pytest
import torch
from comfy_api.latest import InputImpl
from harness import Host, NodeFailed, Prompt, call
from PIL import Image
from zoom_graphs import PATH_WIDGETS


def graph(host: Host, levels: int = 2, side: int = 64, **widgets: Any) -> Prompt:
    images = torch.rand(levels, side, side, 3, generator=torch.Generator().manual_seed(0))
    return {
        "images": host.source(images),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0),
        "video": call("ZoomVideo", stack=["stack", 0], **{**PATH_WIDGETS, **widgets}),
    }


def again(prompt: Prompt) -> Prompt:
    """A prompt as a client sends it once more: the host notes fingerprints in the one that it has."""
    return {key: call(node["class_type"], **node["inputs"]) for key, node in prompt.items()}


def saving(prompt: Prompt, saver: str = "ZoomSaveVideo") -> Prompt:
    more = {"format": "auto", "codec": "auto"} if saver == "SaveVideo" else {}
    return {**again(prompt), "save": call(saver, video=["video", 0], filename_prefix="files/zoom", **more)}


def path_of(host: Host, output: dict[str, Any]) -> Path:
    file = output["save"]["images"][0]
    return host.base / "output" / file["subfolder"] / file["filename"]


def needs(host: Host, form: str) -> None:
    if form not in host.module("zoomstack_core.video.formats").available_formats():
        pytest.skip(f"no encoder for {form} in this build")


@pytest.fixture
def no_rendering(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renderer that is made is a failure: what cannot be encoded is refused before."""

    def refuse(*_: Any) -> None:
        raise AssertionError("it begins to render")

    for name in ("PlaneRenderer", "FrameRenderer"):
        monkeypatch.setattr(host.module("nodes.zoom_video"), name, refuse)


@pytest.mark.usefixtures("no_rendering")
@pytest.mark.parametrize(
    ("widgets", "message"),
    [
        ({"format": "av1", "width": 512, "height": 8}, "height is 8 pixels; av1 takes 32 to 8704"),
        ({"format": "av1", "width": 8, "height": 512}, "width is 8 pixels; av1 takes 32 to 16384"),
        ({"format": "av1", "width": 2, "height": 2}, "width is 2 pixels; av1 takes"),
        ({"format": "av1", "width": 64, "height": 8706}, "height is 8706 pixels; av1 takes 32 to 8704"),
        ({"format": "h265", "width": 62, "height": 64}, "width is 62 pixels; h265 takes 64 to"),
        ({"format": "webp", "width": 16384, "height": 64}, "width is 16384 pixels; webp takes 2 to 16383"),
        ({"format": "h264", "width": 16384, "height": 16384}, "width and height are 16384×16384; a video has at most"),
    ],
)
def test_draw_frame_beyond_a_formats_limits_are_refused_before_rendering(
    host: Host, widgets: dict[str, Any], message: str
) -> None:
    needs(host, widgets["format"])
    with pytest.raises(NodeFailed, match=rf"Zoom Video: {re.escape(message)}.* Choose a"):
        host.evaluate(graph(host, **widgets), ["video", 0])


@pytest.mark.usefixtures("no_rendering")
def test_a_video_that_memory_does_not_hold_is_refused_with_numbers(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    class Little:
        available = 3 * 2**30

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Little)
    message = (
        r"Zoom Video: a video of 16384×16000 as h264 takes about \d\d\.\d GB of memory; .* the 3\.0 GB that are free"
    )
    with pytest.raises(NodeFailed, match=message):
        host.evaluate(graph(host, width=16384, height=16000), ["video", 0])


@pytest.mark.parametrize(("form", "fps", "most"), [("gif", 60.0, 50), ("gif", 240.0, 50), ("webp", 120.0, 90)])
def test_a_rate_that_browsers_do_not_play_is_lowered_and_said(host: Host, form: str, fps: float, most: int) -> None:
    needs(host, form)
    output = host.run(saving(graph(host, format=form, fps=fps, duration=1.5)))
    shown = [data.decode() if isinstance(data, bytes) else str(data) for _, data in host.messages]
    assert any(f"{form} plays at most {most} frames per second" in text for text in shown)
    with Image.open(path_of(host, output)) as picture:
        times = []
        for k in range(picture.n_frames):
            picture.seek(k)
            picture.load()
            times.append(picture.info["duration"])
    assert 1.4 * most <= len(times) <= 1.5 * most  # WebP joins frames that are alike, as at a rest
    assert sum(times) == 1500
    assert min(times) > 10


@pytest.mark.parametrize("form", ["h264", "h265", "av1", "vp9", "prores", "gif", "webp"])
def test_a_stack_of_one_level_is_saved_in_every_format(host: Host, form: str) -> None:
    needs(host, form)
    path = path_of(host, host.run(saving(graph(host, levels=1, format=form, duration=2.0, width=64, height=64))))
    facts = host.module("zoomstack_core.video.facts").read_facts(path)
    assert (facts.height, facts.width) == (64, 64)
    assert float(facts.seconds) == pytest.approx(2.0, abs=0.02)
    if form == "webp":  # and a reader that is not ours
        with Image.open(path) as picture:
            picture.load()
            assert "ZoomVideo" in picture.getexif()[0x0110]


@pytest.mark.parametrize("saver", ["SaveVideo", "ZoomSaveVideo"])
def test_a_video_whose_file_is_gone_is_rendered_again(host: Host, saver: str) -> None:
    prompt = graph(host, crf=19.0 if saver == "SaveVideo" else 19.5)
    (video,) = host.evaluate(prompt, ["video", 0])
    assert host.evaluate(again(prompt), ["video", 0])[0] is video  # the host has it in its cache
    Path(video.get_stream_source()).unlink()
    first = path_of(host, host.run(saving(prompt, saver)))
    with av.open(str(first)) as container:
        assert len(list(container.decode(video=0))) == 5
    (anew,) = host.evaluate(again(prompt), ["video", 0])
    assert Path(anew.get_stream_source()).is_file()
    assert host.evaluate(again(prompt), ["video", 0])[0] is anew


def test_a_file_that_was_emptied_is_rendered_again(host: Host) -> None:
    prompt = graph(host, crf=20.5)
    (video,) = host.evaluate(prompt, ["video", 0])
    Path(video.get_stream_source()).write_bytes(b"")
    with av.open(str(path_of(host, host.run(saving(prompt))))) as container:
        assert len(list(container.decode(video=0))) == 5


@pytest.mark.parametrize("suffix", ["mp4", "webm", "mov", "gif", "webp"])
@pytest.mark.parametrize("content", [b"", b"no video at all", None])
def test_a_broken_video_is_not_saved(host: Host, suffix: str, content: bytes | None) -> None:
    """From any node: the half of a real file, too."""
    form = {"mp4": "h264", "webm": "vp9", "mov": "prores"}.get(suffix, suffix)
    needs(host, form)
    if content is None:
        (video,) = host.evaluate(graph(host, format=form, duration=1.0), ["video", 0])
        content = Path(video.get_stream_source()).read_bytes()
        content = content[: len(content) // 2]
    path = host.base / "temp" / f"broken.{suffix}"
    path.write_bytes(content)
    folder = host.base / "output" / "broken"
    prompt = {"source": host.source(InputImpl.VideoFromFile(str(path)))}
    prompt["save"] = call("ZoomSaveVideo", video=["source", 0], filename_prefix="broken/zoom")
    with pytest.raises(NodeFailed, match=rf"Save Zoom Video: broken\.{suffix} (is empty|cannot be read as a video)"):
        host.run(prompt)
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_video_whose_file_is_gone_says_what_to_do(host: Host) -> None:
    prompt = {"source": host.source(InputImpl.VideoFromFile(str(host.base / "temp" / "gone.mp4")))}
    prompt["save"] = call("ZoomSaveVideo", video=["source", 0], filename_prefix="zoom")
    with pytest.raises(
        NodeFailed, match=r"Save Zoom Video: the file of the video, gone\.mp4, is no longer there\. Run"
    ):
        host.run(prompt)


def test_a_video_that_the_host_cannot_write_is_told_in_words(host: Host) -> None:
    frames = torch.rand(3, 33, 47, 3)
    prompt = {
        "frames": host.source(frames),
        "video": call("CreateVideo", images=["frames", 0], fps=12.0),
        "save": call("ZoomSaveVideo", video=["video", 0], filename_prefix="odd/zoom"),
    }
    try:
        output = host.run(prompt)
    except NodeFailed as error:
        message = str(error).splitlines()[0]
        assert "Save Zoom Video: nothing is saved, as the video cannot be written as MP4" in message
        assert "Errno" not in message
        assert "avcodec" not in message
    else:
        with av.open(str(path_of(host, output))) as container:
            assert len(list(container.decode(video=0))) == 3


def test_an_interrupt_ends_the_encoders_last_work(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """All frames are in, and the encoder works off those that it has kept back."""
    writer = host.module("zoomstack_core.video.encode")._Writer
    original = writer._call
    before = set((host.base / "temp").glob("*ZoomVideo*"))

    def slow(self: Any, function: Any, *arguments: Any) -> Any:
        if arguments == (None,):  # what comes after the last frame
            interrupt.start()
            original(self, lambda _: time.sleep(30), None)
        return original(self, function, *arguments)

    interrupt = threading.Timer(0.5, comfy.model_management.interrupt_current_processing)
    monkeypatch.setattr(writer, "_call", slow)
    began = time.monotonic()
    with pytest.raises(NodeFailed, match="ZoomVideo: interrupted"):
        host.evaluate(graph(host, crf=21.5), ["video", 0])
    assert time.monotonic() - began < 20
    assert set((host.base / "temp").glob("*ZoomVideo*")) == before


@pytest.fixture
def notices(host: Host, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the nodes show on themselves."""
    shown: list[str] = []
    server = host.module("messages.node_text").PromptServer.instance
    monkeypatch.setattr(server, "send_progress_text", lambda text, node_id: shown.append(f"{node_id}: {text}"))
    return shown


CANNOT = r"Save Video writes MP4 only, and cannot keep {}\. Connect Save Zoom Video in its place, or choose h264"


@pytest.mark.parametrize("form", ["gif", "webp", "prores", "vp9"])
def test_what_save_video_cannot_keep_is_said(host: Host, notices: list[str], form: str) -> None:
    """By Zoom Video, before it renders, and by the error of Save Video, which leaves no file."""
    needs(host, form)
    extension = {"prores": "mov", "vp9": "webm"}.get(form, form)
    prompt, folder = graph(host, format=form), host.base / "output" / "files"
    before = set(folder.glob("*"))
    with pytest.raises(NodeFailed, match="SaveVideo: .*Zoom Video: " + CANNOT.format(extension)):
        host.run(saving(prompt, "SaveVideo"))
    assert re.match("video: " + CANNOT.format(form), next(text for text in notices if text.startswith("video: ")))
    assert set(folder.glob("*")) == before
    notices.clear()
    assert path_of(host, host.run(saving(prompt))).suffix == f".{extension}"
    assert not [text for text in notices if "Save Video" in text]


@pytest.mark.parametrize("form", ["h264", "h265", "av1"])
def test_what_save_video_keeps_is_kept_as_it_is(host: Host, notices: list[str], form: str) -> None:
    needs(host, form)
    path = path_of(host, host.run(saving(graph(host, format=form), "SaveVideo")))
    with av.open(str(path)) as container:
        assert (
            container.streams.video[0].codec_context.name
            in {"h264": "h264", "h265": "hevc", "av1": "libdav1d av1"}[form]
        )
    assert not [text for text in notices if "Save Video" in text]


@pytest.mark.parametrize("form", ["gif", "vp9"])
def test_save_video_may_encode_anew(host: Host, form: str) -> None:
    needs(host, form)
    prompt = saving(graph(host, format=form), "SaveVideo")
    prompt["save"]["inputs"].update(format="mp4", codec="h264")
    assert path_of(host, host.run(prompt)).stat().st_size > 0


def test_nodes_that_need_the_frames_of_a_webp_say_so(host: Host) -> None:
    needs(host, "webp")
    prompt = graph(host, format="webp") | {"parts": call("GetVideoComponents", video=["video", 0])}
    with pytest.raises(NodeFailed, match="Zoom Video: the frames of a webp cannot be read by ComfyUI. Choose another"):
        host.evaluate(prompt, ["parts", 0])
