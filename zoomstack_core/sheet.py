"""An image that is resampled over and over, stored for it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from .taps import Taps

# Pixels that are read in one piece. The code that ``embedding_bag`` compiles for a length of rows is kept for good, so
# there is one length only; and it copies a table that is not in one piece, so there are no parts of tables.
BLOCK = 128


class Bags(NamedTuple):
    """Weighted sums of rows of a table as ``embedding_bag`` takes them: rows and weights of one bag after the other."""

    rows: Tensor
    weights: Tensor
    starts: Tensor

    def sums(self, table: Tensor) -> Tensor:
        """[bags, length of the rows]"""
        return torch.embedding_bag(table, self.rows, self.starts, False, 0, False, self.weights)[0]


class Plan(NamedTuple):
    """How rows and columns are sampled: how many pieces of rows are read, taps per column, and the two sums."""

    pieces: int
    taps: int
    across: Bags
    down: Bags


class Sheet:
    """Channels of one image, by columns, in pieces of a fixed length.

    A weighted sum of rows is what ``embedding_bag`` computes, in one pass over the memory and at the speed of the
    cache as long as its results are small. So columns are combined while they are rows; turning the result over costs
    less than a product with a matrix.

    Args:
        image: [C, H, W], float32 or float64.
    """

    def __init__(self, image: Tensor):
        self.channels, self.height, self.width = image.shape
        self.device, self.dtype = image.device, image.dtype
        self._pieces = -(-self.height // BLOCK)
        columns = pad(image.transpose(1, 2), (0, self._pieces * BLOCK - self.height))
        self._tables = columns.reshape(self.channels, -1, BLOCK)

    def plan(self, rows: Taps, columns: Taps) -> Plan:
        """How to ``sample`` these rows and columns."""
        first, last = int(rows.sources[0, 0]) // BLOCK, int(rows.sources[-1, -1]) // BLOCK + 1
        pieces = np.arange(first, last, dtype=np.int32)
        sources = columns.sources[:, None] * np.int32(self._pieces) + pieces[:, None]
        weights = columns.weights[:, None].repeat(last - first, axis=1)
        taps = sources.shape[-1]
        across = self._bags(sources.reshape(-1, taps), weights.reshape(-1, taps))
        return Plan(last - first, taps, across, self._bags(rows.sources - first * BLOCK, rows.weights))

    def sample(self, plan: Plan, start: int, stop: int) -> list[Tensor]:
        """Every channel at all the rows of a plan and at its columns start … stop - 1."""
        across, bags = plan.across, slice(start * plan.pieces, stop * plan.pieces)
        taps = slice(bags.start * plan.taps, bags.stop * plan.taps)
        wide = Bags(across.rows[taps], across.weights[taps], across.starts[: bags.stop - bags.start])
        return [plan.down.sums(wide.sums(table).view(stop - start, -1).T.contiguous()) for table in self._tables]

    def _bags(self, sources: NDArray[np.int32], weights: NDArray[np.float32]) -> Bags:
        return Bags(
            torch.from_numpy(sources.ravel()).to(self.device),
            torch.from_numpy(weights.ravel()).to(self.device, self.dtype),
            _multiples(*sources.shape).to(self.device),
        )


@lru_cache(maxsize=64)
def _multiples(count: int, step: int) -> Tensor:
    with torch.inference_mode(False), torch.device("cpu"):  # what is cached must serve every later caller
        return torch.arange(0, count * step, step, dtype=torch.int32)
