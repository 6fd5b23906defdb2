"""Names and tooltips in the languages of locales/: complete, and the host serves them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import folder_paths
import make_locales
import pytest
from harness import PACK, Host
from make_locales import LANGUAGES, Texts, english, fitted, paths, read

TRANSLATED = [language for language in LANGUAGES if language != "en"]
# What a reader types or compares: numbers, names of formats and the like, and what stands for a value in file names.
KEPT = re.compile(r"%[^%\s]+%|\d+(?:\.\d+)?|\b[A-Z]{2,}\d*\b|H\.264|from 3:|//|#")


@pytest.fixture(scope="module")
def info(host: Host) -> dict[str, Any]:
    return host.object_info()


@pytest.fixture(scope="module")
def own(info: dict[str, Any]) -> Texts:
    return english(info)


def test_there_is_a_file_for_every_language_and_no_other() -> None:
    files = {path.relative_to(PACK).as_posix() for path in (PACK / "locales").rglob("*") if path.is_file()}
    assert files == {f"locales/{language}/nodeDefs.json" for language in LANGUAGES}


def test_every_node_of_the_pack_has_texts(host: Host, own: Texts) -> None:
    assert set(own) == {node.GET_SCHEMA().node_id for node in host.nodes}


def test_the_english_file_is_what_make_locales_writes(own: Texts) -> None:
    assert read("en") == own, "run python tools/make_locales.py"


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_missing_and_none_is_left_over(own: Texts, language: str) -> None:
    expected, found = dict(paths(own)), dict(paths(read(language)))
    assert [path for path in expected if not found.get(path, "").strip()] == [], "translate these"
    assert [path for path in found if path not in expected] == [], "run python tools/make_locales.py"


@pytest.mark.parametrize("language", TRANSLATED)
def test_explanations_are_translated(own: Texts, language: str) -> None:
    translated = dict(paths(read(language)))
    assert [path for path, text in paths(own) if " " in text and translated[path] == text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_read_as_a_message_with_gaps(language: str) -> None:
    """The front end's messages have {gaps}, @:links and | plurals, and dots between the parts of a key."""
    texts = read(language)
    assert [(path, text) for path, text in paths(texts) if re.search(r"[{}@|<>]", text)] == []
    assert [
        key for node, told in texts.items() for key in (node, *told["inputs"]) if not re.fullmatch(r"\w+", key)
    ] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_values_and_placeholders_are_kept(own: Texts, language: str) -> None:
    translated = dict(paths(read(language)))
    for path, text in paths(own):
        if not path.endswith(("name", "display_name")):
            lost = [kept for kept in KEPT.findall(text) if kept not in translated[path]]
            assert lost == [], (path, translated[path])


def choices(info: dict[str, Any], node: str) -> Iterator[tuple[str, list[str]]]:
    """Every input of a node that is a choice of ours, and what there is to choose."""
    for name, definition in {
        **info[node]["input"].get("required", {}),
        **info[node]["input"].get("optional", {}),
    }.items():
        options = definition[1].get("options") if len(definition) > 1 else None
        if options and name not in ("sampler_name", "scheduler", "preset"):
            yield name, options


@pytest.mark.parametrize("language", TRANSLATED)
def test_choices_are_called_as_the_front_end_shows_them(info: dict[str, Any], own: Texts, language: str) -> None:
    """It does not translate the values of a choice."""
    texts = read(language)
    for node in own:
        for name, options in choices(info, node):
            tooltip, translated = (file[node]["inputs"][name]["tooltip"] for file in (own, texts))
            words = set(re.findall(r"\w+", tooltip))
            assert [option for option in options if option in words and option not in translated] == [], (node, name)


@pytest.mark.parametrize("language", TRANSLATED)
def test_nodes_and_inputs_are_called_by_their_names_in_the_language(own: Texts, language: str) -> None:
    texts = read(language)
    nodes = {own[node]["display_name"]: texts[node]["display_name"] for node in own}
    inputs: dict[str, set[str]] = {}
    for told in texts.values():
        for name, words in told["inputs"].items():
            inputs.setdefault(name, {name}).add(words["name"])
    translated = dict(paths(texts))
    for path, text in paths(own):
        if path.endswith("name"):
            continue
        for name in sorted(nodes, key=len, reverse=True):
            assert name not in text or nodes[name] in translated[path], (path, name)
            text = text.replace(name, "")
        for name in re.findall(r"\w+_\w+", text):
            assert any(word in translated[path] for word in inputs.get(name, {name})), (path, name)


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_same_text_is_translated_alike(own: Texts, language: str) -> None:
    translated, seen = dict(paths(read(language))), dict[str, str]()
    for path, text in paths(own):
        if not path.endswith(".name"):
            assert seen.setdefault(text, translated[path]) == translated[path], path


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_node_has_no_two_inputs_of_one_name(language: str) -> None:
    """Neither two nodes; those kept for older workflows are told from their successors."""
    texts = read(language)
    for node, told in texts.items():
        names = [words["name"] for words in told["inputs"].values()]
        assert len(set(names)) == len(names), node
    assert len({told["display_name"] for told in texts.values()}) == len(texts)


def test_the_host_serves_them(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the names of the nodes, to a front end that asks for the texts of all packs."""
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "custom_nodes", ([str(PACK.parent)], set()))
    status, served = host.ask("GET", "/i18n")
    assert status == 200
    for language in LANGUAGES:
        texts = read(language)
        assert {node: served[language]["nodeDefs"][node] for node in texts} == texts


def test_what_no_node_has_is_taken_out_and_the_rest_keeps_its_order() -> None:
    pattern = {"b": {"name": "x", "tooltip": "y"}, "a": {"name": "z"}}
    texts = {"gone": {"name": "1"}, "a": {"tooltip": "2"}, "b": {"tooltip": "3", "name": "4"}}
    assert list(paths(fitted(texts, pattern))) == [("b.name", "4"), ("b.tooltip", "3")]


def test_what_is_missing_is_said(
    info: dict[str, Any], own: Texts, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    class Server:
        def __enter__(self) -> Server:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def get(self, path: str) -> dict[str, Any]:
            assert path == "/object_info"
            return info

    monkeypatch.setattr(make_locales, "ensure_host", lambda: None)
    monkeypatch.setattr(make_locales, "ComfyServer", lambda _: Server())
    monkeypatch.setattr(make_locales, "FOLDER", tmp_path)
    for language in TRANSLATED:
        make_locales.file_of(language).parent.mkdir()
        make_locales.file_of(language).write_text('{"ZoomStack": {"display_name": "x"}, "gone": {}}', encoding="utf-8")
    (tmp_path / "en").mkdir()
    assert make_locales.main() == 0
    assert read("en") == own and read("de") == {"ZoomStack": {"display_name": "x"}}
    assert "missing: ZoomVideo.inputs.fps.tooltip" in capsys.readouterr().out
