"""The text that a running node shows."""

import logging
from typing import Any

import pytest
from harness import Host


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, host: Host) -> list[tuple[str, str]]:
    """What the host was asked to show, as (text, node id)."""
    texts: list[tuple[str, str]] = []
    server = host.module("messages.node_text").PromptServer.instance
    monkeypatch.setattr(server, "send_progress_text", lambda text, node_id: texts.append((text, node_id)))
    return texts


def node_text(host: Host, node_id: str | None) -> Any:
    return host.module("messages.node_text").NodeText(node_id, "Zoom Stack")


def test_a_notice_stays_above_the_progress_that_follows(host: Host, shown: list[tuple[str, str]]) -> None:
    text = node_text(host, "7")
    text.progress("1 of 2")
    text.notice("connect the VAE")
    text.progress("2 of 2")
    assert shown == [("1 of 2", "7"), ("connect the VAE", "7"), ("connect the VAE\n2 of 2", "7")]


def test_a_notice_is_logged_with_the_name_of_the_node(
    host: Host, shown: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "zoomstack"):
        node_text(host, None).notice("connect the VAE")
    assert "Zoom Stack: connect the VAE" in caplog.text
    assert shown == []
