"""The published algorithm, level by level and as written, to measure the batched one against.

Written from the paper (section 4, Algorithm 1) for zoom factors that are powers of two about the middle: what one
writes who follows the text. It is not used for pictures: its pyramid does not match its renderer.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.ablations import binomial_blend
from zoomstack_core.geometry import ZoomGeometry


def reference_step(estimates: Tensor, noise: Tensor, geometry: ZoomGeometry) -> tuple[Tensor, Tensor]:
    """Blend, Π_image and Π_noise of one step, each level for itself. Args and returns: [N, C, H, W]."""
    layers = binomial_blend(estimates, geometry)
    images = [_render(layers, geometry, level, unit_variance=False) for level in range(geometry.levels)]
    noises = [_render(noise, geometry, level, unit_variance=True) for level in range(geometry.levels)]
    return torch.stack(images), torch.stack(noises)


def _render(layers: Tensor, geometry: ZoomGeometry, level: int, unit_variance: bool) -> Tensor:
    """Algorithm 1: every deeper layer, prefiltered by a truncated Gaussian and sampled, replaces the middle."""
    image = layers[level].clone()
    factor = 1
    for deeper in range(level + 1, geometry.levels):
        factor *= int(geometry.factors[deeper - 1])
        height, width = geometry.height // factor, geometry.width // factor
        if not height or not width:
            break
        position = torch.arange(factor, dtype=image.dtype, device=image.device) + 0.5 - factor / 2
        weight = torch.exp(-0.5 * (position / (factor / 2)) ** 2)
        kernel = torch.outer(weight, weight)
        kernel = kernel / (kernel.norm() if unit_variance else kernel.sum())
        reduced = F.conv2d(layers[deeper][:, None], kernel[None, None], stride=factor)[:, 0]
        top, left = (geometry.height - height) // 2, (geometry.width - width) // 2
        image[:, top : top + height, left : left + width] = reduced[:, :height, :width]
    return image


def fits(geometry: ZoomGeometry) -> bool:
    """Whether the reference can do this geometry."""
    centered = all(step.focus == (0.5, 0.5) for step in geometry.steps)
    return centered and all(math.log2(p).is_integer() for p in geometry.factors)
