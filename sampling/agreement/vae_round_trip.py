"""The levels' estimates agree as pictures: decoded by the host's VAE, changed, and encoded again."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import comfy.model_management
import torch
from torch import Tensor

from ...zoomstack_core.geometry import ZoomGeometry
from ...zoomstack_core.method.joint_step import JointStep, fill_waiting
from ...zoomstack_core.method.ladder import Front
from ...zoomstack_core.method.rows import rows_of
from ...zoomstack_core.tensors import check_float
from ..checks import check_vae
from ..host_types import VAE, Model
from ..moment import Moment
from .latents import LatentLayout

# A pixel that changes by less is unchanged: a 25th of the smallest step of an 8-bit picture. Rounding stays below.
UNCHANGED = 1 / 255 / 25


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

    def __call__(self, estimates: Tensor, front: Front, moment: Moment) -> Tensor:
        """As of `LatentAgreement`. Without blending every level goes its own way until the next time."""
        levels = self._joint.geometry.levels
        if self._latents is None:
            self._latents = estimates.new_zeros(levels, *estimates.shape[1:])
            if self._initial is not None and front.finished:  # a run that goes on
                self._latents += self._layout.gather(self._initial.to(estimates), estimates)
                self._joint.initial = self._vae.decode(self._latents)
            for level, latent in self._held.items():
                self._latents[level] = latent.to(estimates)
        latents, active = self._latents, front.active
        latents[rows_of(active)] = estimates
        # a level's last estimate is what deeper ones observe of it from then on
        if active and (moment.steps_left % self._every == 0 or 1.0 in moment.progress):
            check_float("denoised", estimates)
            before = self._vae.decode(estimates).to(estimates.device)
            self._pictures = self._joint.update(
                before, active, moment.progress, sigmas=moment.sigmas, waiting=front.waiting
            )
            for row, level in enumerate(active):
                latents[level] = moved_latent(self._vae, latents[level], before[row], self._pictures[level])
        if moment.steps_left == 0 and self._pictures is not None:
            self._paste_into_known(latents, self._pictures, set(range(levels)) - set(active))
        waiting = [level for level in front.waiting if level > 0 and level not in self._held]
        if waiting:
            spread = self._layout.spread(latents).clone()
            fill_waiting(spread, self._latent_geometry.opened, waiting, self._initial)
            self._latents = self._layout.gather(spread, latents)
        return self._latents.clone()

    def finish(self, samples: Tensor) -> Tensor:
        """The result as it is: its pictures agree, and Zoom Stack makes that exact."""
        return samples

    def _paste_into_known(self, latents: Tensor, pictures: Tensor, known: set[int]) -> None:
        """Levels that were not evaluated now: what deeper ones have put into their centers since."""
        for level in sorted(known):
            before = self._vae.decode(latents[level : level + 1])[0]
            latents[level] = moved_latent(self._vae, latents[level], before, pictures[level])


def moved_latent(space: VaeSpace, latent: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """A level's latent [C, …, H, W] after its picture [frames · 3, H', W'] was changed.

    It moves by what the change moves the encoding.

    Raises:
        ValueError: as of `VaeSpace.encode`.
    """
    after = after.to(before)
    if (after - before).abs().max() < UNCHANGED:
        return latent
    return latent + (space.encode(after, latent) - space.encode(before, latent))


class VaeSpace:
    """A host VAE between a model's latents and pictures of its levels; frames of 5-D latents become channels.

    The model that is being sampled is loaded again after every use, as the VAE may have pushed it out.

    Args:
        node: the display name of the node that the VAE is connected to, for errors.

    Raises:
        ValueError: for the VAE of another kind of model.
    """

    def __init__(self, vae: VAE, inner_model: Model, node: str):
        check_vae(vae, inner_model.latent_format.latent_channels, node)
        self._vae = vae
        self._node = node
        self._model = inner_model
        self._frames = 1

    def decode(self, latents: Tensor) -> Tensor:
        """[n, C, …, H, W] to pictures [n, frames · 3, H', W'], colors in [0, 1], where the VAE leaves them.

        Raises:
            ValueError: if they are not finite.
        """
        with _models_kept():
            pixels = self._finite(self._vae.decode(self._model.process_latent_out(latents.float()))[..., :3])
        if pixels.ndim == 4:
            pixels = pixels.unsqueeze(1)
        self._frames = pixels.shape[1]
        return pixels.movedim(-1, 2).flatten(1, 2).float()

    def encode(self, picture: Tensor, like: Tensor) -> Tensor:
        """One level's [frames · 3, H', W'] to a latent like ``like`` [C, …, H, W].

        Raises:
            ValueError: if the VAE gives another latent than the model's.
        """
        # one level at a time: a 3-D VAE takes a batch of pictures for the frames of a video
        latent = self.encode_picture(picture.unflatten(0, (self._frames, -1)).movedim(1, -1)).to(like)
        if latent.numel() != like.numel() or latent.shape[1] != like.shape[0]:
            raise ValueError(
                f"{self._node}: vae gives latents of shape {list(latent.shape[1:])}, the model has "
                f"{list(like.shape)}; connect the model's own VAE."
            )
        return latent.reshape(like.shape)

    def encode_picture(self, picture: Tensor) -> Tensor:
        """One picture [1, H', W', 3], or the frames of one level, to a latent [1, C, …, H, W] of the model."""
        with _models_kept():
            return self._model.process_latent_in(self._finite(self._vae.encode(picture)).float())

    def _finite(self, made: Tensor) -> Tensor:
        if not torch.isfinite(torch.stack(made.aminmax())).all():  # both carry NaN along
            raise ValueError(
                f"{self._node}: vae gave NaN or infinity; expected finite numbers. Its 16-bit numbers may have "
                "overflowed: start ComfyUI with --fp32-vae, or load another file of this VAE."
            )
        return made


@contextmanager
def _models_kept() -> Generator[None]:
    loaded = comfy.model_management.loaded_models(only_currently_used=True)
    yield
    comfy.model_management.load_models_gpu(loaded)
