"""One setting of a sampler in a Gaussian world, judged exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.ablations import ABLATIONS
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.ladder import aligned_ladder
from zoomstack_core.method.render import render_images
from zoomstack_core.method.sample import METHODS, sample_joint

from .moments import ExactNoise
from .report import Report, judge
from .world import GaussianWorld


@dataclass(frozen=True)
class Setting:
    """How to sample: a method of `sample_joint` or of `benchmarks.ablations`, and its options.

    ``sigmas`` fall evenly in log sigma from ``sigma_max`` to ``sigma_min``, then to 0.
    """

    method: str
    alignment: float = 0.0
    steps: int = 40
    churn: float = 1.0
    order: int = 1
    sigma_max: float = 30.0
    sigma_min: float = 0.01

    def __post_init__(self) -> None:
        if self.method not in METHODS and self.method not in ABLATIONS:
            raise ValueError(f"method must be one of {', '.join([*METHODS, *ABLATIONS])}, got {self.method!r}")

    @property
    def name(self) -> str:
        return f"{self.method} a{self.alignment:g} c{self.churn:g} o{self.order}"

    def sigmas(self) -> Tensor:
        """[steps + 1], float64."""
        ratio = (self.sigma_min / self.sigma_max) ** (1 / (self.steps - 1))
        return torch.tensor([*(self.sigma_max * ratio**n for n in range(self.steps)), 0.0], dtype=torch.float64)


def run_exactly(world: GaussianWorld, setting: Setting) -> Report:
    """Samples once, through the product's own code, and judges the exact covariance of the result."""
    geometry, sigmas = world.geometry, setting.sigmas()
    noise = ExactNoise(geometry, setting.order)
    finished = _finished_levels(geometry, setting)
    last: list[Tensor] = []

    def remember(_: int, sigma: float, z: Tensor, denoised: Tensor) -> None:
        held = finished(sigma)
        noise.remember(torch.cat([denoised[:held], z[held:]]), *last)
        last[:] = [denoised] if setting.order == 2 else []

    if setting.method in ABLATIONS:
        images = ABLATIONS[setting.method](world.denoise, geometry, sigmas, noise, remember)
    else:
        overlap = world.denoise_overlap if setting.method == "overlap_once" else None
        layers = sample_joint(
            world.denoise, geometry, sigmas, noise.channels, None, setting.method, setting.alignment, overlap,
            churn=setting.churn, order=setting.order, noise=noise, callback=remember,
        )  # fmt: skip
        images = layers if setting.method == "independent" else render_images(layers, geometry)
    return judge(world, noise.covariance(images))


def _finished_levels(geometry: ZoomGeometry, setting: Setting) -> Callable[[float], int]:
    """How many levels are held at a common sigma: their estimate is remembered in place of their state."""
    if setting.alignment == 0 or geometry.levels == 1 or setting.method == "independent":
        return lambda sigma: 0
    sigmas = setting.sigmas()
    ladder = aligned_ladder(geometry, float(sigmas[0]), float(sigmas[-2]), setting.steps, setting.alignment)
    return lambda sigma: ladder.active(sigma).start
