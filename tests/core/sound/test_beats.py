"""find_beats on tracks whose beats are known."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from zoomstack_core.camera.path import ZoomPath
from zoomstack_core.camera.pulse import pulsed_zooms
from zoomstack_core.sound import beats as beats_module
from zoomstack_core.sound.beats import find_beats
from zoomstack_core.sound.sound import Sound


def stroke(kind: str, rate: int) -> Tensor:
    """How one beat sounds."""
    time = torch.arange(rate // 200 if kind == "click" else rate // 4) / rate
    if kind == "click":
        return 0.8 * torch.sin(2 * math.pi * 2000 * time)
    if kind == "drum":
        return torch.sin(2 * math.pi * 60 * time) * torch.exp(-15 * time)
    return (torch.rand(len(time), generator=torch.Generator().manual_seed(0)) - 0.5) * torch.exp(-20 * time)


def track(times: list[float], seconds: float, kind: str = "click", rate: int = 44100) -> Sound:
    samples, one = torch.zeros(1, round(seconds * rate)), stroke(kind, rate)
    for time in times:
        begin = round(time * rate)
        heard = samples[:, begin : begin + len(one)]
        heard += one[: heard.shape[1]]
    return Sound(samples, rate)


def even(bpm: float, seconds: float, start: float = 0.2) -> list[float]:
    return [start + k * 60 / bpm for k in range(math.ceil((seconds - start) * bpm / 60))]


@pytest.mark.parametrize("kind", ["click", "drum", "noise"])
@pytest.mark.parametrize("bpm", [70, 90, 120, 128, 140])
@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_every_beat_is_found_in_its_place(kind: str, bpm: float, rate: int) -> None:
    times = even(bpm, 8.0)
    assert find_beats(track(times, 8.0, kind, rate)) == pytest.approx(times, abs=0.006)


@pytest.mark.parametrize("bpm", [90, 128])
@pytest.mark.parametrize("fps", [24, 30, 60])
@pytest.mark.parametrize("smoothing", [0.0, 0.5, 1.0])
def test_the_camera_is_fastest_within_a_frame_of_each_click(bpm: float, fps: int, smoothing: float) -> None:
    """From the sound to the frames."""
    seconds = 10.0
    clicks = even(bpm, seconds)
    path = ZoomPath((2.0,) * 6, duration=seconds, easing="linear")
    zooms = pulsed_zooms(path, fps, find_beats(track(clicks, seconds)), 0.7, smoothing)
    assert (zooms[0], zooms[-1], len(zooms)) == (0.0, 6.0, round(seconds * fps))
    speeds = [there - here for here, there in pairwise(zooms)]
    half = 30 / bpm * fps
    for click in clicks:
        middle = click * fps - 0.5  # speed k is that of the time between frames k and k + 1
        if 1.5 < click < seconds - 1.5:  # beyond the ramps of the ends
            near = range(math.ceil(middle - half), math.floor(middle + half) + 1)
            assert abs(max(near, key=speeds.__getitem__) - middle) <= 1


def test_offbeats_that_are_quieter_do_not_count() -> None:
    loud, quiet = even(100, 10.0), even(100, 10.0, start=0.5)
    both = Sound(track(loud, 10.0).samples + 0.1 * track(quiet, 10.0, "noise").samples, 44100)
    assert find_beats(both) == pytest.approx(loud, abs=0.008)


def test_beats_follow_a_tempo_that_changes() -> None:
    times = [0.2]
    while times[-1] < 14:
        times.append(times[-1] + 60 / (110 + times[-1]))  # 110 to 124 bpm
    assert find_beats(track(times, 15.0)) == pytest.approx(times, abs=0.008)


def test_a_pause_has_no_beats() -> None:
    times = [*even(120, 5.0), *(time + 12 for time in even(120, 5.0))]
    found = find_beats(track(times, 17.5))
    assert [beat for beat in found if 6 < beat < 11] == []
    for time in times:
        assert min(abs(beat - time) for beat in found) < 0.008


@pytest.mark.parametrize("samples", [torch.zeros(2, 44100), torch.zeros(1, 1), torch.full((1, 44100), 0.5)])
def test_silence_has_none(samples: Tensor) -> None:
    found = find_beats(Sound(samples, 44100))
    assert [beat for beat in found if beat > 0.1] == []


@pytest.mark.parametrize("samples", [1, 100, 1000, 5000, 20000])
def test_sounds_too_short_for_a_rhythm_are_no_error(samples: int) -> None:
    noise = torch.rand(1, samples, generator=torch.Generator().manual_seed(0)) - 0.5
    found = find_beats(Sound(noise, 44100))
    assert all(0 <= beat < samples / 44100 for beat in found)
    assert found == sorted(found)


def test_what_is_not_heard_has_none() -> None:
    sound = track(even(120, 8.0), 8.0)
    assert find_beats(sound.fitted(Fraction(4))) == pytest.approx(even(120, 4.0), abs=0.006)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = track(even(97, 6.0), 6.0, "noise")
    whole = find_beats(sound)
    monkeypatch.setattr(beats_module, "BLOCK", 37)
    assert find_beats(sound) == pytest.approx(whole, abs=1e-9)
