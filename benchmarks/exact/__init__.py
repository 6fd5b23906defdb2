"""Joint sampling judged against the truth: a Gaussian world whose ideal denoiser is a matrix."""

from .run import Setting, run_exactly
from .world import GaussianWorld

__all__ = ["GaussianWorld", "Setting", "run_exactly"]
