"""Checkpoints of the host's real model families, as small as its detection allows, with random weights.

Stock loaders detect, load and run them; text encoders are left out, prompts are random embeddings of the right width.

======== ========================== ========================= =================================
family   parametrization            latent                    beside the prompt
======== ========================== ========================= =================================
sd15     EPS                        4 channels                -
sdxl     EPS (KOALA's shape)        4 channels                pooled text, sizes
sd3      flow, shift 3              16 channels               pooled text
flux     flow, shift 1.15           16 channels               pooled text, guidance
flux2    flow                       128 channels, packed 2x2  guidance
klein    flow                       128 channels, packed 2x2  -
hunyuan  flow, shift 5              64 channels               guidance; the next time of each step
wan      flow, shift 8              16 channels, [C, T, H, W] -
wan22    flow, shift 8              48 channels, [C, T, H, W] -
krea2    flow, shift 1.15           16 channels, [C, T, H, W] -
z_image  flow, shift 3              16 channels               -
radiance flow, shift 1              3 channels, pixels        -
======== ========================== ========================= =================================

The host's detection allows Z-Image one width only, and Chroma Radiance one size of its modulation, both too large for a
test. A configuration of the same class with smaller sizes stands before each of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import comfy.ops
import comfy.supported_models
import torch
from comfy.ldm.chroma_radiance.model import ChromaRadiance
from comfy.ldm.flux.model import Flux
from comfy.ldm.hunyuan_video.model import HunyuanVideo
from comfy.ldm.lumina.model import NextDiT
from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.ldm.wan.model import WanModel
from safetensors.torch import save_file

_ON_CPU: dict[str, Any] = {"device": "cpu", "dtype": torch.float32, "operations": comfy.ops.disable_weight_init}
_BRINGS_PROMPT = ("attn2.to_v", "context_embedder", "txt_in", "cross_attn.v", "txtmlp", "cap_embedder")
_GAIN = 4.0  # so that prompts matter
_Z_IMAGE: dict[str, Any] = {
    "n_heads": 2,
    "n_kv_heads": 2,
    "axes_dims": [32, 48, 48],
    "axes_lens": [1536, 512, 512],
    "rope_theta": 256.0,
    "ffn_dim_multiplier": 1.0,
    "z_image_modulation": True,
    "time_scale": 1000.0,
    "pad_tokens_multiple": 32,
}
_RADIANCE: dict[str, Any] = {"out_dim": 128, "hidden_dim": 64, "n_layers": 1, "nerf_hidden_size": 16, "nerf_depth": 1}


class SmallZImage(comfy.supported_models.ZImage):
    """Z-Image, 256 wide."""

    unet_config = {"image_model": "lumina2", "dim": 256}  # noqa: RUF012 - the host's own convention
    unet_extra_config = _Z_IMAGE


class SmallRadiance(comfy.supported_models.ChromaRadiance):
    """Chroma Radiance, 128 wide."""

    unet_config = {"image_model": "chroma_radiance", "hidden_size": 128}  # noqa: RUF012
    unet_extra_config = _RADIANCE


comfy.supported_models.models[:0] = [SmallZImage, SmallRadiance]


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


def _flux2(guidance: bool = True) -> torch.nn.Module:
    channels = {"in_channels": 128, "out_channels": 128, "patch_size": 1, "vec_in_dim": None, "context_in_dim": 256}
    return _flux(
        **channels,
        guidance_embed=guidance,
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


def _krea2() -> torch.nn.Module:
    from comfy.ldm.krea2.model import SingleStreamDiT

    text = {"txtdim": 40, "txtlayers": 12}
    return SingleStreamDiT(features=128, heads=1, kvheads=1, layers=1, **text, **_ON_CPU)


def _z_image() -> torch.nn.Module:
    return NextDiT(
        patch_size=2, in_channels=16, dim=256, cap_feat_dim=256, n_layers=2, qk_norm=True, **_Z_IMAGE, **_ON_CPU
    )


def _radiance() -> torch.nn.Module:
    attention = {"hidden_size": 128, "num_heads": 1, "mlp_ratio": 4.0, "qkv_bias": True, "theta": 10000}
    shape = {"in_channels": 3, "out_channels": 3, "patch_size": 4, "in_dim": 64, "context_in_dim": 256}
    pixels = {"nerf_mlp_ratio": 4, "nerf_max_freqs": 8, "nerf_tile_size": 512, "nerf_final_head_type": "conv"}
    return ChromaRadiance(
        **attention,
        **shape,
        **pixels,
        **_RADIANCE,
        depth=1,
        depth_single_blocks=1,
        axes_dim=[16, 56, 56],
        txt_ids_dims=[],
        vec_in_dim=None,
        nerf_embedder_dtype=torch.float32,
        use_x0=True,
        use_sequential_txt_ids=False,
        **_ON_CPU,
    )


REAL_FAMILIES = {
    "sd15": RealFamily(_sd15, 768, 0, (4, 8, 8)),
    "sdxl": RealFamily(_koala, 2048, 1280, (4, 8, 8), half=True),
    "sd3": RealFamily(_sd3, 4096, 2048, (16, 16, 16)),
    "flux": RealFamily(_flux1, 4096, 768, (16, 16, 16)),
    "flux2": RealFamily(_flux2, 256, 0, (128, 8, 8)),
    "klein": RealFamily(lambda: _flux2(guidance=False), 256, 0, (128, 8, 8)),
    "hunyuan": RealFamily(_hunyuan_image, 256, 0, (64, 16, 16)),
    "wan": RealFamily(_wan, 4096, 0, (16, 1, 16, 16)),
    "wan22": RealFamily(lambda: _wan(48), 4096, 0, (48, 1, 16, 16)),
    "z_image": RealFamily(_z_image, 256, 0, (16, 16, 16)),
    "radiance": RealFamily(_radiance, 256, 0, (3, 16, 16)),
}
if find_spec("comfy.ldm.krea2"):  # not in ComfyUI 0.24.1
    REAL_FAMILIES["krea2"] = RealFamily(_krea2, 12 * 40, 0, (16, 1, 16, 16))


def write_real(name: str, models: Path) -> str:
    """Write the family's checkpoint (and the same as a bare diffusion model) below ``models``; gives the file name."""
    file_name = f"real_{name}.safetensors"
    checkpoint, bare = models / "checkpoints" / file_name, models / "diffusion_models" / file_name
    if not checkpoint.exists():
        write_network(name, checkpoint)
        if name == "flux":
            write_network(name, bare)
    return file_name


def write_network(name: str, file: Path, more: dict[str, torch.Tensor] | None = None) -> None:
    """Write the family's network into ``file``, as the folder wants it, with what else a checkpoint holds."""
    prefix = "model.diffusion_model." if file.parent.name == "checkpoints" else ""
    weights = {prefix + key: value for key, value in _random_weights(REAL_FAMILIES[name]).items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({**weights, **(more or {})}, file)


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
