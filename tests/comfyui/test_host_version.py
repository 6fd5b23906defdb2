"""An older ComfyUI than the pack needs is told so when it loads the pack, once."""

import logging

import comfyui_version
import pytest
from harness import Host


@pytest.mark.parametrize(
    ("version", "old"), [("0.18.2", True), ("0.24.0", True), ("0.24.1", False), ("0.30.0", False), ("1.2", False)]
)
def test_an_old_host_is_told(
    host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, version: str, old: bool
) -> None:
    monkeypatch.setattr(comfyui_version, "__version__", version)
    with caplog.at_level(logging.WARNING):
        host.module("host_version").warn_if_older()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == old
    if old:
        assert "needs ComfyUI 0.24.1 or newer" in said[0] and version in said[0]


def test_a_host_without_a_version_is_old(
    host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(comfyui_version, "__version__")
    host.module("host_version").warn_if_older()
    assert "needs ComfyUI 0.24.1 or newer" in caplog.text
