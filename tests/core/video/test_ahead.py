"""work_ahead: in order, a few ahead, in other threads, and over when it is closed."""

import threading
import time
from contextlib import closing

import pytest
import torch

from zoomstack_core.video.ahead import work_ahead


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 20])
def test_every_item_comes_once_and_in_order(workers: int, count: int) -> None:
    def square(k: int) -> int:
        time.sleep(0.002 * (k % 3))
        return k * k

    assert list(work_ahead(square, range(count), workers)) == [k * k for k in range(count)]


@pytest.mark.parametrize("workers", [1, 2])
def test_it_works_a_few_ahead_and_no_more(workers: int) -> None:
    begun: list[int] = []
    with closing(work_ahead(begun.append, range(50), workers)) as results:
        for k, _ in enumerate(results):
            time.sleep(0.01)
            assert len(begun) <= k + 2 + workers
    assert begun == list(range(50)) or workers > 1


def test_other_threads_work_alone_and_this_one_as_before() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        results = list(work_ahead(lambda k: (threading.get_ident(), torch.get_num_threads()), range(6), 2))
        assert {threads for _, threads in results} == {1}
        assert threading.get_ident() not in {ident for ident, _ in results}
        assert torch.get_num_threads() == 2
        later: list[int] = []
        thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
        thread.start()
        thread.join(10)
        assert later == [2]
    finally:
        torch.set_num_threads(before)


def test_an_error_comes_when_its_turn_comes() -> None:
    def fail(k: int) -> int:
        if k == 3:
            raise ArithmeticError("three")
        return k

    results = work_ahead(fail, range(9), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ArithmeticError, match="three"):
        next(results)


def test_closing_it_ends_the_work() -> None:
    begun: list[int] = []
    results = work_ahead(begun.append, range(1000), 1)
    next(results)
    results.close()  # type: ignore[attr-defined]
    count = len(begun)
    assert count <= 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("zoomstack-frames")]
    assert len(begun) == count
