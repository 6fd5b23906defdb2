"""What the workflows of single model families are made of: files and settings of each model's own official workflow.

File names, links and settings are those of ComfyUI's own templates (comfyui-workflow-templates 0.11.27, which comes
with ComfyUI 0.30.0); a test compares the two. Only SDXL-Lightning has none there: what is said of it is from the page
of its files, https://huggingface.co/ByteDance/SDXL-Lightning. Memory is by what that package says of each model.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .pieces import CHECKPOINT, LORA, hugging_face
from .workflow import Model


class Part(NamedTuple):
    """A node of the way from the files to model, text encoder and VAE.

    It takes those of the nodes before it that it has inputs for, and what it gives stands in their place.
    """

    type: str
    inputs: dict[str, Any]
    models: tuple[Model, ...] = ()


class Family(NamedTuple):
    """What a template needs to know of a model.

    Attributes:
        name: how the title and the thumbnail call it.
        id: of the workflow, a UUID.
        origin: whose settings these are, for the note.
        memory: in GB: a graphics card of this size holds the files.
        parts: from the files to MODEL, CLIP and VAE.
        latent: the node that makes an empty latent.
        scheduler: a name for Zoom KSampler; or the node that gives the sigmas, and the model goes into Zoom Guider.
        of_latents: False where the model's latents are the pictures.
        hint: for the note: what to know of this model.
    """

    name: str
    id: str
    origin: str
    memory: int
    parts: tuple[Part, ...]
    latent: str
    size: int
    sampler_name: str
    scheduler: str | Part
    cfg: float
    steps: int
    of_latents: bool = True
    hint: str = ""


def _checkpoint(model: Model) -> Part:
    return Part("CheckpointLoaderSimple", {"ckpt_name": model.name}, (model,))


def _diffusion_model(model: Model) -> Part:
    return Part("UNETLoader", {"unet_name": model.name}, (model,))


def _text_encoder(model: Model, kind: str) -> Part:
    return Part("CLIPLoader", {"clip_name": model.name, "type": kind}, (model,))


def _vae(model: Model) -> Part:
    return Part("VAELoader", {"vae_name": model.name}, (model,))


def _comfyui(title: str) -> str:
    return f"ComfyUI's own template *{title}*"


LIGHTNING = hugging_face("ByteDance/SDXL-Lightning", "sdxl_lightning_8step_lora.safetensors", "loras")


FAMILIES = {
    "chroma_radiance": Family(
        name="Chroma Radiance",
        id="d1f0a6c2-4b7e-4f35-9a18-6c2e80b5d947",
        origin=_comfyui("Chroma1 Radiance Text to Image"),
        memory=24,
        parts=(
            _diffusion_model(
                hugging_face(
                    "Comfy-Org/Chroma1-Radiance_Repackaged",
                    "split_files/diffusion_models/chroma-radiance-x0.safetensors",
                )
            ),
            Part("ChromaRadianceOptions", {}),
            Part("ModelSamplingAuraFlow", {"shift": 1.0}),
            _text_encoder(
                hugging_face(
                    "comfyanonymous/flux_text_encoders", "t5xxl_fp8_e4m3fn_scaled.safetensors", "text_encoders"
                ),
                "chroma",
            ),
            Part("T5TokenizerOptions", {}),
            Part("VAELoader", {"vae_name": "pixel_space"}),
        ),
        latent="EmptyChromaRadianceLatentImage",
        size=1024,
        sampler_name="euler",
        scheduler=Part("BetaSamplingScheduler", {"alpha": 0.4, "beta": 0.4}),
        cfg=3.5,
        steps=30,
        of_latents=False,
        hint="This model works on pixels: its levels are blended exactly, and need no VAE.",
    ),
    "flux2_klein": Family(
        name="FLUX.2 klein",
        id="4e93b7d8-05c1-47fa-8e26-b19d3f7a602c",
        origin=_comfyui("Flux.2 [Klein] 4B: Text to Image"),
        memory=12,
        parts=(
            _diffusion_model(
                hugging_face("Comfy-Org/flux2-klein", "split_files/diffusion_models/flux-2-klein-4b.safetensors")
            ),
            _text_encoder(
                hugging_face("Comfy-Org/flux2-klein", "split_files/text_encoders/qwen_3_4b.safetensors"), "flux2"
            ),
            _vae(hugging_face("Comfy-Org/flux2-dev", "split_files/vae/flux2-vae.safetensors")),
        ),
        latent="EmptyFlux2LatentImage",
        size=1024,
        sampler_name="euler",
        scheduler=Part("Flux2Scheduler", {}),
        cfg=1.0,
        steps=4,
        hint="It is distilled to 4 steps. Where the edges of inner levels show, set **alignment** to 0.",
    ),
    "krea2_turbo": Family(
        name="Krea 2 Turbo",
        id="86a5c0e7-93d2-4168-b7f4-2d0e51c9ab38",
        origin=_comfyui("Krea-2: Text to Image"),
        memory=24,
        parts=(
            _diffusion_model(hugging_face("Comfy-Org/Krea-2", "diffusion_models/krea2_turbo_fp8_scaled.safetensors")),
            _text_encoder(hugging_face("Comfy-Org/Krea-2", "text_encoders/qwen3vl_4b_fp8_scaled.safetensors"), "krea2"),
            _vae(hugging_face("Comfy-Org/Krea-2", "vae/qwen_image_vae.safetensors")),
        ),
        latent="EmptyLatentImage",
        size=1024,
        sampler_name="euler",
        scheduler="simple",
        cfg=1.0,
        steps=8,
        hint="It is distilled to 8 steps without guidance.",
    ),
    "sd15": Family(
        name="SD1.5",
        id="f7240d5b-6e1c-4a89-95d3-08b4c7e2f16a",
        origin=_comfyui("Image Generation"),
        memory=8,
        parts=(
            _checkpoint(
                hugging_face(
                    "Comfy-Org/stable-diffusion-v1-5-archive",
                    "v1-5-pruned-emaonly-fp16.safetensors",
                    "checkpoints",
                )
            ),
        ),
        latent="EmptyLatentImage",
        size=512,
        sampler_name="euler",
        scheduler="normal",
        cfg=8.0,
        steps=20,
    ),
    "sdxl_lightning": Family(
        name="SDXL Lightning",
        id="1b68e2f9-c70d-4d53-a2e4-97f5086d3bc1",
        origin="the [page of the files](https://huggingface.co/ByteDance/SDXL-Lightning)",
        memory=8,
        parts=(
            _checkpoint(CHECKPOINT),
            (lambda lora: Part("LoraLoaderModelOnly", {"lora_name": lora.name, "strength_model": 1.0}, (lora,)))(
                hugging_face("ByteDance/SDXL-Lightning", "sdxl_lightning_8step_lora.safetensors", "loras")
            ),
        ),
        latent="EmptyLatentImage",
        size=1024,
        sampler_name="euler",
        scheduler="sgm_uniform",
        cfg=1.0,
        steps=8,
        hint="Its LoRA is for 8 steps without guidance; with another one of that page change **steps**, too.",
    ),
    "sdxl_lora": Family(
        name="SDXL with a LoRA",
        id="c95d170e-2a84-4b6f-83e9-f40b6d82a57c",
        origin=_comfyui("SDXL Simple") + ", without its refiner",
        memory=8,
        parts=(
            _checkpoint(CHECKPOINT),
            Part("LoraLoader", {"lora_name": LORA.name, "strength_model": 0.5, "strength_clip": 0.5}, (LORA,)),
        ),
        latent="EmptyLatentImage",
        size=1024,
        sampler_name="euler",
        scheduler="normal",
        cfg=8.0,
        steps=25,
        hint="Any LoRA for SDXL may stand there, and more of them behind it; this one is for deep blacks.",
    ),
    "z_image_turbo": Family(
        name="Z-Image-Turbo",
        id="39c7f4a1-d86b-4e02-b15a-7e0cd2986f43",
        origin=_comfyui("Z-Image-Turbo: Text to Image"),
        memory=24,
        parts=(
            _diffusion_model(
                hugging_face("Comfy-Org/z_image_turbo", "split_files/diffusion_models/z_image_turbo_bf16.safetensors")
            ),
            Part("ModelSamplingAuraFlow", {"shift": 3.0}),
            _text_encoder(
                hugging_face("Comfy-Org/z_image_turbo", "split_files/text_encoders/qwen_3_4b.safetensors"), "lumina2"
            ),
            _vae(hugging_face("Comfy-Org/z_image_turbo", "split_files/vae/ae.safetensors")),
        ),
        latent="EmptySD3LatentImage",
        size=1024,
        sampler_name="res_multistep",
        scheduler="simple",
        cfg=1.0,
        steps=8,
        hint="The sampler extrapolates, as the node says: where pictures look burnt, use *lcm*.",
    ),
}
