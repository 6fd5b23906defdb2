"""The workflows *galaxy to planet*: the main job, with the embedded model and with a checkpoint."""

from __future__ import annotations

from typing import Any

from .pieces import (
    CHECKPOINT_SIZE,
    DEMO_SAMPLING,
    DEMO_SIZE,
    DEMO_VIDEO_SIZE,
    FILES,
    LORA,
    NEGATIVE,
    Source,
    checkpoint_source,
    demo_source,
    sample_and_save,
)
from .workflow import Workflow

DEMO_NOTE = """\
## From a galaxy to the ground

This workflow runs as it is: **Demo Model** is a small network that comes with ZoomStack, and needs no download. Its \
LoRA makes eight steps enough; without it take 20 steps of *dpmpp_2m* at cfg 3.

1. Press **Run**.
2. Change a word: *ocean* to *desert*, *volcanic* or *icy*; *blue* galaxy to *red*, *purple* or *golden*.
3. For pictures of your own, open the template *ZoomStack 1 galaxy*, which uses a checkpoint.
"""

DEMO_PROMPTS_NOTE = """\
One prompt per line, the widest view first. Every level shows the middle of the one before, larger by the zoom factor.

The demo model knows these thirteen scales, a factor of two apart, and two more that lead into a pool in the ground.
"""

NOTE = f"""\
## From a galaxy to a planet

One prompt per zoom level; all levels are sampled together, so that they show one scene.

1. Choose a checkpoint of Stable Diffusion 1.5 or SDXL, and set the size that it was made for (512 or 1024).
2. Write the prompts, one per line, the widest view first. Neighbors should agree on what is in the middle.
3. Press **Run**.

{FILES}\
- loras: [{LORA.name}]({LORA.url}), for deep blacks; or bypass the LoRA loader (Ctrl+B)
"""

PROMPTS = """\
a spiral galaxy in deep space, seen from far away
the glowing arm of a spiral galaxy, countless stars
a dense star field with blue and pink nebulae
a colorful nebula with one bright star in its middle
a sun with planets on their orbits around it
a distant blue planet with two moons, lit by its sun
a blue planet with white clouds and an atmosphere
the curved horizon of a blue planet, oceans and clouds
continents and oceans of a planet, seen from orbit"""
STYLE = "astrophotography, centered, highly detailed"


def demo(definitions: dict[str, Any]) -> Workflow:
    """With the embedded model."""
    workflow = Workflow("0b0c6a0e-7f0e-4c1c-9a36-0d6a2f1c7b51", definitions)
    workflow.group("1. Model")
    workflow.note(DEMO_NOTE, 320)
    source = demo_source(workflow)
    workflow.group("2. Prompts")
    workflow.note(DEMO_PROMPTS_NOTE, 190)
    prompts = workflow.node("ZoomPromptSchedule", clip=source.clip)
    sampling = {"seed": 3, **DEMO_SAMPLING}
    sample_and_save(workflow, source, prompts, DEMO_SIZE, "galaxy_to_planet_demo", DEMO_VIDEO_SIZE, **sampling)
    return workflow


def app(definitions: dict[str, Any]) -> Workflow:
    """The same, which opens in the front end's app mode: rows and explorer beside the video."""
    workflow = demo(definitions)
    workflow.id = "7c2f54d1-0f0b-4a77-9d7a-5a4e31c4f6b8"
    workflow.opens_as_app = True
    return workflow


def checkpoint(definitions: dict[str, Any]) -> Workflow:
    """With a checkpoint and a LoRA of the user's."""
    workflow = Workflow("5d5b1f0a-3a4e-4d57-8b0f-6f2f6c9b1e24", definitions)
    workflow.group("1. Model")
    workflow.note(NOTE, 440)
    loader = checkpoint_source(workflow)
    lora = workflow.node(
        "LoraLoader",
        models=(LORA,),
        model=loader.model,
        clip=loader.clip,
        lora_name=LORA.name,
        strength_model=0.5,
        strength_clip=0.5,
    )
    source = Source(lora["MODEL"], lora["CLIP"], loader.vae)
    workflow.group("2. Prompts")
    prompts = workflow.node("ZoomPromptSchedule", clip=source.clip, suffix=STYLE, negative=NEGATIVE, prompts=PROMPTS)
    sample_and_save(workflow, source, prompts, CHECKPOINT_SIZE, "galaxy_to_planet")
    return workflow
