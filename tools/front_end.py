"""The tests of the page on another front end: ``python tools/front_end.py 1.58.1 [arguments of test.py]``.

Gets that version of ComfyUI's front end into ``.host/front_end/``; the one that ComfyUI itself requires stays as it is.
Without more arguments the tests in tests/browser run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import environment
from host import CHECKOUT, Host, Step, ensure_host, run_steps
from report import ToolError, run

PACKAGE = "comfyui-frontend-package"
VARIABLE = "ZOOMSTACK_FRONT_END"
"""The environment variable that tells tests/browser which folder to serve."""


def front_end_step(host: Host, version: str) -> Step:
    """How to get a front end; its files are in `front_end_folder` then."""
    folder, requirement = host.state / "front_end" / version, f"{PACKAGE}=={version}"

    def get() -> None:
        environment.install_aside(host.python, requirement, folder, host.state / "install.log")

    return Step(f"front end {version}", folder / "zoomstack.stamp", requirement, get)


def front_end_folder(host: Host, version: str) -> Path:
    return host.state / "front_end" / version / "comfyui_frontend_package" / "static"


def main() -> int:
    version, *arguments = sys.argv[1:] or [""]
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ToolError(f"{version!r} is no version of the front end; expected one such as 1.58.1.")
    host = ensure_host(test_requirements=True)
    run_steps([front_end_step(host, version)])
    environ = {**os.environ, VARIABLE: str(front_end_folder(host, version))}
    tests = [sys.executable, str(CHECKOUT / "tools" / "test.py"), *(arguments or ["tests/browser"])]
    return subprocess.run(tests, env=environ).returncode


if __name__ == "__main__":
    sys.exit(run(main))
