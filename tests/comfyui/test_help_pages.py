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


def test_pages_have_the_same_sections_in_the_same_order() -> None:
    order = ["Inputs", "Outputs", "How to use it", "Example"]
    for path in FOLDER.glob("*.md"):
        found = re.findall(r"^## (.*)$", path.read_text(encoding="utf-8"), re.M)
        assert found[:2] == order[:2] and found == [name for name in order if name in found], path.name


def test_every_output_is_explained(host: Host) -> None:
    for schema in (node.GET_SCHEMA() for node in host.nodes):
        page = (FOLDER / f"{schema.node_id}.md").read_text(encoding="utf-8")
        outputs = page.partition("## Outputs")[2].partition("\n## ")[0].lower()
        if len(schema.outputs) > 1 and "as of **" not in outputs:
            names = [str(output.display_name or output.get_io_type()).lower() for output in schema.outputs]
            assert [name for name in names if name not in outputs] == [], schema.node_id
