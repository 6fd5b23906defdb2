"""Overlap counted once: two levels' estimates of what they share, joined without counting their common data twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from ..geometry import ZoomGeometry
from .joint_step import JointStep
from .resample import links_into

DenoiseOverlap = Callable[[Tensor, Tensor, int], Tensor]


class OverlapStep:
    """Makes the levels' estimates agree by adding what each knows and taking off what both know.

    With aligned noise the part of z_i that the next level covers is D z_{i+1}: both estimates have seen it. What
    level i adds to the estimate of level i+1 is therefore only how much the rest of its view changes its own
    estimate there: in the shared region the estimate is E_i + D E_{i+1} - E_overlap, where E_overlap is the denoiser
    on that part of z_i alone. Carried from coarse to fine, then rendered. Waiting and finished levels as in
    `JointStep`; a finished level adds nothing, its data are all in the deeper one.

    Args:
        geometry: how the levels nest.
        denoise_overlap: (crop of z_i [C, h, w], sigma, level i) -> x0 [C, h, w].

    Source: ours; the sum over levels less the overlaps is the Bethe approximation of a posterior mean.

    >>> import torch
    >>> from zoomstack_core import OverlapStep, ZoomGeometry, consistency_error
    >>> geometry = ZoomGeometry(levels=2, height=16, width=16)
    >>> step = OverlapStep(geometry, lambda crop, sigma, level: crop / (1 + sigma**2))
    >>> z, sigma = torch.randn(2, 3, 16, 16), torch.tensor([1.0, 2.0])
    >>> agreeing = step.joined(z / (1 + sigma.view(-1, 1, 1, 1) ** 2), z, sigma, active=range(2))
    >>> bool(consistency_error(agreeing, geometry) < 1e-5)
    True
    """

    def __init__(self, geometry: ZoomGeometry, denoise_overlap: DenoiseOverlap) -> None:
        self.geometry = geometry
        self.denoise_overlap = denoise_overlap
        self._step = JointStep(geometry)

    def __call__(self, denoised: Tensor, active: Sequence[int] | None = None) -> Tensor:
        """As `joined`, where nothing is known of overlaps: the estimates are only rendered."""
        return self._step(denoised, active, blending=False)

    def joined(
        self,
        denoised: Tensor,
        z: Tensor,
        sigma: Tensor,
        active: Sequence[int],
        waiting: Sequence[int] | None = None,
    ) -> Tensor:
        """Estimates of all levels [N, C, H, W] from the active levels' estimates, states [n, C, H, W] and sigmas [n].

        ``active`` and ``waiting`` as in a call of `JointStep`.

        Raises:
            ValueError: as `JointStep`, and if ``denoise_overlap`` gives another shape.
        """
        geometry = self.geometry.opened  # states of a ring's two ends do not nest, so they have no data in common
        overlaps = estimate_overlaps(geometry, self.denoise_overlap, z, sigma, active)

        def join(estimates: Tensor, levels: Sequence[int]) -> Tensor:
            return count_once(estimates, geometry, levels, overlaps)

        return self._step(denoised, active, join=join, waiting=waiting)


OverlapDenoiser = OverlapStep  # its name before it was called what it is


def estimate_overlaps(
    geometry: ZoomGeometry, denoise_overlap: DenoiseOverlap, z: Tensor, sigma: Tensor, active: Sequence[int]
) -> dict[int, Tensor]:
    """By level, what the denoiser makes of the part of the level above that it covers, where both are active.

    Args:
        denoise_overlap: as in `OverlapStep`.
        z, sigma: states [n, C, H, W] and sigmas [n] of the active levels.

    Raises:
        ValueError: if ``denoise_overlap`` gives another shape.
    """
    overlaps = {}
    rows = {level: row for row, level in enumerate(active)}
    for level in active:
        parent, link = geometry.parent(level), links_into(geometry, level, 1, z)
        if parent in rows and link is not None:
            crop = link.window.crop(z[rows[parent]])
            overlap = denoise_overlap(crop, sigma[rows[parent]], parent)
            if overlap.shape != crop.shape:
                expected, got = list(crop.shape), list(overlap.shape)
                raise ValueError(f"denoise_overlap must return x0 of shape {expected}, got {got}")
            overlaps[level] = overlap
    return overlaps


def count_once(
    estimates: Tensor, geometry: ZoomGeometry, levels: Sequence[int], overlaps: Mapping[int, Tensor]
) -> Tensor:
    """Layers of ``levels`` from their estimates [n, C, H, W] and the overlaps that are known; -1 is left alone."""
    layers = estimates.clone()
    rows = {level: row for row, level in enumerate(levels) if level >= 0}
    for level, row in rows.items():
        parent, overlap, link = geometry.parent(level), overlaps.get(level), links_into(geometry, level, 1, layers)
        if parent in rows and overlap is not None and link is not None:
            layers[row] += link.expand(link.window.crop(layers[rows[parent]]) - overlap.to(layers))
    return layers
