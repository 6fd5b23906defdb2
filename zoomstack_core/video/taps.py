"""Resampling along one axis at any scale and sub-pixel offset, as a few taps per output pixel."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Taps(NamedTuple):
    """The source pixels [n, T] that make each of n output pixels, and their weights [n, T]."""

    sources: NDArray[np.int32]
    weights: NDArray[np.float32]

    def part(self, start: int, stop: int) -> Taps:
        return Taps(self.sources[start:stop], self.weights[start:stop])


@lru_cache(maxsize=16)  # rows and columns are often the same
def make_taps(first: float, scale: float, size: int, start: int, stop: int, blur: float = 1.0) -> Taps:
    """The taps of output pixels start … stop - 1 over a row of `size` source pixels. Not to be changed.

    Convention: output pixel j covers [j, j+1); source pixel k covers [first + k · scale, first + (k+1) · scale) of it.
    A magnified row is interpolated (Catmull-Rom), a minified one prefiltered with the same kernel at the width of
    `blur` output pixels. Beyond its edges the source is continued with its last pixel.
    """
    reach = max(1.0, blur / scale)
    centers = (np.arange(start, stop) + (0.5 - first)) / scale - 0.5
    begin = np.floor(centers - 2 * reach) + 1
    # positions need 64 bits, distances of a few pixels do not
    distance = (begin - centers).astype(np.float32)[:, None] + np.arange(math.ceil(4 * reach), dtype=np.float32)
    weights = _catmull_rom(distance / np.float32(reach))
    weights /= weights.sum(axis=1, keepdims=True)
    if reach > 1:
        # a widened kernel is off its center by a few hundredths of a pixel, which would jitter: the two middle pixels
        # make up for it
        off = (weights * distance).sum(axis=1)
        each, middle = np.arange(len(centers)), (np.floor(centers) - begin).astype(np.intp)
        weights[each, middle] += off
        weights[each, middle + 1] -= off
    sources = begin.astype(np.int32)[:, None] + np.arange(distance.shape[1], dtype=np.int32)
    return Taps(sources.clip(0, size - 1), weights)


def _catmull_rom(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The interpolating cubic of Catmull and Rom (Keys, a = -1/2), 0 beyond 2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((2.5 - 0.5 * x) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, np.float32(0)))
