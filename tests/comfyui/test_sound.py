"""Zoom Video with sound in real graphs: what is heard in the file that is saved, and what the node says."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from harness import Host, NodeFailed, Prompt, call
from zoom_graphs import PATH_WIDGETS

RATE = 44100


def clicks(seconds: float, bpm: float = 120.0, channels: int = 2, batch: int = 1) -> dict[str, Any]:
    """A track as Load Audio gives it; the first click after 0.2 s."""
    waveform = torch.zeros(batch, channels, round(seconds * RATE))
    burst = 0.8 * torch.sin(2 * math.pi * 2000 * torch.arange(220) / RATE)
    for k in range(math.ceil((seconds - 0.3) * bpm / 60)):
        begin = round((0.2 + k * 60 / bpm) * RATE)
        waveform[0, :, begin : begin + 220] = burst
    return {"waveform": waveform, "sample_rate": RATE}


def graph(host: Host, audio: dict[str, Any] | None = None, **widgets: Any) -> Prompt:
    grays = torch.linspace(0, 1, 3)[:, None, None, None].expand(3, 64, 80, 3)
    prompt = {
        "images": host.source(grays),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0),
        "video": call("ZoomVideo", stack=["stack", 0], **{**PATH_WIDGETS, "easing": "none", **widgets}),
    }
    if audio is not None:
        prompt["sound"] = host.source(audio)
        prompt["video"]["inputs"]["audio"] = ["sound", 0]
    return prompt


def saved(host: Host, prompt: Prompt, saver: str = "ZoomSaveVideo") -> Path:
    more = {"format": "auto", "codec": "auto"} if saver == "SaveVideo" else {}
    prompt["save"] = call(saver, video=["video", 0], filename_prefix="sound/zoom", **more)
    file = host.run(prompt)["save"]["images"][0]
    return host.base / "output" / file["subfolder"] / file["filename"]


def loud_at(path: Path) -> tuple[list[float], float]:
    """When clicks begin after the first frame, and how long the sound is."""
    with av.open(str(path)) as container:
        start = next(container.decode(video=0)).time
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    rate, first = frames[0].sample_rate, frames[0].time
    parts = [f.to_ndarray() if f.format.is_planar else f.to_ndarray().reshape(-1, 2).T for f in frames]
    samples = np.concatenate(parts, 1)[0]
    loud = np.flatnonzero(np.abs(samples) > 0.2)
    begins = [i for k, i in enumerate(loud) if k == 0 or i - loud[k - 1] > rate // 10]
    return [first - start + begin / rate for begin in begins], first - start + len(samples) / rate


def notices(host: Host, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    shown: list[str] = []
    server = host.module("messages.node_text").PromptServer.instance
    monkeypatch.setattr(server, "send_progress_text", lambda text, node_id: shown.append(text))
    return shown


@pytest.mark.parametrize("form", ["h264", "h265", "av1", "vp9", "prores"])
def test_the_saved_file_has_the_sound_in_its_place(host: Host, form: str) -> None:
    if form not in host.module("zoomstack_core.video.formats").available_formats():
        pytest.skip(f"no encoder for {form} in this build")
    times, seconds = loud_at(saved(host, graph(host, clicks(3.0), format=form, duration=2.0)))
    assert times == pytest.approx([0.2, 0.7, 1.2, 1.7], abs=0.025)
    assert seconds == pytest.approx(2.0, abs=0.05)


def test_the_hosts_save_video_keeps_it_too(host: Host) -> None:
    times, _ = loud_at(saved(host, graph(host, clicks(1.2), duration=2.1), "SaveVideo"))
    assert times == pytest.approx([0.2, 0.7], abs=0.025)


@pytest.mark.parametrize("seconds", [1.3, 4.04])
def test_the_video_takes_the_length_of_the_sound(host: Host, seconds: float) -> None:
    path = saved(host, graph(host, clicks(seconds), fit_sound=True, fps=25.0))
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == round(seconds * 25)
    assert loud_at(path)[1] == pytest.approx(seconds, abs=0.05)


def test_without_a_sound_there_is_no_track(host: Host) -> None:
    with av.open(str(saved(host, graph(host)))) as container:
        assert not container.streams.audio


def test_the_camera_moves_with_the_beats_and_ends_where_it_did(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = host.module("zoomstack_core.video.draw_frame").PlaneRenderer
    render, rendered = renderer.__call__, []

    def noted(self: Any, zoom: float) -> Any:
        rendered.append(zoom)
        return render(self, zoom)

    monkeypatch.setattr(renderer, "__call__", noted)
    ways = []
    for strength in (0.0, 0.9):
        rendered.clear()
        host.evaluate(graph(host, clicks(5.0), beat_strength=strength, duration=5.0, fps=30.0), ["video", 0])
        ways.append(sorted(rendered))  # frames are rendered by several threads
    steady, moved = ways
    assert len(moved) == len(steady) == 150
    assert (moved[0], moved[-1]) == (steady[0], steady[-1]) == (0, 2)
    for beat in (0.7, 1.2, 1.7, 3.2, 3.7):
        k, rest = round(beat * 30), round((beat + 0.25) * 30)
        usual = steady[k + 3] - steady[k - 3]
        assert moved[k + 3] - moved[k - 3] > 1.6 * usual
        assert moved[rest + 3] - moved[rest - 3] < 0.5 * usual


SAID: list[tuple[dict[str, Any], dict[str, Any] | None, str]] = [
    ({"format": "gif"}, clicks(1.0), "A gif has no sound"),
    ({"format": "webp"}, clicks(1.0), "A webp has no sound"),
    ({"fit_sound": True}, None, "fit_sound does not count: there is no sound"),
    ({"fit_sound": True, "beat_strength": 0.5}, None, "fit_sound and beat_strength do not count: there is no sound"),
    ({"fit_sound": True, "duration": 3.0}, clicks(1.0), "duration does not count: with fit_sound"),
    ({"beat_strength": 0.5}, {"waveform": torch.zeros(1, 1, RATE), "sample_rate": RATE}, "no beats are heard"),
    ({}, clicks(1.0, batch=2), "audio holds 2 sounds; the video has the first one"),
]


@pytest.mark.parametrize(("widgets", "audio", "notice"), SAID)
def test_what_does_not_count_is_said(
    host: Host, monkeypatch: pytest.MonkeyPatch, widgets: dict[str, Any], audio: dict[str, Any] | None, notice: str
) -> None:
    if widgets.get("format", "h264") not in host.module("zoomstack_core.video.formats").available_formats():
        pytest.skip("no encoder for it in this build")
    shown = notices(host, monkeypatch)
    host.evaluate(graph(host, audio, **widgets), ["video", 0])
    assert any(notice in text for text in shown), shown


def test_a_sound_that_is_too_short_says_so(host: Host) -> None:
    with pytest.raises(
        NodeFailed, match=r"Zoom Video: audio gives the duration, as fit_sound is on: it is 1\.0, which"
    ):
        host.evaluate(graph(host, clicks(1.0), fit_sound=True, hold_start=0.6, hold_end=0.6), ["video", 0])


def test_an_encoder_that_is_not_there_is_told_before_rendering(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.module("zoomstack_core.video.formats"), "_has_encoder", lambda name: False)
    with pytest.raises(
        NodeFailed, match=r"Zoom Video: this build of PyAV has no encoder for the sound of h264 \(aac\)"
    ):
        host.evaluate(graph(host, clicks(1.0)), ["video", 0])
    assert not host.progress


def test_the_sound_can_be_a_mapping_that_reads_its_file_late(host: Host) -> None:
    """As nodes of other packs give it."""

    class Late(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return clicks(1.0)[key]

        def __iter__(self) -> Iterator[str]:
            return iter(("waveform", "sample_rate"))

        def __len__(self) -> int:
            return 2

    times, _ = loud_at(saved(host, graph(host, Late(), duration=1.0)))  # type: ignore[arg-type]
    assert times == pytest.approx([0.2, 0.7], abs=0.025)


def test_another_sound_makes_another_video(host: Host) -> None:
    """And the same one is not rendered again."""
    prompt = graph(host, clicks(1.0))
    (first,) = host.evaluate(prompt, ["video", 0])
    fresh = {key: call(node["class_type"], **node["inputs"]) for key, node in prompt.items()}
    assert host.evaluate(fresh, ["video", 0])[0] is first
    changed = {**fresh, "sound": host.source(clicks(1.0, bpm=90))}
    changed = {key: call(node["class_type"], **node["inputs"]) for key, node in changed.items()}
    assert host.evaluate(changed, ["video", 0])[0] is not first
