"""What is kept for later calls is limited in bytes, so that a session of many geometries stays small."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import Tensor

from zoomstack_core import tensor_cache
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.noise import render_noise
from zoomstack_core.method.resample import links_into
from zoomstack_core.tensor_cache import LIMIT, MOST, NEWEST, cache_tensors, held_bytes, size_of

SIZE, MANY = 256, 200  # of about half a megabyte each: well more than may be held


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_cache, "_held", type(tensor_cache._held)())


def bytes_alive() -> int:
    """The memory of all tensors in this process."""
    gc.collect()
    with torch.inference_mode():
        return size_of(tuple(thing for thing in gc.get_objects() if type(thing) is Tensor))


@pytest.mark.parametrize("what", ["links", "noise"])
def test_many_geometries_do_not_pile_up(what: str) -> None:
    before = bytes_alive()
    for n in range(MANY):
        geometry = ZoomGeometry(levels=2, height=SIZE, width=SIZE, zoom_factor=1.5 + n / MANY / 4)
        if what == "links":
            assert links_into(geometry, 1, 1, torch.zeros(1)) is not None
        else:
            render_noise(torch.zeros(2, 1, SIZE, SIZE), geometry)
    assert bytes_alive() - before <= LIMIT + (1 << 20)
    assert 0 < held_bytes() <= LIMIT


def test_what_a_run_asks_for_at_every_step_is_made_once() -> None:
    """Even where the links of one geometry need more than the limit."""
    made = []

    @cache_tensors
    def make(number: int) -> tuple[Tensor, ...]:
        made.append(number)
        return (torch.empty(2 * LIMIT // NEWEST, dtype=torch.uint8),)

    for _ in range(3):
        for number in range(NEWEST):
            make(number)
    assert made == list(range(NEWEST))
    make(NEWEST)
    make(NEWEST - 1)
    assert made == [*range(NEWEST + 1)]
    make(0)
    assert made[-1] == 0


def test_results_without_tensors_are_limited_in_number() -> None:
    made = []

    @cache_tensors
    def make(number: int) -> None:
        made.append(number)

    for number in range(MOST + 1):
        make(number)
    make(MOST)
    assert len(made) == MOST + 1
    make(0)
    assert len(made) == MOST + 2


def test_a_storage_counts_once() -> None:
    tensor = torch.zeros(10, 10)
    assert size_of((tensor, (tensor.T, tensor[:2]), None)) == 400
