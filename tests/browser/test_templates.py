"""The pack's templates in the front end's dialog: found by what people type, in order, with pictures of their own."""

from collections.abc import Iterator
from typing import Any

import pytest
from chrome import SETTINGS, Chrome, Tab
from comfy_server import ComfyServer
from templates.descriptions import DESCRIPTIONS, UI_FILES

TITLES = [template.title for template in UI_FILES.values()]
OPEN = "() => app.extensionManager.command.execute('Comfy.BrowseTemplates')"
CARDS = """() => [...document.querySelectorAll("[data-testid^=template-workflow-]")]
    .map((card) => card.dataset.testid.slice("template-workflow-".length))"""
SEARCH = "[role=dialog] input"


@pytest.fixture(scope="module")
def tab(server: ComfyServer, chrome: Chrome) -> Iterator[Tab]:
    """One tab: the dialog is the same in both ways to draw nodes. It is without the host's own moving pictures."""
    server.send("/api/settings", SETTINGS)
    tab = chrome.tab(server.url)
    tab.wait(tab.page.route("**/templates/*.webp", lambda route: route.abort()))
    tab.open_front_end()
    yield tab
    tab.close()


@pytest.fixture
def dialog(tab: Tab) -> Iterator[Tab]:
    """The dialog, open."""
    tab.do(OPEN)
    tab.until(f"() => ({CARDS})().length > 0")
    yield tab
    tab.press("Escape")
    tab.until(f"() => !document.querySelector('{SEARCH}')")


def cards(dialog: Tab, ours: list[str] = TITLES) -> list[str]:
    """Our templates among those that are shown, in order."""
    shown: Any = dialog.do(CARDS)
    return [title for title in shown if title in ours]


def search(dialog: Tab, text: str) -> None:
    dialog.wait(dialog.page.locator(SEARCH).first.fill(text))
    every = f"() => ({CARDS})().every((title) => title.toLowerCase().includes('zoom'))"
    dialog.until(f"async () => {{ await new Promise((done) => setTimeout(done, 700)); return ({every})(); }}")


@pytest.mark.parametrize("text", ["zoom", "zoomstack", "ZoomStack", "infinite zoom"])
def test_every_template_is_found(dialog: Tab, text: str) -> None:
    search(dialog, text)
    found = cards(dialog)
    assert sorted(found) == sorted(TITLES)
    if text != "infinite zoom":  # which stands further on in some titles than in others
        assert found[0] == DESCRIPTIONS["galaxy_to_planet_demo"].title  # the rest is the front end's own ranking


JOURNEYS = [("galaxy", 2), ("photo", 2), ("extend", 2), ("off-center", 2), ("off center", 2)]
MODELS = [("SDXL", 2), ("Lightning", 1), ("SD1.5", 1), ("klein", 1), ("Krea", 1), ("Radiance", 1), ("Z-Image", 1)]


@pytest.mark.parametrize(("text", "count"), JOURNEYS + MODELS)
def test_a_journey_or_a_model_is_found_by_its_name(dialog: Tab, text: str, count: int) -> None:
    dialog.wait(dialog.page.locator(SEARCH).first.fill(text))
    dialog.do("() => new Promise((done) => setTimeout(done, 1200))")
    assert len([title for title in cards(dialog) if text.replace(" ", "-") in title]) == count


def test_they_stand_under_extensions_in_their_order(dialog: Tab) -> None:
    """By the name of the pack's folder. In this order the disk does not give them."""
    dialog.wait(dialog.page.locator("[role=dialog] [role=button]", has_text="ZoomStack").click())
    dialog.until(f"() => ({CARDS})().length === {len(TITLES)}")
    assert cards(dialog) == TITLES


def test_every_card_has_a_picture_of_its_own(tab: Tab) -> None:
    pictures = tab.do(
        """async (titles) => Promise.all(titles.map(async (title) => {
            const answer = await fetch(`/api/workflow_templates/ZoomStack/${encodeURIComponent(title)}.jpg`);
            return [answer.status, answer.headers.get("content-length")];
        }))""",
        TITLES,
    )
    assert {status for status, _ in pictures} == {200}
    assert len({size for _, size in pictures}) == len(TITLES)


def test_a_card_opens_its_workflow(dialog: Tab) -> None:
    title = DESCRIPTIONS["galaxy_to_planet_demo"].title
    search(dialog, "zoomstack")
    dialog.wait(dialog.page.locator(f'[data-testid="template-workflow-{title}"]').click())
    dialog.until("() => app.rootGraph.nodes.some((node) => node.type === 'ZoomDemoModel')")
    dialog.until(f"() => !document.querySelector('{SEARCH}')")
