"""What every function that takes tensors asks of them, and the precision that it computes in."""

from __future__ import annotations

import torch
from torch import Tensor

from .errors import ArgumentError, shown


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    """Half precision is computed in float32: D sums up to p² values."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def check_float(name: str, tensor: Tensor) -> None:
    """Raises ValueError unless `tensor` is a floating-point tensor without NaN or infinity."""
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        raise ArgumentError(name, shown(tensor), "a floating-point tensor")
    if tensor.numel() and not torch.isfinite(torch.stack(tensor.detach().aminmax())).all():  # both carry NaN along
        raise ArgumentError(name, "holds NaN or infinity", "finite numbers")
