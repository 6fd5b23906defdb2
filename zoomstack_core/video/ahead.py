"""Working ahead: frames are rendered while the ones before them are encoded."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from threading import Barrier
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

# Cores for each thread that renders, since encoders keep the others busy, and the most of such threads.
CORES_PER_WORKER = 4
MOST_WORKERS = 3


def work_ahead(function: Callable[[T], R], items: Sequence[T], workers: int | None = None) -> Generator[R, None, None]:
    """function(item) of every item in order, computed in other threads, at most ``workers`` + 1 results ahead.

    Close the iterator to stop early: what is not begun is dropped.

    Args:
        function: may be called in several threads at once if there are several workers.
        items: what to call it with.
        workers: threads; by default one for every 4 processor cores, at most 3.

    Raises:
        Exception: the first one that the function raised, when its turn comes.
    """
    workers = workers or min(max(1, (os.cpu_count() or 1) // CORES_PER_WORKER), MOST_WORKERS)
    workers = min(workers, len(items))
    if not workers:
        return
    # PyTorch has a number of threads for every thread that calls it, and a global one for those that it meets later. A
    # worker alone is faster by itself: threads that wait for each other take the processor from the encoder.
    threads, ready = torch.get_num_threads(), Barrier(workers + 1)

    def use_one_thread() -> None:
        torch.get_num_threads()  # what PyTorch does first in a thread is to take over the global number
        torch.set_num_threads(1)
        ready.wait()

    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(workers, "zoomstack-frames", use_one_thread)
    rest = iter(items)

    def submit(count: int) -> None:
        waiting.extend(pool.submit(_call, function, item) for item in islice(rest, count))

    try:
        submit(workers)
        ready.wait()
        torch.set_num_threads(threads)
        submit(1)
        while waiting:
            result = waiting.popleft().result()
            submit(1)
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@torch.inference_mode()
def _call(function: Callable[[T], R], item: T) -> R:
    return function(item)
