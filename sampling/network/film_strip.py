"""The film strip: zoom levels side by side, so that the host batches, chunks and schedules them as areas.

Every level has its own prompts, and prompts differ in length, hooks and areas; stacking their tensors would lose
that. Instead the levels are laid out along the width as one wide latent, and each level's conditioning entries become
ordinary area entries of it. The host then groups what can go into one batch, splits what does not fit into memory, and
spreads the rest over its devices, as it does for any areas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import comfy.conds
import comfy.samplers
import torch
from torch import Tensor

from ..host_types import Cond, Entry, Executor, Model
from .batches import model_conds_of_level
from .controls_and_hooks import has_keyframes
from .out_of_memory import Portions

STRIP = "zoom_strip"  # conditioning entry key: the FilmStrip that the entry stands for
LEVEL_SIGMA = "zoom_sigma"  # model conditioning key: the entry's own sigma, read by `with_level_sigma`

OwnSigmas = Callable[[int], Tensor]  # a level -> the sigmas of its steps


class FilmStrip:
    """The processed conditioning entries of all levels for one of positive, negative, ….

    Args:
        levels: per level, its entries as ``comfy.samplers.process_conds`` returns them for a batch of one.
        dims: the size of one level's latent without batch and channels, ([T,] H, W).
        device: where the model samples.
    """

    def __init__(self, levels: list[list[Entry]], dims: tuple[int, ...], device: torch.device):
        self.levels = levels
        self.dims = dims
        self.device = device

    def handle(self) -> list[Entry]:
        """A valid list of entries (level 0's) that leads back here, for code between the guider and the model."""
        return [{**entry, STRIP: self} for entry in self.levels[0]]

    def entries(self, active: Sequence[int], sigmas: Tensor | None) -> list[Entry]:
        """The area entries of the active levels, in order along the strip.

        Args:
            active: the levels on the strip.
            sigmas: [len(active)], each level's own sigma, or None where all share that of the call.
        """
        laid = []
        for place, level in enumerate(active):
            for entry in self.levels[level]:
                sigma = None if sigmas is None else sigmas[place]
                if sigma is None or _in_time_range(entry, float(sigma)):
                    laid.append(self._on_strip(entry, place, len(active), sigma))
        return laid

    def must_be_cut(self, active: Sequence[int], own_sigmas: bool) -> bool:
        """Whether the host must see the active levels one at a time.

        "default" entries fill what others leave free of a whole latent; a ControlNet and the keyframes of hooks know
        one sigma per call.
        """
        return any(
            "default" in entry or (own_sigmas and ("control" in entry or has_keyframes(entry)))
            for level in active
            for entry in self.levels[level]
        )

    def _on_strip(self, entry: Entry, place: int, places: int, sigma: Tensor | None) -> Entry:
        area = self._area(entry)
        strip_dims = (*self.dims[:-1], self.dims[-1] * places)
        moved = list(area)
        moved[-1] += place * self.dims[-1]
        laid = {key: value for key, value in entry.items() if key != "mask_strength"}
        laid["area"] = tuple(moved)
        laid["mask"] = self._mask(entry, moved, strip_dims)
        # spatial conditioning is cropped to the level here: the host would crop it again at the strip's position
        crop = area if "area" in entry else None
        laid["model_conds"] = {
            key: _cropped(value, crop) if type(value) is comfy.conds.CONDNoiseShape else value
            for key, value in entry["model_conds"].items()
        }
        if sigma is not None:
            for bound in ("timestep_start", "timestep_end"):
                laid.pop(bound, None)
            laid["model_conds"][LEVEL_SIGMA] = comfy.conds.CONDRegular(sigma.reshape(1))
        return laid

    def _area(self, entry: Entry) -> list[int]:
        """[size of each dimension …, start of each …] inside one level, clipped as the host clips it."""
        rank = len(self.dims)
        if "area" not in entry:
            return [*self.dims, *([0] * rank)]
        area = comfy.samplers.add_area_dims(list(entry["area"]), rank)
        sizes, starts = area[:rank], area[len(area) // 2 : len(area) // 2 + rank]
        return [min(d - start, size) for d, start, size in zip(self.dims, starts, sizes, strict=True)] + starts

    def _mask(self, entry: Entry, area: list[int], strip_dims: tuple[int, ...]) -> Tensor:
        """[1, *strip_dims]. Always there: without one the host would feather the borders between levels."""
        if "mask" not in entry and "area" not in entry:
            return torch.ones((1,) * (len(strip_dims) + 1), device=self.device).expand(1, *strip_dims)
        like = torch.empty((1, 1, *self.dims), device=self.device)
        probe: Entry = {key: entry[key] for key in ("area", "mask", "mask_strength") if key in entry}
        probe |= {"model_conds": {}, "uuid": None}
        weight = comfy.samplers.get_area_and_mult(probe, like, like.new_zeros(1))
        mask = like.new_zeros(1, *strip_dims)
        block = mask
        for dim, (size, start) in enumerate(zip(area[: len(strip_dims)], area[len(strip_dims) :], strict=True)):
            block = block.narrow(dim + 1, start, size)
        block.copy_(weight.mult[:, 0])
        return mask


def run_strip(
    executor: Executor,
    model: Model,
    conds: list[Cond],
    x: Tensor,
    sigma: Tensor,
    model_options: dict[str, Any],
    active: Sequence[int],
    own_sigmas: OwnSigmas | None,
    portions: Portions,
    levels: int,
) -> list[Tensor]:
    """A CALC_COND_BATCH call over the levels ``x`` [n, C, …, H, W], as calls over their strips: one if it fits.

    Args:
        sigma: [n], the sigma of each level in ``x``.
        active: which levels those are.
        own_sigmas: where the levels' sigmas differ, all those of a level.
        levels: how many there are, active or not.

    Returns:
        One [n, C, …, H, W] per entry of ``conds``.
    """
    strips = [strip_of(cond) for cond in conds]
    for i, cond in enumerate(conds):
        if strips[i] is None and cond:
            # a patch's own, processed for all levels as one batch
            own = [model_conds_of_level(cond, level, levels) for level in range(max(active) + 1)]
            strips[i] = FilmStrip(own, tuple(x.shape[2:]), x.device)

    def evaluate(part: Sequence[int], together: bool) -> list[Tensor]:
        start = active.index(part[0])
        rows = slice(start, start + len(part))
        own = x[rows], sigma[rows]
        if together:
            return _call(executor, model, strips, *own, model_options, part, own_sigmas)
        return [_call(executor, model, [strip], *own, model_options, part, own_sigmas)[0] for strip in strips]

    return portions.run(evaluate, active)


def _call(
    executor: Executor,
    model: Model,
    strips: list[FilmStrip | None],
    x: Tensor,
    sigma: Tensor,
    model_options: dict[str, Any],
    active: Sequence[int],
    own_sigmas: OwnSigmas | None,
) -> list[Tensor]:
    differ = own_sigmas is not None
    # some networks look up the sigma after their own in the schedule (HunyuanImage 2.1 distilled)
    looks_ahead = differ and getattr(model.diffusion_model, "time_r_in", None) is not None
    if looks_ahead or any(strip is not None and strip.must_be_cut(active, differ) for strip in strips):
        calls = []
        for i, level in enumerate(active):
            own = [None if strip is None else strip.levels[level] for strip in strips]
            options = with_sample_sigmas(model_options, own_sigmas(level)) if own_sigmas else model_options
            calls.append(executor(model, own, x[i : i + 1], sigma[i : i + 1], options))
        return [torch.cat(outputs) for outputs in zip(*calls, strict=True)]
    laid = [None if strip is None else strip.entries(active, sigma if differ else None) for strip in strips]
    outputs = executor(model, laid, torch.cat(list(x.split(1)), dim=-1), sigma[:1], model_options)
    return [torch.cat(output.chunk(len(x), dim=-1)) for output in outputs]


def with_sample_sigmas(model_options: dict[str, Any], sigmas: Tensor) -> dict[str, Any]:
    """The options with a level's own schedule in place of that of the run: what comes next for it is there."""
    return {**model_options, "transformer_options": {**model_options["transformer_options"], "sample_sigmas": sigmas}}


def strip_of(cond: Cond) -> FilmStrip | None:
    """The film strip that a list of entries stands for, if any."""
    return next((entry[STRIP] for entry in cond or () if STRIP in entry), None)


def with_level_sigma(executor: Executor, x: Tensor, t: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """An APPLY_MODEL wrapper: every entry of a batch is evaluated at its own sigma."""
    sigma = kwargs.pop(LEVEL_SIGMA, None)
    return executor(x, t if sigma is None else sigma.to(t), *args, **kwargs)


def _in_time_range(entry: Entry, sigma: float) -> bool:
    return entry.get("timestep_end", sigma) <= sigma <= entry.get("timestep_start", sigma)


def _cropped(cond: comfy.conds.CONDNoiseShape, area: list[int] | None) -> comfy.conds.CONDRegular:
    return comfy.conds.CONDRegular(cond.process_cond(batch_size=1, area=area).cond)
