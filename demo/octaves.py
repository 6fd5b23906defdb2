"""Energy of the finest octaves of pictures, as a loss: what is random shall be as strong as it was, if not the same."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

OCTAVES = 3  # whose energy is compared, the finest first
FAINT = 1e-4  # energy that nobody sees


def octaves(pictures: Tensor) -> list[Tensor]:
    """Energy of the finest octaves of [B, 3, H, W], mean of 8 × 8 of what is left of an octave; the finest first."""
    energies = []
    for _ in range(OCTAVES):
        coarse = avg_pool2d(pictures, 2)
        detail = pictures - interpolate(coarse, scale_factor=2)
        energies.append(avg_pool2d(detail.square(), 16))
        pictures = coarse
    return energies


def energy_difference(made: Tensor, true: Tensor) -> Tensor:
    """L1 of the logarithms of the octaves' energy, place by place."""
    pairs = zip(octaves(made), octaves(true), strict=True)
    differences = [((ours + FAINT).log() - (wanted + FAINT).log()).abs().mean() for ours, wanted in pairs]
    return torch.stack(differences).mean()
