"""What sampled values stand for: pictures, looked at and changed, so that one method fits pixel and latent models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

Change = Callable[[Tensor], Tensor]


class Pictures(Protocol):
    """Between values [n, C, H, W] that a denoiser estimates and pictures [n, 3, H', W']."""

    def decode(self, values: Tensor) -> Tensor:
        """The pictures."""

    def edit(self, values: Tensor, change: Change) -> Tensor:
        """The values after a change of their pictures; the first ones, where the change gives fewer."""


class Plain:
    """The values are the pictures."""

    def decode(self, values: Tensor) -> Tensor:
        """The values."""
        return values

    def edit(self, values: Tensor, change: Change) -> Tensor:
        """The change of the values."""
        return change(values)


def read_picture(path: Path) -> Tensor:
    """An image file as [3, H, W] in [0, 1], without transparency."""
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).movedim(-1, 0) / 255
