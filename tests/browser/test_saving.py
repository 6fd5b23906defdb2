"""The viewer's button when it cannot save, and pages that it has not saved."""

import json
from collections.abc import Callable
from pathlib import Path
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


def saved_file(server: ComfyServer, note: str) -> Path:
    """Of the place that the note below the bar tells."""
    return Path(server.host.base, "output", note[note.index("output/") + len("output/") :])


def test_a_line_to_embed_the_page_is_copied(tab: Tab, server: ComfyServer, tmp_path: Path) -> None:
    show_result(tab, filename_prefix="zoomstack/to embed & more")
    file = saved_file(server, save(tab, "output/zoomstack/to embed"))
    tab.wait(tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"]))
    tab.wait(tab.page.get_by_role("button", name="Embed").click())
    tab.until("() => document.querySelector('.zoomstack-note button').textContent === 'Copied'")
    line = tab.do("() => navigator.clipboard.readText()")
    around = file.with_name("around.html")
    around.write_text(f"<!doctype html><body>{line}</body>", encoding="utf-8")
    other = tab.chrome.tab("")
    try:
        other.open(around.as_uri())
        canvas = other.page.frame_locator("iframe").locator(".zoomstack-picture canvas")
        other.wait(canvas.wait_for())
        box = other.wait(canvas.bounding_box())
        assert box and box["width"] > 900 and box["height"] > 450
        assert (other.errors, other.requests) == ([], [])
    finally:
        other.close()


def test_without_a_clipboard_the_line_is_shown(tab: Tab) -> None:
    show_result(tab, filename_prefix="zoomstack/good")
    save(tab, "output/zoomstack/good_")
    tab.do(
        """() => Object.defineProperty(navigator, "clipboard", {
            value: {writeText: () => Promise.reject(new Error())}, configurable: true,
        })"""
    )
    tab.wait(tab.page.get_by_role("button", name="Embed").click())
    tab.until("() => document.querySelector('.zoomstack-note input')?.value.startsWith('<iframe src=\"good_')")
    tab.do("() => { delete navigator.clipboard; }")


def test_the_levels_are_saved_for_other_viewers(tab: Tab, server: ComfyServer) -> None:
    show_result(tab, filename_prefix="zoomstack/places")
    save(tab, "output/zoomstack/places_")
    tab.wait(tab.page.get_by_role("button", name="Levels").click())
    tab.until(f"() => {NOTE}.includes('.json')")
    note: str = tab.do(f"() => {NOTE}")
    file = saved_file(server, note.split(",")[0])
    entries = json.loads(file.read_text(encoding="utf-8"))["tileSources"]
    assert [entry["width"] for entry in entries] == [1, 0.5, 0.25]
    assert [entry["prompt"] for entry in entries] == ["the red field", "the green field", "the blue field"]
    assert all(file.with_name(entry["tileSource"]["url"]).is_file() for entry in entries)
