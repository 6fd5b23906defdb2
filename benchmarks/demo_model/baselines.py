"""The paper's baselines (figure 9) with the same network: one level after another instead of all together.

They give a stack [N, C, H, W] of what the denoiser estimates; what is known is known as pictures.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.pictures import Change, Pictures
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.ladder import Front
from zoomstack_core.method.resample import links_into
from zoomstack_core.method.sample import Denoise, common_ladder, step_down

Noise = Callable[[], Tensor]


def progressive_outpainting(
    denoise: Denoise, geometry: ZoomGeometry, sigmas: Tensor, noise: Noise, pictures: Pictures
) -> Tensor:
    """From the deepest level outwards: each wider one is painted around the reduced image of the next deeper one."""
    values = torch.zeros_like(noise())
    deeper: Tensor | None = None
    for level in reversed(range(geometry.levels)):

        def known(estimate: Tensor, level: int = level, deeper: Tensor | None = deeper) -> Tensor:
            own = geometry.resized(*estimate.shape[-2:])
            link = None if deeper is None else links_into(own, level + 1, 1, estimate)
            if link is not None and deeper is not None:
                estimate = estimate.clone()
                link.window.crop(estimate[0]).copy_(link.reduce(deeper))
            return estimate

        values[level] = _one_level(denoise, known, level, geometry, sigmas, noise, pictures)
        deeper = pictures.decode(values[level : level + 1])[0]
    return values


def progressive_super_resolution(
    denoise: Denoise, geometry: ZoomGeometry, sigmas: Tensor, noise: Noise, pictures: Pictures
) -> Tensor:
    """From the widest level inwards: each deeper one is the wider one's middle with detail added. The estimate's
    shared band is replaced at every step, which makes any denoiser a super-resolution one."""
    values = torch.zeros_like(noise())
    wider: Tensor | None = None
    for level in range(geometry.levels):

        def known(estimate: Tensor, level: int = level, wider: Tensor | None = wider) -> Tensor:
            own = geometry.resized(*estimate.shape[-2:])
            link = None if wider is None else links_into(own, level, 1, estimate)
            if link is None or wider is None:
                return estimate
            return estimate + link.expand(link.window.crop(wider) - link.reduce(estimate[0]))

        values[level] = _one_level(denoise, known, level, geometry, sigmas, noise, pictures)
        wider = pictures.decode(values[level : level + 1])[0]
    return values


def _one_level(
    denoise: Denoise,
    known: Change,
    level: int,
    geometry: ZoomGeometry,
    sigmas: Tensor,
    noise: Noise,
    pictures: Pictures,
) -> Tensor:
    one = torch.tensor([level])
    alone = ZoomGeometry(1, geometry.height, geometry.width)

    def joint(z: Tensor, sigma: Tensor, front: Front) -> Tensor:
        return pictures.edit(denoise(z, sigma, one), known)

    return step_down(joint, common_ladder(alone, sigmas), sigmas, lambda: noise()[level : level + 1])[0]


BASELINES = {"outpainting": progressive_outpainting, "super_resolution": progressive_super_resolution}
