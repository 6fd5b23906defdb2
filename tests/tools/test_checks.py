"""All checks in one command: what it says of each, and which exit status it gives."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fakes import load_script
from host import Host
from js_types import LEFT_OUT

checks = load_script("test")


@pytest.mark.parametrize(
    ("statuses", "first_failure"), [([0, 0], 0), ([0, LEFT_OUT], 0), ([LEFT_OUT, 3, 0, 1], 3), ([1, LEFT_OUT], 1)]
)
def test_every_check_runs_and_the_first_failure_counts(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    statuses: list[int],
    first_failure: int,
) -> None:
    folders = [tmp_path / name for name in ("comfyui", "base", "pack", "state")]
    host = Host(folders[0], Path(sys.executable), *folders[1:])
    monkeypatch.setattr(checks, "ensure_host", lambda test_requirements: host)
    commands = [(f"check {n}", ["-c", f"import sys; sys.exit({status})"]) for n, status in enumerate(statuses)]
    monkeypatch.setattr(checks, "checks", lambda arguments: commands)
    assert checks.main() == first_failure
    lines = [line for line in capsys.readouterr().out.splitlines() if "check" in line and ": " in line]
    assert len(lines) == len(statuses)
    for line, status in zip(lines, statuses, strict=True):
        assert {0: "passed", LEFT_OUT: "left out"}.get(status, f"failed with status {status}") in line
