"""When the beats of a sound are: onsets by spectral flux, tempo by autocorrelation, beats by dynamic programming.

After D. Ellis, "Beat Tracking by Dynamic Programming", Journal of New Music Research 36 (2007), sections 3 and 4, with
shorter steps and windows: what follows is to be right to a frame of a video.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from .sound import Sound

Values = NDArray[np.float64]

STEPS = 200  # of the onsets, per second
WINDOW = 4  # steps of a spectrum
BLOCK = 2000  # spectra at once: memory does not grow with the sound
# The spectra that rise the most lie before the onset that makes them rise, as their windows reach ahead.
LEAD = 0.6  # steps, as measured with clicks, drums and noise
COMPRESSION = 100.0  # of the spectrum: quiet instruments count beside loud ones
FAINT = 1e-3  # rise of a spectrum, on average: less is no onset
QUIETEST = 0.1  # onsets of a beat, against the usual ones
OFFBEAT = 0.6  # of the time between beats, and a little more

SLOWEST, FASTEST = 40.0, 240.0  # beats per minute
USUAL, OCTAVES = 120.0, 0.9  # Ellis's preference of tempi: a Gaussian over their logarithm
TIGHTNESS = 100.0  # Ellis's α: how evenly beats follow each other


def find_beats(sound: Sound) -> list[float]:
    """The seconds of all beats while the sound is heard, ascending; none where nothing begins in it.

    A sound without a rhythm has beats too, about twice a second, at what comes nearest to them.

    >>> import torch
    >>> from zoomstack_core import Sound, find_beats
    >>> clicks = torch.zeros(1, 5 * 8000)
    >>> clicks[0, 2000::4000] = 1.0
    >>> [round(beat, 1) for beat in find_beats(Sound(clicks, 8000))[:3]]
    [0.2, 0.7, 1.2]
    """
    step = max(1, round(sound.rate / STEPS))
    onsets = _onsets(sound, step)
    if not onsets.any():
        return []
    second = sound.rate / step
    strengths = onsets - _local_mean(onsets, round(second / 4))
    # beats lie between steps as well as on them
    strengths = np.convolve(np.maximum(strengths, 0), [0.25, 0.5, 0.25], "same")
    strengths /= strengths.std() or 1.0
    period = _period(strengths, second)
    beats = _heard(_track(strengths, period), strengths, period)
    seconds = [float(beat + LEAD) / second for beat in beats]
    return [time for time in seconds if time < sound.seconds]


def _onsets(sound: Sound, step: int) -> Values:
    """Spectral flux: how much the logarithmic spectrum rises with every step, on average."""
    size = WINDOW * step
    window = torch.hann_window(size)
    loudest = max(float(value.abs()) for value in sound.samples.aminmax()) or 1.0
    count = sound.samples.shape[1] // step + 1
    before, parts = torch.zeros(size // 2 + 1), []
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        # a spectrum at every step, its window around it
        begin, end = first * step - size // 2, (last - 1) * step + size // 2
        mono = sound.samples[:, max(0, begin) : end].float().cpu().mean(0) / loudest
        mono = torch.nn.functional.pad(mono, (max(0, -begin), end - max(0, begin) - len(mono)))
        frames = mono.unfold(0, size, step) * window
        spectra = torch.log1p(COMPRESSION * torch.fft.rfft(frames).abs() / (size / 4))
        rises = torch.diff(spectra, dim=0, prepend=before[None])
        parts.append(rises.clamp(min=0).mean(1))
        before = spectra[-1]
    onsets = torch.cat(parts).double().numpy()
    onsets[onsets < FAINT] = 0
    onsets[-WINDOW // 2 :] = 0  # that a sound ends is no onset
    return onsets


def _local_mean(values: Values, reach: int) -> Values:
    """Over `reach` values to both sides, fewer at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    low, high = np.maximum(places - reach, 0), np.minimum(places + reach + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def _period(strengths: Values, second: float) -> float:
    """Steps from one beat to the next: where the onsets are most like themselves, at a tempo that is usual."""
    length = 1 << (2 * len(strengths) - 1).bit_length()
    spectrum = np.fft.rfft(strengths, length)
    likeness = np.fft.irfft(spectrum * spectrum.conj(), length)[: len(strengths)]
    usual = 60 / USUAL * second
    lags = np.arange(math.ceil(60 / FASTEST * second), min(math.floor(60 / SLOWEST * second) + 1, len(strengths)))
    if not len(lags):
        return usual
    weighted = likeness[lags] * np.exp(-0.5 * (np.log2(lags / usual) / OCTAVES) ** 2)
    return float(lags[int(weighted.argmax())]) if weighted.max() > 0 else usual


def _track(strengths: Values, period: float) -> list[int]:
    """The steps of the beats that lie best: at strong onsets, and about a period apart."""
    nearest, farthest = max(1, round(period / 2)), max(2, round(2 * period))
    gaps = np.arange(farthest, nearest - 1, -1)  # the earliest step first
    costs = TIGHTNESS * np.log(gaps / period) ** 2
    scores = np.concatenate([np.zeros(farthest), strengths])  # steps before the first one cost nothing
    previous = np.full(len(scores), -1)
    for place in range(farthest, len(scores)):
        options = scores[place - farthest : place - nearest + 1] - costs
        best = int(options.argmax())
        if options[best] > 0:
            scores[place] += options[best]
            previous[place] = place - gaps[best]
    last = max(farthest, len(scores) - math.ceil(period))
    place = last + int(scores[last:].argmax())
    beats: list[int] = []
    while place >= farthest:
        beats.append(place - farthest)
        place = int(previous[place])
    return beats[::-1]


def _heard(beats: list[int], strengths: Values, period: float) -> list[int]:
    """Without those in silence, which only keep the time: nothing begins at them nor at the offbeats beside them."""
    reach = math.ceil(period * OFFBEAT)
    near = [strengths[max(0, beat - reach) : beat + reach + 1].max() for beat in beats]
    usual = float(np.median([value for value in near if value > 0] or [0.0]))
    return [beat for beat, value in zip(beats, near, strict=True) if value > QUIETEST * usual]
