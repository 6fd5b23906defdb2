"""A Gaussian world whose every level, and whose ideal denoiser, is known in closed form."""

from __future__ import annotations

import math
from functools import cached_property

import torch
from einops import einsum, rearrange
from torch import Tensor

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.resample import Window, links_into

SCALES_PER_OCTAVE = 3
MODELS = ("mean", "distilled")


class GaussianWorld:
    """A random field with the spectrum f^-slope, seen at every level of a zoom through pixels that average areas.

    The spectrum is a sum of Gaussians over a geometric series of scales, from far below the deepest pixel to
    ``largest`` views (where the power law flattens out). A Gaussian is separable and its average over two boxes has a
    closed form, so the covariance of any two pixels of any two levels is exact for fractional zoom factors, every
    focus and any depth, without a grid. Unit: the mean variance of a pixel of level 0.

    Args:
        geometry: how the levels nest.
        slope: β of f^-β, 2 < slope < 4.
        largest: standard deviation of the largest scale, in widths of the widest view.
        model: "mean", the posterior mean of a level, or "distilled", the end of its probability flow ODE: what an
            ideal few-step model gives.

    Raises:
        ValueError: for a slope or scale outside these ranges, or an unknown model.
    """

    def __init__(self, geometry: ZoomGeometry, slope: float = 2.6, largest: float = 0.5, model: str = "mean") -> None:
        if not 2 < slope < 4:
            raise ValueError(f"slope must lie between 2 and 4, got {slope}")
        if largest <= 0:
            raise ValueError(f"largest must be positive, got {largest}")
        if model not in MODELS:
            raise ValueError(f"model must be one of {', '.join(MODELS)}, got {model!r}")
        self.geometry, self.slope, self.model = geometry, slope, model
        smallest = 1 / 64 * geometry.rect(0, geometry.levels - 1).width / geometry.width
        octaves = math.log2(largest * geometry.width / smallest)
        count = math.ceil(octaves * SCALES_PER_OCTAVE) + 1
        self._scales = [largest * geometry.width * 2 ** (-n / SCALES_PER_OCTAVE) for n in range(count)]
        self._unit = 1.0
        self._unit = float(self.covariance(0, 0).diagonal().mean())
        self._crops: dict[int, tuple[Tensor, Tensor]] = {}

    def covariance(self, first: int, second: int) -> Tensor:
        """Covariance of the pixels of two levels, float64 [H W, H W]."""
        total: Tensor | float = 0.0
        (y1, x1, a), (y2, x2, b) = self._pixels(first), self._pixels(second)
        for scale in self._scales:
            rows = _box_average(y1[:, None] - y2[None], a, b, scale)
            columns = _box_average(x1[:, None] - x2[None], a, b, scale)
            total = total + scale**self.slope * einsum(rows, columns, "y1 y2, x1 x2 -> y1 x1 y2 x2")
        return rearrange(total, "y1 x1 y2 x2 -> (y1 x1) (y2 x2)") / self._unit

    @cached_property
    def eigen(self) -> list[tuple[Tensor, Tensor]]:
        """Eigenvalues, ascending, and eigenvectors (columns) of every level's covariance."""
        geometry = self.geometry
        found = []
        for level in range(geometry.levels):
            covariance, values, vectors = self.covariance(level, level), [], []
            for down, right in sectors(geometry):  # no covariance is between two of them
                basis = torch.kron(down, right)
                own = _eigen(basis.T @ covariance @ basis)
                values.append(own[0])
                vectors.append(basis @ own[1])
            order = torch.cat(values).argsort()
            found.append((torch.cat(values)[order], torch.cat(vectors, 1)[:, order]))
        return found

    def denoise(self, z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        """The model's estimate from z = x + sigma · noise of every level on its own, as `sample_joint` calls it."""
        estimates = [
            self._estimate(state, float(s), *self.eigen[level])
            for state, s, level in zip(z, sigma, levels.tolist(), strict=True)
        ]
        return torch.stack(estimates).view_as(z)

    def denoise_overlap(self, crop: Tensor, sigma: Tensor, level: int) -> Tensor:
        """The same for the part of `level` that the next deeper level covers, seen alone."""
        if level not in self._crops:
            geometry = self.geometry
            link = links_into(geometry, level + 1, 1, crop)
            assert link is not None, "sample_joint asks for overlaps of at least a pixel only"
            chosen = window_pixels(link.window, geometry.height, geometry.width)
            self._crops[level] = _eigen(self.covariance(level, level)[chosen][:, chosen])
        return self._estimate(crop, float(sigma), *self._crops[level]).view_as(crop)

    def _estimate(self, state: Tensor, sigma: float, values: Tensor, vectors: Tensor) -> Tensor:
        """[C, …] -> [C, pixels]: K (K + sigma²)^-1 or its square root, applied to each channel.

        The flow dz = (z - E[x|z]) d(log sigma) shrinks an eigendirection of variance λ from √(λ + sigma²) to √λ.
        """
        gain = values / (values + sigma**2)
        gain = (gain.sqrt() if self.model == "distilled" else gain).to(state)
        basis = vectors.to(state)
        return (state.flatten(1) @ basis * gain) @ basis.T

    def _pixels(self, level: int) -> tuple[Tensor, Tensor, float]:
        """Centers of rows and columns and the width of a pixel, in pixels of level 0."""
        rect = self.geometry.rect(0, level)
        size = rect.height / self.geometry.height
        rows = rect.top + (torch.arange(self.geometry.height, dtype=torch.float64) + 0.5) * size
        columns = rect.left + (torch.arange(self.geometry.width, dtype=torch.float64) + 0.5) * size
        return rows, columns, size


def sectors(geometry: ZoomGeometry) -> list[tuple[Tensor, Tensor]]:
    """Orthonormal columns (along an axis of rows, of columns) of images that a sampler and the world never mix.

    A zoom about the middle is symmetric: what is even or odd in x or y stays so. Other zooms have one sector.
    """
    centered = all(step.focus == (0.5, 0.5) for step in geometry.steps)
    rows, columns = (parities(n) if centered else [torch.eye(n).double()] for n in (geometry.height, geometry.width))
    return [(down, right) for down in rows for right in columns if down.numel() and right.numel()]


def parities(size: int) -> list[Tensor]:
    """Orthonormal columns of the even and of the odd vectors."""
    eye = torch.eye(size, dtype=torch.float64)
    half = size // 2
    even = (eye + eye.flip(0))[:, : size - half]
    odd = (eye - eye.flip(0))[:, :half]
    return [even / even.norm(dim=0), odd / odd.norm(dim=0).clamp(min=1)]


def window_pixels(window: Window, height: int, width: int) -> Tensor:
    """Indices of a window's pixels in a flattened image."""
    return window.crop(torch.arange(height * width).view(height, width)).flatten()


def _box_average(distance: Tensor, a: float, b: float, scale: float) -> Tensor:
    """A unit Gaussian of standard deviation ``scale`` averaged over two intervals a and b wide, ``distance`` apart."""
    if scale > 50 * max(a, b):  # the exact form would cancel; the next term is below 1e-9
        u = (distance / scale).square()
        return _bell(distance, scale) * (1 + (a * a + b * b) / (24 * scale * scale) * (u - 1))
    near, far = (a - b) / 2, (a + b) / 2
    edges = [_twice_integrated(distance + offset, scale) for offset in (far, near, -near, -far)]
    return (edges[0] - edges[1] - edges[2] + edges[3]) / (a * b)


def _bell(x: Tensor, scale: float) -> Tensor:
    return torch.exp(-0.5 * (x / scale).square()) / (scale * math.sqrt(2 * math.pi))


def _twice_integrated(x: Tensor, scale: float) -> Tensor:
    return x * torch.special.ndtr(x / scale) + scale**2 * _bell(x, scale)


def _eigen(covariance: Tensor) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(covariance)
    return values.clamp(min=0), vectors
