"""Write locales/: ``python tools/make_locales.py`` after a name or a tooltip of a node has changed.

The front end takes names and tooltips in the user's language from these files. The English one is written from the
nodes' own definitions. In the others, what no node has any longer is taken out, and what is missing is said; people
translate it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comfy_server import ComfyServer
from host import CHECKOUT, ensure_host
from report import run, say

FOLDER = CHECKOUT / "locales"
LANGUAGES = ("de", "en", "ja", "ko", "zh")
CATEGORY = "ZoomStack"

Texts = dict[str, Any]  # of nested dictionaries with texts at their ends, as in the files


def english(definitions: dict[str, Any]) -> Texts:
    """The nodes' own texts, in the form that the front end reads.

    Args:
        definitions: the host's /object_info. Nodes that are not of the pack are left out.
    """
    return {
        name: {
            "display_name": info["display_name"],
            "description": info["description"],
            "inputs": _inputs(info),
            "outputs": _outputs(info),
        }
        for name, info in sorted(definitions.items())
        if info["category"].partition("/")[0] == CATEGORY
    }


def paths(texts: Texts, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text with its place, such as ``ZoomVideo.inputs.fps.tooltip``."""
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from paths(value, f"{path}{key}.")
        else:
            yield path + key, value


def read(language: str) -> Texts:
    """The texts of a language."""
    texts: Texts = json.loads(file_of(language).read_text(encoding="utf-8"))
    return texts


def file_of(language: str) -> Path:
    """Where the host looks for a language's texts of nodes."""
    return FOLDER / language / "nodeDefs.json"


def fitted(texts: Texts, pattern: Texts) -> Texts:
    """What ``texts`` has of the keys of ``pattern``, in the order of these."""
    return {
        key: fitted(texts[key], value) if isinstance(value, dict) else texts[key]
        for key, value in pattern.items()
        if key in texts
    }


def main() -> int:
    with ComfyServer(ensure_host()) as server:
        own = english(server.get("/object_info"))
    for language in LANGUAGES:
        texts = own if language == "en" else fitted(read(language), own)
        file_of(language).write_text(json.dumps(texts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        there = dict(paths(texts))
        missing = [path for path, _ in paths(own) if path not in there]
        say(f"{language}: {len(there)} texts" + "".join(f"\n  missing: {path}" for path in missing))
    return 0


def _inputs(info: dict[str, Any]) -> Texts:
    given = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
    return {name: _input(name, definition) for name, definition in given.items()}


def _input(name: str, definition: list[Any]) -> Texts:
    options = definition[1] if len(definition) > 1 else {}
    return _told(options.get("display_name") or name, options.get("tooltip"))


def _outputs(info: dict[str, Any]) -> Texts:
    """By number. The front end has its own words for those that are named by their type."""
    tooltips = info.get("output_tooltips") or [None] * len(info["output"])
    slots = zip(info["output"], info["output_name"], tooltips, strict=True)
    return {str(i): _told(None if name == kind else name, tooltip) for i, (kind, name, tooltip) in enumerate(slots)}


def _told(name: str | None, tooltip: str | None) -> Texts:
    return {key: text for key, text in (("name", name), ("tooltip", tooltip)) if text}


if __name__ == "__main__":
    sys.exit(run(main))
