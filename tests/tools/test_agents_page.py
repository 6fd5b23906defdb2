"""docs/agents.md names files and inputs that are there."""

import json
import re
from typing import Any

from host import CHECKOUT

PAGE = (CHECKOUT / "docs" / "agents.md").read_text(encoding="utf-8")
FILES = {path.name: path for path in (CHECKOUT / "workflows" / "api").glob("*.json")}


def prompts() -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in FILES.values()]


def test_it_tells_of_every_file_and_of_no_other() -> None:
    table = PAGE.partition("## Start from a file")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(\w+\.json)`", table)) == set(FILES)
    assert set(re.findall(r"`(\w+\.json)`", PAGE)) == set(FILES)


def test_the_inputs_that_it_names_are_in_the_files() -> None:
    table = PAGE.partition("## What to change")[2].partition("\n## ")[0]
    named = re.findall(r"`([A-Z]\w+)\.(\w+)`", table)
    assert len(named) > 40
    inputs = {(node["class_type"], name) for prompt in prompts() for node in prompt.values() for name in node["inputs"]}
    assert [f"{kind}.{name}" for kind, name in named if (kind, name) not in inputs] == []


def test_the_files_that_have_nodes_of_another_kind_are_named() -> None:
    """Where the prompts, and where the seed, are not in the node that has them elsewhere."""
    kinds = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
    seeds = {name for name, text in kinds.items() if '"class_type": "RandomNoise"' in text}
    assert seeds == set(re.findall(r"\w+\.json", re.search(r"`RandomNoise.noise_seed` in (.*) \|", PAGE)[1]))  # type: ignore[index]
    prompts = {name.replace("_demo", "") for name, text in kinds.items() if "PrimitiveStringMultiline" in text}
    assert prompts == {"extend_zoom.json"}
    assert all(f'"title": "The {which} prompts"' in kinds["extend_zoom.json"] for which in ("first", "next"))
