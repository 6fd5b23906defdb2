"""Programs of others that the set-up runs: with a limit in time, a progress line, and a log."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from report import Progress, ToolError


def run_logged(
    command: Sequence[str], doing: str, log: Path, seconds: float, environ: Mapping[str, str] | None = None
) -> None:
    """Run ``command`` without a keyboard; its output goes to ``log``.

    Args:
        doing: what to say while it runs.
        seconds: how long it may take.
        environ: variables that it gets beside those of this process.

    Raises:
        ToolError: one line: if it cannot be run, fails or is not done in time.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a+b") as output, Progress() as progress:
        progress.show(doing)
        start = output.seek(0, os.SEEK_END)
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environ or {})},
            )
        except OSError as error:
            raise ToolError(f"{command[0]} cannot be run: {error.strerror}") from None
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ToolError(f"{_name(command)} was not done after {seconds:g} s") from None
        finally:
            _end(process)
        output.seek(start)
        said = output.read().decode("utf-8", errors="replace")
    if status != 0:
        raise ToolError(f"{_name(command)} failed: {reason(said) or f'status {status}'}")


def reason(output: str) -> str:
    """The line of a failed program's output that says why: its last with "error" in it, or the last one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith("E: ") or "error" in line.lower()]
    return (telling or lines or [""])[-1][:160]


def _name(command: Sequence[str]) -> str:
    """The program's own name, with the module or the action that it was started for."""
    words = [Path(command[0]).name, *command[1:]]
    if words[1:2] == ["-m"]:
        words = words[2:]
    return " ".join(words[:2])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what still runs: ask first, since a package manager leaves its work half done when it is killed."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
