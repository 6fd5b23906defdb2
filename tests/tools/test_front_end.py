"""The tests of the page on another front end: what is fetched, and what the tests are told."""

from __future__ import annotations

import sys
from pathlib import Path

import environment
import pytest
from fakes import load_script
from host import Host
from report import ToolError

front_end = load_script("front_end")


def test_a_version_is_fetched_once_and_the_tests_get_its_folder(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    host = Host(*(tmp_path / name for name in ("comfyui", "python", "base", "pack", "state")))
    fetched: list[str] = []

    def install_aside(python: Path, requirement: str, folder: Path, log: Path) -> None:
        fetched.append(requirement)
        folder.mkdir(parents=True)

    monkeypatch.setattr(environment, "install_aside", install_aside)
    monkeypatch.setattr(front_end, "ensure_host", lambda test_requirements: host)
    monkeypatch.setattr(front_end, "CHECKOUT", tmp_path)
    (tmp_path / "tools").mkdir()
    script = "import os, sys; print(sys.argv[1:], os.environ['ZOOMSTACK_FRONT_END']); sys.exit(3)"
    (tmp_path / "tools" / "test.py").write_text(script, encoding="utf-8")
    folder = host.state / "front_end" / "1.58.1" / "comfyui_frontend_package" / "static"
    for given, expected in ((["-k", "viewer"], ["-k", "viewer"]), ([], ["tests/browser"])):
        monkeypatch.setattr(sys, "argv", ["front_end.py", "1.58.1", *given])
        assert front_end.main() == 3
        assert f"{expected} {folder}" in capfd.readouterr().out
    assert fetched == ["comfyui-frontend-package==1.58.1"]


@pytest.mark.parametrize("arguments", [[], ["newest"], ["1.58"], ["../1.2.3"], ["tests/browser"]])
def test_what_is_no_version_is_refused(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["front_end.py", *arguments])
    with pytest.raises(ToolError, match="expected one such as 1.58.1"):
        front_end.main()
