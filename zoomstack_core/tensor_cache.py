"""Results with tensors, kept for later calls within a limit of memory and not only of number.

What is made for a geometry of small latents takes kilobytes and for one of large images megabytes, so a limit of number
alone would let a session of many geometries grow by gigabytes.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import ParamSpec, TypeVar

from torch import Tensor, UntypedStorage

P = ParamSpec("P")
T = TypeVar("T")

LIMIT = 64 << 20
"""Bytes held by all caches together."""
NEWEST, MOST = 64, 1024
"""So many results stay whatever their size, as a run asks for all links of its geometry at every step; and no more than
so many, however small."""

_held: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
_lock = threading.Lock()


def cache_tensors(make: Callable[P, T]) -> Callable[P, T]:
    """As ``functools.lru_cache``, for a function of hashable arguments whose result holds tensors."""

    @functools.wraps(make)
    def cached(*args: P.args, **kwargs: P.kwargs) -> T:
        key = (make, args, *kwargs.items())
        with _lock:
            if key in _held:
                _held.move_to_end(key)
                return _held[key][0]  # type: ignore[return-value]
        result = make(*args, **kwargs)
        with _lock:
            _held[key] = result, size_of(result)
            _let_go()
        return result

    return cached


def held_bytes() -> int:
    """The memory that the caches hold."""
    with _lock:
        return sum(size for _, size in _held.values())


def size_of(result: object) -> int:
    """The bytes of the tensors in nested tuples, each storage counted once."""
    storages: dict[int, UntypedStorage] = {}  # by identity: not every tensor says where its data lie
    pending = [result]
    while pending:
        part = pending.pop()
        if isinstance(part, Tensor):
            storage = part.untyped_storage()
            storages[id(storage)] = storage
        elif isinstance(part, tuple):
            pending.extend(part)
    return sum(storage.nbytes() for storage in storages.values())


def _let_go() -> None:
    total = sum(size for _, size in _held.values())
    while len(_held) > MOST or (total > LIMIT and len(_held) > NEWEST):
        _, (_, size) = _held.popitem(last=False)
        total -= size
