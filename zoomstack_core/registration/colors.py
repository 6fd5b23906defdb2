"""Colors of a zoom's pictures made those of the widest one, by what each shares with the one before it."""

from __future__ import annotations

import torch
from torch import Tensor

from .refine import shown_at
from .search import reduced
from .zoom import FoundZoom

SIDE = 64  # pixels of the longer side at which colors are compared
MOST_GAIN = 2.0  # and the least turned round
FLAT = 0.01  # a deviation that tells no contrast


@torch.no_grad()
def matched_colors(images: Tensor, zoom: FoundZoom) -> Tensor:
    """The images [N, 3, H, W] in the zoom's order, each with the mean and the contrast of its place in the one before.

    Every channel is scaled and moved, from the widest picture inwards: a deeper picture lies wholly in the wider one,
    so that nothing is guessed of places that only one of them shows. Values beyond [0, 1] are cut off.
    """
    matched = images[list(zoom.order)].clone()
    for level, place in enumerate(zoom.places, 1):
        small = reduced(matched[level].float(), min(SIDE, max(images.shape[-2:]) / place.factor))
        target = shown_at(matched[level - 1].float(), place, *small.shape[-2:])
        means, spreads = zip(*((layer.mean((1, 2)), layer.std((1, 2))) for layer in (target, small)), strict=True)
        gain = (spreads[0] / spreads[1].clamp(min=1e-6)).clamp(1 / MOST_GAIN, MOST_GAIN)
        gain = torch.where(spreads[1] > FLAT, gain, 1.0)[:, None, None]
        moved = (matched[level].float() - means[1][:, None, None]) * gain + means[0][:, None, None]
        matched[level] = moved.clamp(0, 1).to(matched)
    return matched
