"""The demo models' networks: the host's own UNet and CLIP text encoder classes at small dimensions."""

from __future__ import annotations

from typing import Any

import comfy.clip_model
import comfy.ops
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from torch import Tensor

IMAGE_SIZE, LATENT_IMAGE_SIZE = 64, 256  # pixels a side that the pixel and the latent model are trained at
SIGMA_MIN, SIGMA_MAX = 0.005, 80.0
VOCABULARY_SIZE = 49408
PATCH = 2
PLACE_CHANNELS = 3
TEXT_CONFIG = {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 256,
    "hidden_act": "quick_gelu",
    "max_position_embeddings": 77,
    "eos_token_id": 49407,
    "vocab_size": VOCABULARY_SIZE,
}
UNET_CONFIG = {
    "image_size": IMAGE_SIZE // PATCH,
    "model_channels": 64,
    "channel_mult": [1, 2, 3],
    "num_res_blocks": [2, 1, 1],
    "transformer_depth": [0, 0, 1, 1],
    "transformer_depth_output": [0, 0, 0, 0, 1, 0, 1],
    "transformer_depth_middle": 1,
    "context_dim": TEXT_CONFIG["hidden_size"],
    "use_linear_in_transformer": True,
    "use_spatial_transformer": True,
    "legacy": False,
    "use_checkpoint": False,
    "num_heads": -1,
    "num_head_channels": 32,
    "adm_in_channels": None,
}


class DemoUNet(UNetModel):
    """The host's UNet over patch × patch pixels: [B, C, H, W], H and W multiples of it, timesteps in [0, 1].

    It is also told where in the picture each patch lies, since its universe has a middle.
    """

    def __init__(self, *args: Any, patch: int = PATCH, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.patch = patch

    def forward(self, x: Tensor, timesteps: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if x.shape[-2] % self.patch or x.shape[-1] % self.patch:
            raise ValueError(f"the demo model needs an even height and width, got {x.shape[-2]}×{x.shape[-1]}")
        patches = torch.nn.functional.pixel_unshuffle(x, self.patch)
        patches = torch.cat([patches, places(patches)], dim=1)
        out = super().forward(patches, timesteps * 1000, *args, **kwargs)
        return torch.nn.functional.pixel_shuffle(out, self.patch)


def places(patches: Tensor) -> Tensor:
    """x, y and distance from the middle of each patch, [B, 3, h, w] for [B, C, h, w]; the borders lie at -1 and 1."""
    height, width = patches.shape[-2:]
    y = ((torch.arange(height, device=patches.device) + 0.5) / height * 2 - 1)[:, None].expand(height, width)
    x = ((torch.arange(width, device=patches.device) + 0.5) / width * 2 - 1)[None].expand(height, width)
    return torch.stack([x, y, (x**2 + y**2).sqrt()]).to(patches.dtype).expand(len(patches), -1, -1, -1)


def unet_config(dtype: torch.dtype, channels: int = 3, patch: int = PATCH) -> dict[str, Any]:
    """A fresh copy: the host's constructor empties the lists that it is given.

    Args:
        channels: of what the model makes: 3 for pixels, the VAE's for latents.
        patch: so many pixels a side are one position of the network; 1 for latents.
    """
    lists = {key: list(value) for key, value in UNET_CONFIG.items() if isinstance(value, list)}
    inside = channels * patch**2
    sizes = {"in_channels": inside + PLACE_CHANNELS, "out_channels": inside, "patch": patch}
    return {**UNET_CONFIG, **lists, **sizes, "dtype": dtype}


def build_unet(channels: int = 3, patch: int = PATCH, dtype: torch.dtype = torch.float32) -> DemoUNet:
    return DemoUNet(**unet_config(dtype, channels, patch), operations=comfy.ops.disable_weight_init)


def build_text_encoder(dtype: torch.dtype = torch.float32) -> comfy.clip_model.CLIPTextModel:
    return comfy.clip_model.CLIPTextModel(TEXT_CONFIG, dtype, "cpu", comfy.ops.disable_weight_init)
