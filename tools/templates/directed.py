"""The workflow *directed zoom*: a draft in few steps, a language model that sees it, and the zoom that it directs."""

from __future__ import annotations

from typing import Any

from .pieces import (
    CHECKPOINT_SIZE,
    FILES,
    NEGATIVE,
    STACK_NOTE,
    checkpoint_source,
    decode,
    empty_latent,
    hugging_face,
    save,
    zoom_sampler,
)
from .workflow import Workflow

# With the settings of ComfyUI's own template of it, llm_qwen3vl_text_gen.
READER = hugging_face("Comfy-Org/Qwen3-VL", "text_encoders/qwen3vl_4b_fp8_scaled.safetensors")
READER_TYPE = "ideogram4"
SHOWN_MEGAPIXELS = 0.25  # 256 tokens of Qwen3-VL for each level
DRAFT_STEPS = 8
ANSWER_TOKENS = 2048

NOTE = f"""\
## A zoom that is looked at before it is made

A draft of {DRAFT_STEPS} steps is shown to a language model that sees. It rewrites the prompts that do not fit, and \
says where in every picture the zoom is to go. Then the zoom is made.

1. Choose a checkpoint of Stable Diffusion 1.5 or SDXL, and set the size that it was made for (512 or 1024).
2. Write the prompts of the draft, one per line, and the scene in *Zoom Prompt Writer*.
3. Press **Run**.

Any model of **Generate Text** that takes several pictures will do: Qwen3-VL, Qwen3.5, Gemma 4.

{FILES}- {READER.directory}: [{READER.name}]({READER.url})
"""

SEE_NOTE = """\
*Preview as Text* shows what the model sees, the prompts that it writes, and the points: x and y from 0 to 1000.

If it gives another number of levels, the run stops at *Zoom Prompt Schedule* and shows what was read. Change the seed \
of the draft then, or raise *max_length* where the answer was cut off.
"""

FINAL_NOTE = """\
*geometry* of this node has the focus and the factor of every step from the answer; what that leaves out is as in the \
draft. To stay with what you see, copy the answer into *prompts* and remove the link.
"""

SCENE = "from a harbor town to the rust on one bolt of its tower clock"
PROMPTS = """\
an old harbor town below green hills, seen from the sea
the quay of a harbor town with fishing boats and a stone clock tower
a stone clock tower above the roofs of a quay
the white face of a tower clock with two black hands
the hub of a tower clock where two black hands meet, an iron bolt in it
the head of an iron bolt, rust and scratches, macro photograph
grains of rust on iron, under a microscope"""
STYLE = "photograph, soft evening light, highly detailed"
ZOOM_FACTOR = 3.0
SEED = 5


def checkpoint(definitions: dict[str, Any]) -> Workflow:
    """With a checkpoint of the user's."""
    workflow = Workflow("3c5d8e1a-64b7-4f02-9a8d-b27e05c4f196", definitions)
    words: dict[str, Any] = {"suffix": STYLE, "negative": NEGATIVE}
    workflow.group("1. Models")
    workflow.note(NOTE, 480)
    source = checkpoint_source(workflow)
    reader = workflow.node("CLIPLoader", models=(READER,), clip_name=READER.name, type=READER_TYPE)["CLIP"]
    workflow.group("2. Prompts of the draft")
    first = workflow.node("ZoomPromptSchedule", clip=source.clip, prompts=PROMPTS, **words)
    workflow.group("3. Draft")
    latent = empty_latent(workflow, CHECKPOINT_SIZE)
    sampling: dict[str, Any] = {"seed": SEED}
    draft = zoom_sampler(workflow, source, first, latent, zoom_factor=ZOOM_FACTOR, steps=DRAFT_STEPS, **sampling)
    pictures = decode(workflow, source, draft["LATENT"])
    shown = workflow.node("ImageScaleToTotalPixels", image=pictures, upscale_method="area", megapixels=SHOWN_MEGAPIXELS)
    workflow.group("4. See")
    workflow.note(SEE_NOTE, 200)
    images, geometry = shown["IMAGE"], draft["geometry"]
    writer = workflow.node("ZoomPromptWriter", scene=SCENE, geometry=geometry, images=images, prompts=first["prompts"])
    text = workflow.node(
        "TextGenerate",
        clip=reader,
        prompt=writer["instruction"],
        image=images,
        max_length=ANSWER_TOKENS,
        sampling_mode="off",
    )["generated_text"]
    workflow.node("PreviewAny", source=text)
    workflow.group("5. What it says")
    workflow.note(FINAL_NOTE, 150)
    levels = writer["levels"]
    prompts = workflow.node(
        "ZoomPromptSchedule", clip=source.clip, prompts=text, expected_levels=levels, geometry=geometry, **words
    )
    workflow.group("6. Sample all levels together")
    sampler = zoom_sampler(workflow, source, prompts, latent, geometry=prompts["geometry"], **sampling)
    note = STACK_NOTE.replace("in **Zoom KSampler**", "in the first **Zoom KSampler**, and changed by the answer")
    save(
        workflow, decode(workflow, source, sampler["LATENT"]), sampler["geometry"], "zoomstack/directed_zoom", note=note
    )
    return workflow
