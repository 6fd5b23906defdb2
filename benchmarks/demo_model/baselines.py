"""The paper's baselines (figure 9) with the same network: one level after another instead of all together."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.ladder import Front
from zoomstack_core.method.resample import links_into
from zoomstack_core.method.sample import Denoise, common_ladder, step_down

Noise = Callable[[], Tensor]


def progressive_outpainting(denoise: Denoise, geometry: ZoomGeometry, sigmas: Tensor, noise: Noise) -> Tensor:
    """From the deepest level outwards: each wider one is painted around the reduced image of the next deeper one."""
    images = torch.zeros_like(noise())
    for level in reversed(range(geometry.levels)):

        def known(estimate: Tensor, level: int = level) -> Tensor:
            link = links_into(geometry, level + 1, 1, estimate) if level + 1 < geometry.levels else None
            if link is not None:
                link.window.crop(estimate).copy_(link.reduce(images[level + 1]))
            return estimate

        images[level] = _one_level(denoise, known, level, geometry, sigmas, noise)
    return images


def progressive_super_resolution(denoise: Denoise, geometry: ZoomGeometry, sigmas: Tensor, noise: Noise) -> Tensor:
    """From the widest level inwards: each deeper one is the wider one's middle with detail added. The estimate's
    shared band is replaced at every step, which makes any denoiser a super-resolution one."""
    images = torch.zeros_like(noise())
    for level in range(geometry.levels):

        def known(estimate: Tensor, level: int = level) -> Tensor:
            link = links_into(geometry, level, 1, estimate) if level else None
            if link is not None:
                estimate = estimate + link.expand(link.window.crop(images[level - 1]) - link.reduce(estimate))
            return estimate

        images[level] = _one_level(denoise, known, level, geometry, sigmas, noise)
    return images


def _one_level(
    denoise: Denoise,
    known: Callable[[Tensor], Tensor],
    level: int,
    geometry: ZoomGeometry,
    sigmas: Tensor,
    noise: Noise,
) -> Tensor:
    one = torch.tensor([level])
    alone = ZoomGeometry(1, geometry.height, geometry.width)

    def joint(z: Tensor, sigma: Tensor, front: Front) -> Tensor:
        return known(denoise(z, sigma, one)[0].clone())[None]

    return step_down(joint, common_ladder(alone, sigmas), sigmas, lambda: noise()[level : level + 1])[0]


BASELINES = {"outpainting": progressive_outpainting, "super_resolution": progressive_super_resolution}
