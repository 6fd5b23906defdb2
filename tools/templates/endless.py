"""The workflow *endless zoom*: a ring, whose last level shows the first one again."""

from __future__ import annotations

from typing import Any

from .pieces import (
    CHECKPOINT_SIZE,
    FILES,
    NEGATIVE,
    STACK_NOTE,
    checkpoint_source,
    sample_and_save,
)
from .workflow import Workflow

NOTE = f"""\
## A zoom that never ends

The last level shows the first one again, so the zoom begins anew: **endless** of *Zoom Geometry* is on.

1. Choose a checkpoint of Stable Diffusion 1.5 or SDXL, and set the size that it was made for (512 or 1024).
2. Write the prompts, one per line. The last one must lead back: what the first one shows should fit into its middle.
3. Press **Run**. The video loops without a seam.

{FILES}"""

GEOMETRY_NOTE = """\
A ring has one step more than a zoom with an end, from its last level back to the first. If the sampler says that \
it is too short, write more prompts or take a larger zoom factor.
"""

PROMPTS = """\
a painting of a mountain landscape in a golden frame, in a gallery
a painted mountain valley with a small cottage in its middle
a stone cottage in a mountain valley, its door open
the open door of a stone cottage, a warm hall behind it
a hall with wooden walls, a window at its end
a window above a desk, dusk outside
a desk at a window, a snow globe in the middle
a snow globe on a desk, a small city inside
a small city in a snow globe, a tall museum in the middle
the front of a museum, a great open gate
the hall of a museum, a picture at its far end
the wall of a gallery, one painting in a golden frame in the middle"""
STYLE = "oil painting, warm light, highly detailed"
ZOOM_FACTOR = "3"


def checkpoint(definitions: dict[str, Any]) -> Workflow:
    """With a checkpoint of the user's."""
    workflow = Workflow("e91b6c37-52f8-4da0-8c4e-1f7a0d5b3962", definitions)
    workflow.group("1. Model")
    workflow.note(NOTE, 400)
    source = checkpoint_source(workflow)
    workflow.group("2. Prompts and geometry")
    prompts = workflow.node("ZoomPromptSchedule", clip=source.clip, suffix=STYLE, negative=NEGATIVE, prompts=PROMPTS)
    workflow.note(GEOMETRY_NOTE, 150)
    geometry = workflow.node("ZoomGeometry", zoom_factors=ZOOM_FACTOR, endless=True)
    note = STACK_NOTE.replace("Zoom KSampler", "Zoom Geometry")
    camera = {"loop": True, "easing": "linear"}
    nesting = geometry["geometry"]
    sample_and_save(workflow, source, prompts, CHECKPOINT_SIZE, "endless_zoom", 0, note, camera, geometry=nesting)
    return workflow
