"""All checks: ``python tools/test.py [pytest arguments]`` runs ruff, mypy, tsc and the tests with ComfyUI's Python.

With ``--host VERSION`` (0.27.0, …) only the tests run, on another version of ComfyUI (see host_versions.py).
Gets ComfyUI and the test tools if they are not there (see host.py). All of them run, whatever the ones before say; the
exit status is the first one that is not 0.
"""

from __future__ import annotations

import os
import subprocess
import sys

from host import CHECKOUT, Host, ensure_host
from host_versions import install_version, take_version
from js_types import LEFT_OUT
from report import Stopwatch, run, say

TYPED = ("zoomstack_core", "tools")
# A check that hangs must end before a continuous integration service gives up and keeps no output.
LIMIT_MINUTES = 70


def pytest_arguments(arguments: list[str]) -> list[str]:
    """``arguments`` for pytest, with the whole of tests/ where they name no test file or folder."""
    files = [(CHECKOUT / argument.split("::")[0]).resolve() for argument in arguments if argument[:1] != "-"]
    names_tests = any(file.exists() and file.is_relative_to(CHECKOUT.resolve() / "tests") for file in files)
    return ["-c", "tests/pytest.ini", *arguments, *([] if names_tests else ["tests"])]


def checks(arguments: list[str]) -> list[tuple[str, list[str]]]:
    """The checks: name and arguments for Python."""
    return [
        ("ruff", ["-m", "ruff", "check", "."]),
        ("mypy", ["-m", "mypy", *(folder for folder in TYPED if (CHECKOUT / folder).is_dir())]),
        ("tsc", [str(CHECKOUT / "tools" / "js_types.py")]),
        ("pytest", ["-m", "pytest", *pytest_arguments(arguments)]),
    ]


def environment(host: Host) -> dict[str, str]:
    """The environment for the tests, which says where ComfyUI is."""
    return {**os.environ, "COMFYUI_PATH": str(host.comfyui), "COMFYUI_PYTHON": str(host.python)}


def run_check(command: list[str], environ: dict[str, str]) -> int:
    """Run one check in the checkout; returns its exit status, 1 where it had to be stopped."""
    try:
        return subprocess.run(command, cwd=CHECKOUT, env=environ, timeout=LIMIT_MINUTES * 60).returncode
    except subprocess.TimeoutExpired:
        say(f"stopped: it was not done after {LIMIT_MINUTES} minutes")
        return 1


def main() -> int:
    version, given = take_version(sys.argv[1:])
    host = install_version(version) if version else ensure_host(test_requirements=True)
    first_failure = 0
    for name, arguments in checks(given):
        if version and name != "pytest":
            continue  # it says the same on every host
        say(f"--- {name}")
        watch = Stopwatch()
        status = run_check([str(host.python), *arguments], environment(host))
        outcome = {0: "passed", LEFT_OUT: "left out"}.get(status, f"failed with status {status}")
        say(f"--- {name}: {outcome}, {watch}")
        if status != LEFT_OUT:
            first_failure = first_failure or status
    return first_failure


if __name__ == "__main__":
    sys.exit(run(main))
