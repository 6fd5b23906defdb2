"""Π_image: the zoom levels as they look, from the layers of a zoom stack (Generative Powers of Ten, section 4.1)."""

from __future__ import annotations

import math

from torch import Tensor

from ..errors import ArgumentError
from ..geometry import Step, ZoomGeometry
from ..tensors import check_float, compute_dtype
from .resample import links_into

# Closing a ring: what is left of level 0 in itself at the end, and how often a ring of hardly any zoom goes round.
LEAST_SHARE, MOST_ROUNDS = 1e-7, 64


def render_images(layers: Tensor, geometry: ZoomGeometry, recursive: bool = True) -> Tensor:
    """Every zoom level of a stack, each with all deeper layers pasted into it.

    Convention: channel-first; pixel (r, c) covers [r, r+1) × [c, c+1); a level fills ``geometry.rect`` of its parent.
    Only pixels that a deeper level covers wholly are replaced. In a ring level 0 is pasted into its parent too, round
    after round, until what it changes of itself is less than a pixel.

    Args:
        layers: [N, C, H, W], any float dtype; N, H, W as in ``geometry``.
        recursive: reduce the finished next level step by step, which makes the inner rectangle of level i equal D of
            level i+1 for every D. False is Algorithm 1 as written: each deeper layer is reduced at once, by D of the
            whole factor; the same where D composes (a box at whole-numbered, aligned factors).

    Returns:
        [N, C, H, W], a new tensor of the same dtype and device.

    Raises:
        ValueError: if ``layers`` does not fit ``geometry`` or is not floating point.

    Source: Generative Powers of Ten, Algorithm 1.

    >>> import torch
    >>> from zoomstack_core import ZoomGeometry, render_images
    >>> layers = torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)])
    >>> render_images(layers, ZoomGeometry(levels=2, height=4, width=4))[0, 0]
    tensor([[0., 0., 0., 0.],
            [0., 1., 1., 0.],
            [0., 1., 1., 0.],
            [0., 0., 0., 0.]])
    """
    check_float("layers", layers)
    geometry.check("layers", layers.shape)
    images = layers.to(compute_dtype(layers.dtype), copy=True)
    if recursive:
        for level in (*range(geometry.levels - 1, 0, -1), *closing_levels(geometry)):
            paste_into_wider(images, geometry, level)
    else:
        if geometry.closed:
            raise ArgumentError("recursive", "is False", "True, since a ring is closed round after round")
        # levels are finished from the widest on, so the deeper ones still hold their layers
        for level in range(geometry.levels):
            for deeper in range(level + 1, geometry.levels):
                if level in geometry.path_to(deeper):
                    link = links_into(_jump(geometry, level, deeper), 1, 1, images)
                    if link is not None:
                        link.window.crop(images[level]).copy_(link.reduce(images[deeper]))
    return images.to(layers.dtype)


def paste_into_wider(images: Tensor, geometry: ZoomGeometry, level: int) -> None:
    """Writes D of `level` into the inner rectangle of its parent, in place."""
    parent, link = geometry.parent(level), links_into(geometry, level, 1, images)
    if parent is not None and link is not None:
        link.window.crop(images[parent]).copy_(link.reduce(images[level]))


def closing_levels(geometry: ZoomGeometry) -> list[int]:
    """The levels to paste, in this order, to close a ring whose levels are pasted but for level 0; none if it is open.

    From level 0 outwards to the child of level 0, round after round. Level 0 shows itself smaller by the product of the
    factors, and where that is less than a pixel its share of one goes on to shrink with the square of the product; the
    rounds end where what is left is no more than float32 can tell, after 64 at the latest, which only a ring of hardly
    any zoom needs.
    """
    if not geometry.closed:
        return []
    parent = geometry.parent(0)
    assert parent is not None, "closed"
    around = [0, *reversed(geometry.path_to(parent)[1:])]
    product = math.prod(geometry.step_into(level).factor for level in around)
    rounds = math.ceil(math.log(max(geometry.height, geometry.width) / LEAST_SHARE**0.5) / math.log(product))
    return around * min(rounds, MOST_ROUNDS)


def _jump(geometry: ZoomGeometry, outer: int, inner: int) -> ZoomGeometry:
    """Two levels far apart as one step of the product of the factors."""
    rect = geometry.rect(outer, inner)
    step = Step(
        geometry.height / rect.height,
        ((rect.left + rect.width / 2) / geometry.width, (rect.top + rect.height / 2) / geometry.height),
    )
    return ZoomGeometry(2, geometry.height, geometry.width, step.factor, step.focus, geometry.prefilter)
