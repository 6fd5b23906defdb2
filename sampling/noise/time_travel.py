"""Time travel: steps of the schedule taken again from re-noised states, for any of the host's samplers."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import comfy.model_sampling
import comfy.samplers
import torch
from torch import Tensor

log = logging.getLogger("zoomstack")

# Sets the noise of time travel apart from that of the sampler's own steps, which the host seeds alike.
SEED_OFFSET = 7919


@dataclass(frozen=True)
class TimeTravel:
    """Which steps are taken again.

    Attributes:
        repeats: how often each step within the range is taken; 1 is no time travel.
        start, end: the range, as parts of the whole schedule, 0 … 1.
    """

    repeats: int = 1
    start: float = 0.0
    end: float = 1.0


def with_time_travel(sampler: Any, travel: TimeTravel, render: Callable[[Tensor], Tensor], seed: int | None) -> Any:
    """The sampler with the steps in the range of ``travel`` repeated; as it is where nothing is to be repeated.

    A repeated step is a run of the sampler of its own, from one sigma to the next; then noise takes the state back.
    So samplers that look at earlier steps are first-order within the range.

    Args:
        render: white noise of all levels [N, C, …] to the noise that they get, consistent between them.
    """
    if travel.repeats < 2:
        return sampler
    if not isinstance(sampler, comfy.samplers.KSAMPLER):
        log.warning(
            "Zoom Multi-Res Blend: %s cannot repeat steps; it runs without time travel.", type(sampler).__name__
        )
        return sampler
    function = sampler.sampler_function

    @functools.wraps(function)
    def travelling(model: Any, x: Tensor, sigmas: Tensor, *, callback: Any = None, **rest: Any) -> Tensor:
        steps = len(sigmas) - 1
        flow = isinstance(model.inner_model.inner_model.model_sampling, comfy.model_sampling.CONST)
        generator = torch.Generator(device="cpu").manual_seed(((seed or 0) + SEED_OFFSET) % 2**64)
        begin, end = round(travel.start * steps), round(travel.end * steps)

        def run(x: Tensor, first: int, last: int) -> Tensor:
            def report(info: dict[str, Any]) -> None:
                callback({**info, "i": info["i"] + first})

            part = sigmas[first : last + 1]
            if last == first:
                return x
            if last == first + 1 and function.__name__.startswith("sample_unipc"):
                part = torch.stack([part[0], part.mean(), part[1]])  # of a single step it makes nothing
            return function(model, x, part, **{**rest, "callback": callback and report, "disable": True})

        x = run(x, 0, begin)
        for step in range(begin, end):
            for repeat in range(travel.repeats):
                if repeat:
                    white = torch.randn(x.shape, generator=generator, dtype=torch.float32).to(x)
                    x = renoised(x, float(sigmas[step + 1]), float(sigmas[step]), flow, render(white))
                x = run(x, step, step + 1)
        return run(x, end, steps)

    return comfy.samplers.KSAMPLER(travelling, sampler.extra_options, sampler.inpaint_options)


def renoised(x: Tensor, sigma: float, sigma_before: float, flow: bool, noise: Tensor) -> Tensor:
    """A state at ``sigma`` taken back to the larger ``sigma_before``: its signal stays, its noise grows.

    Args:
        x, noise: [N, C, …]; the noise as strong as the sampler's own for sigma 1.
        flow: whether x = (1 - sigma) image + sigma noise, instead of image + sigma noise.
    """
    signal = (1 - sigma_before) / (1 - sigma) if flow else 1.0
    return signal * x + (sigma_before**2 - (signal * sigma) ** 2) ** 0.5 * noise
