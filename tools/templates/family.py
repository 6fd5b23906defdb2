"""The workflow of a model family of `families.FAMILIES`: the story of *galaxy to planet* with that model."""

from __future__ import annotations

from typing import Any

from .families import FAMILIES, Family, Part
from .galaxy import PROMPTS, STYLE
from .pieces import NEGATIVE, STACK_NOTE, Source, decode, save, zoom_sampler
from .workflow import Node, Output, Workflow


def describe(key: str, definitions: dict[str, Any]) -> Workflow:
    """The workflow of the family ``key``."""
    family = FAMILIES[key]
    workflow = Workflow(family.id, definitions)
    workflow.group("1. Model")
    workflow.note(_note(family), 440)
    source = _source(workflow, family)
    workflow.group("2. Prompts")
    negative = NEGATIVE if family.cfg > 1 else ""  # without guidance nobody reads it
    prompts = workflow.node("ZoomPromptSchedule", clip=source.clip, suffix=STYLE, negative=negative, prompts=PROMPTS)
    latent, geometry = _sample(workflow, family, source, prompts)
    note = STACK_NOTE.replace("Zoom KSampler", geometry.node.title)
    save(workflow, decode(workflow, source, latent), geometry, f"zoomstack/{key}", note=note)
    return workflow


def _note(family: Family) -> str:
    files = [model for part in family.parts for model in part.models]
    links = "\n".join(f"- {model.directory}: [{model.name}]({model.url})" for model in files)
    return f"""\
## From a galaxy to a planet, with {family.name}

1. Get the files below; ComfyUI offers to where they are missing.
2. Write the prompts, one per line, the widest view first. Neighbors should agree on what is in the middle.
3. Press **Run**.

Files, size and settings are those of {family.origin}. {family.hint} It was tried on a small network of this family, \
not on these files.

Pictures of {family.size} × {family.size}, for a graphics card with {family.memory} GB; on a smaller one ComfyUI moves \
parts of the model to and fro, which takes longer.

**Files**
{links}
"""


def _source(workflow: Workflow, family: Family) -> Source:
    made: dict[str, Output] = {}
    for part in family.parts:
        node = _node(workflow, part, {"model": made.get("MODEL"), "clip": made.get("CLIP")})
        made |= {kind: node[kind] for kind in ("MODEL", "CLIP", "VAE") if kind in node.info["output_name"]}
    return Source(made["MODEL"], made["CLIP"], made["VAE"], family.of_latents)


def _node(workflow: Workflow, part: Part, offered: dict[str, Any]) -> Node:
    """The node of ``part``, with those of ``offered`` that it has inputs for."""
    known = workflow.definitions[part.type]["input"].get("required", {})
    inputs = {name: value for name, value in offered.items() if name in known}
    return workflow.node(part.type, models=part.models, **inputs, **part.inputs)


def _sample(workflow: Workflow, family: Family, source: Source, prompts: Node) -> tuple[Output, Output]:
    """The latents of all levels, and their geometry."""
    size: dict[str, Any] = {"width": family.size, "height": family.size}
    if isinstance(family.scheduler, str):
        workflow.group("3. Sample all levels together")
        latent = workflow.node(family.latent, **size)["LATENT"]
        widgets = {"sampler_name": family.sampler_name, "scheduler": family.scheduler}
        sampler = zoom_sampler(workflow, source, prompts, latent, **widgets, steps=family.steps, cfg=family.cfg)
        return sampler["LATENT"], sampler["geometry"]
    workflow.group("3. Steps and guidance")
    sigmas = _node(workflow, family.scheduler, {"model": source.model, "steps": family.steps, **size})
    sampler = workflow.node("KSamplerSelect", sampler_name=family.sampler_name)
    guider = workflow.node(
        "CFGGuider",
        model=source.model,
        positive=prompts["positive"],
        negative=prompts["negative"],
        cfg=family.cfg,
    )
    joint = workflow.node("ZoomGuider", guider=guider["GUIDER"], vae=source.vae if source.of_latents else None)
    workflow.group("4. Sample all levels together")
    levels = workflow.node(
        "SamplerCustomAdvanced",
        noise=workflow.node("RandomNoise")["NOISE"],
        guider=joint["guider"],
        sampler=sampler["SAMPLER"],
        sigmas=sigmas["SIGMAS"],
        latent_image=workflow.node(family.latent, **size, batch_size=prompts["levels"])["LATENT"],
    )
    return levels["output"], joint["geometry"]
