"""Zoom-consistent noise for the host's samplers."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import comfy.samplers
from comfy.k_diffusion.sampling import BrownianTreeNoiseSampler, default_noise_sampler
from torch import Tensor

# Samplers that add noise at every step. With independent initial noise they keep their low frequencies (the paper's
# choice); the others wash out unless the initial noise is shared.
STOCHASTIC_MARKS = ("ancestral", "sde", "ddpm", "lcm", "seeds", "sa_solver")

NoiseSampler = Callable[[Tensor, Tensor], Tensor]


def is_stochastic(sampler_name: str) -> bool:
    return any(mark in sampler_name for mark in STOCHASTIC_MARKS)


def with_rendered_noise(
    sampler: comfy.samplers.KSAMPLER,
    state: Tensor,
    sigmas: Tensor,
    seed: int | None,
    render: Callable[[Tensor], Tensor],
) -> comfy.samplers.KSAMPLER:
    """The sampler with its step noise passed through ``render``; as it is where it draws none.

    Args:
        state: [N, C, …], gives shape, dtype and device of the noise.
        sigmas: the run's sigmas, for samplers that need correlated increments.
        render: white noise of all levels to the noise that they get.
    """
    if not isinstance(sampler, comfy.samplers.KSAMPLER):
        return sampler
    parameters = inspect.signature(sampler.sampler_function).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if "noise_sampler" not in parameters and not takes_any:
        return comfy.samplers.KSAMPLER(sampler.sampler_function, sampler.extra_options, {})
    white = _white_noise(sampler, state, sigmas, seed)
    options = {**sampler.extra_options, "noise_sampler": lambda sigma, sigma_next: render(white(sigma, sigma_next))}
    return comfy.samplers.KSAMPLER(sampler.sampler_function, options, {})


def _white_noise(sampler: comfy.samplers.KSAMPLER, state: Tensor, sigmas: Tensor, seed: int | None) -> NoiseSampler:
    """The source that the stock sampler would use: only dpmpp_sde asks for overlapping intervals."""
    if sampler.sampler_function.__name__.startswith("sample_dpmpp_sde"):
        positive = sigmas[sigmas > 0]
        return BrownianTreeNoiseSampler(state, positive.min(), sigmas.max(), seed=seed, cpu=True)
    return default_noise_sampler(state, seed=seed)
