"""Small random checkpoints of test-only model families, which the host's stock loaders detect, load and run.

A family is registered with the host's own model detection, as the host's families are, and uses the host's own UNet,
text encoder and VAE classes: about 0.6 M parameters for the UNet and 1.6 M for the text encoder, most of them its
vocabulary. Weights are random but fixed; cross attention is made strong, so that prompts matter.

========== ================= ======================= ===============================
checkpoint parametrization   latent                  VAE
========== ================= ======================= ===============================
tiny_eps   EPS               4 channels, 1/8, SD1.5  TAESD
tiny_v     V                 4 channels, 1/8, SD1.5  TAESD
tiny_flow  flow, shift 3     16 channels, 1/8, Flux  TAESD
tiny_pixel flow, shift 1     3 channels, pixels      the host's pixel-space conversion
========== ================= ======================= ===============================

tiny_inpaint_eps and tiny_inpaint_flow are like tiny_eps and tiny_flow, with the mask and the masked picture as further
inputs of the network.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import comfy.cldm.cldm
import comfy.controlnet
import comfy.latent_formats
import comfy.model_base
import comfy.ops
import comfy.sd1_clip
import comfy.supported_models
import comfy.supported_models_base
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.model_base import ModelType
from comfy.taesd.taesd import TAESD
from safetensors.torch import save_file

_UNET: dict[str, Any] = {
    "image_size": 32,
    "model_channels": 32,
    "num_res_blocks": [1, 1],
    "channel_mult": [1, 2],
    "transformer_depth": [0, 1],
    "transformer_depth_output": [0, 0, 0, 0],
    "transformer_depth_middle": -2,
    "use_linear_in_transformer": True,
    "use_spatial_transformer": True,
    "legacy": False,
    "use_checkpoint": False,
    "num_heads": -1,
    "num_head_channels": 16,
    "adm_in_channels": None,
}
_TEXT_WIDTH = 32
_TEXT_ENCODER: dict[str, Any] = {
    "hidden_act": "quick_gelu",
    "hidden_size": _TEXT_WIDTH,
    "intermediate_size": 2 * _TEXT_WIDTH,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "max_position_embeddings": 77,
    "vocab_size": 49408,
    "eos_token_id": 49407,
}
_CROSS_ATTENTION_GAIN = 8.0


@dataclass(frozen=True)
class Family:
    """A test-only model family; ``inputs`` and ``model_channels`` together are what detection tells it by."""

    name: str
    model_type: ModelType
    channels: int
    latent_format: type
    model_channels: int = 32
    sampling_settings: tuple[tuple[str, float], ...] = ()
    vae_scale: float = 1.0
    vae_shift: float = 0.0
    inpaint: bool = False

    @property
    def inputs(self) -> int:
        """Channels that the network sees: an inpainting one also a mask and the masked picture."""
        return 2 * self.channels + 1 if self.inpaint else self.channels

    @property
    def pixel(self) -> bool:
        """Whether the latent is the picture itself."""
        return self.channels == 3


FAMILIES = {
    family.name: family
    for family in (
        Family("tiny_eps", ModelType.EPS, 4, comfy.latent_formats.SD15, vae_scale=0.18215),
        Family("tiny_v", ModelType.V_PREDICTION, 4, comfy.latent_formats.SD15, model_channels=64, vae_scale=0.18215),
        Family("tiny_flow", ModelType.FLOW, 16, comfy.latent_formats.Flux, 32, (("shift", 3.0),), 0.3611, 0.1159),
        Family(
            "tiny_pixel",
            ModelType.FLOW,
            3,
            comfy.latent_formats.ChromaRadiance,
            32,
            (("shift", 1.0), ("multiplier", 1.0)),
        ),
    )
}
FAMILIES |= {
    inpainting.name: inpainting
    for inpainting in (
        replace(FAMILIES[f"tiny_{kind}"], name=f"tiny_inpaint_{kind}", inpaint=True) for kind in ("eps", "flow")
    )
}


class TinyTextEncoder(comfy.sd1_clip.SD1ClipModel):
    """The host's CLIP text model, small."""

    def __init__(self, device: Any = "cpu", dtype: Any = None, model_options: dict[str, Any] | None = None) -> None:
        super().__init__(
            device,
            dtype,
            model_options or {},
            clip_model=comfy.sd1_clip.SDClipModel,
            textmodel_json_config=dict(_TEXT_ENCODER),
            return_projected_pooled=False,
        )


def register_families() -> None:
    """Add the families to the host's model detection."""
    comfy.supported_models.models.extend(_model_config(family) for family in FAMILIES.values())


def write_checkpoint(name: str, folder: Path) -> Path:
    """Write the checkpoint ``name`` (a key of ``FAMILIES``) into ``folder`` and give its path."""
    family = FAMILIES[name]
    unet = UNetModel(
        **{**_UNET, "model_channels": family.model_channels},
        context_dim=_TEXT_WIDTH,
        in_channels=family.inputs,
        out_channels=family.channels,
        dtype=torch.float32,
        operations=comfy.ops.disable_weight_init,
    )
    state = {f"model.diffusion_model.{key}": value for key, value in randomize(unet, seed=0).items()}
    state |= {f"cond_stage_model.{key}": value for key, value in randomize(TinyTextEncoder(), seed=1).items()}
    if family.pixel:
        state["first_stage_model.pixel_space_vae"] = torch.tensor(1.0)
    else:
        vae = randomize(TAESD(latent_channels=family.channels), seed=2)
        vae |= {"vae_scale": torch.tensor(family.vae_scale), "vae_shift": torch.tensor(family.vae_shift)}
        state |= {f"first_stage_model.{key}": value for key, value in vae.items()}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    save_file(state, path)
    return path


def control_net() -> Any:
    """A ControlNet for ``tiny_eps``."""
    net = comfy.cldm.cldm.ControlNet(
        **{**_UNET, "transformer_depth_middle": -2},
        context_dim=_TEXT_WIDTH,
        in_channels=4,
        hint_channels=3,
        operations=comfy.ops.disable_weight_init,
        dtype=torch.float32,
        device="cpu",
    )
    generator = torch.Generator().manual_seed(3)
    for value in net.parameters():
        value.data = torch.randn(value.shape, generator=generator) / math.sqrt(value[:1].numel())
    return comfy.controlnet.ControlNet(net, load_device=torch.device("cpu"))


def lora_for(model: Any, seed: int) -> dict[str, torch.Tensor]:
    """A LoRA of rank 4 for one layer of ``model``, a small MODEL."""
    state = model.model.state_dict()
    name = next(key for key in state if key.endswith("attn2.to_k.weight"))
    rows, columns = state[name].shape
    generator = torch.Generator().manual_seed(seed)
    stem = name.removesuffix(".weight")
    return {
        f"{stem}.lora_up.weight": torch.randn(rows, 4, generator=generator),
        f"{stem}.lora_down.weight": torch.randn(4, columns, generator=generator),
    }


def _model_config(family: Family) -> type:
    class TinyConfig(comfy.supported_models_base.BASE):
        unet_config = {  # noqa: RUF012 - the host's own convention
            "model_channels": family.model_channels,
            "context_dim": _TEXT_WIDTH,
            "in_channels": family.inputs,
        }
        unet_extra_config = {"num_heads": -1, "num_head_channels": 16}  # noqa: RUF012
        latent_format = family.latent_format
        sampling_settings = dict(family.sampling_settings)  # noqa: RUF012
        memory_usage_factor = 0.05
        supported_inference_dtypes = [torch.float32]  # noqa: RUF012

        def get_model(self, state_dict: dict[str, Any], prefix: str = "", device: Any = None) -> Any:
            model = comfy.model_base.BaseModel(self, model_type=family.model_type, device=device)
            if family.inpaint:
                model.set_inpaint()
            return model

        def clip_target(self, state_dict: dict[str, Any] | None = None) -> Any:
            return comfy.supported_models_base.ClipTarget(comfy.sd1_clip.SD1Tokenizer, TinyTextEncoder)

    TinyConfig.__name__ = family.name
    return TinyConfig


def randomize(model: torch.nn.Module, seed: int) -> dict[str, torch.Tensor]:
    """A state dict of random weights that keep the scale of what goes through: N(0, 1 / fan-in), norms 1, biases 0."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, value in sorted(model.state_dict().items()):
        if not value.is_floating_point():
            state[key] = value.contiguous().clone()
        elif value.ndim >= 2:
            fan_in = 1.0 if "embedding" in key else value[0].numel()
            gain = _CROSS_ATTENTION_GAIN if "attn2.to_v" in key or "attn2.to_out" in key else 1.0
            state[key] = torch.randn(value.shape, generator=generator) * (gain / math.sqrt(fan_in))
        else:
            state[key] = torch.zeros_like(value) if key.endswith("bias") else torch.ones_like(value)
    return state
