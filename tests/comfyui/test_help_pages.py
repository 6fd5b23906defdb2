"""The help page of every node, which the front end shows beside it."""

import re

from harness import PACK, Host

FOLDER = PACK / "js" / "docs"


def test_every_node_has_a_page_and_every_page_a_node(host: Host) -> None:
    schemas = [node.GET_SCHEMA() for node in host.nodes]
    assert {path.stem for path in FOLDER.glob("*.md")} == {schema.node_id for schema in schemas}
    for schema in schemas:
        assert (FOLDER / f"{schema.node_id}.md").read_text(encoding="utf-8").startswith(f"# {schema.display_name}\n")


def test_pages_name_inputs_that_exist(host: Host) -> None:
    names = {entry.id for node in host.nodes for entry in node.GET_SCHEMA().inputs}
    for path in FOLDER.glob("*.md"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("- **"):
                for name in re.findall(r"\*\*(\w+)\*\*", line.split(":")[0]):
                    assert name in names, f"{path.name} names the input {name}, which no node has"


def test_every_input_is_explained(host: Host) -> None:
    for schema in (node.GET_SCHEMA() for node in host.nodes):
        page = (FOLDER / f"{schema.node_id}.md").read_text(encoding="utf-8")
        explained = set(re.findall(r"\*\*(\w+)\*\*", page))
        missing = [entry.id for entry in schema.inputs if entry.id not in explained]
        assert not missing, f"{schema.node_id}.md says nothing of {', '.join(missing)}"
