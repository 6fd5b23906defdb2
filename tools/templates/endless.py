"""The workflow *endless zoom*: a ring, whose last level shows the first one again."""

from __future__ import annotations

from typing import Any

from .pieces import (
    CHECKPOINT_SIZE,
    DEMO_SAMPLING,
    DEMO_SIZE,
    DEMO_VIDEO_SIZE,
    FILES,
    NEGATIVE,
    checkpoint_source,
    demo_source,
    sample_in_geometry,
)
from .workflow import Workflow

DEMO_NOTE = """\
## A zoom that never ends

The last level shows the first one again, so the zoom begins anew: **endless** of *Zoom Geometry* is on. This workflow \
runs as it is, on the small **Demo Model**.

1. Press **Run**. The video loops without a seam, and the explorer never comes to an end.
2. Change the color of the galaxy in its prompts **and** in the last one, which mirrors it.
3. For pictures of your own, open the template *ZoomStack 7 endless*, which uses a checkpoint.
"""

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

DEMO_PROMPTS = """\
a blue spiral galaxy
the spiral arms of a blue galaxy
a blue nebula full of stars
a star field around a yellow sun
a yellow sun and a small desert planet
a distant desert planet
a whole desert planet in space
a huge desert planet up close
the continents of a desert planet
the highlands of a desert planet
desert mountains seen from above
desert hills with a dark pool
a dark pool in desert ground
a dark pool full of stars in desert ground
a blue galaxy mirrored in a dark pool"""

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
CAMERA = {"loop": True, "easing": "linear"}


def demo(definitions: dict[str, Any]) -> Workflow:
    """With the embedded model, whose deepest scale mirrors its widest one."""
    workflow = Workflow("4d2f8b16-7c05-4e93-a1b8-60c9e7f2d354", definitions)
    workflow.group("1. Model")
    workflow.note(DEMO_NOTE, 340)
    source = demo_source(workflow)
    workflow.group("2. Prompts and geometry")
    prompts = workflow.node("ZoomPromptSchedule", clip=source.clip, prompts=DEMO_PROMPTS)
    ring = {"zoom_factors": "2", "endless": True}
    sample_in_geometry(
        workflow,
        source,
        prompts,
        DEMO_SIZE,
        "endless_zoom_demo",
        ring,
        (GEOMETRY_NOTE, 150),
        DEMO_VIDEO_SIZE,
        CAMERA,
        seed=3,
        **DEMO_SAMPLING,
    )
    return workflow


def checkpoint(definitions: dict[str, Any]) -> Workflow:
    """With a checkpoint of the user's."""
    workflow = Workflow("e91b6c37-52f8-4da0-8c4e-1f7a0d5b3962", definitions)
    workflow.group("1. Model")
    workflow.note(NOTE, 400)
    source = checkpoint_source(workflow)
    workflow.group("2. Prompts and geometry")
    prompts = workflow.node("ZoomPromptSchedule", clip=source.clip, suffix=STYLE, negative=NEGATIVE, prompts=PROMPTS)
    ring = {"zoom_factors": ZOOM_FACTOR, "endless": True}
    sample_in_geometry(
        workflow, source, prompts, CHECKPOINT_SIZE, "endless_zoom", ring, (GEOMETRY_NOTE, 150), camera=CAMERA
    )
    return workflow
