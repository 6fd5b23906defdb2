"""The blueprint *Zoom*: the whole way from prompts to a video as one node, which people may open and change.

The host serves the files of subgraphs/ to the front end, which lists each as a node of that name. A file is a workflow
of one node, whose type is the subgraph that the file defines.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from .pieces import CHECKPOINT_SIZE
from .workflow import COLUMN, FORMAT_VERSION, GAP, WIDGET_TYPES, Node, Output, Workflow, package

NAME = "Zoom"
SUBGRAPH = "6f0f6a52-4f0e-4f4b-9d0e-7f8f5b0f3c11"
DESCRIPTION = (
    "An endless zoom from one prompt per line, the widest view first: images of all levels, and a video. Give it a "
    "model, its CLIP and its VAE, and the size that the model was made for."
)
# What the node has, with types: first what is linked, then the widgets.
INPUTS = {
    "model": "MODEL",
    "clip": "CLIP",
    "vae": "VAE",
    "prompts": "STRING",
    "negative": "STRING",
    "width": "INT",
    "height": "INT",
    "seed": "INT",
    "steps": "INT",
    "cfg": "FLOAT",
    "zoom_factor": "FLOAT",
}
# The front end's numbers of the two boundaries of a subgraph, and how it draws them.
FROM_OUTSIDE, TO_OUTSIDE = -10, -20
WIDTH, ROW, PADDING = 120, 20, 20


def blueprints(definitions: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Path below subgraphs/ -> content of every blueprint file.

    Args:
        definitions: the host's /object_info.
    """
    outside = {"output_name": list(INPUTS), "output": list(INPUTS.values())}
    given = Node(FROM_OUTSIDE, NAME, outside, "", {}, (0, 0), (0, 0))
    workflow = Workflow(SUBGRAPH, definitions)
    return {f"{NAME}.json": _file(workflow, given, _describe(workflow, given), package(definitions["ZoomKSampler"]))}


def _describe(workflow: Workflow, given: Node) -> dict[str, Output]:
    """Lays out the nodes; what the subgraph gives."""
    workflow.group("Prompts")
    prompts = workflow.node(
        "ZoomPromptSchedule", clip=given["clip"], prompts=given["prompts"], negative=given["negative"]
    )
    workflow.group("Sampling")
    latent = workflow.node("EmptyLatentImage", width=given["width"], height=given["height"])
    latent.defaults.update(width=CHECKPOINT_SIZE, height=CHECKPOINT_SIZE)
    sampler = workflow.node(
        "ZoomKSampler",
        model=given["model"],
        positive=prompts["positive"],
        negative=prompts["negative"],
        latent_image=latent["LATENT"],
        vae=given["vae"],
        seed=given["seed"],
        steps=given["steps"],
        cfg=given["cfg"],
        zoom_factor=given["zoom_factor"],
    )
    workflow.group("Images and video")
    images = workflow.node("VAEDecode", samples=sampler["LATENT"], vae=given["vae"])
    stack = workflow.node("ZoomStack", images=images["IMAGE"], geometry=sampler["geometry"])
    video = workflow.node("ZoomVideo", stack=stack["stack"])
    return {"images": stack["images"], "video": video["VIDEO"]}


def _file(workflow: Workflow, given: Node, results: Mapping[str, Output], origin: dict[str, str]) -> dict[str, Any]:
    nodes, links = workflow.linked_nodes()
    for slot, result in enumerate(results.values()):
        link = len(links) + 1
        links.append([link, result.node.id, result.slot, TO_OUTSIDE, slot, result.type])
        source = next(node for node in nodes if node["id"] == result.node.id)["outputs"][result.slot]
        source["links"] = [*(source["links"] or []), link]
    last = max(node["id"] for node in nodes)
    right = len(workflow.groups) * (COLUMN + 2 * GAP)
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    subgraph = {
        "id": SUBGRAPH,
        "version": 1,
        "state": {
            "lastGroupId": len(workflow.groups),
            "lastNodeId": last,
            "lastLinkId": len(links),
            "lastRerouteId": 0,
        },
        "revision": 0,
        "config": {},
        "name": NAME,
        "description": DESCRIPTION,
        "category": "ZoomStack",
        "inputNode": _boundary(FROM_OUTSIDE, -WIDTH - 2 * GAP, len(INPUTS)),
        "outputNode": _boundary(TO_OUTSIDE, right, len(results)),
        "inputs": [
            _slot(
                name, kind, -WIDTH - 2 * GAP + PADDING, row, [link[0] for link in links if link[1:3] == [given.id, row]]
            )
            for row, (name, kind) in enumerate(INPUTS.items())
        ],
        "outputs": [
            _slot(
                name, result.type, right + PADDING, row, [link[0] for link in links if link[3:5] == [TO_OUTSIDE, row]]
            )
            for row, (name, result) in enumerate(results.items())
        ],
        "widgets": [],
        "nodes": nodes,
        "groups": workflow.ui()["groups"],
        "links": [dict(zip(keys, link, strict=True)) for link in links],
        "extra": {},
    }
    return {
        "revision": 0,
        "last_node_id": 1,
        "last_link_id": 0,
        "nodes": [_instance(results, workflow, origin)],
        "links": [],
        "version": FORMAT_VERSION,
        "definitions": {"subgraphs": [subgraph]},
        "extra": {},
    }


def _instance(results: Mapping[str, Output], workflow: Workflow, origin: dict[str, str]) -> dict[str, Any]:
    widgets = [
        [str(node.id), name]
        for kind in INPUTS
        for node in workflow.nodes
        for name, value in node.inputs.items()
        if isinstance(value, Output) and value.node.id == FROM_OUTSIDE and name == kind and value.type in WIDGET_TYPES
    ]
    return {
        "id": 1,
        "type": SUBGRAPH,
        "title": NAME,
        "pos": [0, 0],
        "size": [COLUMN, 480],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [
            {"name": name, "type": kind, "link": None, **({"widget": {"name": name}} if kind in WIDGET_TYPES else {})}
            for name, kind in INPUTS.items()
        ],
        "outputs": [{"name": name, "type": result.type, "links": []} for name, result in results.items()],
        "properties": {"proxyWidgets": widgets, **origin},
        "widgets_values": [],
    }


def _boundary(number: int, left: int, rows: int) -> dict[str, Any]:
    return {"id": number, "bounding": [left, 0, WIDTH, rows * ROW + 2 * PADDING]}


def _slot(name: str, kind: str, left: int, row: int, links: list[int]) -> dict[str, Any]:
    number = str(uuid.uuid5(uuid.UUID(SUBGRAPH), name))
    return {"id": number, "name": name, "type": kind, "linkIds": links, "pos": [left, PADDING + row * ROW]}
