"""Workflow files for ComfyUI: a graph described by names, written in the UI format and in the API format.

Slot numbers, the order of ``widgets_values`` and default values all come from the host's own node definitions, so a
description cannot disagree with the nodes that it names.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pins import COMFYUI_VERSION

from .node_heights import HEIGHTS

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"

# The front end's own measures, in graph units.
TITLE = 30
GAP = 40
GROUP_TITLE = 40
COLUMN = 420

NOTE_COLORS = {"color": "#432", "bgcolor": "#000"}
GROUP_COLOR = "#3f789e"
FORMAT_VERSION = 0.4
OPTIONAL_SHAPE = 7  # a hollow slot
WIDGET_TYPES = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COMFY_DYNAMICCOMBO_V3"}

NodeInfo = dict[str, Any]  # one entry of the host's /object_info


class Output(NamedTuple):
    """An output of a node, to be given as another node's input."""

    node: Node
    slot: int

    @property
    def type(self) -> str:
        """Of what it gives."""
        return str(self.node.info["output"][self.slot])


class Model(NamedTuple):
    """A model file that a loader names: the front end offers to download it where it is missing."""

    name: str
    url: str
    directory: str


@dataclass(eq=False)
class Node:
    """A node of a workflow, with its place. Made by ``Workflow.node``.

    Attributes:
        defaults: what the widgets of linked inputs hold, where that is not the node's own.
    """

    id: int
    type: str
    info: NodeInfo
    title: str
    inputs: dict[str, Any]
    position: tuple[int, int]
    size: tuple[int, int]
    models: tuple[Model, ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Output:
        names = self.info["output_name"]
        if names.count(name) != 1:
            raise ValueError(f"{self.type} has the outputs {names}; expected one named {name!r}.")
        return Output(self, names.index(name))

    def slots(self) -> list[tuple[str, list[Any], bool]]:
        """(name, definition, optional) of every input, in the order in which the front end shows them."""
        kinds = (("required", False), ("optional", True))
        return [(n, d, optional) for kind, optional in kinds for n, d in self.info["input"].get(kind, {}).items()]


@dataclass
class Workflow:
    """A workflow under construction: columns from left to right, each a titled group of nodes stacked in it.

    Args:
        id: a UUID, the workflow's own.
        definitions: the host's /object_info.

    Attributes:
        app_inputs: (node, name of its widget) for what the front end's app mode shows beside the result, in this order.
            A widget may be one of the pack's own, which the front end adds to the node.
        app_outputs: whose results it shows.
        opens_as_app: whether the front end opens the workflow in app mode; else it is a click away.
    """

    id: str
    definitions: dict[str, NodeInfo]
    nodes: list[Node] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    app_inputs: list[tuple[Node, str]] = field(default_factory=list)
    app_outputs: list[Node] = field(default_factory=list)
    opens_as_app: bool = False

    def __post_init__(self) -> None:
        uuid.UUID(self.id)
        self._next_id = 1
        self._bottom = 0

    def group(self, title: str) -> None:
        """Begin the next column."""
        left = len(self.groups) * (COLUMN + 2 * GAP)
        self.groups.append({"id": len(self.groups) + 1, "title": title, "left": left})
        self._bottom = GROUP_TITLE

    def note(self, text: str, height: int) -> None:
        """A Markdown note, next in the column."""
        identifier, position = self._place(height)
        self.notes.append(
            {
                "id": identifier,
                "type": "MarkdownNote",
                "pos": list(position),
                "size": [COLUMN, height],
                "flags": {},
                "order": 0,
                "mode": 0,
                "inputs": [],
                "outputs": [],
                "properties": {},
                "widgets_values": [text],
                **NOTE_COLORS,
            }
        )

    def node(
        self,
        node_type: str,
        /,
        *,
        title: str = "",
        room: int = 0,
        models: tuple[Model, ...] = (),
        **inputs: Any,
    ) -> Node:
        """A node, next in the column. Inputs are outputs of other nodes or widget values; the rest keeps its default.

        Args:
            room: the node's height on the screen, where that of `HEIGHTS` is not what it should be.

        Raises:
            ValueError: for an input that the node does not have, of another type, or a required link that is missing.
        """
        if node_type not in self.definitions:
            raise ValueError(f"ComfyUI has no node {node_type!r}.")
        info = self.definitions[node_type]
        height = room or HEIGHTS.get(node_type, 0)
        if not height:
            raise ValueError(f"{node_type}: give its height as room, or in HEIGHTS.")
        identifier, position = self._place(height)
        size = (COLUMN, height)
        node = Node(identifier, node_type, info, title or info["display_name"], {}, position, size, models)
        for name, definition, optional in node.slots():
            given = inputs.pop(name, None)
            if isinstance(given, Output):
                _check_type(node, name, definition, given)
                node.inputs[name] = given
            elif _is_widget(definition):
                node.inputs[name] = _default(definition) if given is None else given
            elif given is not None or not optional:
                raise ValueError(f"{node_type}: {name} must be linked to an output; got {given!r}.")
        if inputs:
            raise ValueError(f"{node_type} has no inputs {sorted(inputs)}.")
        self.nodes.append(node)
        return node

    def api(self) -> dict[str, Any]:
        """The API format, as File > Export (API) writes it."""
        return {
            str(node.id): {
                "inputs": {
                    name: [str(value.node.id), value.slot] if isinstance(value, Output) else value
                    for name, value in node.inputs.items()
                },
                "class_type": node.type,
                "_meta": {"title": node.title},
            }
            for node in self.nodes
        }

    def ui(self) -> dict[str, Any]:
        """The UI format, as File > Save writes it."""
        nodes, links = self.linked_nodes()
        shown = {
            "inputs": [[node.id, name] for node, name in self.app_inputs],
            "outputs": [node.id for node in self.app_outputs],
        }
        app = {"linearData": shown, "linearMode": True} if self.opens_as_app else {"linearData": shown}
        return {
            "id": self.id,
            "revision": 0,
            "last_node_id": self._next_id - 1,
            "last_link_id": len(links),
            "nodes": [*self.notes, *nodes],
            "links": links,
            "groups": [self._ui_group(group) for group in self.groups],
            "config": {},
            "extra": {"ds": {"scale": 0.7, "offset": [60, 60]}} | (app if self.app_outputs else {}),
            "version": FORMAT_VERSION,
        }

    def linked_nodes(self) -> tuple[list[dict[str, Any]], list[list[Any]]]:
        """The nodes but the notes, and [number, from node, its slot, to node, its slot, type] of every link.

        What an input is linked to may also be of a node that is not in the workflow: then the link alone says so.
        """
        nodes = [_ui_node(node, order) for order, node in enumerate(self.nodes, len(self.notes))]
        by_id = {node["id"]: node for node in nodes}
        links: list[list[Any]] = []
        for node in self.nodes:
            for name, value in node.inputs.items():
                if not isinstance(value, Output):
                    continue
                link, slots = len(links) + 1, by_id[node.id]["inputs"]
                slot = next(number for number, slot in enumerate(slots) if slot["name"] == name)
                slots[slot]["link"] = link
                if value.node.id in by_id:
                    source = by_id[value.node.id]["outputs"][value.slot]
                    source["links"] = [*(source["links"] or []), link]
                links.append([link, value.node.id, value.slot, node.id, slot, value.type])
        return nodes, links

    def _place(self, height: int) -> tuple[int, tuple[int, int]]:
        if not self.groups:
            raise ValueError("begin a group before the first node.")
        identifier, top = self._next_id, self._bottom + TITLE
        self._next_id += 1
        self._bottom = top + height + GAP
        self.groups[-1]["bottom"] = self._bottom
        return identifier, (self.groups[-1]["left"], top)

    @staticmethod
    def _ui_group(group: dict[str, Any]) -> dict[str, Any]:
        margin = GAP // 2
        bounding = [group["left"] - margin, -margin, COLUMN + 2 * margin, group["bottom"]]
        title = {"id": group["id"], "title": group["title"]}
        return {**title, "bounding": bounding, "color": GROUP_COLOR, "font_size": 24, "flags": {}}


def _ui_node(node: Node, order: int) -> dict[str, Any]:
    slots: list[dict[str, Any]] = []
    values: list[Any] = []
    for name, definition, optional in node.slots():
        value = node.inputs.get(name)
        slot: dict[str, Any] = {"name": name, "type": _type(definition), "link": None}
        if not _is_widget(definition):
            slots.append({**slot, "shape": OPTIONAL_SHAPE} if optional else slot)
            continue
        if isinstance(value, Output):
            slots.append({**slot, "widget": {"name": name}})
            value = node.defaults.get(name, _default(definition))
        values.append(value)
        if _options(definition).get("control_after_generate") or name in ("seed", "noise_seed"):
            values.append("fixed")  # what the seed does after a run
    outputs = [
        {"name": name, "type": output_type, "links": None}
        for name, output_type in zip(node.info["output_name"], node.info["output"], strict=True)
    ]
    properties: dict[str, Any] = {"Node name for S&R": node.type, **package(node.info)}
    if node.models:
        properties["models"] = [model._asdict() for model in node.models]
    ui = {
        "id": node.id,
        "type": node.type,
        "pos": list(node.position),
        "size": list(node.size),
        "flags": {},
        "order": order,
        "mode": 0,
        "inputs": slots,
        "outputs": outputs,
        "properties": properties,
        "widgets_values": values,
    }
    return ui if node.title == node.info["display_name"] else {**ui, "title": node.title}


def package(info: NodeInfo) -> dict[str, str]:
    """Where a node comes from, for the front end's panel about missing nodes."""
    if not info["python_module"].startswith("custom_nodes."):
        return {"cnr_id": "comfy-core", "ver": COMFYUI_VERSION}
    project = PROJECT.read_text(encoding="utf-8")  # Python 3.10 has no reader for TOML
    name, version = (re.search(rf'^{key} = "(.+)"$', project, re.MULTILINE) for key in ("name", "version"))
    if name is None or version is None:
        raise ValueError("pyproject.toml must give the name and the version of the project.")
    return {"cnr_id": name[1], "ver": version[1]}


def _type(definition: list[Any]) -> str:
    return "COMBO" if isinstance(definition[0], list) else str(definition[0])


def _options(definition: list[Any]) -> dict[str, Any]:
    return definition[1] if len(definition) > 1 else {}


def _is_widget(definition: list[Any]) -> bool:
    return _type(definition) in WIDGET_TYPES and not _options(definition).get("forceInput")


def _default(definition: list[Any]) -> Any:
    """What the front end puts into a new widget."""
    options = _options(definition)
    if "default" in options:
        return options["default"]
    choices = definition[0] if isinstance(definition[0], list) else options.get("options")
    if choices:
        return choices[0]["key"] if isinstance(choices[0], dict) else choices[0]
    if _type(definition) == "STRING":
        return ""
    raise ValueError(f"expected a value for a widget without a default: {definition}.")


def _check_type(node: Node, name: str, definition: list[Any], given: Output) -> None:
    if "*" not in (given.type, _type(definition)) and given.type not in _type(definition).split(","):
        raise ValueError(f"{node.type}: {name} takes {_type(definition)}; {given.node.type} gives {given.type}.")
