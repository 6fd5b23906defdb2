"""Fixtures of the tests of tools/: a checkout and a ComfyUI in a temporary folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fakes import TOOLS, write_comfyui


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that holds a copy of tools/."""
    folder = tmp_path / "a checkout"
    shutil.copytree(TOOLS, folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    return write_comfyui(tmp_path / "some ComfyUI")


@pytest.fixture(scope="session")
def raw_pip() -> None:
    """Skips the test where this Python's pip is older than the one that the tools install, or missing."""
    pip = pytest.importorskip("pip")
    if tuple(map(int, pip.__version__.split(".")[:2])) < (24, 1):
        pytest.skip(f"needs pip 24.1 or newer, not {pip.__version__}")
