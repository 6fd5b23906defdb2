"""What the type check of js/ needs, and what it says where that is missing."""

from pathlib import Path

import js_types
import pytest
from report import ToolError


def test_a_missing_program_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ZOOMSTACK_NO_BROWSER", raising=False)
    with pytest.raises(ToolError, match="needs node, .* sudo apt install nodejs npm"):
        js_types.main()


def test_it_can_be_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ZOOMSTACK_NO_BROWSER", "1")
    assert js_types.main() == 0


def test_npm_that_fails_is_no_check_and_leaves_no_stamp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "npm").write_text("#!/bin/sh\necho no registry >&2\nexit 1\n")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    folder = tmp_path / "js"
    assert not js_types.install(folder)
    assert not (folder / "zoomstack.stamp").exists()
