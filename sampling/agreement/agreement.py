"""One run's estimates made to agree: as latents themselves, or as pictures through a VAE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import comfy.model_management
import torch
from torch import Tensor

from ...zoomstack_core.geometry import ZoomGeometry
from ...zoomstack_core.method.anchor import ADAM_RATE, PhotoAnchor
from ...zoomstack_core.method.joint_step import JointStep, fill_waiting
from ...zoomstack_core.method.render import render_images
from ...zoomstack_core.tensors import check_float
from ..host_types import VAE, Model
from ..moment import Moment
from .blend_options import BlendOptions, blends_in_pixels, is_pixel_format
from .held import check_nesting
from .latents import LatentLayout
from .photos import Photo, check_levels, latent_anchors, picture_anchors
from .vae_space import VaeSpace

# Standard deviation of pictures from -1 to 1, as Karras et al. 2022 take it; latents are made to have about 1.
PICTURES_SIGMA_DATA = 0.5

# A pixel that changes by less is unchanged: a 25th of the smallest step of an 8-bit picture. Rounding stays below.
UNCHANGED = 1 / 255 / 25


class LatentAgreement:
    """The estimates agree as latents; of pixel-space models that is as pictures.

    Args:
        joint: for what ``layout`` makes of the latents.
        every: blend at every n-th step, counted back from the last.
        layout: latents [n, C, …, H, W] to pictures [n, C', H, W] and back (``spread``, ``gather``).
    """

    def __init__(self, joint: JointStep, every: int, layout: LatentLayout):
        self._joint = joint
        self._every = every
        self._layout = layout

    def __call__(self, estimates: Tensor, active: range, moment: Moment) -> Tensor:
        """Args: estimates, latents of the active levels [n, C, …]. Returns: latents of all levels [N, C, …]."""
        blending = moment.steps_left % self._every == 0
        agreed = self._joint(self._layout.spread(estimates), active, moment.progress, blending, moment.sigmas)
        return self._layout.gather(agreed, estimates)

    def finish(self, samples: Tensor) -> Tensor:
        """The result [N, C, …], exactly consistent: some samplers go on past their last evaluation.

        Args: samples, as the host gives them, no longer in the values that the sampler holds.
        """
        return self._layout.gather(render_images(self._layout.spread(samples), self._joint.geometry), samples)


class PixelAgreement:
    """The estimates are decoded, agree as pictures, and are encoded again.

    A level gets z + E(new pixels) - E(D(z)), so what the VAE loses in a round trip is lost nowhere, and a level whose
    pixels stay keeps its latent exactly. Waiting levels, all noise yet, follow the level above as latents. Finished
    levels are not evaluated any more: what deeper levels paste into them is encoded once, at the end.

    Args:
        joint: for the levels' pictures.
        every, layout: as of `LatentAgreement`.
        space: the VAE for the model's latents.
        latent_geometry: of what ``layout`` makes of them.
        initial: latents of all levels before sampling, or None.
        held: per held level, its latent [1, C, …, H, W].
    """

    def __init__(
        self,
        joint: JointStep,
        every: int,
        layout: LatentLayout,
        space: VaeSpace,
        latent_geometry: ZoomGeometry,
        initial: Tensor | None = None,
        held: Mapping[int, Tensor] | None = None,
    ):
        self._joint = joint
        self._every = every
        self._layout = layout
        self._vae = space
        self._latent_geometry = latent_geometry
        self._initial = None if initial is None else layout.spread(initial)
        self._held = dict(held or {})
        self._latents: Tensor | None = None
        self._pictures: Tensor | None = None

    def __call__(self, estimates: Tensor, active: range, moment: Moment) -> Tensor:
        """As of `LatentAgreement`. Without blending every level goes its own way until the next time."""
        levels = self._joint.geometry.levels
        if self._latents is None:
            self._latents = estimates.new_zeros(levels, *estimates.shape[1:])
            if self._initial is not None and active.start > 0:  # a run that goes on
                self._latents += self._layout.gather(self._initial.to(estimates), estimates)
                self._joint.initial = self._vae.decode(self._latents)
            for level, latent in self._held.items():
                self._latents[level] = latent.to(estimates)
        latents, free = self._latents, [level for level in active if level not in self._held]
        for level in free:
            latents[level] = estimates[level - active.start]
        # a level's last estimate is what deeper ones observe of it from then on
        if free and (moment.steps_left % self._every == 0 or 1.0 in moment.progress):
            check_float("denoised", estimates)
            before = self._vae.decode(latents[active.start : active.stop]).to(estimates.device)
            self._pictures = self._joint.update(before, active, moment.progress, sigmas=moment.sigmas)
            for level in free:
                latents[level] = self._moved(latents[level], before[level - active.start], self._pictures[level])
        if moment.steps_left == 0 and self._pictures is not None:
            self._paste_into_known(latents, self._pictures, set(range(levels)) - set(free))
        waiting = [level for level in range(max(active.stop, 1), levels) if level not in self._held]
        if waiting:
            spread = self._layout.spread(latents).clone()
            fill_waiting(spread, self._latent_geometry, waiting, self._initial)
            self._latents = self._layout.gather(spread, latents)
        return self._latents.clone()

    def finish(self, samples: Tensor) -> Tensor:
        """The result as it is: its pictures agree, and Zoom Stack makes that exact."""
        return samples

    def _moved(self, latent: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """The latent [C, …] after its picture [C', H, W] was changed."""
        after = after.to(before)
        if (after - before).abs().max() < UNCHANGED:
            return latent
        return latent + (self._vae.encode(after, latent) - self._vae.encode(before, latent))

    def _paste_into_known(self, latents: Tensor, pictures: Tensor, known: set[int]) -> None:
        """Levels that were not evaluated now: what deeper ones have put into their centers since."""
        for level in sorted(known):
            before = self._vae.decode(latents[level : level + 1])[0]
            latents[level] = self._moved(latents[level], before, pictures[level])


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
) -> Agreement:
    """A fresh object that makes the estimates of one run agree.

    Args:
        inner_model: the host's BaseModel.
        geometry: of what ``layout`` makes of the latents.
        latent: one level's latent, for its size [1, C, …, H, W].
        initial: latents before sampling [N, C, …]; None for blank ones.
        photos: what some levels show.
        held: per held level, its latent [1, C, …].

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
    ) -> JointStep:
        check_nesting(fixed, nesting)
        return JointStep(nesting, options.mode, before, anchors, fixed, options.start, options.end, keep_on, sigma_data)

    if not blends_in_pixels(options, inner_model.latent_format):

        def to_latent(picture: Tensor) -> Tensor:
            return inner_model.process_latent_in(2 * picture.movedim(-1, 1) - 1)

        def encode(vae: VAE, picture: Tensor) -> Tensor:
            node = photos[0].node if options.vae is None else "Zoom Multi-Res Blend"
            encoded = VaeSpace(vae, inner_model, node).encode_picture(picture)
            return layout.spread(encoded.expand(-1, -1, *latent.shape[2:-2], -1, -1))  # alike in every frame

        anchors: list[PhotoAnchor] = []
        if photos and is_pixel_format(inner_model.latent_format):
            anchors = picture_anchors(photos, geometry, to_latent)
        elif photos:
            anchors = latent_anchors(photos, geometry, options.vae, encode)
        before = None if initial is None else layout.spread(initial)
        fixed = {level: layout.spread(one)[0] for level, one in held.items()}
        spread = PICTURES_SIGMA_DATA if is_pixel_format(inner_model.latent_format) else 1.0
        return LatentAgreement(joint(geometry, anchors, fixed, before, sigma_data=spread), options.every, layout)
    assert options.vae is not None  # or `blends_in_pixels` has raised
    space = VaeSpace(options.vae, inner_model)
    shown = space.decode(torch.zeros_like(latent)).shape  # of noise it might overflow
    pixels = geometry.resized(*shown[-2:])
    anchors = picture_anchors(
        photos, pixels, lambda picture: picture.movedim(-1, 1).repeat(1, shown[1] // 3, 1, 1), ADAM_RATE / 2
    )
    fixed = {level: space.decode(one)[0] for level, one in held.items()}
    grain = pixels.width / geometry.width  # the noise is as coarse as the latents, and so reaches so much further
    keep_on = comfy.model_management.intermediate_device()
    of_pictures = joint(pixels, anchors, fixed, keep_on=keep_on, sigma_data=1 / grain)
    return PixelAgreement(of_pictures, options.every, layout, space, geometry, initial, held)
