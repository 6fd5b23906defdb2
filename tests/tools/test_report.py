"""How the tools talk."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from fakes import TOOLS


@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0"},
        {"LC_ALL": "C"},
    ],
)
def test_a_path_that_the_terminal_cannot_show_is_no_error(locale: dict[str, str]) -> None:
    code = "import sys, report\n"
    code += "def main():\n    report.say('in Zo\\xe9/\\u65e5\\udcff')\n    raise report.ToolError('no Zo\\xe9/\\u65e5')"
    code += "\nsys.exit(report.run(main))"
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "PYTHONUTF8", "PYTHONIO"))}
    done = subprocess.run([sys.executable, "-c", code], cwd=TOOLS, env={**environ, **locale}, capture_output=True)
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    assert done.stdout.startswith(b"in Zo") and done.stderr.startswith(b"error: no Zo")
