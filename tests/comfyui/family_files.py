"""Small files with random weights in the places of those that the templates of model families name, for stock loaders.

Text encoders are the exception, since the host knows each by its full size: `text_encoder` is the small one of
``tiny_eps``, the host's own CLIP, made as wide as a family's prompts are.
"""

import math
from pathlib import Path
from typing import Any

import torch
from comfy.ldm.wan.vae import WanVAE
from comfy.taesd.taesd import TAESD
from harness import Host
from real_families import REAL_FAMILIES, write_network
from safetensors.torch import save_file
from templates.families import FAMILIES
from tiny_models import randomize
from zoom_graphs import load

# template -> the family of real_families
NETWORKS = {
    "chroma_radiance": "radiance",
    "flux2_klein": "klein",
    "krea2_turbo": "krea2",
    "sd15": "sd15",
    "sdxl_lightning": "sdxl",
    "sdxl_lora": "sdxl",
    "z_image_turbo": "z_image",
}
FLUX2_VAE = "taef2"  # by this name the host takes a VAE of Flux 2's latents that is small


def write_files(key: str, models: Path) -> None:
    """Everything that the template ``key`` loads, below ``models``."""
    for part in FAMILIES[key].parts:
        for model in part.models:
            file = models / model.directory / model.name
            if file.exists():
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            if model.directory == "checkpoints":
                vae = {f"first_stage_model.{k}": value for k, value in _taesd(4).items()}
                write_network(NETWORKS[key], file, vae)
            elif model.directory == "diffusion_models":
                write_network(NETWORKS[key], file)
            elif model.directory == "loras":
                save_file(_lora(), file)
            elif model.directory == "vae" and key == "flux2_klein":
                _write_flux2_vae(models / "vae_approx")
            elif model.directory == "vae":
                save_file(_wan_vae() if key == "krea2_turbo" else _taesd(16), file)


def text_encoder(host: Host, key: str) -> Any:
    """A CLIP whose prompts are as wide as those of the template ``key``."""
    family = REAL_FAMILIES[NETWORKS[key]]
    clip = load(host, "tiny_eps").clip.clone()
    clip.cond_stage_model = _Wide(clip.cond_stage_model, family.width, family.pooled)
    return clip


class _Wide:
    """A text model with its prompts multiplied by a random matrix."""

    def __init__(self, model: Any, width: int, pooled: int) -> None:
        self._model, self._width, self._pooled = model, width, pooled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode_token_weights(self, tokens: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        prompt, pooled = self._model.encode_token_weights(tokens)[:2]
        return _widened(prompt, self._width), _widened(pooled, self._pooled) if self._pooled else None


def _widened(values: torch.Tensor, width: int) -> torch.Tensor:
    before = values.shape[-1]
    matrix = torch.randn(before, width, generator=torch.Generator().manual_seed(width))
    return values @ (matrix / math.sqrt(before))


def _taesd(channels: int) -> dict[str, torch.Tensor]:
    return randomize(TAESD(latent_channels=channels), seed=2)


def _write_flux2_vae(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("encoder", "decoder"):
        stem = f"taesd_{part}."
        weights = {k.removeprefix(stem): value for k, value in _taesd(128).items() if k.startswith(stem)}
        save_file(weights, folder / f"{FLUX2_VAE}_{part}.safetensors")


def _wan_vae() -> dict[str, torch.Tensor]:
    return randomize(WanVAE(dim=8, z_dim=16, temperal_downsample=[False, True, True]), seed=2)


def _lora() -> dict[str, torch.Tensor]:
    """For the first layer of the networks with 320 channels."""
    stem, generator = "diffusion_model.input_blocks.0.0", torch.Generator().manual_seed(3)
    return {
        f"{stem}.lora_up.weight": torch.randn(320, 1, 1, 1, generator=generator),
        f"{stem}.lora_down.weight": torch.randn(1, 4, 3, 3, generator=generator),
    }
