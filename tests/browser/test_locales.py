"""The front end shows the nodes in the language of the user."""

import json
from collections.abc import Iterator

import pytest
from chrome import Chrome, Tab
from comfy_server import ComfyServer
from make_locales import read

SHOWN = """() => {
    const node = LiteGraph.createNode("ZoomKSampler");
    const named = (slots) => Object.fromEntries(slots.map((slot) => [slot.name, slot.localized_name ?? slot.label]));
    return {
        title: node.constructor.title,
        description: node.constructor.nodeData.description,
        slots: named(node.inputs),
        widgets: named(node.widgets),
        outputs: node.outputs.map((slot) => slot.localized_name),
    };
}"""


@pytest.fixture(scope="module", params=["zh", "ja", "ko"])
def language(request: pytest.FixtureRequest) -> str:
    """Of those that the front end offers."""
    return request.param


@pytest.fixture(scope="module")
def foreign(chrome: Chrome, server: ComfyServer, language: str) -> Iterator[Tab]:
    tab = chrome.tab(server.url, locale=language)
    tab.open_front_end()
    yield tab
    tab.close()


def test_a_node_is_shown_in_it(foreign: Tab, language: str) -> None:
    texts, shown = read(language)["ZoomKSampler"], foreign.do(SHOWN)
    assert (shown["title"], shown["description"]) == (texts["display_name"], texts["description"])
    for name, words in texts["inputs"].items():
        assert shown["slots"][name] == words["name"], name
        assert shown["widgets"].get(name, words["name"]) == words["name"], name
    assert shown["outputs"][1] == texts["outputs"]["1"]["name"]
    assert foreign.errors == [], json.dumps(foreign.errors)
