"""An image that is resampled over and over, stored for it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange, repeat
from numpy.typing import NDArray
from torch import Tensor

from .taps import Taps

# Pixels that are read in one piece. The code that ``embedding_bag`` compiles for a length of rows is kept for good, at
# about 0.1 MB, so there are few lengths: this one, and for the second sum multiples of UNIT columns. It copies a table
# that is not in one piece, so there are no parts of tables.
BLOCK = 128
UNIT = 32


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
        channels, height, width: of the image, which is black until it is written.
        dtype: float32 or float64.
        device: where to keep it.
    """

    def __init__(self, channels: int, height: int, width: int, dtype: torch.dtype, device: torch.device):
        self.channels, self.height, self.width = channels, height, width
        self.dtype, self.device = dtype, device
        self._pieces = -(-height // BLOCK)
        self._tables = torch.zeros(channels, width * self._pieces, BLOCK, dtype=dtype, device=device)

    @classmethod
    def of(cls, image: Tensor) -> Sheet:
        """The sheet of an image [C, H, W]."""
        channels, height, width = image.shape
        sheet = cls(channels, height, width, image.dtype, image.device)
        sheet.write(0, image)
        return sheet

    def write(self, top: int, band: Tensor) -> None:
        """Fills the rows from `top` on with a band [C, rows, W] of the image."""
        columns = self._tables.view(self.channels, self.width, -1)
        columns[:, :, top : top + band.shape[1]] = rearrange(band, "channels rows columns -> channels columns rows")

    def plan(self, rows: Taps, columns: Taps) -> Plan:
        """How to ``sample`` these rows and columns."""
        first, last = int(rows.sources[0, 0]) // BLOCK, int(rows.sources[-1, -1]) // BLOCK + 1
        count, taps = last - first, columns.sources.shape[-1]
        # one bag for every column and piece; NumPy is fast along long rows only
        pieces = np.arange(first, last, dtype=np.int32).repeat(taps)
        # the last column is repeated, so that any range can be made longer
        padded = np.arange(len(columns.sources) + UNIT - 1).clip(max=len(columns.sources) - 1)
        first_pieces = columns.sources[padded] * np.int32(self._pieces)
        sources = repeat(first_pieces, "columns taps -> columns (pieces taps)", pieces=count) + pieces
        weights = repeat(columns.weights[padded], "columns taps -> (columns pieces) taps", pieces=count)
        across = self._bags(sources.reshape(-1, taps), weights)
        return Plan(count, taps, across, self._bags(rows.sources - first * BLOCK, rows.weights))

    def sample(self, plan: Plan, start: int, stop: int) -> list[Tensor]:
        """Every channel at all the rows of a plan and at its columns start … stop - 1."""
        count = stop - start
        length = -(-count // UNIT) * UNIT
        across, bags = plan.across, slice(start * plan.pieces, (start + length) * plan.pieces)
        taps = slice(bags.start * plan.taps, bags.stop * plan.taps)
        wide = Bags(across.rows[taps], across.weights[taps], across.starts[: bags.stop - bags.start])
        sums = (plan.down.sums(_turned(wide.sums(table).view(length, -1))) for table in self._tables)
        return [channel[:, :count] for channel in sums]

    def _bags(self, sources: NDArray[np.int32], weights: NDArray[np.float32]) -> Bags:
        return Bags(
            torch.from_numpy(sources.ravel()).to(self.device),
            torch.from_numpy(weights.ravel()).to(self.device, self.dtype),
            _multiples(*sources.shape).to(self.device),
        )


def _turned(table: Tensor) -> Tensor:
    """The transpose [n, m] of a table [m, n], in one piece.

    On the CPU shuffling the channels of a single pixel that lies channels-last is just that, and three times as fast as
    copying a transposed view.
    """
    if table.device.type != "cpu":
        return table.T.contiguous()
    pixel = table.reshape(1, 1, 1, -1).permute(0, 3, 1, 2)
    return torch.channel_shuffle(pixel, len(table)).reshape(table.shape[::-1])


@lru_cache(maxsize=64)
def _multiples(count: int, step: int) -> Tensor:
    with torch.inference_mode(False), torch.device("cpu"):  # what is cached must serve every later caller
        return torch.arange(0, count * step, step, dtype=torch.int32)
