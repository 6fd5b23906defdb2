"""Programs that the set-up runs: what is said of one that fails, hangs or is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import commands
import pytest
from report import ToolError


def run(tmp_path: Path, code: str, seconds: float = 60, **environ: str) -> str:
    """The log after a Python program has run."""
    log = tmp_path / "state" / "install.log"
    commands.run_logged([sys.executable, "-c", code], "working", log, seconds, environ)
    return log.read_text(encoding="utf-8")


def test_its_output_goes_into_the_log_and_nothing_can_be_asked(tmp_path: Path) -> None:
    assert run(tmp_path, "import os, sys; print(repr(sys.stdin.read()), os.environ['A'])", A="b").split() == ["''", "b"]
    assert run(tmp_path, "import sys; print('again', file=sys.stderr)").splitlines() == ["'' b", "again"]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            "Reading lists\nE: Unable to locate package chromium\nN: see the manual\n",
            "E: Unable to locate package chromium",
        ),
        ("Error: getaddrinfo ENOTFOUND cdn\n    at x.js:1\n", "Error: getaddrinfo ENOTFOUND cdn"),
        ("first\nlast\n\n", "last"),
        ("x" * 1000, "x" * 160),
        ("", "status 3"),
    ],
)
def test_one_that_fails_is_one_line_with_the_reason(tmp_path: Path, output: str, reason: str) -> None:
    run(tmp_path, "print('E: of the program before')")
    with pytest.raises(ToolError) as error:
        run(tmp_path, f"import sys; print({output!r}); sys.exit(3)")
    assert str(error.value) == f"{Path(sys.executable).name} -c failed: {reason}"


def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"was not done after 0\.5 s"):
        run(tmp_path, "import time; time.sleep(60)", seconds=0.5)


def test_one_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no-such-program cannot be run: No such file"):
        commands.run_logged([str(tmp_path / "no-such-program")], "working", tmp_path / "log", 60)
