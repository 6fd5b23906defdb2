"""What the type check of js/ needs, and what it says where that is missing."""

import shutil
from pathlib import Path

import environment
import js_types
import pytest
from nodejs import Node
from report import ToolError


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout on a machine without a Node.js."""
    folder, empty = tmp_path / "checkout", tmp_path / "empty"
    folder.mkdir()
    empty.mkdir()
    for name in js_types.FILES:
        shutil.copyfile(js_types.CHECKOUT / name, folder / name)
    monkeypatch.setattr(js_types, "CHECKOUT", folder)
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.delenv("ZOOMSTACK_NO_BROWSER", raising=False)
    return folder


@pytest.fixture
def npm_fails(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs of Node.js on a machine where npm cannot reach its registry."""
    for name, script in (("node", "echo v20.0.0"), ("npm", "echo npm: no registry >&2; exit 1")):
        (tmp_path / "empty" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "empty" / name).chmod(0o755)


@pytest.fixture
def no_node(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package registry that does not bring Node.js either."""

    def install(*_: object) -> None:
        raise ToolError("The package registry cannot be reached.")

    monkeypatch.setattr(environment, "install_aside", install)


def test_it_can_be_left_out(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOOMSTACK_NO_BROWSER", "1")
    assert js_types.main() == js_types.LEFT_OUT


def test_npm_that_fails_is_no_check_and_leaves_no_stamp(npm_fails: None, checkout: Path, tmp_path: Path) -> None:
    node = Node([str(tmp_path / "empty" / "node")], [str(tmp_path / "empty" / "npm")])
    assert not js_types.install(checkout / "js", node)
    assert not (checkout / "js" / "zoomstack.stamp").exists()


@pytest.mark.parametrize(("ci", "status"), [(None, 77), ("", 77), ("false", 77), ("true", 1), ("1", 1)])
@pytest.mark.parametrize(
    ("missing", "message"),
    [("npm_fails", "npm could not fetch TypeScript"), ("no_node", "there is no Node.js on this machine")],
)
def test_types_that_were_not_checked_are_a_failure_in_continuous_integration(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    missing: str,
    message: str,
    ci: str | None,
    status: int,
) -> None:
    request.getfixturevalue(missing)
    monkeypatch.delenv("CI", raising=False)
    if ci is not None:
        monkeypatch.setenv("CI", ci)
    assert js_types.main() == status
    said = capsys.readouterr().out
    assert f"were NOT checked: {message}" in said
    assert ("no registry" if missing == "npm_fails" else "registry cannot be reached") in said
    assert ("failure since the environment variable CI is set" in said) == (status == 1)
