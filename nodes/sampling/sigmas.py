"""Noise levels in the host's terms: VE sigmas for EPS and V models, flow times for flow models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import comfy.model_sampling
import comfy.samplers
import torch
from torch import Tensor

from ...zoomstack_core.geometry import ZoomGeometry
from ...zoomstack_core.ladder import NoiseLadder, aligned_ladder

# A flow model's time 1 is infinite noise in VE terms; a level wakes at this time instead.
LARGEST_FLOW_TIME = 0.99
# Sigma in float32 would leave too little room for the fourth powers in ancestral steps.
LARGEST_SIGMA_FLOAT64, LARGEST_SIGMA_FLOAT32 = 1e18, 1e9
# The deepest level waits at sigma_max · p^(levels - 1); its state is float32, whose largest number is 3.4e38.
LARGEST_STATE = 1e37

# What follows one ladder at every level: only ratios of sigma enter their steps, or their noise is ours to scale.
ALIGNED_SAMPLERS = ("euler", "euler_ancestral", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu", "ddpm", "ddim")


# Sigmas closer than this are equal: the ladder is float64, some samplers hand float32 back.
SAME_SIGMA = 1e-5


class Moment(NamedTuple):
    """Where in the schedule an evaluation lies.

    ``progress`` is that of each active level in its own steps, 0 … 1; ``steps_left`` counts the steps of the whole
    schedule after this one.
    """

    progress: Sequence[float]
    steps_left: int


class LevelSigmas:
    """Which sigma each level has at a step of the sampler, and its state there.

    The sampler steps down ``sigmas`` and carries all levels; level i is at its own sigma, see `NoiseLadder`. For flow
    models the sampler's state of every level is (1 - s) times its VE state, s the sampler's time.

    Attributes:
        sigmas: what the sampler is given, [T + 1], from high to low.
        aligned: whether the levels' sigmas differ.
    """

    def __init__(self, sigmas: Tensor, ladder: NoiseLadder | None, flow: bool):
        self.sigmas = sigmas
        self._ladder = ladder
        self._flow = flow

    @property
    def aligned(self) -> bool:
        return self._ladder is not None

    def noise_scale(self, like: Tensor) -> Tensor | float:
        """How much more noise than the sampler thinks each level has, [N, 1, …] of the rank of ``like``."""
        if self._ladder is None:
            return 1.0
        return torch.tensor(self._ladder.ratios, dtype=like.dtype, device=like.device).view(-1, *(1,) * (like.ndim - 1))

    def active(self, sigma: Tensor, levels: int) -> range:
        """The levels to evaluate when the sampler is at ``sigma``."""
        return range(levels) if self._ladder is None else self._ladder.active(self._to_ve(float(sigma)))

    def moment(self, sigma: Tensor, active: range) -> Moment:
        """Where in the schedule an evaluation at ``sigma`` lies; between two sigmas it counts as the first's."""
        steps = self.sigmas[:-1]
        left = int((steps < float(sigma) * (1 - SAME_SIGMA)).sum())
        if self._ladder is None:
            done = 1.0 if len(steps) < 2 else 1 - left / (len(steps) - 1)
            return Moment([done] * len(active), left)
        return Moment([self._ladder.progress(i, self._to_ve(float(sigma))) for i in active], left)

    def at(self, x: Tensor, sigma: Tensor, active: range) -> tuple[Tensor, Tensor]:
        """The chosen levels' states [n, C, …] and sigmas [n] as the model wants them.

        A level that still waits is shown as it will be when it wakes.

        Args:
            x: the sampler's state of all levels [N, C, …].
            sigma: the sampler's sigma [N].
        """
        chosen = x[active.start : active.stop]
        if self._ladder is None:
            return chosen, sigma[active.start : active.stop]
        common = self._to_ve(float(sigma[0]))
        own = [common * self._ladder.ratios[i] for i in active]
        highest = self._ladder.sigma_max * math.exp(self._ladder.rung)
        shown = [min(s, highest) for s in own]
        scale = [new / s for new, s in zip(shown, own, strict=True)]
        if self._flow:
            scale = [ratio * (1 + common) / (1 + s) for ratio, s in zip(scale, shown, strict=True)]
            shown = [s / (1 + s) for s in shown]
        chosen = chosen * torch.tensor(scale, dtype=x.dtype, device=x.device).view(-1, *(1,) * (x.ndim - 1))
        # samplers compute in float64 here, as the ladder; nodes and previews expect what the host always gives them
        return chosen.float(), torch.tensor(shown, dtype=sigma.dtype, device=sigma.device)

    def _to_ve(self, sigma: float) -> float:
        return sigma / (1 - sigma) if self._flow else sigma


def level_sigmas(
    model: Any, geometry: ZoomGeometry, steps: int, sampler_name: str, scheduler: str, denoise: float, alignment: float
) -> LevelSigmas:
    """The schedule of a run.

    At alignment 0, and for a single level, these are the host's own sigmas. Above, the rungs are uniform in log sigma
    between the model's limits and the scheduler does not enter.

    Raises:
        ValueError: for a sampler that cannot carry aligned levels yet, or more levels than float32 has room for.
    """
    if alignment == 0 or geometry.levels == 1 or denoise <= 0:
        stock = comfy.samplers.KSampler(
            model, steps, model.load_device, sampler_name, scheduler, denoise, model.model_options
        )
        return LevelSigmas(stock.sigmas, None, False)
    if sampler_name not in ALIGNED_SAMPLERS:
        raise ValueError(
            f"Zoom KSampler: the sampler {sampler_name} cannot give every level its own noise yet. "
            f"Choose one of {', '.join(ALIGNED_SAMPLERS)}, or set alignment to 0."
        )
    sampling = model.get_model_object("model_sampling")
    flow = isinstance(sampling, comfy.model_sampling.CONST)
    high, low = float(sampling.sigma_max), float(sampling.sigma_min)
    if flow:
        high, low = (s / (1 - s) for s in (min(high, LARGEST_FLOW_TIME), low))
    steps = max(steps, 2)  # a ladder has two ends
    # as the host does: denoise < 1 takes the last steps of a longer schedule
    total = max(steps, int(steps / denoise)) if denoise < 0.9999 else steps
    if total > steps:
        high = high * (low / high) ** ((total - steps) / (total - 1))
    double = model.load_device.type != "mps"
    largest = high if flow else LARGEST_SIGMA_FLOAT64 if double else LARGEST_SIGMA_FLOAT32
    ladder = aligned_ladder(geometry, high, low, steps, alignment, largest)
    if ladder.ratios[-1] * ladder.sigmas[0] > LARGEST_STATE:
        raise ValueError(
            f"Zoom KSampler: {geometry.levels} levels at zoom_factor {geometry.zoom_factor} and alignment {alignment} "
            "reach deeper than the noise of the deepest level can be held in float32. Use fewer levels, a smaller "
            "zoom_factor or a lower alignment."
        )
    sigmas = torch.tensor(ladder.sigmas, dtype=torch.float64)
    if flow:
        sigmas = sigmas / (1 + sigmas)
    return LevelSigmas(sigmas if double else sigmas.float(), ladder, flow)
