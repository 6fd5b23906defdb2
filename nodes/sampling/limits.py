"""What the joint sampler cannot serve, said clearly before it starts."""

from __future__ import annotations

from typing import Any

import comfy.samplers
from torch import Tensor

# They change the size or the order of what they sample.
UNFIT_SAMPLERS = {
    "sample_lcm_upscale": "it changes the size of the latents on the way; use lcm, and upscale the finished levels",
    "sample_ar_video": "it samples the frames of one video in turn; use another sampler",
}


def check_latents(latents: Any, node: str = "Zoom sampling") -> None:
    """Raises ValueError unless ``latents`` are pictures [N, C, H, W] or [N, C, T, H, W]."""
    if latents.is_nested or latents.ndim not in (4, 5):
        kind = "a nested latent" if latents.is_nested else f"a latent of shape {list(latents.shape)}"
        raise ValueError(
            f"{node}: latent_image is {kind}; expected image latents [levels, channels, height, width]. Sound and "
            "other parts have no zoom levels."
        )


def check_sampler(sampler: Any) -> None:
    """Raises ValueError for a SAMPLER that does not leave the levels as they are laid out."""
    name = getattr(getattr(sampler, "sampler_function", None), "__name__", "")
    if name in UNFIT_SAMPLERS:
        reason = UNFIT_SAMPLERS[name]
        raise ValueError(f"Zoom sampling: the sampler {name.removeprefix('sample_')} does not fit: {reason}.")


def check_guider(guider: Any) -> None:
    """Raises ValueError for a GUIDER that samples in a way of its own, such as one with two models."""
    kind, stock = type(guider), comfy.samplers.CFGGuider
    if not isinstance(guider, stock) or any(
        getattr(kind, name) is not getattr(stock, name) for name in ("sample", "outer_sample", "inner_sample")
    ):
        raise ValueError(
            f"Zoom sampling: the guider {kind.__name__} runs its own sampling (as Dual Model CFG Guider does for its "
            "second model) and cannot sample zoom levels together; use CFG Guider, Basic Guider or Dual CFG Guider."
        )


def check_context(
    handler: Any, model: Any, conds: list[Any], level: Tensor, sigmas: Tensor, model_options: dict[str, Any]
) -> None:
    """Raises ValueError where context windows would cut ``level`` [1, C, T, H, W] into parts."""
    if handler is not None and handler.should_use_context(model, conds, level, sigmas[:1], model_options):
        raise ValueError(
            "Zoom sampling: the model has context windows that are shorter than the latent, whose shape is "
            f"{list(level.shape)}; zoom levels cannot be sampled in windows. Remove the context windows node, or make "
            "the latent short enough for one window."
        )
