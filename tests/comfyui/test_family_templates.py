"""The templates of model families: on small networks of each family, and against ComfyUI's own templates."""

import json
from pathlib import Path

import pytest
import torch
from family_files import FLUX2_VAE, NETWORKS, text_encoder, write_files
from harness import PACK, Host, Prompt
from real_families import REAL_FAMILIES
from templates.families import FAMILIES
from torch import Tensor

KNOWN = [key for key in FAMILIES if NETWORKS[key] in REAL_FAMILIES]  # by this version of ComfyUI
SAMPLERS = ("ZoomKSampler", "ZoomGuider")
SAVING = ("SaveImage", "SaveVideo", "ZoomStack", "ZoomVideo", "ZoomViewer")
LATENTS = ("EmptyLatentImage", "EmptySD3LatentImage", "EmptyFlux2LatentImage", "EmptyChromaRadianceLatentImage")
WITHOUT_VAE = ("sd15", "chroma_radiance")  # their latents resample as pictures do


def template(key: str) -> Prompt:
    prompt: Prompt = json.loads((PACK / "workflows" / "api" / f"{key}.json").read_text(encoding="utf-8"))
    return prompt


def of_type(prompt: Prompt, *class_types: str) -> list[str]:
    """The ids of all nodes of these types."""
    return [key for key, node in prompt.items() if node["class_type"] in class_types]


def small(host: Host, key: str, alignment: float) -> Prompt:
    """The template with three levels, two steps, small pictures, and the small files."""
    write_files(key, host.base / "models")
    prompt = template(key)
    (sampler,) = of_type(prompt, *SAMPLERS)
    prompt[sampler]["inputs"]["alignment"] = alignment
    size = 64 if FAMILIES[key].of_latents else 32
    loaders = of_type(prompt, "CheckpointLoaderSimple", "CLIPLoader")
    for node in list(prompt.values()):
        inputs = node["inputs"]
        changes = {"steps": 2, "clip_name": None}
        if node["class_type"] in (*LATENTS, "Flux2Scheduler"):
            changes |= {"width": size, "height": size}
        if node["class_type"] == "ZoomVideo":
            changes |= {"seconds_per_level": 0.1, "width": 96, "height": 96}
        if inputs.get("vae_name") == "flux2-vae.safetensors":
            changes |= {"vae_name": FLUX2_VAE}
        if isinstance(inputs.get("clip"), list) and inputs["clip"][0] in loaders:
            changes |= {"clip": ["text", 0]}
        if "prompts" in inputs and node["class_type"] == "ZoomPromptSchedule":
            changes |= {"prompts": "\n".join(inputs["prompts"].splitlines()[:3])}
        inputs.update({name: value for name, value in changes.items() if name in inputs})
    for unused in of_type(prompt, "CLIPLoader"):
        del prompt[unused]
    return {**prompt, "text": host.source(text_encoder(host, key))}


def levels(host: Host, prompt: Prompt) -> Tensor:
    """The latents of all levels as the decoder gets them; nothing is saved."""
    (decoder,) = of_type(prompt, "VAEDecode")
    sampling = {key: node for key, node in prompt.items() if node["class_type"] not in SAVING}
    latent, images = host.evaluate(sampling, prompt[decoder]["inputs"]["samples"], [decoder, 0])
    assert len(latent["samples"]) == len(images) == 3
    assert torch.isfinite(images).all()
    return latent["samples"]


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("key", KNOWN)
def test_it_runs_in_latents_and_through_the_vae(host: Host, key: str, alignment: float) -> None:
    prompt = small(host, key, alignment)
    (sampler,), (decoder,) = of_type(prompt, *SAMPLERS), of_type(prompt, "VAEDecode")
    inputs, vae = prompt[sampler]["inputs"], prompt[decoder]["inputs"]["vae"]
    assert inputs.get("vae") == (vae if FAMILIES[key].of_latents else None)
    inputs["vae"] = vae
    through_vae = levels(host, prompt)
    del inputs["vae"]
    in_latents = levels(host, prompt)
    for result in (in_latents, through_vae):
        assert torch.isfinite(result).all()
        assert min(float(level.std()) for level in result) > 1e-3
    assert torch.equal(in_latents, through_vae) == (key in WITHOUT_VAE)


@pytest.mark.parametrize("key", KNOWN)
def test_it_saves_levels_explorer_and_video(host: Host, key: str) -> None:
    outputs = host.run(small(host, key, 1.0))
    files = [file for output in outputs.values() for file in output.get("images", []) if file["type"] == "output"]
    suffixes = [Path(file["filename"]).suffix for file in files]
    assert (suffixes.count(".png"), suffixes.count(".mp4")) == (3, 1)
    assert any("zoom" in output for output in outputs.values())


@pytest.mark.parametrize("key", [key for key in FAMILIES if "lora" in key or "lightning" in key])
def test_the_lora_counts(host: Host, key: str) -> None:
    prompt = small(host, key, 1.0)
    del prompt[of_type(prompt, "ZoomKSampler")[0]]["inputs"]["vae"]
    with_lora = levels(host, prompt)
    (lora,) = of_type(prompt, "LoraLoader", "LoraLoaderModelOnly")
    prompt[lora]["inputs"]["strength_model"] = 0.0
    assert not torch.equal(with_lora, levels(host, prompt))
