"""Overlap counted once: two levels' estimates of what they share, joined without counting their common data twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from ..geometry import ZoomGeometry
from .joint_step import JointDenoiser
from .resample import links_into

DenoiseOverlap = Callable[[Tensor, Tensor, int], Tensor]


class OverlapDenoiser(JointDenoiser):
    """Makes the levels' estimates agree by adding what each knows and taking off what both know.

    With aligned noise the part of z_i that the next level covers is D z_{i+1}: both estimates have seen it. What
    level i adds to the estimate of level i+1 is therefore only how much the rest of its view changes its own
    estimate there: in the shared region the estimate is E_i + D E_{i+1} - E_overlap, where E_overlap is the denoiser
    on that part of z_i alone. Carried from coarse to fine, then rendered. Waiting and finished levels as in
    `JointDenoiser`; a finished level adds nothing, its data are all in the deeper one.

    Args:
        geometry: how the levels nest.
        denoise_overlap: (crop of z_i [C, h, w], sigma, level i) -> x0 [C, h, w].

    Source: ours; the sum over levels less the overlaps is the Bethe approximation of a posterior mean.
    """

    def __init__(self, geometry: ZoomGeometry, denoise_overlap: DenoiseOverlap) -> None:
        super().__init__(geometry)
        self.denoise_overlap = denoise_overlap
        self._overlaps: dict[int, Tensor] = {}

    def joined(self, denoised: Tensor, z: Tensor, sigma: Tensor, active: range) -> Tensor:
        """Estimates of all levels [N, C, H, W] from the active levels' estimates, states [n, C, H, W] and sigmas [n].

        Raises:
            ValueError: as `JointDenoiser`, and if ``denoise_overlap`` gives another shape.
        """
        self._overlaps = {}
        for row, level in enumerate(active[:-1]):
            link = links_into(self.geometry, level + 1, 1, denoised)
            if link is not None:
                crop = link.window.crop(z[row])
                overlap = self.denoise_overlap(crop, sigma[row], level)
                if overlap.shape != crop.shape:
                    expected, got = list(crop.shape), list(overlap.shape)
                    raise ValueError(f"denoise_overlap must return x0 of shape {expected}, got {got}")
                self._overlaps[level] = overlap
        return self(denoised, active)

    def _blend(self, estimates: Tensor, first: int, sigmas: Sequence[float]) -> Tensor:
        layers = estimates.clone()
        for row in range(1, len(layers)):
            level = first + row
            overlap = self._overlaps.get(level - 1)
            link = links_into(self.geometry, level, 1, layers)
            if overlap is not None and link is not None:
                layers[row] += link.expand(link.window.crop(layers[row - 1]) - overlap.to(layers))
        return layers
