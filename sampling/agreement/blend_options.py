"""How, where and when the levels' estimates are made to agree: the choice, and what follows from it for a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import comfy.latent_formats

from ..host_types import VAE, LatentFormat

SPACES = ("auto", "latent", "pixels")
# The demo model loses half a percent of its detail by it; with 32 one percent, with 20 also in following the prompts.
WAKE_SIGMA = 48.0
# Standard deviation of pictures from -1 to 1, as Karras et al. 2022 take it; latents are made to have about 1.
PICTURES_SIGMA_DATA = 0.5


@dataclass(frozen=True)
class BlendOptions:
    """How, where and when the levels' estimates are made to agree: the wire type ZOOM_BLEND.

    Args:
        mode: a mode of `blend_levels`.
        space: "latent", "pixels" (through ``vae``; a pixel-space model needs none), or "auto", see `blends_in_pixels`.
        vae: the host's VAE, or None.
        vae_node: the display name of the node that it is connected to, for errors.
        start, end: a level is blended while its own progress, 0 … 1 of its steps, lies in this range.
        every: blend at every n-th step, counted back from the last.
        travel_repeats: how often each step within the range below is taken; 1 is no time travel.
        travel_start, travel_end: that range, as parts of the whole schedule.
        wake_sigma: with aligned noise, deep levels are evaluated from their last step on whose sigma is at least this
            many standard deviations of the model's latents; 0 evaluates all levels from their first step on.
    """

    mode: str = "border"
    space: str = "auto"
    vae: VAE | None = None
    start: float = 0.0
    end: float = 1.0
    every: int = 1
    travel_repeats: int = 1
    travel_start: float = 0.0
    travel_end: float = 1.0
    wake_sigma: float = WAKE_SIGMA
    vae_node: str = "Zoom Multi-Res Blend"


def with_vae(options: BlendOptions, vae: VAE | None, node: str) -> BlendOptions:
    """The options with the VAE that is connected to the sampler ``node``, unless they have one of their own."""
    return options if vae is None or options.vae is not None else replace(options, vae=vae, vae_node=node)


def is_pixel_format(latent_format: LatentFormat) -> bool:
    """Whether a model's latents are the pictures themselves."""
    return latent_format.spacial_downscale_ratio == 1 and latent_format.latent_channels == 3


def standard_deviation(latent_format: LatentFormat) -> float:
    """Of a model's latents, about."""
    return PICTURES_SIGMA_DATA if is_pixel_format(latent_format) else 1.0


def resamples_badly(latent_format: LatentFormat) -> bool:
    """Whether a resampled latent of this format decodes to something else than the resampled picture.

    Four channels at an eighth of the pixels (SD1.5) only blur. SDXL's, and those of 16 and more channels or of less
    than an eighth of the pixels, are corrupted.
    """
    sdxl = (comfy.latent_formats.SDXL, comfy.latent_formats.SDXL_Playground_2_5)
    dense = latent_format.latent_channels >= 16 or latent_format.spacial_downscale_ratio > 8
    return isinstance(latent_format, sdxl) or dense


def blends_in_pixels(options: BlendOptions, latent_format: LatentFormat) -> bool:
    """Whether the estimates go through the VAE.

    Raises:
        ValueError: where they should, but there is none.
    """
    if is_pixel_format(latent_format) or options.space == "latent":
        return False
    if options.space == "pixels" and options.vae is None:
        raise ValueError(
            "Zoom Multi-Res Blend: space is pixels and the model works on latents, but vae is not connected; connect "
            "the model's VAE there or to the sampler, or set space to latent."
        )
    return options.vae is not None and (options.space == "pixels" or resamples_badly(latent_format))


def blending_notice(options: BlendOptions, latent_format: LatentFormat, node: str) -> str:
    """What to say where latents that resample badly are blended because nobody has said where; else no text.

    Args:
        node: the display name of the node that takes the VAE.
    """
    if options.space != "auto" or options.vae is not None or options.mode == "none":
        return ""
    if is_pixel_format(latent_format) or not resamples_badly(latent_format):
        return ""
    return (
        "The latents of this model do not resample like pictures, and blending them harms colors and texture. Connect "
        f"the model's VAE to vae of {node}. To blend latents all the same, set space of Zoom Multi-Res Blend to latent."
    )
