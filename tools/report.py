"""How the tools talk: one line per step, a progress line below it, and errors that say what to do."""

from __future__ import annotations

import errno
import io
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType


class ToolError(Exception):
    """Something the user can act on; its text is all that is shown."""


def say(message: str) -> None:
    print(message, flush=True)


class Stopwatch:
    """The time since it was made; as text, ``1 min 15 s``."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def __str__(self) -> str:
        minutes, seconds = divmod(round(self.seconds), 60)
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


class Progress:
    """A line about work in progress with the time elapsed: a context manager that keeps the line fresh.

    On a terminal the line is rewritten in place; in a log file it is repeated every 20 seconds.
    """

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._message = ""
        self._width = 0
        self._watch = Stopwatch()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_fresh, daemon=True)

    def show(self, message: str) -> None:
        """Say what is being done from now on."""
        self._message = message

    def _keep_fresh(self) -> None:
        while not self._ended.wait(0.2 if self._terminal else 20.0):
            line = f"      {self._message} ({self._watch})"[:110]
            if self._terminal:
                print("\r" + line.ljust(self._width), end="", flush=True)
                self._width = len(line)
            else:
                print(line, flush=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._width:
            print("\r" + " " * self._width, end="\r", flush=True)


def run(main: Callable[[], int]) -> int:
    """Run a tool's ``main``; errors that a user can act on become one message and exit status 1.

    A request to end, from the keyboard or from the system, unwinds the tool, so that what it started is ended too.
    """
    # A path may have letters that the terminal's encoding has not.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    try:
        return main()
    except ToolError as error:
        message, status = f"error: {error}", 1
    except KeyboardInterrupt:
        message, status = "stopped; run the same command again to go on", 130
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        message, status = "error: the disk is full. Free some space and run this again; it goes on where it stopped.", 1
    sys.stdout.flush()
    print(message, file=sys.stderr, flush=True)
    return status


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
