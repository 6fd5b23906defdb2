"""How the levels of a zoom are sampled together, as the nodes say it."""

from __future__ import annotations

from dataclasses import dataclass

from ..zoomstack_core.nesting import Nesting
from .agreement.blend_options import BlendOptions
from .agreement.photos import Photo


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
