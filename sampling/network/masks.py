"""Inpaint masks of zoom levels: one per level or one for all, and each at its own level's sigma."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..host_types import Guider
from .batches import check_batch


def masks_of_levels(mask: Tensor, latents: Tensor, node: str) -> Tensor:
    """Inpaint masks as the host takes them for a batch of levels.

    Args:
        mask: [height, width] or [levels, …, height, width] pixels; for levels of several frames also the frames of one.
        latents: [N, C, H, W] or [N, C, T, H, W].
        node: the display name of the node, for errors.

    Raises:
        ValueError: for a batch that is neither one for all levels nor one per level.
    """
    levels, size = len(latents), 1 if mask.ndim == 2 else len(mask)
    if latents.ndim == 5 and 2 < mask.ndim < 5:
        if size == levels:
            # the host would take them for the frames of one
            return mask.unsqueeze(1) if mask.ndim == 4 else mask[:, None, None]
        if latents.shape[2] > 1:
            return mask
    check_batch(size, levels, f"{node}: the noise mask of latent_image")
    return mask


def at_every_levels_sigma(
    function: Callable[..., Tensor],
    own: Callable[[float, int], float],
    schedule: Callable[[int], Tensor],
    guider: Guider,
) -> Callable[..., Tensor]:
    """A patch's denoise_mask_function (Differential Diffusion) for levels with sigmas of their own.

    It is asked level by level, and sees of each what it would see in a run of that level alone: its sigma and sigmas in
    the model's terms, and the guider.

    Args:
        own: the sampler's sigma and a level, to the level's sigma.
        schedule: a level to the sigmas of its steps.
    """

    @functools.wraps(function)
    def per_level(sigma: Tensor, denoise_mask: Tensor, extra_options: dict[str, Any]) -> Tensor:
        masks = []
        for level in range(len(denoise_mask)):
            steps = schedule(level)
            # a level that waits is as at its first step, one that is finished as at its last
            now = min(max(own(float(sigma[0]), level), float(steps[-2])), float(steps[0]))
            options = {**extra_options, "model": guider, "sigmas": steps}
            masks.append(function(steps.new_tensor([now]), denoise_mask[level : level + 1], extra_options=options))
        return torch.cat(masks)

    return per_level
