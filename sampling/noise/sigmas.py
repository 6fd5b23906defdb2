"""Noise levels in the host's terms: its scheduler's own, or between their ends a sigma per level on one ladder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import comfy.model_sampling
import comfy.samplers
import torch
from torch import Tensor

from ...zoomstack_core.errors import ArgumentError
from ...zoomstack_core.geometry import ZoomGeometry
from ...zoomstack_core.method.ladder import Front, NoiseLadder, aligned_ladder
from ...zoomstack_core.method.rows import rows_of
from ...zoomstack_core.quoting import short
from ..host_types import ModelPatcher, ModelSampling, Sampler
from ..moment import Moment
from .samplers import sampler_id, sigma_room

# A flow model's time 1 is infinite noise in VE terms; a level wakes at this time instead.
LARGEST_FLOW_TIME = 0.99
# The initial noise of the deepest level is float32, whose largest number is 3.4e38, and so may be the sampler's state.
LARGEST_STATE = 1e37

# Sigmas closer than this are equal: the ladder is float64, some samplers hand float32 back.
SAME_SIGMA = 1e-5
# Some of the host's schedules end in a sigma that it takes for 0 itself.
LARGEST_END = 1e-5


@dataclass(frozen=True)
class LateWaking:
    """Deep levels skip their first, noisiest evaluations, where levels have sigmas of their own.

    Attributes:
        sigma: they are evaluated from their last step at or above this sigma on, noise over image; infinity evaluates
            all levels from their first step on.
        known: levels that do not, nor any that shows them.
    """

    sigma: float = math.inf
    known: frozenset[int] = frozenset()


AT_ONCE = LateWaking()


@dataclass(frozen=True, eq=False)
class LevelSigmas:
    """Which sigma each level has at a step of the sampler, and its state there.

    The sampler steps down ``sigmas`` and carries all levels. With a ladder these are its common sigmas, in VE terms
    (state = image + sigma · noise) for flow models too, and level i is at its own sigma, see `NoiseLadder`.

    Attributes:
        sigmas: what the sampler is given, [T + 1], from high to low.
        ladder: where the levels' sigmas differ.
        flow: whether the model takes flow times and (1 - time) · image + time · noise.
        unit: the noise of a model's state over that of the host's noise (other than 1 for a few flow models).
        whole: the sigmas of the whole schedule, where these are a part of it.
    """

    sigmas: Tensor
    ladder: NoiseLadder | None = None
    flow: bool = False
    unit: float = 1.0
    whole: Tensor | None = None

    @property
    def aligned(self) -> bool:
        return self.ladder is not None

    @property
    def steps(self) -> int:
        """Evaluations of every level in the whole run, by samplers that evaluate once a step."""
        if self.ladder is not None:
            return self.ladder.steps
        return max(0, len(self.sigmas if self.whole is None else self.whole) - 1)

    @property
    def rungs_per_step(self) -> float:
        """An aligned run has one ladder for all levels, which is longer than the steps of each; others have 1."""
        whole = self.sigmas if self.whole is None else self.whole
        return (len(whole) - 1) / self.steps if self.steps else 1.0

    @property
    def leftover(self) -> float:
        """The deepest level's own sigma where an aligned run stops, in VE terms; 0 for finished and other runs."""
        if self.ladder is None or not len(self.sigmas):
            return 0.0
        return self.unit * max(self.ladder.ratios) * float(self.sigmas[-1])

    def noise_scale(self, like: Tensor) -> Tensor | float:
        """How much more noise than the sampler thinks each level has, [N, 1, …] of the rank of ``like``."""
        if self.ladder is None:
            return 1.0
        ratios = self.unit * torch.tensor(self.ladder.ratios, dtype=torch.float64, device="cpu")
        return ratios.to(like).view(-1, *(1,) * (like.ndim - 1))

    def front(self, sigma: Tensor, levels: int) -> Front:
        """The levels that are finished, evaluated and waiting when the sampler is at ``sigma``."""
        return Front((), range(levels), ()) if self.ladder is None else self.ladder.front(float(sigma))

    def moment(self, sigma: Tensor, active: Sequence[int]) -> Moment:
        """Where in the schedule an evaluation at ``sigma`` lies; between two sigmas it counts as the first's."""
        steps = self.sigmas[:-1]
        left = int((steps < float(sigma) * (1 - SAME_SIGMA)).sum())
        if self.ladder is not None:
            progress = [self.ladder.progress(i, float(sigma)) for i in active]
            return Moment(progress, left, [self.unit * float(sigma) * self.ladder.ratios[i] for i in active])
        whole = self.sigmas[:-1] if self.whole is None else self.whole[:-1]
        behind = int((whole < float(sigma) * (1 - SAME_SIGMA)).sum())
        done = 1.0 if len(whole) < 2 else 1 - behind / (len(whole) - 1)
        return Moment(
            [done] * len(active), left, [flow_to_ve(float(sigma)) if self.flow else float(sigma)] * len(active)
        )

    def at(self, x: Tensor, sigma: Tensor, active: Sequence[int]) -> tuple[Tensor, Tensor]:
        """The chosen levels' states [n, C, …] and sigmas [n] as the model wants them.

        A level that still waits is shown as it will be when it wakes.

        Args:
            x: the sampler's state of all levels [N, C, …].
            sigma: the sampler's sigma [N].
        """
        rows = rows_of(active)
        chosen = x[rows]
        if self.ladder is None:
            return chosen, sigma[rows]
        own = [float(sigma[0]) * self.ladder.ratios[i] for i in active]
        highest = self.ladder.sigma_max * math.exp(self.ladder.rung)
        shown = [min(s, highest) for s in own]
        scale = [new / s for new, s in zip(shown, own, strict=True)]
        if self.flow:
            scale = [ratio / (1 + s) for ratio, s in zip(scale, shown, strict=True)]
            shown = [s / (1 + s) for s in shown]
        chosen = chosen * torch.tensor(scale, dtype=x.dtype, device=x.device).view(-1, *(1,) * (x.ndim - 1))
        # samplers compute in float64 here; nodes and previews expect what the host always gives them
        return chosen.float(), torch.tensor(shown, dtype=torch.float32, device=sigma.device)

    def own(self, sigma: float, level: int) -> float:
        """A level's sigma in the model's terms when the sampler is at ``sigma``."""
        if self.ladder is None:
            return sigma
        own = sigma * self.ladder.ratios[level]
        return own / (1 + own) if self.flow else own

    def of_level(self, level: int) -> Tensor:
        """The sigmas of one level's own steps in the model's terms, float32 [steps + 1], as a run of it alone has them.

        They begin where the level wakes. Those of the whole schedule, where the level has none in this part of it.
        """
        if self.ladder is None:
            return self.sigmas
        for sigmas in (self.sigmas, self.sigmas if self.whole is None else self.whole):
            steps = [float(sigma) for sigma in sigmas[:-1] if level in self.ladder.active(float(sigma))]
            if steps:
                break
        end = float(sigmas[-1])
        if end > 0 and level in self.ladder.front(end).finished:
            end = 0.0
        return torch.tensor([self.own(sigma, level) for sigma in (*steps, end)], dtype=torch.float32)

    def between(self, start: float, end: float, finish: bool) -> LevelSigmas:
        """The part of a run from one step to another, as the host's advanced KSampler cuts it.

        Args:
            start, end: in steps of the whole run, 0 to T.
            finish: whether to go from the last sigma of the part to 0 at once.

        Returns:
            The same levels with fewer sigmas; none at all where the part is empty.
        """
        sigmas = self.sigmas[: round(end) + 1].clone()
        if finish and len(sigmas) < len(self.sigmas):
            sigmas[-1] = 0
        start = round(start)
        part = sigmas[start:] if start < len(sigmas) - 1 else sigmas[:0]
        return replace(self, sigmas=part, whole=self.sigmas)


def level_sigmas(
    model: ModelPatcher,
    geometry: ZoomGeometry,
    steps: int,
    sampler_name: str,
    scheduler: str,
    denoise: float,
    alignment: float,
    node: str = "Zoom KSampler",
    waking: LateWaking = AT_ONCE,
) -> LevelSigmas:
    """The schedule of a run.

    At alignment 0, and for a single level, these are the host's own sigmas. Above, their first and last are the range
    of every level and their number is that of its steps, which are uniform in log sigma.

    Raises:
        ValueError: for more levels than the sampler or float32 have room for, or a schedule that does not fall.
    """
    stock = comfy.samplers.KSampler(
        model, steps, model.load_device, sampler_name, scheduler, denoise, model.model_options
    )
    if alignment == 0 or geometry.levels == 1 or len(stock.sigmas) < 2:
        sampling = model.get_model_object("model_sampling")
        return LevelSigmas(stock.sigmas, flow=isinstance(sampling, comfy.model_sampling.CONST))
    sampler = comfy.samplers.sampler_object(sampler_name)
    return aligned_sigmas(model, geometry, sampler, stock.sigmas, alignment, node, waking)


def aligned_sigmas(
    model: ModelPatcher,
    geometry: ZoomGeometry,
    sampler: Sampler,
    stock: Tensor,
    alignment: float,
    node: str,
    waking: LateWaking = AT_ONCE,
) -> LevelSigmas:
    """A sigma per level.

    Args:
        sampler: the host's SAMPLER that will step down the ladder.
        stock: sigmas of one level as the host has them, ending in 0: their ends are the range of every level, their
            number is that of its steps.
        alignment: 0 < alignment <= 1.
        node: the display name of the node, for errors.
        waking: which levels skip their first steps; every level keeps its last one.

    Raises:
        ValueError: for more levels than the sampler or float32 have room for, or sigmas that do not fall.
    """
    sampling = model.get_model_object("model_sampling")
    room, device = sigma_room(sampler), model.load_device
    given = [float(sigma) for sigma in stock.cpu()]
    own = [to_ve(sampling, sigma) for sigma in given[:-1] if sigma > 0]
    steps = len(own)
    # of a single step the ladder's rungs are the zoom's, so that every level is evaluated at its first sigma
    high, low = (own[0], own[-1] if steps > 1 else own[0] * min(geometry.factors) ** -alignment) if own else (0, 0)
    if not 0 < low < high < math.inf:
        raise ArgumentError(
            "sigmas",
            f"has the steps {short([round(sigma, 4) for sigma in given])}",
            "steps that fall, where alignment is above 0: use another number of steps, or set alignment to 0",
        )
    low = max(low, room.lowest)
    low = max(low, room.lowest * (high / low) ** (0.5 / max(steps - 1, 1)))  # the last rung is half off at most
    unit = float(getattr(sampling, "noise_scale", 1.0))
    ladder = aligned_ladder(geometry, high, low, steps, alignment, room.largest_sigma(device, high))
    at_once = {wider for level in waking.known for wider in geometry.path_to(level)}
    ladder = ladder.late(max(waking.sigma / unit, low), at_once)
    fewer = "Use fewer levels, a smaller zoom_factor or a lower alignment"
    what = f"{node}: {geometry.levels} levels at zoom_factor {max(geometry.factors):g} and alignment {alignment:g}"
    if ladder.sigmas[-2] < room.lowest:
        raise ValueError(
            f"{what} are more than the sampler {sampler_id(sampler)} can carry: its numbers end at a sigma of "
            f"{room.lowest:g}. {fewer}, or another sampler."
        )
    dtype = room.dtype(device)
    if max(ladder.ratios) * (ladder.sigmas[0] if dtype == torch.float32 else 1) > LARGEST_STATE:
        raise ValueError(f"{what} need more noise at the deepest level than float32 can hold. {fewer}.")
    sigmas = torch.tensor(ladder.sigmas, dtype=dtype)
    return LevelSigmas(sigmas, ladder, isinstance(sampling, comfy.model_sampling.CONST), unit)


def to_ve(sampling: ModelSampling, sigma: float) -> float:
    """A sigma in the terms of ``sampling`` as noise over image; a flow model's times end at 0.99."""
    return flow_to_ve(sigma) if isinstance(sampling, comfy.model_sampling.CONST) else sigma


def flow_to_ve(time: float) -> float:
    """Noise over image at a flow model's time; times end at 0.99."""
    time = min(time, LARGEST_FLOW_TIME)
    return time / (1 - time)
