"""Calls that their caller leaves."""

import threading
import time

import pytest

from zoomstack_core.video import aside as module
from zoomstack_core.video.aside import Aside


def encoders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "zoomstack-encoder"]


def test_results_and_errors_come_back() -> None:
    aside = Aside(lambda: None)
    assert aside(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        aside(divmod, 7, 0)
    with pytest.raises(TimeoutError):  # of the call, not of the waiting
        aside(lambda: (_ for _ in ()).throw(TimeoutError("its own")))
    assert aside(threading.current_thread) is not threading.current_thread()
    aside.leave(lambda: None)


def test_a_call_that_does_not_come_back_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    hanging, cleaned, began = threading.Event(), threading.Event(), time.monotonic()

    def check() -> None:
        raise KeyboardInterrupt

    aside = Aside(check)
    with pytest.raises(KeyboardInterrupt):
        aside(hanging.wait, 60)
    aside.leave(cleaned.set)
    assert time.monotonic() - began < 10
    assert not cleaned.is_set()  # not while the call may still use what is cleaned up
    assert aside.given_up.is_set()
    hanging.set()
    assert cleaned.wait(10)


def test_its_thread_ends() -> None:
    before = len(encoders())
    aside = Aside(lambda: None)
    assert len(encoders()) == before + 1
    aside.leave(lambda: None)
    for thread in encoders():
        thread.join(5)
    assert len(encoders()) <= before
