"""The embedded demo model as stock MODEL, CLIP and VAE objects of the host.

A file with `latent.rgb` holds a latent model, whose VAE lies beside it in the host's own format; others work on pixels.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.sd1_clip
import comfy.supported_models_base
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from .architecture import (
    IMAGE_SIZE,
    LATENT_IMAGE_SIZE,
    SIGMA_MAX,
    SIGMA_MIN,
    TEXT_CONFIG,
    VOCABULARY_SIZE,
    DemoUNet,
    unet_config,
)
from .notice import DEMO

WEIGHTS = Path(__file__).with_name("demo_model.safetensors")
VAE_WEIGHTS = WEIGHTS.with_name("demo_vae.safetensors")


class DemoLatents(comfy.latent_formats.LatentFormat):
    """Latents of the demo's VAE, which have unit deviation by training.

    Args:
        rgb: [C + 1, 3], what `latent.rgb` of the file is: colors of a preview are latents times the first C rows, plus
            the last.
    """

    def __init__(self, rgb: Tensor):
        self.latent_channels = len(rgb) - 1
        self.latent_rgb_factors = rgb[:-1].tolist()
        self.latent_rgb_factors_bias = rgb[-1].tolist()


class DemoConfig(comfy.supported_models_base.BASE):
    """A v-prediction model on a continuous cosine schedule, of pixels unless it is given a latent format."""

    latent_format = comfy.latent_formats.ChromaRadiance
    # the host's would set the size of attention heads, which is not the trained one
    unet_extra_config: dict[str, Any] = {}  # noqa: RUF012 - the host's own pattern
    sampling_settings = {"sigma_min": SIGMA_MIN, "sigma_max": SIGMA_MAX}  # noqa: RUF012 - the host's own pattern
    memory_usage_factor = 0.2


class DemoTextEncoder(comfy.sd1_clip.SD1ClipModel):
    """The host's CLIP text model at the demo's dimensions."""

    def __init__(
        self, device: Any = "cpu", dtype: torch.dtype | None = None, model_options: dict[str, Any] | None = None
    ):
        encoder = partial(comfy.sd1_clip.SDClipModel, textmodel_json_config=TEXT_CONFIG)
        super().__init__(device=device, dtype=dtype, model_options=model_options or {}, clip_model=encoder)


class DemoTokenizer(comfy.sd1_clip.SD1Tokenizer):
    """The host's CLIP tokenizer; textual inversions would need the demo's width."""

    def __init__(self, embedding_directory: Any = None, tokenizer_data: dict[str, Any] | None = None):
        tokenizer = partial(comfy.sd1_clip.SDTokenizer, embedding_size=TEXT_CONFIG["hidden_size"])
        super().__init__(embedding_directory, tokenizer_data or {}, tokenizer=tokenizer)


def load_demo_model(model_file: Path | None = None, vae_file: Path | None = None) -> tuple[Any, Any, Any]:
    """MODEL, CLIP and VAE, as the host's checkpoint loader gives them.

    Args:
        model_file: what demo/train.py wrote; the pack's own by default.
        vae_file: what demo/train_vae.py wrote, for latent models; the pack's own by default.

    Raises:
        FileNotFoundError: if the weights are not in the pack's folder.
        ValueError: if they are a part of the file only.
    """
    weights = _load(model_file or WEIGHTS)
    rgb = weights.get("latent.rgb")
    vae = {"pixel_space_vae": torch.tensor(1.0)} if rgb is None else _load(vae_file or VAE_WEIGHTS)
    model = _diffusion_model({key[5:]: value for key, value in weights.items() if key.startswith("unet.")}, rgb)
    model.cached_patcher_init = (load_demo_model, (model_file, vae_file), 0)
    loaded = comfy.sd.VAE(sd=vae)
    loaded.first_stage_model.to(memory_format=torch.channels_last)  # halves its time on a CPU
    return model, _text_encoder(weights), loaded


def _load(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"Zoom Demo Model: {path} is missing; get the pack again with its demo folder.")
    try:
        return load_file(path)
    except SafetensorError as error:
        what = f"Zoom Demo Model: {path}, {path.stat().st_size} bytes, is no whole file of weights ({error})"
        raise ValueError(f"{what}; get the pack again with its demo folder.") from error


def _diffusion_model(weights: dict[str, Tensor], rgb: Tensor | None) -> Any:
    device = comfy.model_management.get_torch_device()
    if rgb is None:
        config = DemoConfig(unet_config(torch.float32))
    else:
        config = DemoConfig(unet_config(torch.float32, channels=len(rgb) - 1, patch=1))
        config.latent_format = DemoLatents(rgb)
    model = comfy.model_base.BaseModel(
        config, comfy.model_base.ModelType.V_PREDICTION_CONTINUOUS, device=torch.device("cpu"), unet_model=DemoUNet
    )
    model.diffusion_model.load_state_dict(weights)
    offload = comfy.model_management.unet_offload_device()
    patcher = comfy.model_patcher.CoreModelPatcher(model, load_device=device, offload_device=offload)
    patcher.set_attachments(DEMO, IMAGE_SIZE if rgb is None else LATENT_IMAGE_SIZE)
    return patcher


def _text_encoder(weights: dict[str, Tensor]) -> Any:
    table = "text_model.embeddings.token_embedding.weight"
    state = {key[5:]: value.float() for key, value in weights.items() if key.startswith("text.")}
    # the file holds the words of the captions and, last, one row for all others
    full = state[table][-1:].repeat(VOCABULARY_SIZE, 1)
    full[weights["known_tokens"].long()] = state[table][:-1]
    state[table] = full
    target = comfy.supported_models_base.ClipTarget(DemoTokenizer, DemoTextEncoder)
    return comfy.sd.CLIP(target, parameters=sum(v.numel() for v in state.values()), state_dict=[state])
