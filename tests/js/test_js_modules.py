"""The front end's pure modules, by Node.js's own test runner."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.test.js"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_node_finds_no_fault(file: Path) -> None:
    if os.environ.get("ZOOMSTACK_NO_BROWSER") == "1":
        pytest.skip("ZOOMSTACK_NO_BROWSER=1")
    node = shutil.which("node")
    if not node:
        pytest.fail(
            "The tests of js/ need Node.js 20 or newer, and there is no node on the path. On Debian and Ubuntu: "
            "sudo apt install nodejs. To leave them out: ZOOMSTACK_NO_BROWSER=1.",
            pytrace=False,
        )
    done = subprocess.run(
        [node, "--test", str(file)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 0" not in done.stdout
