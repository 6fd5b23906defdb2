"""Fixtures of the tests that run inside a real ComfyUI."""

import shutil

import pytest
from harness import Host, prepare

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


def pytest_unconfigure() -> None:
    """Remove the temporary folders."""
    shutil.rmtree(_BASE, ignore_errors=True)
