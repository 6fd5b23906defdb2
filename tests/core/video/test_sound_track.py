"""Sound in video files: decoded again it is as long as the video, and every click is where it was."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from torch import Tensor

from zoomstack_core.sound.sound import Sound
from zoomstack_core.video import encode, formats
from zoomstack_core.video.encode import FORMATS, available_formats, encode_video
from zoomstack_core.video.facts import BrokenVideo, VideoFacts, check_video, read_facts
from zoomstack_core.video.remux import copy_video

WITH_SOUND = [form for form in available_formats() if FORMATS[form].sound]
CLICKS = (0.25, 1.0, 1.77)


def clicks(seconds: float, rate: int = 44100, channels: int = 2, at: tuple[float, ...] = CLICKS) -> Sound:
    """Short bursts of 2 kHz."""
    samples = torch.zeros(channels, round(seconds * rate))
    burst = 0.8 * torch.sin(2 * torch.pi * 2000 * torch.arange(rate // 200) / rate)
    for begin in (round(time * rate) for time in at if time < seconds):
        samples[:, begin : begin + len(burst)] = burst
    return Sound(samples, rate)


def pictures(count: int) -> Iterator[Tensor]:
    return (torch.full((3, 64, 64), 0.1 + 0.8 * k / count) for k in range(count))


def heard(path: Path) -> tuple[np.ndarray, int]:
    """[channels, time] as it is heard from the first frame on, and its rate."""
    with av.open(str(path)) as container:
        start = next(container.decode(video=0)).time
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        parts, rate = [], stream.rate
        for frame in container.decode(stream):
            if not parts:
                lead = round((frame.time - start) * rate)
            parts.append(frame.to_ndarray())
            channels, planar = len(frame.layout.channels), frame.format.is_planar
    samples = np.concatenate([part if planar else part.reshape(-1, channels).T for part in parts], 1)
    return (samples[:, -lead:] if lead < 0 else np.pad(samples, ((0, 0), (lead, 0)))), rate


def onsets(samples: np.ndarray, rate: int) -> list[float]:
    """When bursts begin: where it is loud after 100 ms of quiet."""
    loud = np.flatnonzero(np.abs(samples[0]) > 0.2)
    begins = [i for k, i in enumerate(loud) if k == 0 or i - loud[k - 1] > rate // 10]
    return [begin / rate for begin in begins]


@pytest.mark.parametrize("form", WITH_SOUND)
@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (48000, 1), (22050, 2), (96000, 6), (11000, 1)])
def test_a_click_is_heard_where_it_was(tmp_path: Path, form: str, rate: int, channels: int) -> None:
    path = tmp_path / f"zoom.{FORMATS[form].extension}"
    sound = clicks(2.0, rate, channels)
    encode_video(path, pictures(60), 30, form=form, preset="ultrafast", sound=sound)
    samples, out = heard(path)
    assert samples.shape[1] / out == pytest.approx(2.0, abs=0.03)
    assert onsets(samples, out) == pytest.approx(CLICKS, abs=0.005)
    assert samples.shape[0] == min(channels, 2)


@pytest.mark.parametrize("form", WITH_SOUND)
def test_a_copy_keeps_the_sound_in_its_place(tmp_path: Path, form: str) -> None:
    source = tmp_path / f"zoom.{FORMATS[form].extension}"
    encode_video(source, pictures(60), 30, form=form, preset="ultrafast", sound=clicks(2.0))
    copy = source.with_stem("copy")
    copy_video(source, copy, {"workflow": "{}"})
    (before, rate), (after, again) = heard(source), heard(copy)
    assert onsets(after, again) == pytest.approx(onsets(before, rate), abs=0.001)
    assert onsets(after, again) == pytest.approx(CLICKS, abs=0.005)
    assert read_facts(copy).sound == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("form", WITH_SOUND)
@pytest.mark.parametrize("fps", [12.5, 29.97, 60])
@pytest.mark.parametrize("count", [1, 7, 75])
def test_sound_and_frames_are_as_long(tmp_path: Path, form: str, fps: float, count: int) -> None:
    """The sound is longer than some of these videos, and shorter than others."""
    path = tmp_path / f"zoom.{FORMATS[form].extension}"
    encode_video(path, pictures(count), fps, form=form, preset="ultrafast", sound=clicks(1.5, at=(0.01,)))
    facts = read_facts(path)
    assert facts.frames == count
    assert float(facts.sound) == pytest.approx(count / fps, abs=0.045)
    with av.open(str(path)) as container:
        times = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    assert times == pytest.approx([k / encode.frame_rate(fps) for k in range(count)], abs=1e-3)


def test_it_is_silent_after_its_end(tmp_path: Path) -> None:
    noise = Sound(torch.rand(1, 22050, generator=torch.Generator().manual_seed(0)) - 0.5, 44100)
    encode_video(tmp_path / "zoom.mp4", pictures(45), 30, sound=noise)
    samples, rate = heard(tmp_path / "zoom.mp4")
    assert np.abs(samples[:, : rate // 2 - 2000]).mean() > 0.1
    assert np.abs(samples[:, rate // 2 + 2000 :]).max() < 0.01
    assert samples.shape[1] / rate == pytest.approx(1.5, abs=0.03)


def test_packets_do_not_wait_for_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sound and frames are taken in turns; else the file's writer would hold all of one of them in memory."""
    taken: list[tuple[int, int]] = []
    original = Sound.part

    def part(self: Sound, begin: int, end: int) -> Tensor:
        taken.append((begin, end))
        return original(self, begin, end)

    monkeypatch.setattr(Sound, "part", part)
    ends = []
    sound = clicks(3.0, 48000)
    encode_video(tmp_path / "zoom.mp4", pictures(90), 30, on_frame=lambda *_: ends.append(taken[-1][1]), sound=sound)
    assert ends == [1600 * (k + 1) for k in range(90)]


@pytest.mark.parametrize("form", ["gif", "webp"])
def test_formats_without_sound_say_so(tmp_path: Path, form: str) -> None:
    if form not in available_formats():
        pytest.skip(f"no encoder for {form} in this build")
    with pytest.raises(ValueError, match=f"{form} has no sound"):
        encode_video(tmp_path / "zoom", pictures(3), 24, form=form, sound=clicks(1.0))


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_has_encoder", lambda name: False)
    with pytest.raises(ValueError, match=r"no encoder for the sound of h264 \(aac\)"):
        encode_video(tmp_path / "zoom.mp4", pictures(3), 24, sound=clicks(1.0))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_lost_its_sound_is_told(tmp_path: Path) -> None:
    encode_video(tmp_path / "silent.mp4", pictures(30), 30)
    encode_video(tmp_path / "zoom.mp4", pictures(30), 30, sound=clicks(1.0, at=()))
    facts = VideoFacts(64, 64, 30, Fraction(1), Fraction(1))
    check_video(tmp_path / "zoom.mp4", facts)
    for path, expected in (("silent.mp4", facts), ("zoom.mp4", facts._replace(sound=Fraction(1, 2)))):
        with pytest.raises(BrokenVideo, match="of sound"):
            check_video(tmp_path / path, expected)
