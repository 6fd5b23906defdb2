"""What the workflows of workflow_descriptions.py have in common: where models come from, and how results are saved."""

from __future__ import annotations

from typing import Any, NamedTuple

from workflow_file import Model, Node, Output, Workflow

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

FILES = f"""\
**Files**
- checkpoints: [{CHECKPOINT.name}]({CHECKPOINT.url})
"""
NEGATIVE = "text, watermark, frame, border, collage, blurry"
VIDEO_NOTE = """\
{nesting} is set once, in *Prompts*, for the sampler and for the stack.

To upscale: put an upscaler between *VAE Decode* and *Zoom Stack*, which makes the levels agree again.
"""

# The demo model's size, and how its pictures come out best.
DEMO_SIZE = 64
DEMO_SAMPLING: dict[str, Any] = {"cfg": 3.0, "steps": 30}
DEMO_VIDEO_SIZE = 512
CHECKPOINT_SIZE = 1024


class Source(NamedTuple):
    """Where the model, its text encoder and its VAE come from."""

    model: Output
    clip: Output
    vae: Output


def demo_source(workflow: Workflow) -> Source:
    """The embedded model."""
    node = workflow.node("ZoomDemoModel", 90)
    return Source(node["MODEL"], node["CLIP"], node["VAE"])


def checkpoint_source(workflow: Workflow) -> Source:
    """A checkpoint of the user's."""
    node = workflow.node("CheckpointLoaderSimple", 120, models=(CHECKPOINT,), ckpt_name=CHECKPOINT.name)
    return Source(node["MODEL"], node["CLIP"], node["VAE"])


def zoom_sampler(workflow: Workflow, source: Source, prompts: Node, latent: Output, **inputs: Any) -> Output:
    """The latents of all levels."""
    node = workflow.node(
        "ZoomKSampler",
        480,
        model=source.model,
        positive=prompts["positive"],
        negative=prompts["negative"],
        latent_image=latent,
        **inputs,
    )
    return node["LATENT"]


def empty_latent(workflow: Workflow, size: int) -> Output:
    """One empty latent, which stands for every level."""
    return workflow.node("EmptyLatentImage", 130, width=size, height=size)["LATENT"]


def save(workflow: Workflow, images: Output, prefix: str, video_size: int = 0, note: str = "", **nesting: Any) -> None:
    """The last two groups: the consistent stack, its images, its explorer and its video."""
    number = len(workflow.groups) + 1
    workflow.group(f"{number}. Images and video")
    workflow.note(note or VIDEO_NOTE.format(nesting="**Zoom factor**"), 150)
    stack = workflow.node("ZoomStack", 160, images=images, **nesting)
    workflow.node("SaveImage", 300, images=stack["images"], filename_prefix=f"{prefix}_level")
    video = workflow.node("ZoomVideo", 340, stack=stack["stack"], width=video_size, height=video_size)
    workflow.group(f"{number + 1}. Result")
    # the last schedule is that of all levels
    captions = next((node["prompts"] for node in reversed(workflow.nodes) if node.type == "ZoomPromptSchedule"), None)
    workflow.node("ZoomViewer", 560, stack=stack["stack"], prompts=captions, filename_prefix=f"{prefix}_explorer")
    workflow.node("SaveVideo", 500, video=video["VIDEO"], filename_prefix=prefix)
