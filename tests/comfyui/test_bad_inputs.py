"""One bad value into every input of every node: the error names the node, the input, what came, and what to do."""

from typing import Any

import pytest
from bad_values import bad_values, good_inputs, message_of
from harness import Host, Prompt, call
from zoom_graphs import Checkpoint


@pytest.fixture(scope="module")
def good(host: Host, eps: Checkpoint) -> dict[str, dict[str, Any]]:
    return good_inputs(host, eps)


def linked(host: Host, node: str, inputs: dict[str, Any]) -> Prompt:
    """A graph of one node whose inputs all come by links, which the host does not look into."""
    sources = {f"of {name}": host.source(value) for name, value in inputs.items()}
    return {**sources, "node": call(node, **{name: [f"of {name}", 0] for name in inputs})}


def test_every_node_and_every_input_is_tried(host: Host, good: dict[str, dict[str, Any]]) -> None:
    schemas = [node.define_schema() for node in host.nodes]
    assert {schema.node_id for schema in schemas} == good.keys()
    for schema in schemas:
        assert {entry.id for entry in schema.inputs} == good[schema.node_id].keys(), schema.node_id


NODES = [
    "ZoomAnchorPhoto",
    "ZoomFrames",
    "ZoomFromPictures",
    "ZoomGeometry",
    "ZoomGuider",
    "ZoomHeldLevels",
    "ZoomHoldLevels",
    "ZoomKSampler",
    "ZoomKSamplerAdvanced",
    "ZoomMultiResBlend",
    "ZoomPhotoAnchor",
    "ZoomPromptSchedule",
    "ZoomPromptWriter",
    "ZoomSaveVideo",
    "ZoomSharedNoise",
    "ZoomStack",
    "ZoomVideo",
    "ZoomViewer",
]


def test_every_node_with_inputs_is_among_them(good: dict[str, dict[str, Any]]) -> None:
    assert {node for node, inputs in good.items() if inputs} == set(NODES)


@pytest.mark.parametrize("node", [node for node in NODES if node not in ("ZoomSaveVideo", "ZoomViewer")])
def test_the_good_values_are_taken(host: Host, good: dict[str, dict[str, Any]], node: str) -> None:
    """Else the errors below might be about something else."""
    host.evaluate(linked(host, node, good[node]), ["node", 0])


@pytest.mark.parametrize("node", NODES)
def test_a_bad_value_is_told_with_node_and_input(host: Host, good: dict[str, dict[str, Any]], node: str) -> None:
    schema = host.node(node).define_schema()
    for entry in schema.inputs:
        values = bad_values(entry)
        assert values
        for what, value in values.items():
            prompt = linked(host, node, {**good[node], entry.id: value})
            message = message_of(host, prompt, *([] if schema.is_output_node else [["node", 0]]))
            case = f"{node}.{entry.id}, {what}: {message[:400]}"
            assert message.startswith(f"{schema.display_name}: {entry.id} "), case
            assert "; expected " in message, case
