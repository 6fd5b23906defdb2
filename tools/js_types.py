"""Type check of js/: ``python tools/js_types.py`` runs TypeScript over the JSDoc types of the front end.

TypeScript and the published types of ComfyUI's front end (25 MB) are fetched by npm into ``.host/js`` of the checkout.
Where npm cannot fetch them nothing is checked. On a machine of a developer that is a note, so that the other checks can
be used without a network; in continuous integration (the environment variable CI is set) it is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from files import read_stamp, write_stamp
from host import CHECKOUT
from report import ToolError, run, say

FILES = ("package.json", "package-lock.json")
# The exit status for "nothing was checked", as in GNU's test suites.
LEFT_OUT = 77
INSTALL_SECONDS = 240
CHECK_SECONDS = 240


def program(name: str) -> str:
    """The path of a program of Node.js; ToolError where it is missing."""
    found = shutil.which(name)
    if not found:
        raise ToolError(
            f"The type check of js/ needs {name}, which is not on the path. On Debian and Ubuntu: sudo apt install "
            "nodejs npm. To leave it out: ZOOMSTACK_NO_BROWSER=1."
        )
    return found


def install(folder: Path) -> bool:
    """Bring TypeScript and the types into ``folder``; False if the package registry does not answer.

    Raises:
        ToolError: if npm is missing.
    """
    wanted = (CHECKOUT / FILES[1]).read_text(encoding="utf-8")
    stamp = folder / "zoomstack.stamp"
    if read_stamp(stamp) == wanted:
        return True
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(CHECKOUT / name, folder / name)
    # The types name Vue as a peer, which the check does not read.
    options = ["--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--fetch-retries=1"]
    try:
        done = subprocess.run(
            [program("npm"), "ci", *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        say(f"npm was not done after {INSTALL_SECONDS} s")
        return False
    if done.returncode != 0:
        say(done.stderr.strip()[-800:])
        return False
    write_stamp(stamp, wanted)
    return True


def in_continuous_integration() -> bool:
    """Whether the environment variable CI is set, as continuous integration services do."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def main() -> int:
    if os.environ.get("ZOOMSTACK_NO_BROWSER") == "1":
        say("ZOOMSTACK_NO_BROWSER=1")
        return LEFT_OUT
    folder = CHECKOUT / ".host" / "js"
    node = program("node")
    if not install(folder):
        say("The types of js/ were NOT checked: npm could not fetch TypeScript. Check the network and npm's registry.")
        if in_continuous_integration():
            say("This is a failure since the environment variable CI is set.")
            return 1
        return LEFT_OUT
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    command = [node, str(compiler), "--project", str(CHECKOUT / "tests" / "js" / "tsconfig.json")]
    return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=CHECK_SECONDS).returncode


if __name__ == "__main__":
    sys.exit(run(main))
