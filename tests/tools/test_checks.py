"""All checks in one command: what it sets up, what it says of each check, and which exit status it gives."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import chromium
import pytest
from fakes import load_script
from host import CHECKOUT, Host
from js_types import LEFT_OUT
from nodejs import Node

checks = load_script("test")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    """A host of empty folders, for checks that are no checks; no arguments for pytest."""
    folders = [tmp_path / name for name in ("comfyui", "base", "pack", "state")]
    made = Host(folders[0], Path(sys.executable), *folders[1:])
    monkeypatch.setattr(checks, "ensure_host", lambda test_requirements: made)
    monkeypatch.setattr(sys, "argv", ["test.py"])
    monkeypatch.setattr(chromium, "find_browser", lambda python, state: tmp_path / "a browser")
    monkeypatch.setattr(checks, "ensure_node", lambda python, state: None)
    monkeypatch.delenv("ZOOMSTACK_NO_BROWSER", raising=False)
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    return made


def set_checks(monkeypatch: pytest.MonkeyPatch, *codes: str) -> None:
    monkeypatch.setattr(checks, "checks", lambda arguments: [(f"check {n}", ["-c", c]) for n, c in enumerate(codes)])


@pytest.mark.parametrize(
    ("statuses", "first_failure"), [([0, 0], 0), ([0, LEFT_OUT], 0), ([LEFT_OUT, 3, 0, 1], 3), ([1, LEFT_OUT], 1)]
)
def test_every_check_runs_and_the_first_failure_counts(
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    statuses: list[int],
    first_failure: int,
) -> None:
    set_checks(monkeypatch, *(f"import sys; sys.exit({status})" for status in statuses))
    assert checks.main() == first_failure
    said = capsys.readouterr().out.splitlines()
    lines = [line for line in said if line.startswith("--- check") and ": " in line]
    assert len(lines) == len(statuses)
    for line, status in zip(lines, statuses, strict=True):
        assert {0: "passed", LEFT_OUT: "left out"}.get(status, f"failed with status {status}") in line
    notes = [
        f"note: check {n} was left out; see above for the reason." for n, s in enumerate(statuses) if s == LEFT_OUT
    ]
    assert said[len(said) - len(notes) :] == notes


PRINT_BROWSER = f"import os; print('browser:', os.environ.get({chromium.VARIABLE!r}), flush=True)"
PRINT_NODE = "import os; print('node:', os.environ.get('PLAYWRIGHT_NODEJS_PATH'), flush=True)"


def test_the_checks_are_told_the_browser_and_the_node(
    host: Host, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(chromium, "find_node", lambda state: Node(["a node"], []))
    set_checks(monkeypatch, PRINT_BROWSER, PRINT_NODE)
    assert checks.main() == 0
    said = capfd.readouterr().out
    assert f"browser: {tmp_path / 'a browser'}\n" in said and "note: " not in said
    # that of Playwright needs libraries which a bare machine lacks
    assert "node: a node\n" in said


def test_where_there_is_no_browser_the_last_line_says_so(
    host: Host, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fetch(python: Path, state: Path) -> Path:
        raise chromium.NoBrowser("none can be had")

    monkeypatch.setattr(chromium, "find_browser", lambda python, state: None)
    monkeypatch.setattr(chromium, "fetch_browser", fetch)
    set_checks(monkeypatch, PRINT_BROWSER, "print('the tests')")
    assert checks.main() == 0
    said = capfd.readouterr().out
    assert "browser: None\n" in said
    assert said.splitlines()[-1] == "note: the tests in tests/browser were skipped: none can be had"


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        ([], True),
        (["-k", "zoom", "-x"], True),
        (["tests"], True),
        (["tests/core", "tests/browser/test_viewer.py::test_x"], True),
        (["tests/core", "tests/tools/test_files.py"], False),
    ],
)
def test_a_browser_is_only_looked_for_where_a_test_needs_one(
    host: Host, monkeypatch: pytest.MonkeyPatch, arguments: list[str], needed: bool
) -> None:
    asked = []
    monkeypatch.setattr(chromium, "find_browser", lambda python, state: asked.append(state) or host.state)
    monkeypatch.setattr(sys, "argv", ["test.py", *arguments])
    set_checks(monkeypatch, "")
    assert checks.main() == 0
    assert bool(asked) == needed
    asked.clear()
    monkeypatch.setenv("ZOOMSTACK_NO_BROWSER", "1")
    assert checks.main() == 0
    assert not asked


@pytest.mark.parametrize(
    ("arguments", "cores", "processes", "threads"),
    [
        ([], 1, 1, 1),
        ([], 2, 2, 1),
        (["-k", "zoom"], 2, 2, 1),
        (["tests/core", "-x"], 2, 2, 1),
        ([], 16, checks.MOST_WORKERS, 16 // checks.MOST_WORKERS),
        (["tests/core/test_texts.py"], 16, 1, 16),
        (["tests/tools/test_files.py::test_x", "tests/core/test_texts.py"], 2, 1, 2),
    ],
)
def test_folders_of_tests_are_shared_by_processes_with_a_thread_for_every_core(
    host: Host, monkeypatch: pytest.MonkeyPatch, arguments: list[str], cores: int, processes: int, threads: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    said = checks.pytest_arguments(arguments)
    assert ("-n" in said) == (processes > 1)
    assert processes == 1 or said[said.index("-n") + 1] == str(processes)
    asked = checks.pytest_arguments([*arguments, "-n", "0"])
    assert [value for option, value in itertools.pairwise(asked) if option == "-n"][-1] == "0"  # the last one counts
    assert checks.environment(host, arguments)["OMP_NUM_THREADS"] == str(threads)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert checks.environment(host, arguments)["OMP_NUM_THREADS"] == "3"


def test_continuous_integration_runs_that_command_and_nothing_else() -> None:
    lines = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["python3 tools/test.py"]
