"""What the joint sampler cannot serve, said clearly before it starts."""

from __future__ import annotations

import math
from typing import Any

import comfy.samplers
import torch
from torch import Tensor

from ..zoomstack_core.errors import ArgumentError
from ..zoomstack_core.quoting import short
from .host_types import VAE, Guider, Model, ModelPatcher, Sampler

# They change the size or the order of what they sample.
UNFIT_SAMPLERS = {
    "sample_lcm_upscale": "it changes the size of the latents on the way; use lcm, and upscale the finished levels",
    "sample_ar_video": "it samples the frames of one video in turn; use another sampler",
}


def check_latents(latents: Tensor) -> None:
    """Raises ArgumentError unless ``latents`` are pictures [N, C, H, W] or [N, C, T, H, W]."""
    if latents.is_nested or latents.ndim not in (4, 5):
        kind = "a nested latent" if latents.is_nested else f"a latent of shape {list(latents.shape)}"
        raise ArgumentError(
            "latent_image",
            f"is {kind}",
            "image latents [levels, channels, height, width]: sound and other parts have no zoom levels",
        )


def check_latent_kind(latents: Tensor, model: ModelPatcher) -> None:
    """Raises ArgumentError for latents of another kind of model than MODEL.

    Args:
        latents: as `comfy.sample.fix_empty_latent_channels` leaves them: empty ones fit any model.
    """
    latent_format = model.get_model_object("latent_format")
    kind = {2: "pictures", 3: "video"}.get(latent_format.latent_dimensions, "another kind")
    if latents.ndim - 2 != latent_format.latent_dimensions:
        shape = list(latents.shape)
        raise ArgumentError("latent_image", f"has the shape {shape}", f"latents of {kind}, which the model makes")
    channels = latent_format.latent_channels
    if latents.shape[1] != channels:
        raise ArgumentError(
            "latent_image",
            f"has {latents.shape[1]} channels, the model's latents have {channels}",
            "latents of this model: encode pictures with its own VAE, or connect an empty latent",
        )


def check_vae(vae: VAE, model_channels: int, node: str) -> None:
    """Raises ValueError for a VAE whose latents have another number of channels than the model's, where it says so.

    Args:
        node: the display name of the node that it is connected to.
    """
    channels = getattr(vae, "latent_channels", model_channels)
    if channels != model_channels:
        raise ValueError(
            f"{node}: vae has latents of {channels} channels, the model's have {model_channels}; expected the model's "
            "own VAE: connect that of its checkpoint, or load the one that belongs to it."
        )


def check_sampler(sampler: Sampler) -> None:
    """Raises ArgumentError for a SAMPLER that does not leave the levels as they are laid out."""
    name = getattr(getattr(sampler, "sampler_function", None), "__name__", "")
    if name in UNFIT_SAMPLERS:
        raise ArgumentError("sampler", f"is {name.removeprefix('sample_')}", f"another one: {UNFIT_SAMPLERS[name]}")


def check_guider(guider: Guider) -> None:
    """Raises ArgumentError for a GUIDER that samples in a way of its own, such as one with two models."""
    kind, stock = type(guider), comfy.samplers.CFGGuider
    if not isinstance(guider, stock) or any(
        getattr(kind, name) is not getattr(stock, name) for name in ("sample", "outer_sample", "inner_sample")
    ):
        raise ArgumentError(
            "guider",
            f"is {short(kind.__name__)}, which samples in its own way (as Dual Model CFG Guider does with two models)",
            "CFG Guider, Basic Guider or Dual CFG Guider, which can sample zoom levels together",
        )


def check_context(
    handler: Any, model: Model, conds: list[Any], level: Tensor, sigmas: Tensor, model_options: dict[str, Any]
) -> None:
    """Raises ArgumentError where context windows would cut ``level`` [1, C, T, H, W] into parts."""
    if handler is not None and handler.should_use_context(model, conds, level, sigmas[:1], model_options):
        raise ArgumentError(
            "model",
            f"has context windows that are shorter than the latent, whose shape is {list(level.shape)}",
            "a model without them, since zoom levels cannot be sampled in windows: remove the context windows node, or "
            "make the latent short enough for one window",
        )


def value_range(name: str, value: Tensor, what: str) -> tuple[float, float]:
    """The least and the largest value of a tensor [N, …] of N ``what``, read from its device once.

    Raises:
        ArgumentError: if it holds NaN or infinity.
    """
    least, most = torch.stack(torch.aminmax(value.detach())).tolist()  # both carry NaN along
    if not math.isfinite(least) or not math.isfinite(most):
        bad = ~torch.isfinite(value.reshape(len(value), -1)).all(1)
        numbers = [str(level) for level, is_bad in enumerate(bad.tolist(), 1) if is_bad]
        which = ", ".join(numbers[:5]) + (", …" if len(numbers) > 5 else "")
        raise ArgumentError(
            name,
            f"holds NaN or infinity in number {which} of {len(value)} {what}",
            "finite numbers. The node before it made them: 16-bit numbers may have overflowed there; try it in 32 bits "
            "(such as --fp32-vae), or with other settings",
        )
    return least, most
