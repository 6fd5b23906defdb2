"""The workflows *photo zoom*: a photograph is the widest view, and the zoom leads into it."""

from __future__ import annotations

from typing import Any

from .pieces import (
    CHECKPOINT_SIZE,
    DEMO_SAMPLING,
    DEMO_SIZE,
    DEMO_VIDEO_SIZE,
    FILES,
    GEOMETRY_STACK_NOTE,
    NEGATIVE,
    checkpoint_source,
    decode,
    demo_source,
    empty_latent,
    enlarged,
    save,
    zoom_sampler,
)
from .workflow import Output, Workflow

DEMO_NOTE = """\
## Into a photo

A picture is the widest view, and the zoom leads on into it. This workflow runs as it is, on the small **Demo Model**.

1. Press **Run**. The picture is made first, by an ordinary KSampler; it stands for a photo.
2. Put *a distant ocean planet* in front of the prompts, as a line of its own, and set **level** to 1: now the zoom \
begins outside of the picture.
3. For a photo of your own, open the template *ZoomStack 3 photo*, which uses a checkpoint.
"""

NOTE = f"""\
## Into a photo

A photo is the widest view, and the zoom leads on into it.

1. Choose a checkpoint of Stable Diffusion 1.5 or SDXL, and set the size that it was made for (512 or 1024).
2. Load a photo. Describe it in the first line of the prompts, and in the next ones what is to be seen deeper in it.
3. Put the point that the zoom goes to into the first line of **focus**.
4. Press **Run**.

{FILES}"""

ANCHOR_NOTE = """\
**Zoom Photo Anchor** pulls every level, at every step, towards what the photo shows of it; the finished level shows \
the photo itself.

At another *level* than 0 the zoom begins outside of the photo. A second anchor, linked through *anchors*, gives \
another level a photo of its own.
"""

DEMO_PHOTO = "a whole ocean planet in space"
DEMO_PROMPTS = """\
a whole ocean planet in space
a huge ocean planet up close
the continents of an ocean planet
the highlands of an ocean planet
ocean mountains seen from above
ocean hills and rocks seen from above"""

# for the example image that ComfyUI comes with: into the girl's eye
PROMPTS = """\
a child's drawing of a girl with yellow hair on a green hill under a blue sky
a child's drawing of a face with two round blue eyes and a small smile
a round blue eye in a simple drawing, flat colors, thick brush
a blue iris around a dark pupil, painted with a brush
a dark pupil in a blue iris, a spark of light in its middle
a night sky full of stars in a dark round pupil
a bright spiral galaxy in a night sky full of stars"""
FOCUS = """\
0.46, 0.31
0.5, 0.5
0.5, 0.5
0.5, 0.5
0.5, 0.5
0.5, 0.5"""


def demo(definitions: dict[str, Any]) -> Workflow:
    """With the embedded model, which makes the photo too."""
    workflow = Workflow("c7d0a8e2-51b9-4e0d-9f3a-6b8e24d1f705", definitions)
    workflow.group("1. Model")
    workflow.note(DEMO_NOTE, 330)
    source = demo_source(workflow)
    workflow.group("2. A picture in place of a photo")
    positive = workflow.node("CLIPTextEncode", title="What it shows", clip=source.clip, text=DEMO_PHOTO)
    negative = workflow.node("CLIPTextEncode", title="Nothing to avoid", clip=source.clip, text="")
    latent = empty_latent(workflow, DEMO_SIZE)
    picture = workflow.node(
        "KSampler",
        model=source.model,
        positive=positive["CONDITIONING"],
        negative=negative["CONDITIONING"],
        latent_image=latent,
        seed=1,
        **DEMO_SAMPLING,
    )
    photo = decode(workflow, source, picture["LATENT"])
    workflow.group("3. Photo and prompts")
    anchors = _anchor(workflow, photo, source.vae)
    prompts = workflow.node("ZoomPromptSchedule", room=560, clip=source.clip, prompts=DEMO_PROMPTS)
    workflow.group("4. Sample all levels with the photo")
    sampler = zoom_sampler(workflow, source, prompts, latent, anchors=anchors, seed=1, **DEMO_SAMPLING)
    images = enlarged(workflow, source, decode(workflow, source, sampler["LATENT"]))
    save(workflow, images, sampler["geometry"], "zoomstack/photo_zoom_demo", DEMO_VIDEO_SIZE)
    return workflow


def checkpoint(definitions: dict[str, Any]) -> Workflow:
    """With a checkpoint and a photo of the user's."""
    workflow = Workflow("a51f6c3b-9d24-4a77-8c10-e2b7f08d6439", definitions)
    workflow.group("1. Model")
    workflow.note(NOTE, 380)
    source = checkpoint_source(workflow)
    workflow.group("2. Photo")
    photo = workflow.node("LoadImage", image="example.png")["IMAGE"]
    anchors = _anchor(workflow, photo, source.vae)
    latent = empty_latent(workflow, CHECKPOINT_SIZE)
    workflow.group("3. Prompts and geometry")
    prompts = workflow.node("ZoomPromptSchedule", clip=source.clip, negative=NEGATIVE, prompts=PROMPTS)
    geometry = workflow.node("ZoomGeometry", zoom_factors="2", focus=FOCUS)["geometry"]
    workflow.group("4. Sample all levels with the photo")
    sampler = zoom_sampler(workflow, source, prompts, latent, anchors=anchors, geometry=geometry)
    images = enlarged(workflow, source, decode(workflow, source, sampler["LATENT"]))
    save(workflow, images, sampler["geometry"], "zoomstack/photo_zoom", 0, GEOMETRY_STACK_NOTE)
    return workflow


def _anchor(workflow: Workflow, photo: Output, vae: Output) -> Output:
    """The photo as an anchor of level 0."""
    workflow.note(ANCHOR_NOTE, 190)
    return workflow.node("ZoomAnchorPhoto", photo=photo, vae=vae)["anchors"]
