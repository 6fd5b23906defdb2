"""Fixtures of the tests that run inside a real ComfyUI."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from harness import Host, Prompt, call, prepare

# Test modules import from ComfyUI while pytest collects them, before any fixture runs.
_BASE = prepare()

from zoom_graphs import Checkpoint, load  # noqa: E402 - imports ComfyUI


@pytest.fixture(scope="session")
def host() -> Host:
    """The one ComfyUI of the test run, with the pack loaded; its folders are temporary."""
    return Host(_BASE)


@pytest.fixture(scope="session")
def eps(host: Host) -> Checkpoint:
    return load(host, "tiny_eps")


@pytest.fixture(scope="session")
def v(host: Host) -> Checkpoint:
    return load(host, "tiny_v")


@pytest.fixture(scope="session")
def flow(host: Host) -> Checkpoint:
    return load(host, "tiny_flow")


@pytest.fixture(params=["eps", "v", "flow"])
def checkpoint(request: pytest.FixtureRequest) -> Checkpoint:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def viewer_request(host: Host) -> dict[str, Any]:
    """What the viewer's button sends for a result of three levels."""
    prompt: Prompt = {
        "images": host.source(torch.rand(3, 32, 48, 3)),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0),
        "viewer": call("ZoomViewer", stack=["stack", 0], roll=20.0, drift=0.05, drift_seconds=9.0),
    }
    output = host.run(prompt)["viewer"]
    return {"images": output["images"], "zoom": output["zoom"][0], "filename_prefix": "zoomstack/button"}


@pytest.fixture
def no_new_file(host: Host) -> Iterator[None]:
    """The test leaves no new file, in the output folder or beside it."""
    folder = host.base

    def files() -> set[Path]:
        return {path for path in folder.rglob("*") if path.is_file() and folder / "temp" not in path.parents}

    before = files()
    yield
    assert files() == before


def pytest_unconfigure() -> None:
    """Remove the temporary folders."""
    shutil.rmtree(_BASE, ignore_errors=True)
