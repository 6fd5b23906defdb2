"""All checks: ``python tools/test.py [pytest arguments]`` runs ruff, mypy, tsc and the tests with ComfyUI's Python.

With ``--host VERSION`` (0.27.0, …) only the tests run, on another version of ComfyUI (see host_versions.py).

Gets ComfyUI and the test tools (see host.py), Node.js (see nodejs.py) and a browser (see chromium.py) if they are not
there. All checks run, whatever the ones before say; the exit status is the first one that is not 0. What had to be left
out is said at the end.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import chromium
from host import CHECKOUT, Host, ensure_host
from host_versions import install_version, take_version
from js_types import LEFT_OUT
from nodejs import ensure_node
from report import Stopwatch, ToolError, run, say

TYPED = ("zoomstack_core", "tools")
# A check that hangs must end before a continuous integration service gives up and keeps no output.
LIMIT_MINUTES = 75
# Processes that share the tests. Each can have a ComfyUI, a server with another one, and a browser: up to 6 GB.
MOST_WORKERS = 4


def named_tests(arguments: list[str]) -> list[Path]:
    """The files and folders of tests/ that ``arguments`` for pytest name."""
    files = [(CHECKOUT / argument.split("::")[0]).resolve() for argument in arguments if argument[:1] != "-"]
    return [file for file in files if file.exists() and file.is_relative_to(CHECKOUT.resolve() / "tests")]


def workers(arguments: list[str]) -> int:
    """How many processes share the tests: one per core for folders; single files are not worth the starts."""
    named = named_tests(arguments)
    return 1 if named and not any(path.is_dir() for path in named) else min(os.cpu_count() or 1, MOST_WORKERS)


def pytest_arguments(arguments: list[str]) -> list[str]:
    """``arguments`` for pytest, with the whole of tests/ where they name no test file or folder.

    What stands in ``arguments`` is last, so that ``-n 0`` in them, say for a debugger, is what counts.
    """
    # A file stays in one process, which makes its fixtures once.
    count = workers(arguments)
    shared = ["-n", str(count), "--dist", "loadfile"] if count > 1 else []
    return ["-c", "tests/pytest.ini", *shared, *arguments, *([] if named_tests(arguments) else ["tests"])]


def need_a_browser(arguments: list[str]) -> bool:
    """Whether pytest with ``arguments`` looks into tests/browser."""
    folder = CHECKOUT.resolve() / "tests" / "browser"
    named = named_tests(arguments)
    return not named or any(file.is_relative_to(folder) or folder.is_relative_to(file) for file in named)


def checks(arguments: list[str]) -> list[tuple[str, list[str]]]:
    """The checks: name and arguments for Python."""
    return [
        ("ruff", ["-m", "ruff", "check", "."]),
        ("ruff format", ["-m", "ruff", "format", "--check", "."]),
        ("mypy", ["-m", "mypy", *(folder for folder in TYPED if (CHECKOUT / folder).is_dir())]),
        ("mypy of the pack", [str(CHECKOUT / "tools" / "python_types.py")]),
        ("tsc", [str(CHECKOUT / "tools" / "js_types.py")]),
        ("pytest", ["-m", "pytest", *pytest_arguments(arguments)]),
    ]


def environment(host: Host, arguments: list[str]) -> dict[str, str]:
    """The environment for the tests: where ComfyUI is, and PyTorch's threads in each of the processes.

    More threads than cores wait for each other, and take longer.
    """
    threads = max(1, (os.cpu_count() or 1) // workers(arguments))
    paths = {"COMFYUI_PATH": str(host.comfyui), "COMFYUI_PYTHON": str(host.python)}
    return {"OMP_NUM_THREADS": str(threads), **os.environ, **paths}


def fetch_node(host: Host) -> None:
    """Fetch Node.js if there is none, before Playwright, which can use it, and the checks of js/, which need it."""
    with contextlib.suppress(ToolError):  # said by the check of the types
        ensure_node(host.python, host.state)


def add_browser(host: Host, environ: dict[str, str]) -> list[str]:
    """Tell the tests in ``environ`` which browser to use; where there is none, a line that says why."""
    try:
        found = chromium.find_browser(host.python, host.state) or chromium.fetch_browser(host.python, host.state)
    except chromium.NoBrowser as error:
        return [f"the tests in tests/browser were skipped: {error}"]
    environ[chromium.VARIABLE] = str(found)
    environ.update(chromium.playwright_variables(host.state))
    return []


def run_check(command: list[str], environ: dict[str, str]) -> int:
    """Run one check in the checkout; returns its exit status, 1 where it had to be stopped."""
    try:
        return subprocess.run(command, cwd=CHECKOUT, env=environ, timeout=LIMIT_MINUTES * 60).returncode
    except subprocess.TimeoutExpired:
        say(f"stopped: it was not done after {LIMIT_MINUTES} minutes")
        return 1


def main() -> int:
    version, arguments = take_version(sys.argv[1:])
    host = install_version(version) if version else ensure_host(test_requirements=True)
    environ = environment(host, arguments)
    left_out: list[str] = []
    if environ.get("ZOOMSTACK_NO_BROWSER") != "1":
        fetch_node(host)
        if need_a_browser(arguments):
            left_out += add_browser(host, environ)
    first_failure = 0
    for name, command in checks(arguments):
        if version and name != "pytest":
            continue  # it says the same on every host
        say(f"--- {name}")
        watch = Stopwatch()
        status = run_check([str(host.python), *command], environ)
        outcome = {0: "passed", LEFT_OUT: "left out"}.get(status, f"failed with status {status}")
        say(f"--- {name}: {outcome}, {watch}")
        if status == LEFT_OUT:
            left_out.append(f"{name} was left out; see above for the reason.")
        else:
            first_failure = first_failure or status
    for line in left_out:
        say(f"note: {line}")
    return first_failure


if __name__ == "__main__":
    sys.exit(run(main))
