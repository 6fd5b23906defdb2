"""The viewer's button when it cannot save, and pages that it has not saved."""

from collections.abc import Callable
from typing import Any

import pytest
from chrome import Tab
from comfy_server import ComfyServer
from explorer import NODE, show_result

BUTTON = ".zoomstack-bar button[aria-label^='Save']"
NOTE = "document.querySelector('.zoomstack-note').textContent"


def prefix(tab: Tab, value: str) -> None:
    tab.do(f"(value) => {{ {NODE}.widgets.find(w => w.name === 'filename_prefix').value = value; }}", value)


def save(tab: Tab, told: str) -> str:
    """Press the button and wait until the note holds ``told``, and the button can be pressed again."""
    tab.click(BUTTON)
    tab.until(f"(told) => {NOTE}.includes(told) && !document.querySelector(`{BUTTON}`).disabled", told)
    return tab.do(f"() => {NOTE}")  # type: ignore[no-any-return]


@pytest.mark.parametrize("odd", ["../x", "/tmp/x", "a/../../x"])
def test_a_prefix_that_cannot_be_is_said_and_the_button_goes_on(tab: Tab, odd: str) -> None:
    show_result(tab, filename_prefix=odd)
    assert "outside the output folder" in save(tab, "Not saved")
    prefix(tab, "zoomstack/good")
    save(tab, "output/zoomstack/good_")
    tab.errors[:] = [error for error in tab.errors if "/zoomstack/page" not in error]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda route: route.abort(), "does not answer"),
        (lambda route: route.abort("connectionreset"), "does not answer"),
        (lambda route: route.fulfill(status=502, body="<html>Bad gateway</html>"), "status 502"),
        (lambda route: route.fulfill(status=500, body=""), "status 500"),
        (lambda route: route.fulfill(status=200, body="{"), "status 200"),
        (lambda route: route.fulfill(status=413, body='{"error": "too long"}'), "too long"),
    ],
    ids=["gone", "broken off", "a gateway", "nothing", "half", "told"],
)
def test_an_answer_that_is_none_is_said_and_the_button_goes_on(
    tab: Tab, answer: Callable[[Any], Any], told: str
) -> None:
    show_result(tab, filename_prefix="zoomstack/good")
    pattern = "**/zoomstack/page"
    tab.wait(tab.page.route(pattern, answer))
    assert told in save(tab, "Not saved: ")
    tab.wait(tab.page.unroute(pattern))
    save(tab, "output/zoomstack/good_")
    tab.errors[:] = [error for error in tab.errors if "/zoomstack/page" not in error]


def test_a_hostile_page_in_the_output_folder_is_not_opened(tab: Tab, server: ComfyServer) -> None:
    script = (
        "<script>fetch('/prompt', {method: 'POST', mode: 'no-cors', body: '{}'}); "
        "new WebSocket('ws://' + location.host + '/ws')</script>"
    )
    (server.host.base / "output" / "hostile.html").write_text(f"<!doctype html>{script}", encoding="utf-8")
    ask = "const answer = await fetch('/api/zoomstack/page?filename=hostile.html')"
    status, told = tab.do(f"async () => {{ {ask}; return [answer.status, await answer.json()]; }}")
    assert status == 415
    assert "Only pages of Zoom Viewer are" in told["error"]
    tab.errors[:] = [error for error in tab.errors if "/zoomstack/page" not in error]
