"""Checkpoints of the host's real model families, as small as its detection allows, with random weights.

Stock loaders detect, load and run them; text encoders are left out, prompts are random embeddings of the right width.

======= ========================== ========================= =================================
family  parametrization            latent                    beside the prompt
======= ========================== ========================= =================================
sd15    EPS                        4 channels                -
sdxl    EPS (KOALA's shape)        4 channels                pooled text, sizes
sd3     flow, shift 3              16 channels               pooled text
flux    flow, shift 1.15           16 channels               pooled text, guidance
flux2   flow                       128 channels, packed 2x2  guidance
hunyuan flow, shift 5              64 channels               guidance; the next time of each step
wan     flow, shift 8              16 channels, [C, T, H, W] -
wan22   flow, shift 8              48 channels, [C, T, H, W] -
======= ========================== ========================= =================================
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.ops
import torch
from comfy.ldm.flux.model import Flux
from comfy.ldm.hunyuan_video.model import HunyuanVideo
from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.ldm.wan.model import WanModel
from safetensors.torch import save_file

_ON_CPU: dict[str, Any] = {"device": "cpu", "dtype": torch.float32, "operations": comfy.ops.disable_weight_init}
_BRINGS_PROMPT, _GAIN = ("attn2.to_v", "context_embedder", "txt_in", "cross_attn.v"), 4.0  # so that prompts matter


@dataclass(frozen=True)
class RealFamily:
    """How to build one family's network, and what a prompt for it is.

    Attributes:
        width: of the prompt's embedding.
        pooled: width of the pooled prompt, 0 where the family has none.
        shape: of one latent without the batch.
    """

    build: Callable[[], torch.nn.Module]
    width: int
    pooled: int
    shape: tuple[int, ...]
    half: bool = False

    def prompt(self, seed: int, tokens: int, **options: Any) -> list[list[Any]]:
        """A CONDITIONING of one random entry."""
        generator = torch.Generator().manual_seed(seed)
        embedding = torch.randn(1, tokens, self.width, generator=generator)
        if self.pooled:
            options["pooled_output"] = torch.randn(1, self.pooled, generator=generator)
        return [[embedding, options]]

    def empty(self, levels: int) -> dict[str, Any]:
        """An empty LATENT."""
        return {"samples": torch.zeros(levels, *self.shape)}


def _unet(**config: Any) -> torch.nn.Module:
    depth = config["transformer_depth"]
    shape = {
        "image_size": 32,
        "in_channels": 4,
        "out_channels": 4,
        "model_channels": 320,
        "num_res_blocks": [1] * len(depth),
        "channel_mult": [1] * len(depth),
        "transformer_depth_output": [0] * 2 * len(depth),
        "use_spatial_transformer": True,
        "legacy": False,
        "use_checkpoint": False,
    }
    return UNetModel(**{**shape, **config, "dtype": torch.float32, "operations": comfy.ops.disable_weight_init})


def _sd15() -> torch.nn.Module:
    heads = {"num_heads": 8, "num_head_channels": -1, "use_linear_in_transformer": False}
    return _unet(transformer_depth=[1], transformer_depth_middle=1, context_dim=768, adm_in_channels=None, **heads)


def _koala() -> torch.nn.Module:
    heads = {"num_heads": -1, "num_head_channels": 64, "use_linear_in_transformer": True, "num_classes": "sequential"}
    depth = {"transformer_depth": [0, 2, 5], "transformer_depth_middle": -2}
    return _unet(**depth, context_dim=2048, adm_in_channels=2816, **heads)


def _sd3() -> torch.nn.Module:
    embedder = {"target": "torch.nn.Linear", "params": {"in_features": 4096, "out_features": 128}}
    return MMDiT(
        input_size=None,
        patch_size=2,
        in_channels=16,
        out_channels=16,
        depth=2,
        adm_in_channels=2048,
        context_embedder_config=embedder,
        num_patches=64 * 64,
        pos_embed_max_size=64,
        pos_embed_scaling_factor=None,
        qk_norm="rms",
        **_ON_CPU,
    )


def _flux(**config: Any) -> torch.nn.Module:
    shape = {"hidden_size": 128, "num_heads": 1, "depth": 1, "depth_single_blocks": 1, "guidance_embed": True}
    return Flux(**{**shape, **config, **_ON_CPU})


def _flux1() -> torch.nn.Module:
    channels = {"in_channels": 16, "out_channels": 16, "patch_size": 2, "vec_in_dim": 768, "context_in_dim": 4096}
    return _flux(**channels, mlp_ratio=4.0, axes_dim=[16, 56, 56], theta=10000, qkv_bias=True, txt_ids_dims=[])


def _flux2() -> torch.nn.Module:
    channels = {"in_channels": 128, "out_channels": 128, "patch_size": 1, "vec_in_dim": None, "context_in_dim": 256}
    return _flux(
        **channels,
        mlp_ratio=3.0,
        axes_dim=[32] * 4,
        theta=2000,
        qkv_bias=False,
        ops_bias=False,
        txt_ids_dims=[3],
        global_modulation=True,
        mlp_silu_act=True,
        default_ref_method="index",
        ref_index_scale=10.0,
    )


def _hunyuan_image() -> torch.nn.Module:
    return HunyuanVideo(
        patch_size=[1, 1],
        in_channels=64,
        out_channels=64,
        vec_in_dim=None,
        axes_dim=[64, 64],
        context_in_dim=256,
        hidden_size=128,
        mlp_ratio=4.0,
        num_heads=1,
        depth=1,
        depth_single_blocks=1,
        theta=256,
        qkv_bias=True,
        byt5=False,
        guidance_embed=True,
        meanflow=True,
        meanflow_sum=False,
        use_cond_type_embedding=False,
        vision_in_dim=None,
        **_ON_CPU,
    )


def _wan(channels: int = 16) -> torch.nn.Module:
    size = {"dim": 128, "ffn_dim": 256, "freq_dim": 256, "num_heads": 1, "num_layers": 1, "window_size": (-1, -1)}
    norms = {"qk_norm": True, "cross_attn_norm": True, "eps": 1e-6}
    return WanModel(
        model_type="t2v", patch_size=(1, 2, 2), in_dim=channels, out_dim=channels, **size, **norms, **_ON_CPU
    )


REAL_FAMILIES = {
    "sd15": RealFamily(_sd15, 768, 0, (4, 8, 8)),
    "sdxl": RealFamily(_koala, 2048, 1280, (4, 8, 8), half=True),
    "sd3": RealFamily(_sd3, 4096, 2048, (16, 16, 16)),
    "flux": RealFamily(_flux1, 4096, 768, (16, 16, 16)),
    "flux2": RealFamily(_flux2, 256, 0, (128, 8, 8)),
    "hunyuan": RealFamily(_hunyuan_image, 256, 0, (64, 16, 16)),
    "wan": RealFamily(_wan, 4096, 0, (16, 1, 16, 16)),
    "wan22": RealFamily(lambda: _wan(48), 4096, 0, (48, 1, 16, 16)),
}


def write_real(name: str, models: Path) -> str:
    """Write the family's checkpoint (and the same as a bare diffusion model) below ``models``; gives the file name."""
    file_name = f"real_{name}.safetensors"
    checkpoint, bare = models / "checkpoints" / file_name, models / "diffusion_models" / file_name
    if not checkpoint.exists():
        weights = _random_weights(REAL_FAMILIES[name])
        for path, prefix in ((checkpoint, "model.diffusion_model."), (bare, "")):
            if path is checkpoint or name == "flux":
                path.parent.mkdir(parents=True, exist_ok=True)
                save_file({prefix + key: value for key, value in weights.items()}, path)
    return file_name


def _random_weights(family: RealFamily) -> dict[str, torch.Tensor]:
    """N(0, 1 / fan-in), norms 1, biases 0: what goes through keeps its scale."""
    generator = torch.Generator().manual_seed(0)
    dtype = torch.float16 if family.half else torch.float32
    weights = {}
    for key, value in sorted(family.build().state_dict().items()):
        if value.ndim >= 2:
            gain = _GAIN if any(part in key for part in _BRINGS_PROMPT) else 1.0
            new = torch.randn(value.shape, generator=generator) * (gain / math.sqrt(value[0].numel()))
        else:
            new = torch.zeros_like(value) if key.endswith("bias") else torch.ones_like(value)
        weights[key] = new.to(dtype)
    return weights
