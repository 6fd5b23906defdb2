"""What the workflows of templates/descriptions.py have in common: where models come from, and how results are saved."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .workflow import Model, Node, Output, Workflow


def hugging_face(repository: str, path: str, directory: str = "") -> Model:
    """A file of a repository there; ``directory`` of ComfyUI's models, where it is not the file's own folder."""
    *_, folder, name = f"/{path}".split("/")
    return Model(name, f"https://huggingface.co/{repository}/resolve/main/{path}", directory or folder)


_SDXL = "stabilityai/stable-diffusion-xl-base-1.0"
CHECKPOINT = hugging_face(_SDXL, "sd_xl_base_1.0.safetensors", "checkpoints")
LORA = hugging_face(_SDXL, "sd_xl_offset_example-lora_1.0.safetensors", "loras")

FILES = f"""\
**Files**
- checkpoints: [{CHECKPOINT.name}]({CHECKPOINT.url})
"""
NEGATIVE = "text, watermark, frame, border, collage, blurry"
STACK_NOTE = """\
**Zoom Stack** takes the *geometry* that the sampler used, so the zoom factor is set in one place: in **Zoom KSampler**.

To upscale: put an upscaler between *VAE Decode* and *Zoom Stack*, which makes the levels agree again.
"""
GEOMETRY_STACK_NOTE = STACK_NOTE.replace("Zoom KSampler", "Zoom Geometry")

# The demo model's size, its LoRAs, and what goes with that for few steps.
DEMO_SIZE = 256
DEMO_LORA, FOREST_LORA = "zoomstack_demo_few_steps.safetensors", "zoomstack_demo_forest.safetensors"
DEMO_SAMPLING: dict[str, Any] = {"cfg": 1.0, "steps": 8, "sampler_name": "lcm", "scheduler": "exponential"}
FOREST_SAMPLING: dict[str, Any] = {"cfg": 3.0, "steps": 20, "sampler_name": "dpmpp_2m", "scheduler": "exponential"}
DEMO_UPSCALER, DEMO_NOISE = "zoomstack_demo_4x.safetensors", 0.02
DEMO_VIDEO_SIZE = 768
FEATHER = 16  # pixels; without an upscaler levels differ by what a VAE loses, and it does little
CHECKPOINT_SIZE = 1024


class Source(NamedTuple):
    """Where the model, its text encoder and its VAE come from, whether it works on latents, and what enlarges its
    pictures."""

    model: Output
    clip: Output
    vae: Output
    of_latents: bool = True
    upscaler: Output | None = None


def demo_source(workflow: Workflow, lora: str = DEMO_LORA) -> Source:
    """The embedded model, with a LoRA and the upscaler that come with it."""
    node = workflow.node("ZoomDemoModel")
    changed = workflow.node("LoraLoaderModelOnly", model=node["MODEL"], lora_name=lora, strength_model=1.0)
    upscaler = workflow.node("UpscaleModelLoader", model_name=DEMO_UPSCALER)
    return Source(changed["MODEL"], node["CLIP"], node["VAE"], upscaler=upscaler["UPSCALE_MODEL"])


def checkpoint_source(workflow: Workflow) -> Source:
    """A checkpoint of the user's."""
    node = workflow.node("CheckpointLoaderSimple", models=(CHECKPOINT,), ckpt_name=CHECKPOINT.name)
    return Source(node["MODEL"], node["CLIP"], node["VAE"])


def zoom_sampler(workflow: Workflow, source: Source, prompts: Node, latent: Output, **inputs: Any) -> Node:
    """Gives the latents of all levels, and the geometry that it used.

    Latents may not resample as pictures do, so it blends with the VAE, where the model has one.
    """
    return workflow.node(
        "ZoomKSampler",
        model=source.model,
        positive=prompts["positive"],
        negative=prompts["negative"],
        latent_image=latent,
        vae=source.vae if source.of_latents else None,
        **inputs,
    )


def empty_latent(workflow: Workflow, size: int) -> Output:
    """One empty latent, which stands for every level."""
    return workflow.node("EmptyLatentImage", width=size, height=size)["LATENT"]


def decode(workflow: Workflow, source: Source, latent: Output) -> Output:
    """The images of ``latent``."""
    return workflow.node("VAEDecode", samples=latent, vae=source.vae)["IMAGE"]


def enlarged(workflow: Workflow, source: Source, images: Output) -> Output:
    """The images as the source's upscaler makes them, which makes detail of noise."""
    if source.upscaler is None:
        return images
    noisy = workflow.node("ImageAddNoise", image=images, seed=0, strength=DEMO_NOISE)
    return workflow.node("ImageUpscaleWithModel", upscale_model=source.upscaler, image=noisy["IMAGE"])["IMAGE"]


def sample_in_geometry(
    workflow: Workflow,
    source: Source,
    prompts: Node,
    size: int,
    name: str,
    nesting: Mapping[str, Any],
    geometry_note: tuple[str, int],
    video_size: int = 0,
    camera: Mapping[str, Any] = MappingProxyType({}),
    **sampling: Any,
) -> None:
    """As `sample_and_save`, with a Zoom Geometry before that.

    Args:
        nesting: inputs of Zoom Geometry.
        geometry_note: what is said of it, and the note's height.
    """
    workflow.note(*geometry_note)
    geometry = workflow.node("ZoomGeometry", **nesting)["geometry"]
    sample_and_save(
        workflow, source, prompts, size, name, video_size, GEOMETRY_STACK_NOTE, camera, geometry=geometry, **sampling
    )


def sample_and_save(
    workflow: Workflow,
    source: Source,
    prompts: Node,
    size: int,
    name: str,
    video_size: int = 0,
    note: str = STACK_NOTE,
    camera: Mapping[str, Any] = MappingProxyType({}),
    **sampling: Any,
) -> None:
    """The last three groups: all levels sampled with ``sampling``, and what `save` does with them.

    Args:
        size: of the levels in pixels.
        name: of the saved files.
        camera: inputs of Zoom Video.
    """
    workflow.group("3. Sample all levels together")
    latent = empty_latent(workflow, size)
    sampler = zoom_sampler(workflow, source, prompts, latent, **sampling)
    images = enlarged(workflow, source, decode(workflow, source, sampler["LATENT"]))
    save(workflow, images, sampler["geometry"], f"zoomstack/{name}", video_size, note, **camera)


def save(
    workflow: Workflow,
    images: Output,
    geometry: Output,
    prefix: str,
    video_size: int = 0,
    note: str = STACK_NOTE,
    **camera: Any,
) -> None:
    """The last two groups: the consistent stack with its images and its explorer, and its video."""
    number = len(workflow.groups) + 1
    workflow.group(f"{number}. Images and explorer")
    workflow.note(note, 170)
    stack = workflow.node("ZoomStack", images=images, geometry=geometry, feather=FEATHER)
    workflow.node("SaveImage", images=stack["images"], filename_prefix=f"{prefix}_level")
    # the last schedule is that of all levels
    captions = next((node["prompts"] for node in reversed(workflow.nodes) if node.type == "ZoomPromptSchedule"), None)
    viewer = workflow.node("ZoomViewer", stack=stack["stack"], prompts=captions, filename_prefix=f"{prefix}_explorer")
    workflow.group(f"{number + 1}. Video")
    video = workflow.node("ZoomVideo", stack=stack["stack"], width=video_size, height=video_size, **camera)
    saved = workflow.node("SaveVideo", video=video["VIDEO"], filename_prefix=prefix)
    written = (node for node in workflow.nodes if node.type == "ZoomPromptSchedule")
    workflow.app_inputs += [(node, "prompt_rows") for node in written if isinstance(node.inputs["prompts"], str)]
    sampled = (node for node in workflow.nodes if "sampler_name" in node.inputs)  # not noise that is put on a picture
    workflow.app_inputs += [(node, "seed") for node in sampled if isinstance(node.inputs.get("seed"), int)]
    workflow.app_inputs.append((viewer, "explorer"))
    workflow.app_outputs.append(saved)
