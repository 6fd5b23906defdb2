"""A sound for a video: its samples, made as long as the video without a copy of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from ..errors import ArgumentError, shown

LONGEST_FADE = 0.5  # seconds
MOST_CHANNELS = 8
RATES = (1000, 768_000)  # samples per second
# Loud music goes a little beyond 1, which is cut off; samples of 16 bits that were not divided go far beyond.
LOUDEST = 32.0


@dataclass(frozen=True, eq=False)
class Sound:
    """Samples of all channels, and how many of them are heard.

    Args:
        samples: [channels, time], floating-point, mostly within -1 … 1; 1 to 8 channels, at least one sample.
        rate: samples per second, 1000 to 768000.
        length: samples that are heard: more than there are end in silence, fewer with a fade-out. None: all.

    Raises:
        ArgumentError: a ValueError, for anything else.

    >>> from fractions import Fraction
    >>> import torch
    >>> from zoomstack_core import Sound
    >>> Sound(torch.ones(2, 48000), 48000).fitted(Fraction(3, 2)).part(47999, 48001)[0].tolist()
    [1.0, 0.0]
    """

    samples: Tensor
    rate: int
    length: int | None = None

    def __post_init__(self) -> None:
        samples, rate = self.samples, self.rate
        if isinstance(rate, bool) or not isinstance(rate, int) or not RATES[0] <= rate <= RATES[1]:
            raise ArgumentError("rate", shown(rate), f"{RATES[0]} to {RATES[1]} samples per second, a whole number")
        if samples.ndim != 2 or not samples.numel() or not samples.is_floating_point():
            raise ArgumentError("samples", shown(samples), "floating-point samples [channels, time], not empty")
        if samples.shape[0] > MOST_CHANNELS:
            raise ArgumentError("samples", f"has {samples.shape[0]} channels", f"at most {MOST_CHANNELS}")
        least, most = (float(value) for value in samples.aminmax())  # NaN if one of them is
        if not math.isfinite(most - least):
            raise ArgumentError("samples", "holds NaN or infinity", "finite samples from -1 to 1")
        if max(most, -least) > LOUDEST:
            found = f"has values from {least:g} to {most:g}"
            raise ArgumentError("samples", found, "samples from -1 to 1: divide 16-bit values by 32768")

    @property
    def seconds(self) -> Fraction:
        """How long it is heard."""
        return Fraction(self._heard, self.rate)

    def fitted(self, seconds: Fraction) -> Sound:
        """The same sound heard for this long."""
        return replace(self, length=round(seconds * self.rate))

    def part(self, begin: int, end: int) -> Tensor:
        """Samples [channels, end - begin] as they are heard, float32 in [-1, 1] on the CPU."""
        there = self.samples[:, begin : min(end, self._heard)].float().cpu().clamp(-1, 1)
        fade = self._fade
        if fade and begin + there.shape[1] > self._heard - fade:
            left = self._heard - torch.arange(begin, begin + there.shape[1], dtype=torch.float64)
            there = there * (left / fade).clamp(0, 1).float()
        return torch.nn.functional.pad(there, (0, end - begin - there.shape[1]))

    @property
    def _heard(self) -> int:
        return self.samples.shape[1] if self.length is None else self.length

    @property
    def _fade(self) -> int:
        """Samples of the fade-out: no more than what is cut off, so that rounding does not cause one."""
        cut = self.samples.shape[1] - self._heard
        return max(0, min(cut, round(LONGEST_FADE * self.rate), self._heard))
