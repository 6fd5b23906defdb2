"""The front end's pure modules, by Node.js's own test runner."""

import os
import subprocess
from pathlib import Path

import pytest
from host import CHECKOUT
from js_types import in_continuous_integration
from nodejs import find_node

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.test.js"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_node_finds_no_fault(file: Path) -> None:
    if os.environ.get("ZOOMSTACK_NO_BROWSER") == "1":
        pytest.skip("ZOOMSTACK_NO_BROWSER=1")
    node = find_node(CHECKOUT / ".host")
    if not node:
        reason = "no Node.js 20 or newer with npm; python tools/test.py fetches it"
        (pytest.fail if in_continuous_integration() else pytest.skip)(reason)
    done = subprocess.run(
        [*node.node, "--test", str(file)], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 0" not in done.stdout
