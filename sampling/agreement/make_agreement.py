"""One run's estimates made to agree: as latents themselves, or as pictures through a VAE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import comfy.model_management
import torch
from torch import Tensor

from ...zoomstack_core.geometry import ZoomGeometry
from ...zoomstack_core.method.anchor import ADAM_RATE, PhotoAnchor
from ...zoomstack_core.method.joint_step import JointStep
from ..host_types import VAE, Model
from .blend_options import BlendOptions, blends_in_pixels, is_pixel_format, standard_deviation
from .held import check_nesting
from .in_latents import LatentAgreement
from .latents import LatentLayout
from .photos import Photo, check_levels, latent_anchors, picture_anchors
from .vae_round_trip import PixelAgreement, VaeSpace

Agreement = LatentAgreement | PixelAgreement


def make_agreement(
    inner_model: Model,
    geometry: ZoomGeometry,
    options: BlendOptions,
    layout: LatentLayout,
    latent: Tensor,
    initial: Tensor | None = None,
    photos: Sequence[Photo] = (),
    held: Mapping[int, Tensor] | None = None,
    nested: bool = False,
) -> Agreement:
    """A fresh object that makes the estimates of one run agree.

    Args:
        inner_model: the host's BaseModel.
        geometry: of what ``layout`` makes of the latents.
        latent: one level's latent, for its size [1, C, …, H, W].
        initial: latents before sampling [N, C, …]; None for blank ones.
        photos: what some levels show.
        held: per held level, its latent [1, C, …].
        nested: whether the held levels are known to be of this geometry; else that is checked.

    Raises:
        ValueError: where a VAE is missing, or for photographs that do not fit.
    """
    check_levels(photos, geometry.levels)
    held = held or {}

    def joint(
        nesting: ZoomGeometry,
        anchors: Sequence[PhotoAnchor],
        fixed: dict[int, Tensor],
        before: Tensor | None = None,
        keep_on: torch.device | None = None,
        sigma_data: float = 1.0,
        grain: float = 1.0,
    ) -> JointStep:
        if not nested:
            check_nesting(fixed, nesting)
        return JointStep(
            nesting, options.mode, before, anchors, fixed, options.start, options.end, keep_on, sigma_data, grain
        )

    if not blends_in_pixels(options, inner_model.latent_format):

        def to_latent(picture: Tensor) -> Tensor:
            return inner_model.process_latent_in(2 * picture.movedim(-1, 1) - 1)

        def encode(vae: VAE, picture: Tensor) -> Tensor:
            node = photos[0].node if options.vae is None else options.vae_node
            encoded = VaeSpace(vae, inner_model, node).encode_picture(picture)
            return layout.spread(encoded.expand(-1, -1, *latent.shape[2:-2], -1, -1))  # alike in every frame

        anchors: list[PhotoAnchor] = []
        if photos and is_pixel_format(inner_model.latent_format):
            anchors = picture_anchors(photos, geometry, to_latent)
        elif photos:
            anchors = latent_anchors(photos, geometry, options.vae, encode)
        before = None if initial is None else layout.spread(initial)
        fixed = {level: layout.spread(one)[0] for level, one in held.items()}
        deviation = standard_deviation(inner_model.latent_format)
        return LatentAgreement(joint(geometry, anchors, fixed, before, sigma_data=deviation), options.every, layout)
    assert options.vae is not None  # or `blends_in_pixels` has raised
    space = VaeSpace(options.vae, inner_model, options.vae_node)
    shown = space.decode(torch.zeros_like(latent)).shape  # of noise it might overflow
    pixels = geometry.resized(*shown[-2:])
    anchors = picture_anchors(
        photos, pixels, lambda picture: picture.movedim(-1, 1).repeat(1, shown[1] // 3, 1, 1), ADAM_RATE / 2
    )
    fixed = {level: space.decode(one)[0] for level, one in held.items()}
    grain = pixels.width / geometry.width
    keep_on = comfy.model_management.intermediate_device()
    of_pictures = joint(pixels, anchors, fixed, keep_on=keep_on, grain=grain)
    return PixelAgreement(of_pictures, options.every, layout, space, geometry, initial, held)
