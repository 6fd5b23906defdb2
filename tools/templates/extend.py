"""The workflows *extend zoom*: six levels, then four more at the deep end, without changing the first six."""

from __future__ import annotations

from typing import Any

from .pieces import (
    CHECKPOINT_SIZE,
    DEMO_SAMPLING,
    DEMO_SIZE,
    DEMO_VIDEO_SIZE,
    FILES,
    NEGATIVE,
    Source,
    checkpoint_source,
    decode,
    demo_source,
    empty_latent,
    enlarged,
    save,
    zoom_sampler,
)
from .workflow import Workflow

DEMO_NOTE = """\
## Go on where a zoom ended

Six levels are made first, then four more, deeper ones. This workflow runs as it is, on the small **Demo Model**.

1. Press **Run**.
2. Change *The next prompts*, or the seed of the second sampler, and run again: the first six levels stay.
3. For pictures of your own, open the template *ZoomStack 4 extend*, which uses a checkpoint.
"""

NOTE = f"""\
## Go on where a zoom ended

Six levels are made first, then four more, deeper ones.

1. Choose a checkpoint of Stable Diffusion 1.5 or SDXL, and set the size that it was made for (512 or 1024).
2. Write the prompts of both parts, one per line.
3. Press **Run**. Then change *The next prompts*, or the seed of the second sampler: the first part stays.

{FILES}"""

HOLD_NOTE = """\
**Zoom Hold Levels** takes finished levels back into a sampler. Held levels stay as they are, but for the middle, \
where the new ones show more; so the two parts are one zoom.

*add_wider* puts new levels in front. With fewer *levels* held, such as 0-2, 4-5, the others are made anew: another \
seed for those alone. Give the sampler prompts for all levels, and the *geometry* of the first sampler.
"""

STACK_NOTE = """\
The zoom factor is set once, in the first **Zoom KSampler**; *geometry* hands it on to the second one and to the stack.

To go on with it another day, save the first part with *Save Latent*, and load it with *Load Latent*.
"""

DEMO_FIRST = """\
a blue spiral galaxy
the spiral arms of a blue galaxy
a blue nebula full of stars
a star field around a yellow sun
a yellow sun and a small desert planet
a distant desert planet"""
DEMO_NEXT = """\
a whole desert planet in space
a huge desert planet up close
the continents of a desert planet
the highlands of a desert planet"""

FIRST = """\
a mountain range under a clear sky, seen from far away
a snowy mountain with a forest at its foot
an old pine forest on a mountain slope, one tall pine in the middle
a tall old pine, its trunk and branches
a thick pine branch with cones, bark and lichen
a lichen-covered branch, a small beetle in the middle"""
NEXT = """\
a shiny green beetle on lichen, macro photograph
the shell of a green beetle, fine grooves and dots, macro photograph
iridescent scales of a beetle's shell under a microscope
the surface of one iridescent scale, electron microscope, fine parallel ridges"""
STYLE = "photograph, natural light, highly detailed"


def demo(definitions: dict[str, Any]) -> Workflow:
    """With the embedded model."""
    workflow = Workflow("e4b7316f-2a8d-4c95-b06e-5d19f3c8a270", definitions)
    workflow.group("1. Model")
    workflow.note(DEMO_NOTE, 300)
    source = demo_source(workflow)
    name = "zoomstack/extend_zoom_demo"
    _two_parts(workflow, source, (DEMO_FIRST, DEMO_NEXT), DEMO_SIZE, name, DEMO_VIDEO_SIZE, {}, DEMO_SAMPLING)
    return workflow


def checkpoint(definitions: dict[str, Any]) -> Workflow:
    """With a checkpoint of the user's."""
    workflow = Workflow("70f2d9b5-8e34-4b1a-a6c7-93e05b1d48fc", definitions)
    workflow.group("1. Model")
    workflow.note(NOTE, 340)
    source = checkpoint_source(workflow)
    words = {"suffix": STYLE, "negative": NEGATIVE}
    _two_parts(workflow, source, (FIRST, NEXT), CHECKPOINT_SIZE, "zoomstack/extend_zoom", 0, words, {})
    return workflow


def _two_parts(
    workflow: Workflow,
    source: Source,
    texts: tuple[str, str],
    size: int,
    prefix: str,
    video_size: int,
    words: dict[str, Any],
    sampling: dict[str, Any],
) -> None:
    workflow.group("2. Prompts of six levels")
    first = workflow.node("PrimitiveStringMultiline", title="The first prompts", value=texts[0])["STRING"]
    prompts = workflow.node("ZoomPromptSchedule", room=560, clip=source.clip, prompts=first, **words)
    workflow.group("3. Sample the first six levels")
    latent = empty_latent(workflow, size)
    sampler = zoom_sampler(workflow, source, prompts, latent, seed=12, **sampling)
    workflow.group("4. Prompts of four more, deeper")
    more = workflow.node("PrimitiveStringMultiline", title="The next prompts", value=texts[1])["STRING"]
    both = workflow.node("StringConcatenate", title="All prompts", string_a=first, string_b=more, delimiter="\n")
    prompts = workflow.node("ZoomPromptSchedule", clip=source.clip, prompts=both["STRING"], **words)
    workflow.group("5. Hold the first, sample the rest")
    workflow.note(HOLD_NOTE, 240)
    held = workflow.node("ZoomHeldLevels", latent=sampler["LATENT"], add_deeper=4)["LATENT"]
    sampler = zoom_sampler(workflow, source, prompts, held, seed=7, geometry=sampler["geometry"], **sampling)
    images = enlarged(workflow, source, decode(workflow, source, sampler["LATENT"]))
    save(workflow, images, sampler["geometry"], prefix, video_size, STACK_NOTE)
