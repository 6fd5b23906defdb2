"""Networks of real size with random weights, built by ComfyUI's own classes; their sizes are those that its detection
reads from the published files.

Import ComfyUI before a function is called, as the tests' harness does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

UNET: dict[str, Any] = {
    "use_checkpoint": False,
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "use_spatial_transformer": True,
    "legacy": False,
    "use_temporal_attention": False,
    "use_temporal_resblock": False,
}


@dataclass(frozen=True)
class Network:
    """A model's network, and what it is asked.

    Attributes:
        config: its name in comfy.supported_models.
        unet: the network's arguments, as the host's detection gives them.
        tiny: those of them that make a small network of the same class.
        latent: shape of a picture's latent, without batch and size.
        patch: pixels of a latent's side.
        tokens, pooled: of a prompt; width of the pooled one, 0 where there is none.
        width: the argument that holds the width of a prompt, or of one of the text encoder's layers in it.
        cfg: above 1 there are two prompts a picture.
        steps, scheduler: as the model's template has them.
    """

    name: str
    config: str
    unet: dict[str, Any]
    tiny: dict[str, Any]
    latent: tuple[int, ...]
    patch: int
    width: str
    tokens: int
    pooled: int
    cfg: float
    steps: int
    scheduler: str
    size: int = 1024
    text_layers: int = 1

    @property
    def prompts(self) -> int:
        """Of a picture that go through the network."""
        return 2 if self.cfg > 1 else 1

    @property
    def small(self) -> Network:
        """The same way through the code with a network that takes no time."""
        return replace(self, name=f"tiny {self.name}", unet={**self.unet, **self.tiny}, steps=2)

    def shape(self, levels: int, size: int) -> list[int]:
        """Of the latents of ``levels`` pictures of ``size``²."""
        middle = [1] if self.config in ("Krea2", "QwenImage") else []  # time
        return [levels, *self.latent, *middle, size // self.patch, size // self.patch]

    def prompt(self, seed: int) -> list[list[Any]]:
        """A random CONDITIONING."""
        generator = torch.Generator().manual_seed(seed)
        options = {"pooled_output": torch.randn(1, self.pooled, generator=generator)} if self.pooled else {}
        width = self.text_layers * self.unet[self.width]
        return [[torch.randn(1, self.tokens, width, generator=generator), options]]


_SMALL_UNET = {
    "model_channels": 64,
    "num_res_blocks": [1, 1],
    "channel_mult": [1, 2],
    "transformer_depth": [0, 1],
    "transformer_depth_middle": 1,
    "transformer_depth_output": [0, 0, 0, 0],
}

SD15 = Network(
    name="SD1.5",
    config="SD15",
    unet={
        **UNET,
        "num_res_blocks": [2, 2, 2, 2],
        "channel_mult": [1, 2, 4, 4],
        "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
        "transformer_depth_middle": 1,
        "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        "use_linear_in_transformer": False,
        "context_dim": 768,
        "num_heads": 8,
        "adm_in_channels": None,
    },
    tiny=_SMALL_UNET,
    latent=(4,),
    patch=8,
    width="context_dim",
    tokens=77,
    pooled=0,
    cfg=8.0,
    steps=20,
    scheduler="normal",
    size=512,
)
SDXL = Network(
    name="SDXL",
    config="SDXL",
    unet={
        **UNET,
        "num_res_blocks": [2, 2, 2],
        "channel_mult": [1, 2, 4],
        "transformer_depth": [0, 0, 2, 2, 10, 10],
        "transformer_depth_middle": 10,
        "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
        "use_linear_in_transformer": True,
        "context_dim": 2048,
        "num_head_channels": 64,
        "adm_in_channels": 2816,
        "num_classes": "sequential",
    },
    tiny=_SMALL_UNET,
    latent=(4,),
    patch=8,
    width="context_dim",
    tokens=77,
    pooled=1280,
    cfg=8.0,
    steps=25,
    scheduler="normal",
)
Z_IMAGE = Network(
    name="Z-Image-Turbo",
    config="ZImage",
    unet={
        "image_model": "lumina2",
        "patch_size": 2,
        "in_channels": 16,
        "dim": 3840,
        "cap_feat_dim": 2560,
        "n_layers": 30,
        "qk_norm": True,
        "n_heads": 30,
        "n_kv_heads": 30,
        "axes_dims": [32, 48, 48],
        "axes_lens": [1536, 512, 512],
        "rope_theta": 256.0,
        "ffn_dim_multiplier": 8 / 3,
        "z_image_modulation": True,
        "time_scale": 1000.0,
        "pad_tokens_multiple": 32,
    },
    tiny={"dim": 256, "cap_feat_dim": 64, "n_layers": 2, "n_heads": 2, "n_kv_heads": 2, "ffn_dim_multiplier": 1.0},
    latent=(16,),
    patch=8,
    width="cap_feat_dim",
    tokens=64,
    pooled=0,
    cfg=1.0,
    steps=8,
    scheduler="simple",
)
KLEIN = Network(
    name="FLUX.2 klein 4B",
    config="Flux2",
    unet={
        "image_model": "flux2",
        "in_channels": 128,
        "out_channels": 128,
        "patch_size": 1,
        "hidden_size": 3072,
        "num_heads": 24,
        "depth": 5,
        "depth_single_blocks": 20,
        "context_in_dim": 7680,
        "vec_in_dim": None,
        "guidance_embed": False,
        "mlp_ratio": 3.0,
        "axes_dim": [32, 32, 32, 32],
        "theta": 2000,
        "qkv_bias": False,
        "ops_bias": False,
        "txt_ids_dims": [3],
        "global_modulation": True,
        "mlp_silu_act": True,
        "default_ref_method": "index",
        "ref_index_scale": 10.0,
    },
    tiny={"hidden_size": 128, "num_heads": 1, "depth": 1, "depth_single_blocks": 1, "context_in_dim": 64},
    latent=(128,),
    patch=16,
    width="context_in_dim",
    tokens=512,
    pooled=0,
    cfg=1.0,
    steps=4,
    scheduler="simple",
)
KREA2 = Network(
    name="Krea 2 Turbo",
    config="Krea2",
    unet={"image_model": "krea2", "features": 6144, "heads": 48, "kvheads": 12, "layers": 28, "txtdim": 2560},
    tiny={"features": 128, "heads": 1, "kvheads": 1, "layers": 1, "txtdim": 40},
    latent=(16,),
    patch=8,
    width="txtdim",
    text_layers=12,
    tokens=64,
    pooled=0,
    cfg=1.0,
    steps=8,
    scheduler="simple",
)
QWEN_IMAGE = Network(
    name="Qwen-Image",
    config="QwenImage",
    unet={"image_model": "qwen_image", "in_channels": 64, "num_layers": 60, "joint_attention_dim": 3584},
    tiny={"num_layers": 1, "joint_attention_dim": 64},
    latent=(16,),
    patch=8,
    width="joint_attention_dim",
    tokens=64,
    pooled=0,
    cfg=4.0,
    steps=20,
    scheduler="simple",
)


def network_on(network: Network, device: torch.device, dtype: torch.dtype) -> Any:
    """The host's model around a network whose weights are not set yet; on "meta" they take no memory."""
    import comfy.supported_models

    config = getattr(comfy.supported_models, network.config)(dict(network.unet))
    config.set_inference_dtype(dtype, None)
    return config.get_model({}, "", device=device)


def random_model(network: Network, dtype: torch.dtype) -> Any:
    """MODEL with random weights, made where the host samples; those that are there make room."""
    import comfy.model_management
    import comfy.model_patcher

    comfy.model_management.unload_all_models()
    device = comfy.model_management.get_torch_device()
    model = network_on(network, device, dtype)
    randomize(model.diffusion_model)
    return comfy.model_patcher.CoreModelPatcher(model, load_device=device, offload_device=torch.device("cpu"))


def random_vae(network: Network, small: bool = False) -> Any:
    """VAE of the model's latents, with random weights; a small one is TAESD, where there is one for these latents."""
    import comfy.model_management
    import comfy.sd
    from comfy.taesd.taesd import TAESD

    with comfy.model_management.get_torch_device():
        taesd = small and network.patch == 8
        coder = TAESD(latent_channels=network.latent[0]) if taesd else autoencoder(network)
    randomize(coder)
    return comfy.sd.VAE(sd=coder.state_dict())


def autoencoder(network: Network) -> nn.Module:
    """The autoencoder of Stable Diffusion and Flux."""
    from comfy.ldm.models.autoencoder import AutoencoderKL

    (channels,) = network.latent
    config: dict[str, Any] = {"double_z": True, "resolution": 256, "in_channels": 3, "out_ch": 3, "ch": 128}
    config |= {"ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_resolutions": [], "dropout": 0.0}
    config["z_channels"] = channels
    if network.patch == 16:  # Flux 2 packs 2 × 2 neighbors
        config |= {"z_channels": channels // 4, "batch_norm_latent": True}
    return AutoencoderKL(ddconfig=config, embed_dim=config["z_channels"])


def randomize(network: nn.Module) -> None:
    """N(0, 1 / fan-in), norms 1, biases 0: what goes through keeps its scale."""
    generator = torch.Generator(next(network.parameters()).device).manual_seed(0)
    with torch.no_grad():
        for name, value in sorted(network.named_parameters()):
            if value.ndim > 1:
                value.normal_(0, value[0].numel() ** -0.5, generator=generator)
            else:
                value.fill_(0.0 if name.endswith("bias") else 1.0)
