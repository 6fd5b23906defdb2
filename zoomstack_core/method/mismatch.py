"""Whether the levels of a stack show each other as a geometry says, and if not, how they do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ..geometry import ZoomGeometry
from ..tensors import compute_dtype
from .metrics import pairs_of
from .resample import links_into

# Root mean square of what two neighbors show differently, over their spread. On the demo model a stack has 0.03 at its
# own factor and focus, upscaled level by level to four times its size at most 0.27, a held level beside the new one in
# its middle 0.29, and pictures that have nothing to do with each other 0.5 to 2.8; at a factor that is a tenth off its
# worst pair has 0.5 and more.
LARGEST_DISAGREEMENT = 0.3

# What both show is compared in this many parts a side at least: the grain that an upscaler adds is no other place.
PARTS = 12

# What people set. A larger factor leaves too few pixels to tell it by.
FACTORS = (1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
SIDE = 256  # pixels a side at which they are tried


@dataclass(frozen=True)
class Mismatch:
    """Neighbors that do not show each other where they should.

    Attributes:
        pairs: of each such pair the level that shows the other, and that one; counted from 0.
        differences: of each: 0 is none, 1 as much as the two levels vary.
        reverse: whether they do in the reverse order of the levels.
        factor: one zoom factor at which all of them do, in that order; None where none can be told.
    """

    pairs: tuple[tuple[int, int], ...]
    differences: tuple[float, ...]
    reverse: bool = False
    factor: float | None = None

    @property
    def guess(self) -> str:
        """How the levels do nest, as a sentence; no text where that cannot be told."""
        factor = "" if self.factor is None else f" at zoom factor {self.factor:g}"
        if self.reverse:
            return f"They seem to be in reverse order, and nest{factor} when turned round."
        return f"They do nest{factor}." if factor else ""


def find_mismatch(images: Tensor, geometry: ZoomGeometry) -> Mismatch | None:
    """The neighbors that differ by more than `LARGEST_DISAGREEMENT`, and where they fit; None for a stack that nests.

    Args:
        images: [N, C, H, W].

    Raises:
        ValueError: if ``images`` does not fit ``geometry``.
    """
    geometry.check("images", images.shape)
    pairs = [(parent, level) for level, parent in pairs_of(geometry)]
    errors = {pair: _difference(images, geometry, pair, of_window=False) for pair in pairs}
    wrong = tuple(pair for pair in pairs if errors[pair] > LARGEST_DISAGREEMENT)
    if not wrong:
        return None
    small, shrunk = _shrunk(images, geometry)
    # by the spread of what both show, as its surroundings may vary less
    wrong = tuple(pair for pair in wrong if not _fit(small, shrunk, [pair]))
    if not wrong:
        return None
    found = Mismatch(wrong, tuple(errors[pair] for pair in wrong))
    if not geometry.is_chain:  # no other shape has a reverse order, or one factor by nature
        return found
    last = geometry.levels - 1
    for reverse, factor in _guesses():
        guess = shrunk if factor is None else replace(shrunk, zoom_factor=factor)
        stack = small.flip(0) if reverse else small
        if _fit(stack, guess, [(last - deep, last - wide) if reverse else (wide, deep) for wide, deep in wrong]):
            return replace(found, reverse=reverse, factor=factor)
    return found


def _guesses() -> Iterator[tuple[bool, float | None]]:
    """What people get wrong, from the likeliest on: (order is reverse, factor; None for the geometry's)."""
    yield True, None
    for reverse in (False, True):
        for factor in FACTORS:
            yield reverse, factor


def _fit(images: Tensor, geometry: ZoomGeometry, pairs: Sequence[tuple[int, int]]) -> bool:
    return all(_difference(images, geometry, pair, of_window=True) < LARGEST_DISAGREEMENT for pair in pairs)


def _difference(images: Tensor, geometry: ZoomGeometry, of: tuple[int, int], of_window: bool) -> float:
    """How much a level differs from one that it shows in what both show.

    Args:
        of: the two, the wider one first.
        of_window: over the spread of what the wider shows there, which also tells flat parts that only share a color;
            else over the spread of the two levels, and no pixels to compare are no difference.
    """
    link = links_into(geometry, of[1], 1, images)
    if link is None:
        return torch.inf if of_window else 0.0
    pair = images[list(of)].to(compute_dtype(images.dtype))
    shown = link.window.crop(pair[0])
    pixels = max(1, min(shown.shape[-2:]) // PARTS)
    difference = avg_pool2d(shown - link.reduce(pair[1]), pixels)
    spread = avg_pool2d(shown if of_window else pair, pixels).std(correction=0)
    precision = torch.finfo(pair.dtype)
    least = pair.square().mean().sqrt() * precision.eps**0.5  # rounding is no difference, even in a flat picture
    return float(difference.square().mean().sqrt() / torch.maximum(spread, least).clamp(min=precision.tiny))


def _shrunk(images: Tensor, geometry: ZoomGeometry) -> tuple[Tensor, ZoomGeometry]:
    scale = min(1.0, SIDE / max(geometry.height, geometry.width))
    height, width = (max(1, round(size * scale)) for size in (geometry.height, geometry.width))
    small = torch.stack([interpolate(image[None].float(), (height, width), mode="area")[0] for image in images])
    return small, geometry.resized(height, width)
