"""Multi-resolution blending: every level's estimate reconciled with what the wider levels see of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from ..errors import ArgumentError, shown
from ..geometry import Span, Step, ZoomGeometry
from ..tensors import check_float, compute_dtype
from .resample import Link, Window, interacting_depth, links_into
from .rows import rows_of

BLEND_MODES = ("laplacian", "border", "naive", "none")

# "border": how far inside the rectangle the wider level decides. At least LEAST_REACH of its pixels, which is the
# outermost row wholly (what a soft weight leaves of that to the deeper level is seen as a seam); REACH grains for every
# unit of its sigma, at most MOST_REACH: beyond that little is gained, and the deeper level's prompt loses its say.
LEAST_REACH, REACH, MOST_REACH = 1.0, 2.0, 4.0
STEEPNESS = 8


def blend_levels(
    images: Tensor,
    geometry: ZoomGeometry,
    mode: str = "border",
    sigmas: Sequence[float] | None = None,
    grain: float = 1.0,
) -> Tensor:
    """Layers of a zoom stack from one estimate per level.

    A level is observed by itself and by every wider level that shows it, at a lower resolution. The modes:

    - "border" lets the wider level decide the shared band at the border of the inner rectangle and the deeper one in
      its middle: with aligned noise both have seen the same data there, and all that the wider level knows better is
      what lies beyond the border (nothing, where that is the image's own). How far inside that matters grows with the
      noise, from one pixel to four grains, less in small rectangles.
    - "laplacian" splits what level i shows into one band per wider level and averages each band over the observations
      that carry it (the paper's way); the bands are cut by the renderer's own D and its matching expand, so a
      consistent stack comes back unchanged.
    - "naive" averages the observations whole (MultiDiffusion's way; it blurs the deep levels).
    - "none" returns the estimates.

    Args:
        images: estimates of all levels [N, C, H, W], any float dtype; N, H, W as in ``geometry``.
        mode: one of `BLEND_MODES`.
        sigmas: for "border", the noise of the state that each estimate was made from, over the standard deviation of
            the images (VE convention); 0, the default, for finished images.
        grain: for "border", pixels that one value of the state is wide: 1 where the images are what is sampled, 8 for
            pictures whose latents have an eighth of their width. What noise hides is as coarse.

    Returns:
        Layers [N, C, H, W], a new tensor of the same dtype and device.

    Raises:
        ValueError: if ``images`` or ``sigmas`` do not fit ``geometry``, if ``images`` are not floating point, or for
            an unknown mode.

    Source: Generative Powers of Ten, section 4.2 (figure 5: j <= i); "border" is ours.

    >>> import torch
    >>> from zoomstack_core import ZoomGeometry, blend_levels, render_images
    >>> geometry = ZoomGeometry(levels=3, height=16, width=16)
    >>> images = render_images(torch.rand(3, 3, 16, 16), geometry)
    >>> [bool(torch.allclose(blend_levels(images, geometry, mode), images, atol=1e-5)) for mode in BLEND_MODES]
    [True, True, False, True]
    """
    _check(images, geometry)
    if mode not in BLEND_MODES:
        raise ArgumentError("mode", shown(mode), f"one of {', '.join(BLEND_MODES)}")
    sigmas = [0.0] * geometry.levels if sigmas is None else sigmas
    if len(sigmas) != geometry.levels:
        raise ArgumentError("sigmas", f"has {len(sigmas)} numbers", f"one for each of the {geometry.levels} levels")
    if geometry.closed:
        geometry, numbers = _opened(geometry)
        blended = blend_levels(images[list(numbers)], geometry, mode, [sigmas[number] for number in numbers], grain)
        return blended[-len(images) :].clone()
    estimates = images.to(compute_dtype(images.dtype))
    if mode == "laplacian":
        estimates = _blend_laplacian(estimates, geometry, list(range(geometry.levels)), estimates, 1)
    elif mode == "border":
        estimates = _blend_border(estimates, geometry, sigmas, grain)
    elif mode == "naive":
        estimates = _blend_naive(estimates, geometry)
    return estimates.to(images.dtype, copy=estimates is images)


def feather_levels(images: Tensor, geometry: ZoomGeometry, width: float) -> Tensor:
    """Levels whose inner rectangles have no edge: the wider level passes into the deeper one along their borders.

    Levels that were enlarged or edited each for itself differ where one begins in the other, and rendering shows that
    as an edge. Here the part that both know is the wider level's at the border of the inner rectangle, and `width`
    pixels further inside the deeper level's; finer detail stays the deeper level's own. Levels that agree stay.

    Args:
        images: finished levels [N, C, H, W], any float dtype; N, H, W as in ``geometry``.
        width: of the passage in pixels of the wider level, at least 0; at most a quarter of the rectangle's is taken.

    Returns:
        [N, C, H, W] for `render_images`, a new tensor of the same dtype and device.

    Raises:
        ValueError: if ``images`` do not fit ``geometry`` or are not floating point, or for a width below 0.

    >>> import torch
    >>> from zoomstack_core import ZoomGeometry, feather_levels
    >>> levels = torch.rand(3, 3, 32, 32)
    >>> feather_levels(levels, ZoomGeometry(levels=3, height=32, width=32), width=4).shape
    torch.Size([3, 3, 32, 32])
    """
    _check(images, geometry)
    if not width >= 0:
        raise ArgumentError("width", shown(width), "a number of pixels from 0 up")
    if geometry.closed:
        geometry, numbers = _opened(geometry)
        return feather_levels(images[list(numbers)], geometry, width)[-len(images) :].clone()
    estimates = images.to(compute_dtype(images.dtype))
    says: dict[int, tuple[Link, Tensor]] = {}
    for chosen, link in _groups(geometry, list(range(geometry.levels)), 1, estimates):
        rows, columns = (
            _passage(span, size, width)
            for span, size in zip(link.window, (geometry.height, geometry.width), strict=True)
        )
        says |= dict.fromkeys(chosen, (link, (1 - rows[:, None] * columns).to(estimates)))
    return _from_the_widest(estimates, geometry, says).to(images.dtype)


def _check(images: Tensor, geometry: ZoomGeometry) -> None:
    check_float("images", images)
    geometry.check("images", images.shape)


def _opened(geometry: ZoomGeometry) -> tuple[ZoomGeometry, tuple[int, ...]]:
    """A ring as a chain: what shows level 0 goes before it once more. Also the level that each one of the chain is."""
    return geometry.unrolled(interacting_depth(geometry, 0))


def _blend_laplacian(estimates: Tensor, geometry: ZoomGeometry, levels: list[int], total: Tensor, count: int) -> Tensor:
    """The blended low-pass of `levels` at the resolution of their (count - 1)-th wider level.

    ``total`` [n, C, h, w] is the sum of the `count` observations that carry this resolution.
    """
    blended = total / count
    for chosen, link in _groups(geometry, levels, count, estimates):
        rows = rows_of([levels.index(level) for level in chosen])
        reduced = link.reduce(total[rows])
        wider = link.window.crop(estimates[rows_of([geometry.ancestor(level, count) or 0 for level in chosen])])
        low = _blend_laplacian(estimates, geometry, chosen, reduced + wider, count + 1)
        blended[rows] += link.expand(low - reduced / count)
    return blended


def _blend_border(estimates: Tensor, geometry: ZoomGeometry, sigmas: Sequence[float], grain: float) -> Tensor:
    """From the widest level on, so that what a border brings reaches all deeper levels that lie at it."""
    links: dict[int, tuple[Link, Tensor]] = {}
    for chosen, link in _groups(geometry, list(range(geometry.levels)), 1, estimates):
        own = [sigmas[level] / geometry.step_into(level).factor for level in chosen]  # of what the deeper level knows
        for level, say in zip(chosen, _say_of_the_wider(link.window, geometry, own, grain, estimates), strict=True):
            links[level] = link, say
    return _from_the_widest(estimates, geometry, links)


def _from_the_widest(estimates: Tensor, geometry: ZoomGeometry, links: dict[int, tuple[Link, Tensor]]) -> Tensor:
    """Each level moved to where its parent, moved already, says; by the weights [h, w] of that beside the links."""
    blended = estimates.clone()
    for level in sorted(links):
        link, say = links[level]
        parent = geometry.parent(level)
        difference = link.window.crop(blended[parent]) - link.reduce(estimates[level])
        blended[level] += link.expand(say * difference)
    return blended


def _say_of_the_wider(
    window: Window, geometry: ZoomGeometry, sigmas: list[float], grain: float, like: Tensor
) -> Tensor:
    """Weights [n, h, w] of the wider level's observation: near 1 at the rectangle's borders, falling to 0 inside."""
    rows, columns = (
        _say_of_the_deeper(span, size, sigmas, grain)
        for span, size in zip(window, (geometry.height, geometry.width), strict=True)
    )
    return (1 - rows[:, :, None] * columns[:, None]).to(like)


def _say_of_the_deeper(span: Span, size: int, sigmas: list[float], grain: float) -> Tensor:
    """Weights [n, pixels of the span] along one axis, float64."""
    pixels = span.stop - span.start
    # else nothing of a rectangle of few pixels would be left to the deeper level
    most = min(MOST_REACH, (pixels / grain + 2) / 4)
    reach = [min(math.hypot(LEAST_REACH, grain * REACH * sigma), grain * most) for sigma in sigmas]
    before, after = (distances.pow(STEEPNESS) for distances in _distances(span, size))
    falloff = -math.log(2) / torch.tensor(reach, dtype=torch.float64, device="cpu").pow(STEEPNESS)[:, None]
    return (1 - torch.exp(falloff * before)) * (1 - torch.exp(falloff * after))


@lru_cache(maxsize=512)
def _distances(span: Span, size: int) -> tuple[Tensor, Tensor]:
    """From the centers of a span's pixels to its two ends; infinite where that is the image's own border."""
    with torch.inference_mode(False), torch.device("cpu"):  # what is cached must serve every later caller
        inside = torch.arange(span.stop - span.start, dtype=torch.float64) + 0.5
        nowhere = torch.full_like(inside, math.inf)
        return inside if span.start > 0 else nowhere, inside.flip(0) if span.stop < size else nowhere


def _passage(span: Span, size: int, width: float) -> Tensor:
    """How much the deeper level says along one axis: 0 at the span's ends, rising to 1; 1 at the image's own border."""
    count = span.stop - span.start
    width = min(width, count / 4)
    if width == 0:
        return torch.ones(count, dtype=torch.float64)
    nearest = torch.minimum(*_distances(span, size))
    return 0.5 - 0.5 * torch.cos(math.pi * (nearest / width).clamp(max=1))


def _blend_naive(estimates: Tensor, geometry: ZoomGeometry) -> Tensor:
    blended = estimates.clone()
    for level in range(1, geometry.levels):
        observations, links = [estimates[level]], []
        for depth in range(1, len(geometry.outward(level)) + 1):
            link = links_into(geometry, level, depth, estimates)
            if link is None:
                break
            links.append(link)
            observation = link.window.crop(estimates[geometry.ancestor(level, depth)])
            for finer in reversed(links):
                observation = finer.expand(observation)
            observations.append(observation)
        blended[level] = torch.stack(observations).mean(0)
    return blended


def _groups(geometry: ZoomGeometry, levels: list[int], depth: int, like: Tensor) -> list[tuple[list[int], Link]]:
    """The levels that a `depth`-th wider level sees, grouped by link: equal steps go through one batched product."""
    groups: dict[tuple[Step, ...], list[int]] = {}
    for level in levels:
        steps = geometry.outward(level)[:depth]
        if len(steps) == depth:
            groups.setdefault(steps, []).append(level)
    linked = ((chosen, links_into(geometry, chosen[0], depth, like)) for chosen in groups.values())
    return [(chosen, link) for chosen, link in linked if link is not None]
