"""The workflows *two worlds*: a zoom that branches, and a video that goes to one end and then to the other."""

from __future__ import annotations

from typing import Any

from .pieces import (
    CHECKPOINT_SIZE,
    DEMO_SAMPLING,
    DEMO_SIZE,
    DEMO_VIDEO_SIZE,
    FILES,
    NEGATIVE,
    STACK_NOTE,
    checkpoint_source,
    demo_source,
    sample_and_save,
)
from .workflow import Workflow

DEMO_NOTE = """\
## One galaxy, two worlds

A prompt may begin with **from 3:** then its level lies in level 3, beside the one that follows there, and the \
prompts below go on from it. This workflow runs as it is, on the small **Demo Model**.

1. Press **Run**.
2. In the explorer, zoom to the left or to the right sun; the small map shows where you are, and a click flies there.
3. For pictures of your own, open the template *ZoomStack 6 two worlds*, which uses a checkpoint.
"""

NOTE = f"""\
## One galaxy, two worlds

A prompt may begin with **from 3:** then its level lies in level 3, beside the one that follows there, and the \
prompts below go on from it.

1. Choose a checkpoint of Stable Diffusion 1.5 or SDXL, and set the size that it was made for (512 or 1024).
2. Write the prompts. What lies in a level belongs into its prompt, too: two planets, one on the left, one on the right.
3. Press **Run**.

{FILES}"""

PLACES_NOTE = """\
Levels that lie in the same one are put beside each other, the first on the left. **Zoom Geometry** gives them other \
places and sizes: one line per level after the first.
"""

SAVE_NOTE = f"""\
{STACK_NOTE}
The video goes to the end of every branch in turn, and back out between them. **visit** chooses which, by the numbers \
of their last levels.
"""

DEMO_PROMPTS = """\
a blue spiral galaxy
the spiral arms of a blue galaxy
a blue nebula full of stars
a star field around a yellow sun
a yellow sun and a small ocean planet
a distant ocean planet
a whole ocean planet in space
a huge ocean planet up close
the continents of an ocean planet
from 3: a star field around a red sun
a red sun and a small desert planet
a distant desert planet
a whole desert planet in space
a huge desert planet up close
the continents of a desert planet"""

PROMPTS = """\
a spiral galaxy in deep space, seen from far away
a bright yellow star in the arm of a galaxy, two planets beside it: a blue one left, a red one right
a blue planet with white clouds, seen from space
the coast of a blue planet, seen from orbit
a green island in a blue sea, seen from a plane
from 2: a red desert planet, seen from space
the canyons of a red planet, seen from orbit
red dunes and rocks in a canyon, seen from a plane"""
STYLE = "astrophotography, centered, highly detailed"

CAMERA = {"seconds_per_level": 0.8}


def demo(definitions: dict[str, Any]) -> Workflow:
    """With the embedded model."""
    workflow = Workflow("4f0d9a52-1b7e-4c88-9d3f-5a2c6e7b8d19", definitions)
    workflow.group("1. Model")
    workflow.note(DEMO_NOTE, 320)
    source = demo_source(workflow)
    workflow.group("2. Prompts")
    workflow.note(PLACES_NOTE, 150)
    prompts = workflow.node("ZoomPromptSchedule", room=620, clip=source.clip, prompts=DEMO_PROMPTS)
    sampling = {"seed": 3, **DEMO_SAMPLING}
    sample_and_save(
        workflow, source, prompts, DEMO_SIZE, "two_worlds_demo", DEMO_VIDEO_SIZE, SAVE_NOTE, CAMERA, **sampling
    )
    return workflow


def checkpoint(definitions: dict[str, Any]) -> Workflow:
    """With a checkpoint of the user's."""
    workflow = Workflow("c7a3e1f4-8d26-4b95-a0c1-92e4d6f3b780", definitions)
    workflow.group("1. Model")
    workflow.note(NOTE, 400)
    source = checkpoint_source(workflow)
    workflow.group("2. Prompts")
    workflow.note(PLACES_NOTE, 150)
    prompts = workflow.node("ZoomPromptSchedule", clip=source.clip, suffix=STYLE, negative=NEGATIVE, prompts=PROMPTS)
    sample_and_save(workflow, source, prompts, CHECKPOINT_SIZE, "two_worlds", 0, SAVE_NOTE, CAMERA, zoom_factor=4.0)
    return workflow
