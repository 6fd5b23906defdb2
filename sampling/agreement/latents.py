"""Where zooming can act in a latent: frames and packed pixels laid out as plain pictures, and back."""

from __future__ import annotations

from dataclasses import dataclass

import comfy.latent_formats
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from ..host_types import ModelPatcher

PACK = 2  # Flux 2 and its kin keep PACK × PACK neighbors of a latent as channels of one


@dataclass(frozen=True)
class LatentLayout:
    """How a model's latents [N, C, H, W] or [N, C, T, H, W] hold pictures.

    Frames count as further channels. Packed channels are spread out, since a resampler must see neighbors as such.

    Attributes:
        packed: whether every PACK × PACK block of neighbors lies in the channels.
    """

    packed: bool = False

    def spread(self, latents: Tensor) -> Tensor:
        """Latents as pictures [N, C', H', W']; the same memory where nothing is packed."""
        pictures = latents.flatten(1, -3)
        return pixel_shuffle(pictures, PACK) if self.packed else pictures

    def gather(self, pictures: Tensor, like: Tensor) -> Tensor:
        """Pictures [M, C', H', W'] as latents of the rank and size of ``like``, any number of them."""
        latents = pixel_unshuffle(pictures, PACK) if self.packed else pictures
        return latents.reshape(-1, *like.shape[1:])

    def size(self, latents: Tensor) -> tuple[int, int]:
        """Height and width of the pictures."""
        scale = PACK if self.packed else 1
        return latents.shape[-2] * scale, latents.shape[-1] * scale


PLAIN = LatentLayout()


def latent_layout(model: ModelPatcher) -> LatentLayout:
    """The layout of the latents that MODEL samples."""
    return LatentLayout(packed=isinstance(model.get_model_object("latent_format"), comfy.latent_formats.Flux2))
