"""What the tests of sample_joint share: denoisers with a known answer, a schedule, and a denoiser that remembers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Levels = tuple[int, ...]


def schedule(steps: int, high: float = 20.0, low: float = 0.05, dtype: torch.dtype = torch.float64) -> Tensor:
    """sigmas [steps + 1], uniform in log sigma, ending in 0."""
    return torch.tensor([*(high * (low / high) ** (n / (steps - 1)) for n in range(steps)), 0.0], dtype=dtype)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def toy_denoise(z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
    """Nonlinear, and different for every level, sigma and pixel: mistakes of order or pairing do not cancel."""
    pattern = torch.sin((levels.view(-1, 1, 1, 1) + 1) * torch.arange(z.shape[-1], device=z.device).to(z))
    weight = 1 / (1 + sigma.view(-1, 1, 1, 1).square())
    return torch.tanh(weight * z + (1 - weight) * pattern)


def toy_overlap(crop: Tensor, sigma: Tensor, level: int) -> Tensor:
    """For method "overlap_once": another nonlinear estimate."""
    weight = 1 / (1 + sigma.square())
    return torch.tanh(weight * crop) * (0.9 + 0.1 * level)


def overlap_for(method: str) -> dict[str, Callable[[Tensor, Tensor, int], Tensor]]:
    return {"denoise_overlap": toy_overlap} if method == "overlap_once" else {}


class Watched:
    """A denoiser that remembers what it was asked."""

    def __init__(self, denoise: Callable[[Tensor, Tensor, Tensor], Tensor] = toy_denoise) -> None:
        self.denoise = denoise
        self.calls: list[Levels] = []
        self.sigmas: dict[int, list[float]] = {}

    def __call__(self, z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        assert z.ndim == 4 and sigma.shape == levels.shape == (len(z),) and torch.isfinite(z).all()
        self.calls.append(tuple(levels.tolist()))
        for level, value in zip(levels.tolist(), sigma.tolist(), strict=True):
            self.sigmas.setdefault(level, []).append(value)
        return self.denoise(z, sigma, levels)
