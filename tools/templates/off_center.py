"""The workflows *off-center zoom*: another place and another factor at every step."""

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
## A zoom that wanders

Every step goes to a place of its own, and as far as it likes. This workflow runs as it is, on the small **Demo Model**.

1. Press **Run**.
2. Move a point in **Zoom Geometry**, or change a factor, and run again.
3. For pictures of your own, open the template *ZoomStack 2 off-center*, which uses a checkpoint.
"""

NOTE = f"""\
## A zoom that wanders

Every step goes to a place of its own, and as far as it likes.

1. Choose a checkpoint of Stable Diffusion 1.5 or SDXL, and set the size that it was made for (512 or 1024).
2. Write the prompts, one per line, the widest view first. What a step goes to belongs into both of its prompts.
3. Press **Run**.

{FILES}"""

GEOMETRY_NOTE = """\
**Zoom Geometry** has one factor and one point *x, y* per step, one step less than levels: from the left (0) to the \
right (1), and from the top (0) to the bottom (1).

It goes to the sampler, which hands it on to the stack, in place of their own zoom factor and focus.
"""

DEMO_PROMPTS = """\
a distant ocean planet
a whole ocean planet in space
the continents of an ocean planet
the highlands of an ocean planet
ocean mountains seen from above
ocean ground, close up"""
DEMO_FACTORS = "2, 4, 2, 2, 4"
DEMO_FOCUS = """\
0.5, 0.5
0.45, 0.42
0.7, 0.35
0.3, 0.6
0.65, 0.6"""

PROMPTS = """\
a wide mountain valley at dusk, a small village at the lake in the lower right
a village with warm lights at a mountain lake, an old wooden house in its middle
the front of an old wooden house at dusk, one lit window on the left
a lit window of a wooden house, a desk with a lamp behind it
a desk at a window, an open book under a warm lamp
an open book under a lamp, an engraving of a ship on its right page
an old engraving of a sailing ship, fine ink lines on paper"""
FACTORS = "3, 2, 3, 2, 2, 3"
FOCUS = """\
0.7, 0.65
0.5, 0.55
0.3, 0.5
0.5, 0.6
0.5, 0.6
0.68, 0.5"""
STYLE = "photograph, soft evening light, highly detailed"


def demo(definitions: dict[str, Any]) -> Workflow:
    """With the embedded model."""
    workflow = Workflow("9c2f5b7d-64c1-4b3a-8a0e-31f5d0a9e7c2", definitions)
    workflow.group("1. Model")
    workflow.note(DEMO_NOTE, 280)
    source = demo_source(workflow)
    workflow.group("2. Prompts and geometry")
    prompts = workflow.node("ZoomPromptSchedule", room=560, clip=source.clip, prompts=DEMO_PROMPTS)
    sample_in_geometry(
        workflow,
        source,
        prompts,
        DEMO_SIZE,
        "off_center_zoom_demo",
        {"zoom_factors": DEMO_FACTORS, "focus": DEMO_FOCUS},
        (GEOMETRY_NOTE, 180),
        DEMO_VIDEO_SIZE,
        seed=7,
        **DEMO_SAMPLING,
    )
    return workflow


def checkpoint(definitions: dict[str, Any]) -> Workflow:
    """With a checkpoint of the user's."""
    workflow = Workflow("3e8a1d94-0c57-4f6b-b2d3-7a94c61e05f8", definitions)
    workflow.group("1. Model")
    workflow.note(NOTE, 340)
    source = checkpoint_source(workflow)
    workflow.group("2. Prompts and geometry")
    prompts = workflow.node("ZoomPromptSchedule", clip=source.clip, suffix=STYLE, negative=NEGATIVE, prompts=PROMPTS)
    geometry: dict[str, Any] = {"zoom_factors": FACTORS, "focus": FOCUS}
    note = GEOMETRY_NOTE, 180
    sample_in_geometry(workflow, source, prompts, CHECKPOINT_SIZE, "off_center_zoom", geometry, note)
    return workflow
