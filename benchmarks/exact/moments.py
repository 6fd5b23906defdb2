"""Random numbers whose sample covariance is exact, so that one run of a linear sampler gives its exact covariance."""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor

from zoomstack_core.geometry import ZoomGeometry

from .world import sectors


class ExactNoise:
    """White noise for `sample_joint(noise=…)` whose channels are a square root of the covariance, not a sample of it.

    Every draw has the sample covariance I over its channels and is uncorrelated, exactly, with all that the sampler
    still remembers when it is drawn. As the ideal denoiser of a Gaussian world and the joint step are linear, the
    channels of the result then have exactly the covariance of the sampler's results: no Monte Carlo error, through
    the sampler's own code.

    A zoom about the middle is symmetric, so pixels that are even or odd in x or y never mix: each of those four
    sectors has channels of its own, which makes the products sixteen times cheaper.

    Args:
        geometry: how the levels nest.
        memory: how many images per level the sampler carries from step to step: 1, and 2 for a second-order one.
        seed: of the rotation that is left free.
    """

    def __init__(self, geometry: ZoomGeometry, memory: int = 1, seed: int = 0) -> None:
        self.geometry = geometry
        self._generator = torch.Generator().manual_seed(seed)
        self._sectors = sectors(geometry)
        self._dims = [geometry.levels * down.shape[1] * right.shape[1] for down, right in self._sectors]
        self._counts = [(memory + 1) * dim for dim in self._dims]
        self.channels = sum(self._counts)
        self._known: list[Tensor] = []

    def remember(self, *known: Tensor) -> None:
        """What later draws must not correlate with: images of all levels [N, channels, H, W]."""
        self._known = list(known)

    def __call__(self) -> Tensor:
        """One draw [N, channels, H, W], float64."""
        parts = []
        for sector, ((down, right), dim, count) in enumerate(zip(self._sectors, self._dims, self._counts, strict=True)):
            known = [self._coefficients(images, sector) for images in self._known]
            fresh = torch.randn(count, dim, generator=self._generator, dtype=torch.float64)
            basis = torch.linalg.qr(torch.cat([*known, fresh], 1))[0]
            shaped = rearrange(
                basis[:, -dim:] * math.sqrt(count),
                "channels (levels rows columns) -> levels channels rows columns",
                levels=self.geometry.levels, rows=down.shape[1],
            )  # fmt: skip
            parts.append(down @ shaped @ right.T)
        return torch.cat(parts, 1)

    def covariance(self, images: Tensor) -> Tensor:
        """Covariance of all pixels of all levels, float64 [N H W, N H W], level by level."""
        total: Tensor | float = 0.0
        for sector, ((down, right), count) in enumerate(zip(self._sectors, self._counts, strict=True)):
            root = self._coefficients(images, sector) / math.sqrt(count)
            to_pixels = torch.block_diag(*[torch.kron(down, right)] * self.geometry.levels)
            total = total + to_pixels @ (root.T @ root) @ to_pixels.T
        return total  # type: ignore[return-value]

    def _coefficients(self, images: Tensor, sector: int) -> Tensor:
        """[channels of the sector, N · rows · columns]"""
        start = sum(self._counts[:sector])
        down, right = self._sectors[sector]
        own = down.T @ images[:, start : start + self._counts[sector]].double() @ right
        return rearrange(own, "levels channels rows columns -> channels (levels rows columns)")
