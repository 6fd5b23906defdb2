"""ZoomStack: what the viewer and the video consume."""

from __future__ import annotations

from torch import Tensor

from ..geometry import ZoomGeometry
from .render import render_images


class ZoomStack:
    """Images of all zoom levels, made consistent, with their geometry. Not to be changed after it is made.

    Args:
        layers: [N, C, H, W] float, colors in [0, 1]; N, H, W as in ``geometry``.

    Attributes:
        images: [N, C, H, W]; the inner rectangle of level i is D of level i+1.
        geometry: how the levels nest.

    Raises:
        ValueError: if ``layers`` does not fit ``geometry``.

    >>> import torch
    >>> from zoomstack_core import ZoomGeometry, ZoomStack
    >>> ZoomStack(torch.rand(4, 3, 32, 48), ZoomGeometry(levels=4, height=32, width=48))
    ZoomStack(4 levels of 32×48, zoom factor 2.0)
    """

    __slots__ = ("geometry", "images")

    images: Tensor
    geometry: ZoomGeometry

    def __init__(self, layers: Tensor, geometry: ZoomGeometry):
        object.__setattr__(self, "images", render_images(layers, geometry))
        object.__setattr__(self, "geometry", geometry)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a ZoomStack is not changed after it is made; make a new one to set {name}")

    def __len__(self) -> int:
        return self.geometry.levels

    def __repr__(self) -> str:
        g = self.geometry
        return f"ZoomStack({g.levels} levels of {g.height}×{g.width}, zoom factor {g.zoom_factor})"
