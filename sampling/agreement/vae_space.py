"""A model's latents as pictures, and pictures as its latents: the way through the host's VAE."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import comfy.model_management
import torch
from torch import Tensor

from ..checks import check_vae
from ..host_types import VAE, Model


class VaeSpace:
    """A host VAE between a model's latents and pictures of its levels; frames of 5-D latents become channels.

    The model that is being sampled is loaded again after every use, as the VAE may have pushed it out.

    Args:
        node: the display name of the node that the VAE is connected to, for errors.

    Raises:
        ValueError: for the VAE of another kind of model.
    """

    def __init__(self, vae: VAE, inner_model: Model, node: str = "Zoom Multi-Res Blend"):
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
                f"Zoom Multi-Res Blend: vae gives latents of shape {list(latent.shape[1:])}, the model has "
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
