"""A place that the search has found, made exact: Gauss-Newton over scale, turn and shift, from few pixels to many.

The deeper picture, reduced to the pixels that the wider one has of it, is compared with what that shows at its place.
Source: B. D. Lucas and T. Kanade, An Iterative Image Registration Technique, IJCAI 1981; S. Baker and I. Matthews,
Lucas-Kanade 20 Years On, IJCV 2004 (the forward additive form; contrast and brightness are unknowns too).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from .search import Place, reduced, template_side

STEPS = 15  # at most, of each size
ROUNDS = 3  # of weighing what fits badly
ENOUGH = 0.01  # pixels: a step that moves no corner further is the last
HOPELESS = 0.4  # a score after the first size: what fits has at least 0.6
LEAST_SHARE = 0.6  # of the deeper picture that lies in the wider one
LEAST_ROWS = 3  # of pixels, to have slopes
MOST_CHANGE = 1.25  # of the factor: further than between two scales of the search
MOST_TURN = 20.0  # degrees
PARTS = 6  # a side: what differs from the mean of its part is the detail by which places are judged


def refine(wide: Tensor, deep: Tensor, start: Place, finest: int) -> Place | None:
    """The place near ``start`` where ``deep`` [H, W] fits ``wide`` [H, W] best; None where there is none.

    Args:
        finest: pixels of the deeper picture's longer side at which they are compared last.
    """
    most = min(finest, math.ceil(max(wide.shape) / start.factor))
    side, place = min(template_side(start.factor, max(wide.shape)), most), start
    while True:
        moved = _descend(wide, deep, place, side)
        if moved is None or not 1 / MOST_CHANGE < moved.factor / start.factor < MOST_CHANGE:
            return None
        if abs(moved.turn) > MOST_TURN or side == most or moved.score < HOPELESS:
            return moved if abs(moved.turn) <= MOST_TURN else None
        place, side = moved, min(2 * side, most)


def shown_at(wide: Tensor, place: Place, height: int, width: int) -> Tensor:
    """What ``wide`` [C, H, W] shows at a place, as [C, height, width] pixels."""
    u, v = _grid(height, width, *wide.shape[-2:])
    scene = reduced(wide, max(height, width) * place.factor)
    return _sampled(scene, u, v, _motion(place, *wide.shape[-2:]), *wide.shape[-2:])[0]


def _descend(wide: Tensor, deep: Tensor, place: Place, side: int) -> Place | None:
    """Gauss-Newton with ``side`` pixels of the deeper picture's longer side."""
    size = height, width = wide.shape[-2:]
    scene, template = reduced(wide, side * place.factor), reduced(deep, side)
    if min(*scene.shape, *template.shape) < LEAST_ROWS:
        return None
    rows, columns = torch.gradient(scene)
    layers = torch.stack([scene, columns * (scene.shape[1] / width), rows * (scene.shape[0] / height)])
    u, v = _grid(*template.shape, *size)
    reach = max(size) / 2  # from the middle to an edge: makes all unknowns shifts in pixels
    enough = ENOUGH * max(size) / (side * place.factor)
    a, b, x, y = _motion(place, *size)
    score, contrast = -1.0, 0.0
    for _ in range(STEPS):
        (value, along_x, along_y), inside = _sampled(layers, u, v, (a, b, x, y), *size)
        if inside.float().mean() < LEAST_SHARE:
            return None
        score = _likeness(value, template, inside)
        unknowns = [along_x * u + along_y * v, along_y * u - along_x * v, along_x * reach, along_y * reach]
        columns_of = [*(unknown / reach for unknown in unknowns), -template, -torch.ones_like(value)]
        answer = _solved(torch.stack(columns_of, -1)[inside].double(), -value[inside].double())
        if answer is None:
            return None
        grow, turn, right, down, contrast, _ = answer
        a, b, x, y = a + grow / reach, b + turn / reach, x + right, y + down
        if math.hypot(grow, turn) + math.hypot(right, down) < enough:
            break
    scale = math.hypot(a, b)
    if not scale:
        return None
    return Place(1 / scale, x / width + 0.5, y / height + 0.5, score, math.degrees(math.atan2(b, a)), contrast)


def _motion(place: Place, height: int, width: int) -> tuple[float, float, float, float]:
    """(a, b, x, y): a point (u, v) from the deeper picture's middle lies at (a u - b v + x, b u + a v + y) from the
    wider one's, in pixels."""
    turn = math.radians(place.turn)
    a, b = math.cos(turn) / place.factor, math.sin(turn) / place.factor
    return a, b, (place.x - 0.5) * width, (place.y - 0.5) * height


def _grid(rows: int, columns: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The middles (u, v) of rows × columns parts of a picture, in its pixels from its middle."""
    down, right = ((torch.arange(count) + 0.5) / count - 0.5 for count in (rows, columns))
    v, u = torch.meshgrid(down * height, right * width, indexing="ij")
    return u, v


def _sampled(
    layers: Tensor, u: Tensor, v: Tensor, motion: tuple[float, float, float, float], height: int, width: int
) -> tuple[Tensor, Tensor]:
    """Layers [C, h, w] of a picture of height × width pixels at the points of a deeper one, and which lie inside."""
    a, b, x, y = motion
    at = torch.stack([(a * u - b * v + x) / (width / 2), (b * u + a * v + y) / (height / 2)], -1)
    at = at.to(layers)
    values = grid_sample(layers[None], at[None], mode="bicubic", padding_mode="border", align_corners=False)[0]
    return values, (at.abs() <= 1).all(-1)


def _solved(system: Tensor, target: Tensor) -> list[float] | None:
    """Least squares, in which what fits badly (a text, a repair) counts less, by Cauchy's weights."""
    weights = torch.ones_like(target)
    answer = target
    for _ in range(ROUNDS):
        weighted = system * weights[:, None]
        answer, info = torch.linalg.solve_ex(weighted.T @ system, weighted.T @ target)
        if info or not answer.isfinite().all():
            return None
        errors = (system @ answer - target).abs()
        weights = 1 / (1 + (errors / (2 * errors.median()).clamp(min=1e-6)).square())
    return answer.tolist()


def _likeness(value: Tensor, template: Tensor, inside: Tensor) -> float:
    """The correlation of what two pictures show beside the means of their parts; 0 where one of them is flat."""
    size = max(3, max(template.shape) // PARTS // 2 * 2 + 1)
    both = torch.stack([value, template, torch.ones_like(value)]) * inside
    means = avg_pool2d(both[None], size, 1, size // 2)[0]
    detail = (both[:2] - means[:2] / means[2:].clamp(min=1e-3))[:, inside]
    spread = float(detail[0].norm() * detail[1].norm())
    return float(detail[0] @ detail[1]) / spread if spread > 1e-6 * detail.shape[1] else 0.0
