"""One joint sampling run on the host, from a node's inputs to its latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import comfy.sample
import comfy.samplers
import comfy.utils
import latent_preview
import torch
from torch import Tensor

from ...zoomstack_core.nesting import Nesting
from .guider import JointGuider, JointPlan
from .held import HELD, held_levels
from .latents import latent_layout
from .limits import check_latents
from .marks import ZOOM_LEVEL, Conditioning
from .noise import is_stochastic
from .photos import Photo
from .sigmas import level_sigmas
from .spaces import BlendOptions


@dataclass(frozen=True)
class SamplingRequest:
    """The inputs of Zoom KSampler beside model, conditioning and latent."""

    seed: int
    steps: int
    cfg: float
    sampler_name: str
    scheduler: str
    denoise: float
    alignment: float
    blend: BlendOptions
    nesting: Nesting
    photos: tuple[Photo, ...] = ()


def sample_zoom(
    model: Any, positive: Conditioning, negative: Conditioning, latent: dict[str, Any], request: SamplingRequest
) -> dict[str, Any]:
    """All zoom levels sampled in lockstep.

    Args:
        latent: the host's LATENT; its batch is the number of levels, or one, which then stands for every level.

    Returns:
        The host's LATENT with one entry per level, the widest first.

    Raises:
        ValueError: for latents that are no images, or a batch or a geometry that does not fit the prompts.
    """
    samples = _level_latents(model, latent, count_levels(positive, negative, latent["samples"]))
    if len(samples) != len(latent["samples"]):  # one for every level: its place in some batch is not theirs
        latent = {key: value for key, value in latent.items() if key != "batch_index"}
    layout = latent_layout(model)
    geometry = request.nesting.fit(len(samples), *layout.size(samples), name="Zoom KSampler: geometry")
    sigmas = level_sigmas(
        model, geometry, request.steps, request.sampler_name, request.scheduler, request.denoise, request.alignment
    )
    held = held_levels(latent, model.get_model_object("latent_format").latent_channels)
    plan = JointPlan(geometry, request.blend, sigmas, layout, request.photos, held)
    noise = comfy.sample.prepare_noise(samples, request.seed, latent.get("batch_index"))
    if geometry.levels > 1 and (sigmas.aligned or not is_stochastic(request.sampler_name)):
        noise = plan.render_noise(noise)
    guider = JointGuider(model)
    guider.set_conds(positive, negative)
    guider.set_cfg(request.cfg)
    guider.plan = plan
    result = guider.sample(
        noise,
        samples,
        comfy.samplers.sampler_object(request.sampler_name),
        sigmas.sigmas,
        denoise_mask=latent.get("noise_mask"),
        callback=_mosaic_callback(model, len(sigmas.sigmas) - 1),
        disable_pbar=not comfy.utils.PROGRESS_BAR_ENABLED,
        seed=request.seed,
    )
    result = result.to(comfy.model_management.intermediate_device(), comfy.model_management.intermediate_dtype())
    spent = ("downscale_ratio_spacial", "downscale_ratio_temporal", HELD)
    return {**{key: value for key, value in latent.items() if key not in spent}, "samples": result}


def count_levels(positive: Conditioning, negative: Conditioning, samples: Tensor) -> int:
    """The number of levels that prompts and latent agree on.

    Raises:
        ValueError: where they do not.
    """
    check_latents(samples, "Zoom KSampler")
    marks = {options[ZOOM_LEVEL] for _, options in positive if ZOOM_LEVEL in options}
    levels = max(marks) + 1 if marks else len(samples)
    negative_marks = {options[ZOOM_LEVEL] for _, options in negative if ZOOM_LEVEL in options}
    if negative_marks and max(negative_marks) >= levels:
        raise ValueError(
            f"Zoom KSampler: negative has prompts for {max(negative_marks) + 1} levels, positive for {levels}; "
            "connect both outputs of the same Zoom Prompt Schedule."
        )
    for name, conditioning in (("positive", positive), ("negative", negative)):
        missing = [i for i in range(levels) if all(options.get(ZOOM_LEVEL, i) != i for _, options in conditioning)]
        if missing and conditioning:
            raise ValueError(f"Zoom KSampler: {name} has no prompt for level {missing[0]} of {levels}, counted from 0.")
    if marks and len(samples) not in (1, levels):
        raise ValueError(
            f"Zoom KSampler: latent_image has a batch of {len(samples)}, positive has prompts for {levels} levels; "
            f"expected a batch of {levels}, or of 1, which then stands for every level."
        )
    return levels


def _level_latents(model: Any, latent: dict[str, Any], levels: int) -> Tensor:
    samples = comfy.sample.fix_empty_latent_channels(
        model, latent["samples"], latent.get("downscale_ratio_spacial"), latent.get("downscale_ratio_temporal")
    )
    return comfy.utils.repeat_to_batch_size(samples, levels)


def _mosaic_callback(model: Any, steps: int) -> Callable[[int, Tensor, Tensor, int], None]:
    """The host's progress bar and live preview; the preview shows all levels, the widest at the top left."""
    report = latent_preview.prepare_callback(model, steps)
    return lambda step, x0, x, total: report(step, mosaic(x0), x, total)


def mosaic(levels: Tensor) -> Tensor:
    """Levels [N, C, …, H, W] as one image [1, C, …, rows · H, columns · W], in reading order."""
    count = len(levels)
    columns = int(count**0.5 + 0.999)
    rows = -(-count // columns)
    padded = torch.cat([levels, levels.new_zeros(rows * columns - count, *levels.shape[1:])])
    lines = [torch.cat(list(line.split(1)), dim=-1) for line in padded.split(columns)]
    return torch.cat(lines, dim=-2)
