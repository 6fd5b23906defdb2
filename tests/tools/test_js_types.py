"""What the type check of js/ needs, and what it says where that is missing."""

import shutil
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
    assert js_types.main() == js_types.LEFT_OUT


@pytest.fixture
def no_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout and the programs of Node.js on a machine where npm cannot reach its registry; gives the checkout."""
    programs, checkout = tmp_path / "programs", tmp_path / "checkout"
    programs.mkdir()
    checkout.mkdir()
    for name in ("node", "npm"):
        (programs / name).write_text(f"#!/bin/sh\necho {name}: no registry >&2\nexit 1\n")
        (programs / name).chmod(0o755)
    for name in js_types.FILES:
        shutil.copyfile(js_types.CHECKOUT / name, checkout / name)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(js_types, "CHECKOUT", checkout)
    monkeypatch.delenv("ZOOMSTACK_NO_BROWSER", raising=False)
    return checkout


def test_npm_that_fails_is_no_check_and_leaves_no_stamp(no_registry: Path) -> None:
    assert not js_types.install(no_registry / "js")
    assert not (no_registry / "js" / "zoomstack.stamp").exists()


@pytest.mark.parametrize(("ci", "status"), [(None, 77), ("", 77), ("false", 77), ("true", 1), ("1", 1)])
def test_types_that_were_not_checked_are_a_failure_in_continuous_integration(
    no_registry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ci: str | None, status: int
) -> None:
    monkeypatch.delenv("CI", raising=False)
    if ci is not None:
        monkeypatch.setenv("CI", ci)
    assert js_types.main() == status
    said = capsys.readouterr().out
    assert "npm: no registry" in said and "were NOT checked: npm could not fetch TypeScript" in said
    assert ("failure since the environment variable CI is set" in said) == (status == 1)
