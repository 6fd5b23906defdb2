"""How the levels of a zoom are sampled together, as the nodes say it."""

from __future__ import annotations

from dataclasses import dataclass

from ..zoomstack_core.nesting import Nesting
from .agreement.blend_options import BlendOptions, standard_deviation
from .agreement.photos import Photo
from .host_types import LatentFormat
from .noise.sigmas import LateWaking


@dataclass(frozen=True)
class ZoomSettings:
    """What the nodes that sample zoom levels have in common.

    Attributes:
        node: the display name of the node, which begins its errors.
        nesting: where and how far each step of the zoom goes.
        alignment: 0 … 1, see `NoiseLadder`.
        blend: how the levels' estimates are made to agree.
        photos: what some of the levels show.
    """

    node: str
    nesting: Nesting
    alignment: float
    blend: BlendOptions
    photos: tuple[Photo, ...] = ()

    def waking(self, latent_format: LatentFormat, held: frozenset[int]) -> LateWaking:
        """When the levels of a run wake.

        Levels with a photo, or that are held, and all that show them wake at once: what is known there, the levels
        around it are to fit from their first step on.
        """
        if not self.blend.wake_sigma:
            return LateWaking()
        known = held | {photo.level for photo in self.photos}
        return LateWaking(self.blend.wake_sigma * standard_deviation(latent_format), known)
