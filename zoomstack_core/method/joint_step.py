"""The joint step of multi-scale sampling: levels that agree after every evaluation, for any denoiser and sampler."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import torch
from torch import Tensor

from ..errors import ArgumentError, shown
from ..geometry import ZoomGeometry
from ..tensors import check_float, compute_dtype
from .anchor import PhotoAnchor, PhotoAnchors
from .blend import BLEND_MODES, blend_levels
from .render import paste_into_wider, render_images
from .resample import interacting_depth, links_into
from .rows import rows_of

Join = Callable[[Tensor, Sequence[int]], Tensor]
"""(estimates [n, C, H, W], the levels that they are of) -> their layers [n, C, H, W]."""


class JointStep:
    """Makes the levels' estimates agree at every step: anchor to photographs, blend, then render.

    With scale-aligned noise only some levels are evaluated at a time. The wider ones are finished: they keep their
    estimate, still count as observations of the deeper ones, and their centers follow those. The deeper ones wait:
    their estimate is what the level above shows of them. The object remembers the estimates between calls; use one
    per sampling run.

    Args:
        geometry: how the levels nest.
        blend: a mode of `blend_levels`; "border" is the default.
        initial: [N, C, H, W], what the levels hold before sampling (image to image), also those that are finished when
            a run goes on; zero if not given.
        anchors: photographs that the levels are pulled towards before every blend.
        held: levels that are given [C, H, W] and stay as they are but for their pasted centers; they need no evaluation
            and count as observations of the deeper ones, from the first call on.
        start, end: a level's estimate is blended while its own progress lies in this range; else it is only rendered.
        keep_on: the device that keeps the estimates between calls; that of the first call if not given.
        sigma_data: standard deviation of what is sampled; how strong "border" takes the noise to be.
        grain: pixels that one value of what is sampled is wide, as of `blend_levels`.

    Raises:
        ValueError: for an unknown mode, a sigma_data or grain that is not positive, a tensor that does not fit the
            geometry, held levels that do not exist, or anchors that contradict each other.

    Source: Generative Powers of Ten, Algorithm 2 (x = Π_image(L) and L = Blend(x̂)) and section 4.4; the wavefront and
    held levels are ours.

    >>> import torch
    >>> from zoomstack_core import JointStep, ZoomGeometry, consistency_error
    >>> geometry = ZoomGeometry(levels=3, height=16, width=16, zoom_factor=2)
    >>> step = JointStep(geometry)
    >>> estimates = torch.rand(2, 3, 16, 16)  # of the two wider levels; the third one waits
    >>> agreeing = step(estimates, active=range(2))
    >>> agreeing.shape, bool(consistency_error(agreeing, geometry) < 1e-5)
    (torch.Size([3, 3, 16, 16]), True)
    """

    def __init__(
        self,
        geometry: ZoomGeometry,
        blend: str = "border",
        initial: Tensor | None = None,
        anchors: Sequence[PhotoAnchor] = (),
        held: Mapping[int, Tensor] | None = None,
        start: float = 0.0,
        end: float = 1.0,
        keep_on: torch.device | None = None,
        sigma_data: float = 1.0,
        grain: float = 1.0,
    ):
        if blend not in BLEND_MODES:
            raise ArgumentError("blend", shown(blend), f"one of {', '.join(BLEND_MODES)}")
        for name, value in (("sigma_data", sigma_data), ("grain", grain)):
            if not value > 0:
                raise ArgumentError(name, shown(value), "a number above 0")
        if initial is not None:
            geometry.check("initial", initial.shape)
        self.geometry = geometry
        self.blend = blend
        self.initial = initial
        self.held = dict(held or {})
        self.start, self.end = start, end
        self.sigma_data, self.grain = sigma_data, grain
        for level, image in self.held.items():
            if not 0 <= level < geometry.levels:
                raise ArgumentError("held", f"has a level {level}", f"levels from 0 to {geometry.levels - 1}")
            geometry.between(level, level + 1).check(f"held level {level}", (1, *image.shape))
        self._anchors = PhotoAnchors(geometry, anchors)
        self._keep_on = keep_on
        self._estimates: Tensor | None = None

    def __call__(
        self,
        denoised: Tensor,
        active: Sequence[int] | None = None,
        progress: Sequence[float] | None = None,
        blending: bool = True,
        sigmas: Sequence[float] | None = None,
        join: Join | None = None,
        waiting: Sequence[int] | None = None,
    ) -> Tensor:
        """The estimates of all levels, agreeing, from the model's estimates of some.

        Args:
            denoised: the model's estimates of the active levels [n, C, H, W].
            active: those levels, default all; what shows them is active too, or finished or held.
            progress: how far each active level is in its own schedule, 0 at its first step, 1 at its last; the
                default is the last.
            blending: False renders only.
            sigmas: of each active level's state (VE convention); the default is 0, as of finished ones.
            join: for this call, what makes layers of estimates in place of the blend mode.
            waiting: levels that are not begun; the default is all after the last active one.

        Returns:
            [N, C, H, W], a new tensor.

        Raises:
            ValueError: if ``denoised`` is not floating point and finite or does not fit ``active``, or if levels are
                taken as finished that were never evaluated.
        """
        estimates = self.update(denoised, active, progress, blending, sigmas, join, waiting)
        self._update_waiting(estimates, *self._front(active, waiting))
        return estimates.to(denoised.device, denoised.dtype, copy=True)

    def update(
        self,
        denoised: Tensor,
        active: Sequence[int] | None = None,
        progress: Sequence[float] | None = None,
        blending: bool = True,
        sigmas: Sequence[float] | None = None,
        join: Join | None = None,
        waiting: Sequence[int] | None = None,
    ) -> Tensor:
        """As a call, but waiting levels are left alone and the answer [N, C, H, W] is the object's own memory."""
        active, waiting = self._front(active, waiting)
        if len(denoised) != len(active):
            raise ArgumentError("denoised", f"has {len(denoised)} levels", f"the {len(active)} active ones")
        check_float("denoised", denoised)
        denoised = denoised.to(compute_dtype(denoised.dtype))
        if self._estimates is None:
            self._estimates = self._first(denoised, active, waiting)
        progress = [1.0] * len(active) if progress is None else progress
        self._update_known(self._estimates, denoised, active, waiting, progress, blending, sigmas, join)
        return self._estimates

    def _front(
        self, active: Sequence[int] | None, waiting: Sequence[int] | None
    ) -> tuple[Sequence[int], Sequence[int]]:
        active = range(self.geometry.levels) if active is None else active
        if waiting is None:
            after = active.stop if isinstance(active, range) else max(active, default=-1) + 1
            waiting = range(after, self.geometry.levels)
        return active, waiting

    def _first(self, denoised: Tensor, active: Sequence[int], waiting: Sequence[int]) -> Tensor:
        finished = sorted(set(range(self.geometry.levels)) - {*active, *waiting, *self.held})
        if self.initial is None and finished:
            raise ValueError(f"levels {finished} are taken as finished, but none was evaluated yet")
        device = denoised.device if self._keep_on is None else self._keep_on
        shape = self.geometry.levels, *denoised.shape[1:]
        estimates = torch.zeros(shape, dtype=denoised.dtype, device=device)
        if self.initial is not None:
            estimates += self.initial.to(estimates)
        for level, image in self.held.items():
            estimates[level] = image.to(estimates)
        return estimates

    def _update_known(
        self,
        estimates: Tensor,
        denoised: Tensor,
        active: Sequence[int],
        waiting: Sequence[int],
        progress: Sequence[float],
        blending: bool,
        sigmas: Sequence[float] | None,
        join: Join | None,
    ) -> None:
        """Blends and renders the active levels, the finished ones that still see them, and held ones next to them."""
        geometry, numbers = self._closed_as_far_as(active, waiting, sigmas)
        offset = numbers.index(0)  # copies of levels that show a ring's level 0 come before it
        copies = {place: number for place, number in enumerate(numbers) if number != place - offset}
        places = [level + offset for level in active]
        held = {level + offset for level in self.held} | copies.keys()
        concerned = _concerned(geometry, places, [level + offset for level in waiting], held)
        if not concerned:
            return
        part, row = geometry.subset(concerned), {place: row for row, place in enumerate(concerned)}
        own = torch.empty(len(concerned), *estimates.shape[1:], dtype=denoised.dtype, device=denoised.device)
        own[rows_of([row[place] for place in places])] = denoised
        others = [place for place in concerned if place not in places]
        own[rows_of([row[place] for place in others])] = estimates[rows_of([numbers[p] for p in others])].to(own)
        levels = [-1 if place in copies else numbers[place] for place in concerned]
        for level in self.held.keys() & set(levels):
            own[levels.index(level)] = self.held[level].to(own)
        at = dict(zip(active, progress, strict=True))
        free = {level: done for level, done in at.items() if level not in self.held}
        own = self._anchors.pull(own, levels, free)
        blended = [level for level, done in free.items() if blending and self.start <= done <= self.end]
        layers = own
        if blended and (join is not None or self.blend != "none"):
            rows = torch.tensor([levels.index(level) for level in blended], device=own.device)
            noise = [0.0] * len(own)
            for level, sigma in zip(active, sigmas or (), strict=bool(sigmas)):
                noise[levels.index(level)] = sigma / self.sigma_data
            joined = blend_levels(own, part, self.blend, noise, self.grain) if join is None else join(own, levels)
            layers = own.index_copy(0, rows, joined[rows])
            layers = self._anchors.pull(layers, levels, free, last_only=True)
        kept = [level for level in levels if level >= 0]
        estimates[rows_of(kept)] = render_images(layers, part)[rows_of([levels.index(level) for level in kept])].to(
            estimates.device
        )
        # less than a pixel changes, but noisy states must go on to nest exactly
        opened = self.geometry.opened
        for level in _around(opened, [level for level in kept if opened.parent(level) not in kept]):
            paste_into_wider(estimates, self.geometry, level)

    def _closed_as_far_as(
        self, active: Sequence[int], waiting: Sequence[int], sigmas: Sequence[float] | None
    ) -> tuple[ZoomGeometry, Sequence[int]]:
        """The geometry of this call, and which level each of its levels is.

        A ring is one where all levels are there with the same noise. Else it is open, and once more in it are, as if
        they were held: level 0 in its parent, from when it is finished; before that what is held and shows level 0.
        """
        geometry, every = self.geometry, range(self.geometry.levels)
        there = {*active, *self.held}
        if not geometry.closed or (len(there) == len(every) and len(set(sigmas or ())) <= 1):
            return geometry, every
        if 0 not in active and 0 not in waiting:
            return geometry.with_level_0_again, [*every, 0]
        depth, most = 0, interacting_depth(geometry, 0)
        while depth < most and geometry.ancestor(0, depth + 1) in self.held.keys() - {0}:
            depth += 1
        return geometry.unrolled(depth) if depth else (geometry.opened, every)

    def _update_waiting(self, estimates: Tensor, active: Sequence[int], waiting: Sequence[int]) -> None:
        geometry = self.geometry.opened
        blank = [level for level in waiting if level > 0 and level not in self.held]
        fill_waiting(estimates, geometry, blank, self.initial)
        beyond = [level for level in self.held if set(geometry.path_to(level)) & set(blank)]
        for level in _around(geometry, beyond):
            paste_into_wider(estimates, geometry, level)


JointDenoiser = JointStep  # its name before it was called what it is


def _concerned(
    geometry: ZoomGeometry, active: Sequence[int], waiting: Sequence[int], held: Collection[int]
) -> list[int]:
    """The levels that an update of the active ones has to do with, in rising order."""
    chosen = set(active) or {level for level in held if geometry.parent(level) not in waiting}
    for level in range(geometry.levels):
        if level in held and geometry.parent(level) in chosen:
            chosen.add(level)
    for level in sorted(chosen):
        for depth in range(1, interacting_depth(geometry, level) + 1):
            wider = geometry.ancestor(level, depth)
            assert wider is not None, "interacting_depth"
            chosen.add(wider)
    return sorted(chosen)


def _around(geometry: ZoomGeometry, levels: Sequence[int]) -> list[int]:
    """The levels and all that show them but the widest, the deepest first."""
    return sorted({wider for level in levels for wider in geometry.path_to(level)} - {0}, reverse=True)


def fill_waiting(
    estimates: Tensor, geometry: ZoomGeometry, waiting: Sequence[int], initial: Tensor | None = None
) -> None:
    """Writes into the waiting levels of ``estimates`` [N, C, H, W] what the level above shows of each, in place.

    Args:
        waiting: levels above 0, in rising order.
        initial: [N, C, H, W], gives the detail that the level above cannot show; none if not given.
    """
    for level in waiting:
        own = torch.zeros_like(estimates[level]) if initial is None else initial[level].to(estimates)
        link = links_into(geometry, level, 1, estimates)
        if link is not None:
            own = own + link.expand(link.window.crop(estimates[geometry.parent(level)]) - link.reduce(own))
        estimates[level] = own
