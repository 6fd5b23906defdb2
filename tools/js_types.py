"""Type check of js/: ``python tools/js_types.py`` runs TypeScript over the JSDoc types of the front end.

TypeScript and the published types of ComfyUI's front end (25 MB) are fetched by npm into ``.host/js`` of the checkout,
and Node.js with npm where the machine has none (see nodejs.py). Where they cannot be fetched nothing is checked. On a
machine of a developer that is a note, so that the other checks can be used without a network; in continuous integration
(the environment variable CI is set) it is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from files import read_stamp, write_stamp
from host import CHECKOUT
from nodejs import Node, ensure_node
from report import ToolError, run, say

FILES = ("package.json", "package-lock.json")
# The exit status for "nothing was checked", as in GNU's test suites.
LEFT_OUT = 77
INSTALL_SECONDS = 240
CHECK_SECONDS = 240


def install(folder: Path, node: Node) -> bool:
    """Bring TypeScript and the types into ``folder``; False if npm cannot, and then it was said why."""
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
            [*node.npm, "ci", *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
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


def not_checked(why: str) -> int:
    """Say why nothing was checked; the exit status for that."""
    say(f"The types of js/ were NOT checked: {why}")
    if in_continuous_integration():
        say("This is a failure since the environment variable CI is set.")
        return 1
    return LEFT_OUT


def main() -> int:
    if os.environ.get("ZOOMSTACK_NO_BROWSER") == "1":
        say("ZOOMSTACK_NO_BROWSER=1")
        return LEFT_OUT
    state = CHECKOUT / ".host"
    folder = state / "js"
    try:
        node = ensure_node(Path(sys.executable), state)
    except ToolError as error:
        return not_checked(f"there is no Node.js on this machine, and it could not be fetched.\n{error}")
    if not install(folder, node):
        return not_checked("npm could not fetch TypeScript. Check the network and npm's registry.")
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    command = [*node.node, str(compiler), "--project", str(CHECKOUT / "tests" / "js" / "tsconfig.json")]
    return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=CHECK_SECONDS).returncode


if __name__ == "__main__":
    sys.exit(run(main))
