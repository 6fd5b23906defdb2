"""Where a picture may lie in a wider one: normalized cross-correlation over a ladder of scales.

At every scale the deeper picture is the same small template, and the wider one is reduced so that the template has the
size of its place there. So a step of the search costs as much as the reduced wider picture has pixels.

Source: J. P. Lewis, Fast Normalized Cross-Correlation, Vision Interface 1995.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

SIDE = 32  # pixels of a template's longer side
LEAST_SIDE = 12  # what is left of it in small pictures; fewer pixels fit everywhere
RUNG = 1.07  # from a scale to the next: between them the rim of a template is off by half a pixel at most
MOST_PLACES = 3  # of a pair, which are then looked at more closely


class Place(NamedTuple):
    """Where a picture lies in a wider one of the same size.

    Args:
        factor: how much larger it shows things.
        x, y: where its center lies, from 0 to 1.
        score: how well it fits there, at most 1.
        turn: by how many degrees it has to be turned clockwise to stand as the wider one does.
        contrast: that of the wider picture there, over that of the deeper one.
    """

    factor: float
    x: float
    y: float
    score: float
    turn: float = 0.0
    contrast: float = 1.0


def reduced(picture: Tensor, side: float) -> Tensor:
    """[..., H, W] with about ``side`` pixels on its longer side, never more than it has."""
    height, width = picture.shape[-2:]
    share = min(1.0, side / max(height, width))
    size = [max(1, round(height * share)), max(1, round(width * share))]
    layers = picture.reshape(1, -1, height, width)
    return interpolate(layers, size, mode="bicubic", antialias=True).reshape(*picture.shape[:-2], *size)


def template_side(scale: float, side: int) -> int:
    """The longer side in pixels of a template, as many as a wider picture of ``side`` pixels has there, at most."""
    return min(SIDE, math.floor(side / scale))


def scales(least: float, most: float, side: int) -> list[float]:
    """The scales from ``least`` up to ``most``, as far as pictures of ``side`` pixels allow."""
    most = min(most, side / LEAST_SIDE)
    count = math.floor(math.log(most / least) / math.log(RUNG)) + 1 if most >= least else 0
    return [least * RUNG**k for k in range(count)]


def find_places(wide: Tensor, deep: Tensor, ladder: Sequence[float]) -> list[list[Place]]:
    """For each of the pictures ``deep`` [N, H, W] the best places in ``wide`` [H, W], the best first.

    Args:
        ladder: the scales to try, see `scales`.
    """
    found: list[list[Place]] = [[] for _ in deep]
    templates = {side: reduced(deep, side) for side in {template_side(scale, max(wide.shape)) for scale in ladder}}
    for scale in ladder:
        template = templates[template_side(scale, max(wide.shape))]
        scene = reduced(wide, max(template.shape[-2:]) * scale)
        scores = correlations(scene, template)
        best, at = scores.flatten(1).max(1)
        for places, score, where in zip(found, best.tolist(), at.tolist(), strict=True):
            top, left = divmod(where, scores.shape[-1])
            x = (left + template.shape[-1] / 2) / scene.shape[1]
            y = (top + template.shape[-2] / 2) / scene.shape[0]
            places.append(Place(scale, x, y, score))
    return [_peaks(places) for places in found]


def correlations(scene: Tensor, templates: Tensor) -> Tensor:
    """The normalized cross-correlation of ``scene`` [H, W] with templates [N, h, w] wherever these lie within it.

    Returns:
        [N, H - h + 1, W - w + 1] from -1 to 1; 0 where a template or its place is flat. A scene that is smaller than
        the templates gets an edge of its mean.
    """
    size = templates.shape[-2:]
    height, width = (max(s, t) for s, t in zip(scene.shape, size, strict=True))
    scene = pad(scene - scene.mean(), (0, width - scene.shape[1], 0, height - scene.shape[0]))
    templates = templates - templates.mean((-2, -1), keepdim=True)
    shape = _fast(height), _fast(width)  # what runs over the edge is cut off below
    spectrum = torch.fft.rfft2(scene, shape) * torch.fft.rfft2(templates, shape).conj()
    products = torch.fft.irfft2(spectrum, shape)[..., : height - size[0] + 1, : width - size[1] + 1]
    total, squares = _sums(torch.stack([scene, scene.square()]).double(), *size)
    count = size.numel()
    spread = (squares - total.square() / count).clamp(min=0).sqrt() * templates.square().sum((-2, -1), True).sqrt()
    return torch.where(spread > 1e-5 * count, products / spread.clamp(min=1e-12), 0.0).clamp(-1, 1)


def _sums(layers: Tensor, height: int, width: int) -> Tensor:
    """The sums over all windows of this size, by a summed-area table."""
    table = pad(layers.cumsum(-1).cumsum(-2), (1, 0, 1, 0))
    rows = table[..., height:, :] - table[..., :-height, :]
    return rows[..., width:] - rows[..., :-width]


def _fast(size: int) -> int:
    """The next size that the Fourier transform takes apart into factors of 2, 3 and 5."""
    while True:
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
        size += 1


def _peaks(places: list[Place]) -> list[Place]:
    """The best of the places that fit better than those at the scales beside theirs."""
    scores = [-1.0, *(place.score for place in places), -1.0]
    peaks = [place for k, place in enumerate(places) if scores[k + 1] >= max(scores[k], scores[k + 2])]
    return sorted(peaks, key=lambda place: -place.score)[:MOST_PLACES]
