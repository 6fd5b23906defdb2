"""The workflows that the pack comes with, described by names; make_workflows.py writes them into workflows/."""

from __future__ import annotations

from typing import Any

from workflow_file import Model, Node, Workflow

CHECKPOINT = Model(
    "sd_xl_base_1.0.safetensors",
    "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/resolve/main/sd_xl_base_1.0.safetensors",
    "checkpoints",
)
LORA = Model(
    "sd_xl_offset_example-lora_1.0.safetensors",
    "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/resolve/main/sd_xl_offset_example-lora_1.0.safetensors",
    "loras",
)

DEMO_NOTE = """\
## From a galaxy to the ground

This workflow runs as it is: **Demo Model** is a small network that comes with ZoomStack, and needs no download.

1. Press **Run**.
2. Change a word: *ocean* to *desert*, *volcanic* or *icy*; *blue* galaxy to *red*, *purple* or *golden*.
3. For pictures of your own, open the template *galaxy to planet*, which uses a checkpoint.
"""

DEMO_PROMPTS_NOTE = """\
One prompt per line, the widest view first. Every level shows the middle of the one before, larger by the zoom factor.

The demo model knows these thirteen scales, a factor of two apart. It was shown nothing else.
"""

NOTE = """\
## From a galaxy to a planet

One prompt per zoom level; all levels are sampled together, so that they show one scene.

1. Choose a checkpoint of Stable Diffusion 1.5 or SDXL, and set the size that it was made for (512 or 1024).
2. Write the prompts, one per line, the widest view first. Neighbors should agree on what is in the middle.
3. Press **Run**.

**Files**
- checkpoints: [{checkpoint.name}]({checkpoint.url})
- loras: [{lora.name}]({lora.url}), for deep blacks; or bypass the LoRA loader (Ctrl+B)
"""

VIDEO_NOTE = """\
**Zoom factor** is set once, in *Prompts*, for the sampler and for the stack.

To upscale: put an upscaler between *VAE Decode* and *Zoom Stack*, which makes the levels agree again.
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
NEGATIVE = "text, watermark, frame, border, collage, blurry"


def demo(definitions: dict[str, Any]) -> Workflow:
    """The main job with the embedded model."""
    workflow = Workflow("0b0c6a0e-7f0e-4c1c-9a36-0d6a2f1c7b51", definitions)
    workflow.group("1. Model")
    workflow.note(DEMO_NOTE, 320)
    model = workflow.node("ZoomDemoModel", 90)
    workflow.group("2. Prompts")
    workflow.note(DEMO_PROMPTS_NOTE, 190)
    prompts = workflow.node("ZoomPromptSchedule", 560, clip=model["CLIP"])
    _sample_and_save(workflow, model, prompts, 64, "zoomstack/galaxy_to_planet_demo", seed=7, cfg=3.0, video_size=512)
    return workflow


def checkpoint(definitions: dict[str, Any]) -> Workflow:
    """The same with a checkpoint and a LoRA of the user's."""
    workflow = Workflow("5d5b1f0a-3a4e-4d57-8b0f-6f2f6c9b1e24", definitions)
    workflow.group("1. Model")
    workflow.note(NOTE.format(checkpoint=CHECKPOINT, lora=LORA), 440)
    loader = workflow.node("CheckpointLoaderSimple", 120, models=(CHECKPOINT,), ckpt_name=CHECKPOINT.name)
    lora = workflow.node(
        "LoraLoader",
        160,
        models=(LORA,),
        model=loader["MODEL"],
        clip=loader["CLIP"],
        lora_name=LORA.name,
        strength_model=0.5,
        strength_clip=0.5,
    )
    workflow.group("2. Prompts")
    prompts = workflow.node(
        "ZoomPromptSchedule", 620, clip=lora["CLIP"], suffix=STYLE, negative=NEGATIVE, prompts=PROMPTS
    )
    _sample_and_save(workflow, lora, prompts, 1024, "zoomstack/galaxy_to_planet", vae=loader)
    return workflow


def _sample_and_save(
    workflow: Workflow,
    model: Node,
    prompts: Node,
    size: int,
    prefix: str,
    vae: Node | None = None,
    seed: int = 0,
    cfg: float = 7.0,
    video_size: int = 0,
) -> None:
    factor = workflow.node("PrimitiveFloat", 90, title="Zoom factor", value=2.0)
    workflow.group("3. Sample all levels together")
    latent = workflow.node("EmptyLatentImage", 130, width=size, height=size)
    sampler = workflow.node(
        "ZoomKSampler",
        480,
        model=model["MODEL"],
        positive=prompts["positive"],
        negative=prompts["negative"],
        latent_image=latent["LATENT"],
        zoom_factor=factor["FLOAT"],
        seed=seed,
        cfg=cfg,
    )
    decode = workflow.node("VAEDecode", 60, samples=sampler["LATENT"], vae=(vae or model)["VAE"])
    workflow.group("4. Images and video")
    workflow.note(VIDEO_NOTE, 150)
    stack = workflow.node("ZoomStack", 160, images=decode["IMAGE"], zoom_factor=factor["FLOAT"])
    workflow.node("SaveImage", 300, images=stack["images"], filename_prefix=f"{prefix}_level")
    video = workflow.node("ZoomVideo", 340, stack=stack["stack"], width=video_size, height=video_size)
    workflow.group("5. Result")
    workflow.node("SaveVideo", 500, video=video["VIDEO"], filename_prefix=prefix)


def workflows(definitions: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Path below workflows/ -> content of every workflow file."""
    made = {"galaxy_to_planet_demo": demo(definitions), "galaxy_to_planet": checkpoint(definitions)}
    ui_files = {f"{name}.json": workflow.ui() for name, workflow in made.items()}
    return ui_files | {f"api/{name}.json": workflow.api() for name, workflow in made.items()}
