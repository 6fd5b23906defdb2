"""Calls that may take long, or for ever, and that their caller must be able to leave."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, TypeVar

logger = logging.getLogger("zoomstack")

R = TypeVar("R")

CHECK_EVERY = 0.2  # seconds
PATIENCE = 1.0  # seconds that a call which is no longer wanted has to end


class Aside:
    """Makes calls one after the other in a thread of its own, while the caller's thread waits and looks about.

    Encoders take what they need for a frame, and a few have stopped for good; Python cannot end a thread that is in
    one. So the caller goes its way, and the thread cleans up when the call comes back.

    Args:
        check: called a few times a second while a call runs; what it raises ends the waiting.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self.given_up = Event()
        self._check = check
        self._calls: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None] = SimpleQueue()
        Thread(target=self._work, name="zoomstack-encoder", daemon=True).start()

    def __call__(self, function: Callable[..., R], *arguments: Any) -> R:
        """function(*arguments), and what it raises."""
        future = self._put(function, *arguments)
        while not wait([future], CHECK_EVERY).done:
            self._check()
        return future.result()

    def leave(self, last: Callable[[], object]) -> None:
        """Makes a last call, at once or when the one that still runs has come back, and ends the thread. An error of
        it is logged: it is called because of another one, or because all is done."""
        self.given_up.set()
        future = self._put(last)
        self._calls.put(None)
        if not wait([future], PATIENCE).done:
            logger.warning("an encoder is still at work; it is left to itself")
        elif error := future.exception():
            logger.debug("while leaving an encoder: %s", error)

    def _put(self, function: Callable[..., R], *arguments: Any) -> Future[R]:
        future: Future[R] = Future()
        self._calls.put((future, function, arguments))
        return future

    def _work(self) -> None:
        while call := self._calls.get():
            future, function, arguments = call
            try:
                future.set_result(function(*arguments))
            except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
                future.set_exception(error)
