"""Resampling at sub-pixel positions: the weights, and the sums that are made with them."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zoomstack_core.video.sheet import BLOCK, Sheet
from zoomstack_core.video.taps import make_taps


@given(st.floats(-300, 300), st.floats(0.05, 20), st.integers(1, 300), st.integers(1, 60))
def test_weights_sum_to_one_and_are_centered(first: float, scale: float, size: int, count: int) -> None:
    taps = make_taps(first, scale, size, 3, 3 + count)
    assert taps.weights.sum(axis=1) == pytest.approx(np.ones(count), abs=1e-5)
    inside = (taps.sources.min(axis=1) > 0) & (taps.sources.max(axis=1) < size - 1)
    centers = (np.arange(3, 3 + count) + 0.5 - first) / scale - 0.5
    found = (taps.sources * taps.weights.astype(np.float64)).sum(axis=1)
    # 0.005 pixels of the frame
    assert found[inside] == pytest.approx(centers[inside], abs=0.005 * max(1 / scale, 0.1))


def test_one_to_one_is_a_copy() -> None:
    taps = make_taps(0.0, 1.0, 40, 0, 40)
    matrix = np.zeros((40, 40))
    np.add.at(matrix, (np.arange(40)[:, None], taps.sources), taps.weights)
    assert matrix == pytest.approx(np.eye(40), abs=1e-7)


@pytest.mark.parametrize("height", [7, BLOCK, 3 * BLOCK + 5])
@pytest.mark.parametrize("scale", [0.4, 1.0, 1.7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sheet_gives_what_the_weights_say(height: int, scale: float, dtype: torch.dtype) -> None:
    image = torch.rand(2, height, 90, dtype=dtype)
    rows = make_taps(-3.3, scale, height, 2, max(3, math.floor(scale * height) - 2))
    columns = make_taps(-1.1, scale, 90, 0, 30)

    def matrix(taps, size):  # type: ignore[no-untyped-def]
        result = torch.zeros(len(taps.sources), size, dtype=torch.float64)
        index, weights = torch.from_numpy(taps.sources).long(), torch.from_numpy(taps.weights).double()
        return result.scatter_add_(1, index, weights)

    expected = matrix(rows, height) @ image.double() @ matrix(columns, 90).T
    sheet = Sheet.of(image)
    plan = sheet.plan(rows, columns)
    for start, stop in ((0, 30), (0, 1), (7, 22)):
        for channel, truth in zip(sheet.sample(plan, start, stop), expected[..., start:stop], strict=True):
            assert channel.dtype == dtype
            torch.testing.assert_close(channel.double(), truth, atol=1e-5, rtol=0)
