"""Fixtures of the tests that run inside a real ComfyUI."""

import shutil

import pytest
from harness import Host, prepare

# Test modules import from ComfyUI while pytest collects them, before any fixture runs.
_BASE = prepare()


@pytest.fixture(scope="session")
def host() -> Host:
    """The one ComfyUI of the test run, with the pack loaded; its folders are temporary."""
    return Host(_BASE)


def pytest_unconfigure() -> None:
    """Remove the temporary folders."""
    shutil.rmtree(_BASE, ignore_errors=True)
