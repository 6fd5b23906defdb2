"""Multi-resolution blending: every level's estimate reconciled with what the wider levels see of it."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from .geometry import Step, ZoomGeometry
from .render import check_float
from .resample import Link, Span, Window, compute_dtype, links_into

BLEND_MODES = ("laplacian", "border", "naive", "none")

# "border": how fast the wider level's say falls off inside the rectangle, in pixels of the wider level
BORDER_REACH = 3.0


def blend_levels(images: Tensor, geometry: ZoomGeometry, mode: str = "laplacian") -> Tensor:
    """Layers of a zoom stack from one estimate per level.

    Level i is observed by itself and by every wider level j < i, which sees it at a lower resolution. "laplacian"
    splits what level i shows into one band per wider level and averages each band over the observations that carry
    it; the bands are cut by the renderer's own D and its matching expand, so a consistent stack comes back
    unchanged. "border" lets the wider level decide the shared band at the border of the inner rectangle and the
    deeper one in its middle: with aligned noise both have seen the same data there, and all that the wider level
    knows better is what lies beyond the border (nothing, where that is the image's own). "naive" averages the
    observations whole (MultiDiffusion's way; it blurs the deep levels). "none" returns the estimates.

    Args:
        images: estimates of all levels [N, C, H, W], any float dtype; N, H, W as in ``geometry``.
        mode: "laplacian", "border", "naive" or "none".

    Returns:
        Layers [N, C, H, W], a new tensor of the same dtype and device.

    Raises:
        ValueError: if ``images`` does not fit ``geometry``, is not floating point, or the mode is unknown.

    Source: Generative Powers of Ten, section 4.2 (figure 5: j <= i); "border" is ours.
    """
    check_float("images", images)
    geometry.check("images", images.shape)
    if mode not in BLEND_MODES:
        raise ValueError(f"mode must be one of {', '.join(BLEND_MODES)}, got {mode!r}")
    estimates = images.to(compute_dtype(images.dtype))
    if mode == "laplacian":
        estimates = _average_bands(estimates, geometry, list(range(geometry.levels)), estimates, 1)
    elif mode == "border":
        estimates = _join_at_borders(estimates, geometry)
    elif mode == "naive":
        estimates = _average_whole(estimates, geometry)
    return estimates.to(images.dtype, copy=estimates is images)


def _average_bands(estimates: Tensor, geometry: ZoomGeometry, levels: list[int], total: Tensor, count: int) -> Tensor:
    """The blended low-pass of `levels` at the resolution of their (count - 1)-th wider level.

    ``total`` [n, C, h, w] is the sum of the `count` observations that carry this resolution.
    """
    mean = total / count if count > 1 else total
    blended = mean
    for chosen, link in _groups(geometry, levels, count, estimates):
        rows = _rows([levels.index(level) for level in chosen])
        reduced = link.reduce(total[rows])
        wider = link.window.crop(estimates[_rows([level - count for level in chosen])])
        low = _average_bands(estimates, geometry, chosen, reduced + wider, count + 1)
        if blended is mean:
            blended = mean.clone()
        blended[rows] = mean[rows] + link.expand(low - reduced / count)
    return blended


def _join_at_borders(estimates: Tensor, geometry: ZoomGeometry) -> Tensor:
    """From the widest level on, so that what a border brings reaches all deeper levels that lie at it."""
    blended = estimates.clone()
    for level in range(1, geometry.levels):
        link = links_into(geometry, level, 1, estimates)
        if link is not None:
            say = _say_of_the_wider(link.window, geometry.height, geometry.width, estimates.dtype, estimates.device)
            difference = link.window.crop(blended[level - 1]) - link.reduce(estimates[level])
            blended[level] = blended[level] + link.expand(say * difference)
    return blended


@lru_cache(maxsize=512)
def _say_of_the_wider(window: Window, height: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Weights [h, w] of the wider level's observation: near 1 at the rectangle's borders, falling to 0 inside."""
    with torch.inference_mode(False), torch.device("cpu"):  # what is cached must serve every later caller
        rows, columns = (_say_of_the_deeper(s, n) for s, n in zip(window, (height, width), strict=True))
        return (1 - rows[:, None] * columns).to(device, dtype)


def _say_of_the_deeper(span: Span, size: int) -> Tensor:
    """Along one axis, float64 [span]. A side on the image's own border does not count."""
    centers = torch.arange(span.stop - span.start, dtype=torch.float64) + 0.5
    weight = torch.ones_like(centers)
    if span.start > 0:
        weight = weight * (1 - torch.exp(-(centers / BORDER_REACH).square()))
    if span.stop < size:
        weight = weight * (1 - torch.exp(-(centers.flip(0) / BORDER_REACH).square()))
    return weight


def _average_whole(estimates: Tensor, geometry: ZoomGeometry) -> Tensor:
    blended = estimates.clone()
    for level in range(1, geometry.levels):
        observations, links = [estimates[level]], []
        for depth in range(1, level + 1):
            link = links_into(geometry, level, depth, estimates)
            if link is None:
                break
            links.append(link)
            observation = link.window.crop(estimates[level - depth])
            for finer in reversed(links):
                observation = finer.expand(observation)
            observations.append(observation)
        blended[level] = torch.stack(observations).mean(0)
    return blended


def _rows(numbers: list[int]) -> slice | list[int]:
    """A slice where the numbers follow each other: a view in place of a copy."""
    first, last = numbers[0], numbers[-1]
    return slice(first, last + 1) if last - first + 1 == len(numbers) else numbers


def _groups(geometry: ZoomGeometry, levels: list[int], depth: int, like: Tensor) -> list[tuple[list[int], Link]]:
    """The levels that a `depth`-th wider level sees, grouped by link: equal steps go through one batched product."""
    groups: dict[tuple[Step, ...], list[int]] = {}
    for level in levels:
        if level >= depth:
            groups.setdefault(geometry.steps[level - depth : level], []).append(level)
    linked = ((chosen, links_into(geometry, chosen[0], depth, like)) for chosen in groups.values())
    return [(chosen, link) for chosen, link in linked if link is not None]
