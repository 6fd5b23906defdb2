"""One setting of a sampler in a Gaussian world, judged exactly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.ablations import ABLATIONS
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.ladder import NoiseLadder, aligned_ladder
from zoomstack_core.method.render import render_images
from zoomstack_core.method.rows import rows_of
from zoomstack_core.method.sample import METHODS, sample_joint

from .moments import ExactNoise
from .report import Report, judge
from .world import GaussianWorld


@dataclass(frozen=True)
class Setting:
    """How to sample: a method of `sample_joint` or of `benchmarks.ablations`, and its options.

    ``sigmas`` fall evenly in log sigma from ``sigma_max`` to ``sigma_min``, then to 0. ``wake_sigma`` is for aligned
    levels, as in `sample_joint`.
    """

    method: str
    alignment: float = 0.0
    steps: int = 40
    churn: float = 1.0
    order: int = 1
    sigma_max: float = 30.0
    sigma_min: float = 0.01
    wake_sigma: float | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS and self.method not in ABLATIONS:
            raise ValueError(f"method must be one of {', '.join([*METHODS, *ABLATIONS])}, got {self.method!r}")

    @property
    def name(self) -> str:
        late = "" if self.wake_sigma is None else f" w{self.wake_sigma:g}"
        return f"{self.method} a{self.alignment:g} c{self.churn:g} o{self.order}{late}"

    def sigmas(self) -> Tensor:
        """[steps + 1], float64."""
        ratio = (self.sigma_min / self.sigma_max) ** (1 / (self.steps - 1))
        return torch.tensor([*(self.sigma_max * ratio**n for n in range(self.steps)), 0.0], dtype=torch.float64)


def run_exactly(world: GaussianWorld, setting: Setting) -> Report:
    """Samples once, through the product's own code, and judges the exact covariance of the result."""
    geometry, sigmas = world.geometry, setting.sigmas()
    noise = ExactNoise(geometry, setting.order)
    ladder = _ladder(geometry, setting)
    last: list[Tensor] = []

    def remember(_: int, sigma: float, z: Tensor, denoised: Tensor) -> None:
        # of finished levels the estimate goes on to count in place of the state
        held = rows_of(() if ladder is None else ladder.front(sigma).finished)
        state = z.clone()
        state[held] = denoised[held]
        noise.remember(state, *last)
        last[:] = [denoised] if setting.order == 2 else []

    if setting.method in ABLATIONS:
        images = ABLATIONS[setting.method](world.denoise, geometry, sigmas, noise, remember)
    else:
        overlap = world.denoise_overlap if setting.method == "overlap_once" else None
        layers = sample_joint(
            world.denoise, geometry, sigmas, noise.channels, None, setting.method, setting.alignment, overlap,
            churn=setting.churn, order=setting.order, wake_sigma=setting.wake_sigma, noise=noise, callback=remember,
        )  # fmt: skip
        images = layers if setting.method == "independent" else render_images(layers, geometry)
    return judge(world, noise.covariance(images))


def evaluations(geometry: ZoomGeometry, setting: Setting) -> float:
    """The denoiser's evaluations over those of independent sampling."""
    ladder = _ladder(geometry, setting)
    if ladder is None:
        return 1.0
    return sum(len(ladder.active(sigma)) for sigma in ladder.sigmas[:-1]) / (geometry.levels * setting.steps)


def _ladder(geometry: ZoomGeometry, setting: Setting) -> NoiseLadder | None:
    """That of the run, where the levels' sigmas differ."""
    if setting.alignment == 0 or geometry.levels == 1 or setting.method == "independent":
        return None
    limits = (float(setting.sigmas()[n]) for n in (0, -2))
    return aligned_ladder(geometry, *limits, setting.steps, setting.alignment, wake_sigma=setting.wake_sigma)
