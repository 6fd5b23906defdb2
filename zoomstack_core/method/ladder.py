"""The noise level of every zoom level at every step: scale-aligned noise and its wavefront of active levels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..errors import ArgumentError, shown
from ..geometry import ZoomGeometry

# A quarter of a permille of a rung decides ties the same way for sigmas rounded to float32.
_SLACK = 2.5e-4


class Front(NamedTuple):
    """Where a run is: the levels that are finished, those that are evaluated now, and those that still wait."""

    finished: Sequence[int]
    active: Sequence[int]
    waiting: Sequence[int]


@dataclass(frozen=True)
class NoiseLadder:
    """Which sigma each level has while one sampler steps down a common ladder.

    Level i's sigma is the common sigma times ``ratios[i]``. In log sigma all levels take the same steps, so a
    sampler that knows only the common ladder carries them all. A level is *active*, that is evaluated by the model,
    for exactly ``steps`` rungs: those where its own sigma lies within half a rung of [sigma_min, sigma_max]. Before
    that it waits as pure noise, after that it is finished and held. Levels that are magnified more finish later.

    With a ``wake_sigma`` below ``sigma_max`` all levels but those of ``at_once`` wake late, as soon as their own sigma
    lies within half a rung of that: they skip their first, noisiest evaluations, which tell little that the level above
    does not know.

    Attributes:
        ratios: own sigma of each level over the common sigma, rising with its magnification.
        sigmas: the common sigmas from high to low, then 0.
        sigma_max: the sigma at which a level's own steps begin.
        rung: the step between neighboring sigmas in log sigma.
        steps: the steps of each level, which are evaluations from where it wakes.
        wake_sigma: the sigma at which levels wake late, where that is less than ``sigma_max``.
        at_once: the levels that do not wake late, the widest one and others that nothing above them may wait for.

    Source: ours ("scale-aligned noise"): a coarse pixel averages p² fine ones, so at sigma_i = sigma · p^(i-N+1) all
    levels are equally certain of what they share.

    >>> from zoomstack_core import ZoomGeometry, aligned_ladder
    >>> ladder = aligned_ladder(ZoomGeometry(3, 16, 16, zoom_factor=8), sigma_max=80, sigma_min=0.01, steps=4)
    >>> [len(ladder.active(sigma)) for sigma in ladder.sigmas[:-1]]  # levels to evaluate
    [1, 3, 3, 3, 2]
    """

    ratios: tuple[float, ...]
    sigmas: tuple[float, ...]
    sigma_max: float
    rung: float
    steps: int
    wake_sigma: float = math.inf
    at_once: frozenset[int] = frozenset({0})

    def late(self, sigma: float, at_once: Iterable[int] = ()) -> NoiseLadder:
        """The ladder where levels wake late, but none below ``sigma``.

        They skip evaluations as long as another one at or above this own sigma follows. With few steps the half rung of
        ``wake_sigma`` would be too much: of 8 steps from 99 to 0.003 it is a factor of two.

        Args:
            sigma: above 0; infinity gives all levels all steps.
            at_once: levels that do not, and all that show them; the widest never does, since all others rest on it.

        Raises:
            ValueError: for a sigma that is not above 0.

        >>> from zoomstack_core import ZoomGeometry, aligned_ladder
        >>> ladder = aligned_ladder(ZoomGeometry(3, 16, 16, zoom_factor=4), sigma_max=8, sigma_min=1, steps=4)
        >>> [list(ladder.late(3.0).active(sigma)) for sigma in ladder.sigmas[:-1]]  # own sigmas are 8, 4, 2, 1
        [[0], [0], [0], [0, 1], [1], [1, 2], [2], [2]]
        """
        if not sigma > 0:
            raise ArgumentError("sigma", shown(sigma), "a number above 0")
        # a sigma that is met to rounding is at it
        return replace(
            self, wake_sigma=sigma * math.exp((0.5 - 2 * _SLACK) * self.rung), at_once=frozenset({0, *at_once})
        )

    @property
    def same_sigma(self) -> bool:
        """Whether all levels have the common sigma."""
        return len(set(self.ratios)) == 1

    def active(self, sigma: float) -> Sequence[int]:
        """The levels to evaluate at this common sigma, see `front`."""
        return self.front(sigma).active

    def front(self, sigma: float) -> Front:
        """The levels that are finished at this common sigma, those to evaluate and those that wait.

        Between two rungs, where samplers of higher order evaluate a second time, only levels that are active on both
        count: a run of one level has no evaluation above its first sigma either, nor below its last.
        """
        place = math.log(self.sigmas[0] / sigma) / self.rung
        last = [self._rung_of(self.sigma_max, ratio) + self.steps - 1 for ratio in self.ratios]
        late = min(self.sigma_max, self.wake_sigma)
        wake = [
            self._rung_of(self.sigma_max if level in self.at_once else late, ratio)
            for level, ratio in enumerate(self.ratios)
        ]
        finished, active, waiting = [], [], []
        for level, rungs in enumerate(zip(wake, last, strict=True)):
            if rungs[1] < place - _SLACK:
                finished.append(level)
            elif min(rungs) <= place + _SLACK:  # one that is to wake at its last sigma does, however both are rounded
                active.append(level)
            else:
                waiting.append(level)
        return Front(finished, _as_range(active, len(finished)), waiting)

    def progress(self, level: int, sigma: float) -> float:
        """How far `level` is in its own steps at this common sigma: 0 at its first, 1 at its last.

        Steps that it sleeps through count, so that a share of the steps means the same sigma at every ``wake_sigma``.
        """
        if self.steps == 1:
            return 1.0
        place = math.floor(math.log(self.sigmas[0] / sigma) / self.rung + _SLACK)
        return min(max((place - self._rung_of(self.sigma_max, self.ratios[level])) / (self.steps - 1), 0.0), 1.0)

    def _rung_of(self, own: float, ratio: float) -> int:
        """The first rung where a level of this ratio is at most half a rung above its own sigma ``own``."""
        return math.ceil(math.log(self.sigmas[0] * ratio / own) / self.rung - 0.5 - _SLACK)


def _as_range(levels: list[int], first: int) -> Sequence[int]:
    """The levels as a range where they follow each other; without any it begins at ``first``."""
    found = range(levels[0], levels[-1] + 1) if levels else range(first, first)
    return found if list(found) == levels else levels


def aligned_ladder(
    geometry: ZoomGeometry,
    sigma_max: float,
    sigma_min: float,
    steps: int,
    alignment: float = 1.0,
    largest_sigma: float = 1e12,
    wake_sigma: float | None = None,
) -> NoiseLadder:
    """The ladder for scale-aligned noise: the sigma of a level is its magnification^alignment times a common one.

    A ring's is that of its levels without the step that closes it.

    Args:
        geometry: gives the zoom factors; N levels.
        sigma_max, sigma_min: the range of one level (VE convention, z = x + sigma · noise).
        steps: evaluations of each level; the rungs are uniform in log sigma. A single one falls within half a rung of
            ``sigma_max``, and a rung then is from there to ``sigma_min``.
        alignment: 0 < alignment <= 1.
        largest_sigma: the common ladder is shifted down where it would begin above this; only the common sigmas
            change, not the levels' own.
        wake_sigma: levels below the widest are evaluated from this own sigma on, at least ``sigma_min``; None, the
            default, and values above ``sigma_max`` give all levels all steps.

    Raises:
        ValueError: for values outside these ranges.

    >>> from zoomstack_core import ZoomGeometry, aligned_ladder
    >>> ladder = aligned_ladder(ZoomGeometry(3, 16, 16, zoom_factor=2), sigma_max=80, sigma_min=0.01, steps=20)
    >>> [round(ratio, 3) for ratio in ladder.ratios], len(ladder.sigmas)
    ([0.25, 0.5, 1.0], 24)
    """
    if not 0 < alignment <= 1:
        raise ArgumentError("alignment", shown(alignment), "a number above 0, at most 1")
    if not 0 < sigma_min < sigma_max < math.inf:
        raise ArgumentError("sigma_min", f"is {sigma_min}", f"a number above 0, below `sigma_max`, {sigma_max}")
    if steps < 1:
        raise ArgumentError("steps", shown(steps), "at least 1 step per level")
    wake_sigma = math.inf if wake_sigma is None else wake_sigma
    if not wake_sigma >= sigma_min:
        raise ArgumentError("wake_sigma", shown(wake_sigma), f"None or a number of at least `sigma_min`, {sigma_min}")
    rung = math.log(sigma_max / sigma_min) / max(steps - 1, 1)
    depths = [0.0]
    for level in range(1, geometry.levels):
        parent = geometry.parent(level)
        depths.append(depths[parent or 0] + alignment * math.log(geometry.step_into(level).factor))
    deepest = max(depths)
    top = min(math.log(sigma_max) + deepest, math.log(largest_sigma))
    ratios = tuple(math.exp(math.log(sigma_max) + depth - top) for depth in depths)
    total = math.ceil(deepest / rung - 0.5 - _SLACK) + steps
    sigmas = (*(math.exp(top - n * rung) for n in range(total)), 0.0)
    return NoiseLadder(ratios, sigmas, sigma_max, rung, steps, wake_sigma)
