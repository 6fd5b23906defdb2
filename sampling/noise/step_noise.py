"""Zoom-consistent noise for the host's samplers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import comfy.sample
import comfy.samplers
from comfy.k_diffusion.sampling import default_noise_sampler
from torch import Tensor

from ..host_types import Latent, Sampler

INITIAL_NOISE = ("auto", "shared", "independent")
STEP_NOISE = ("shared", "independent")

NoiseSampler = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class NoiseSharing:
    """Which noise is one scene seen at all levels.

    Attributes:
        initial: "shared", "independent", or "auto": independent for stochastic samplers whose levels have one sigma
            (the paper's choice), else shared.
        step: "shared" or "independent", the noise that stochastic samplers add.
    """

    initial: str = "auto"
    step: str = "shared"


AUTO = NoiseSharing()


class ZoomSeed(int):
    """A seed that remembers the `NoiseSharing` it was chosen with; the host hands seeds on to guiders unchanged."""

    sharing: NoiseSharing

    def __new__(cls, seed: int, sharing: NoiseSharing) -> ZoomSeed:
        self = super().__new__(cls, seed)
        self.sharing = sharing
        return self


class SharedNoise:
    """The host's NOISE for zoom levels. The noise is white; guiders of zoom levels render it as its seed says."""

    def __init__(self, seed: int, sharing: NoiseSharing):
        self.seed = ZoomSeed(seed, sharing)

    def generate_noise(self, input_latent: Latent) -> Tensor:
        """White noise like the samples of the LATENT."""
        return comfy.sample.prepare_noise(input_latent["samples"], self.seed, input_latent.get("batch_index"))


def sharing_of(seed: int | None) -> NoiseSharing:
    """The choice of `ZoomSharedNoise` that came with ``seed``, if any."""
    return seed.sharing if isinstance(seed, ZoomSeed) else AUTO


def with_rendered_noise(
    sampler: Sampler,
    state: Tensor,
    seed: int | None,
    render: Callable[[Tensor], Tensor],
    defaults: Mapping[str, float] = MappingProxyType({}),
) -> Sampler:
    """The sampler with its step noise passed through ``render``; as it is where it draws none.

    Args:
        sampler: the host's SAMPLER.
        state: [N, C, …], gives shape, dtype and device of the noise.
        render: white noise of all levels to the noise that they get.
        defaults: further options of the sampler, for those that are not set.
    """
    if not isinstance(sampler, comfy.samplers.KSAMPLER):
        return sampler
    parameters = inspect.signature(sampler.sampler_function).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if "noise_sampler" not in parameters and not takes_any:
        return comfy.samplers.KSAMPLER(sampler.sampler_function, {**defaults, **sampler.extra_options}, {})
    path = OnePath(default_noise_sampler(state, seed=seed))

    def noise_sampler(sigma: Tensor, sigma_next: Tensor) -> Tensor:
        return render(path(sigma, sigma_next))

    options = {**defaults, **sampler.extra_options, "noise_sampler": noise_sampler}
    return comfy.samplers.KSAMPLER(sampler.sampler_function, options, {})


class OnePath:
    """White noise as the increments of one random walk down the sigmas, each over the root of its length.

    Samplers ask for steps that follow each other, whose noise is independent, or, from one sigma, for a part of a step
    and then for the whole (dpmpp_sde).

    Args:
        white: gives new N(0, I) noise; its arguments do not matter.
    """

    def __init__(self, white: NoiseSampler):
        self._white = white
        self._start: float | None = None
        self._length = 0.0
        self._walk: Tensor | None = None

    def __call__(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        fresh = self._white(sigma, sigma_next)
        length = abs(float(sigma) - float(sigma_next))
        if self._walk is None or float(sigma) != self._start or length <= self._length:
            noise = fresh
        else:
            part = self._length / length
            noise = part**0.5 * self._walk + (1 - part) ** 0.5 * fresh
        self._start, self._length, self._walk = float(sigma), length, noise
        return noise
