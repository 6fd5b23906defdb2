"""Held levels: finished levels of a stack that stay as they are while others are sampled around them.

They travel in the host's LATENT, as one more tensor beside the samples: which levels are held.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ...zoomstack_core.errors import ArgumentError
from ...zoomstack_core.geometry import ZoomGeometry, step_rect
from ...zoomstack_core.method.mismatch import LARGEST_DISAGREEMENT, find_mismatch
from ...zoomstack_core.quoting import short
from ..host_types import Latent
from .latents import LatentLayout

HELD = "zoom_held"  # key of a LATENT: bool [levels]


def hold_levels(latent: Latent, chosen: list[int], wider: int, deeper: int) -> Latent:
    """A LATENT for Zoom KSampler with some levels of a finished stack held and the others blank.

    Args:
        latent: the host's LATENT of a finished stack.
        chosen: which of its levels to hold.
        wider, deeper: how many new levels to add before and after.
    """
    samples = latent["samples"]
    total = wider + len(samples) + deeper
    held = torch.zeros(total, dtype=torch.bool)
    held[[wider + level for level in chosen]] = True
    blank = samples.new_zeros(total, *samples.shape[1:])
    blank[held.to(blank.device)] = samples[chosen]
    kept = {key: value for key, value in latent.items() if key not in ("noise_mask", "batch_index")}
    return {**kept, "samples": blank, HELD: held}


def parse_levels(text: str, levels: int, first: int) -> list[int]:
    """Levels named by text such as "2-5, 8" or "all", in ascending order, counted from 0.

    Args:
        text: what a person typed.
        levels: how many there are.
        first: what the person calls the widest.

    Raises:
        ArgumentError: for other text, or levels that do not exist.
    """
    last = first + levels - 1
    expected = f"all, or levels from {first} to {last}, such as {first}" + (f" or {first}-{last}" if levels > 1 else "")
    if text.strip().lower() == "all":
        return list(range(levels))
    chosen: set[int] = set()
    for part in filter(None, re.split(r"[,;\s]+", re.sub(r"\s*(-|–|\.\.)\s*", "-", text.strip()))):
        match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part)
        if match is None:
            raise ArgumentError("levels", f"has {short(part)}", expected)
        begin = int(match[1])
        end = int(match[2] or begin)
        if begin > end:
            raise ArgumentError("levels", f"has {short(part)[1:-1]}, which runs backwards ({end}-{begin})", expected)
        if not first <= begin <= end <= last:
            raise ArgumentError("levels", f"has {short(part)[1:-1]}, which the stack has not", expected)
        chosen.update(range(begin - first, end - first + 1))
    if not chosen:
        raise ArgumentError("levels", f"is {short(text)}", expected)
    return sorted(chosen)


def held_levels(latent: Latent, channels: int) -> frozenset[int]:
    """The levels that a LATENT holds.

    Raises:
        ValueError: if it was changed so that they no longer fit, or is of another model.
    """
    held = latent.get(HELD)
    if held is None:
        return frozenset()
    samples = latent["samples"]
    if len(held) != len(samples):
        raise ValueError(
            f"Zoom Hold Levels: latent holds levels of a stack of {len(held)}, but has {len(samples)} levels now; "
            "connect Zoom Hold Levels to Zoom KSampler directly."
        )
    if samples.shape[1] != channels:
        raise ValueError(
            f"Zoom Hold Levels: latent has {samples.shape[1]} channels, the model's latents have {channels}; hold "
            "levels that the same kind of model made."
        )
    return frozenset(int(level) for level in held.nonzero())


def with_held(latents: Tensor, held: Latent, channels: int, node: str) -> tuple[Tensor, frozenset[int]]:
    """Latents [N, C, …] with the held levels of a LATENT in place of theirs, and which these are.

    Args:
        latents: what the host's node ``node`` samples, which knows nothing of held levels.
        held: what Zoom Hold Levels gave.
        channels: of the model's latents.

    Raises:
        ValueError: for a LATENT without held levels, or of other levels than ``latents``.
    """
    if HELD not in held:
        raise ValueError(f"{node}: held has no held levels; connect the latent that Zoom Hold Levels gives.")
    levels, samples = held_levels(held, channels), held["samples"]
    if samples.shape != latents.shape:
        raise ValueError(
            f"{node}: held has the shape {list(samples.shape)}, latent_image {list(latents.shape)}; expected the same: "
            "an empty latent of that size with the number of levels from Zoom Hold Levels as batch_size."
        )
    latents = latents.clone()
    for level in levels:
        latents[level] = samples[level].to(latents)
    return latents, levels


def check_nesting(held: Mapping[int, Tensor], geometry: ZoomGeometry) -> None:
    """Raises ValueError where held levels [C, H, W] that lie in each other do not nest as ``geometry`` says."""
    for levels in _families(sorted(held), geometry):
        mismatch = find_mismatch(torch.stack([held[level] for level in levels]), geometry.subset(levels))
        if mismatch is not None:
            wide, deep = (levels[row] for row in mismatch.pairs[0])
            step = geometry.step_into(deep)
            raise ValueError(
                f"Zoom Hold Levels: latent does not nest at zoom factor {step.factor:g} and focus "
                f"({step.focus[0]:g}, {step.focus[1]:g}): levels {wide + 1} and {deep + 1} (of all, from 1) differ "
                f"by {mismatch.differences[0]:.2f} of their spread, expected below {LARGEST_DISAGREEMENT}. "
                f"{mismatch.guess and mismatch.guess + ' '}{_places(geometry, wide, deep)}Give Zoom KSampler the zoom "
                "factor and focus that the levels were made with."
            )


def _places(geometry: ZoomGeometry, wide: int, deep: int) -> str:
    """What may have moved a level that others have come beside."""
    if len(geometry.children(wide)) < 2:
        return ""
    return (
        f"Several levels lie in level {wide + 1}: with one focus for all they stand beside each other, and level "
        f"{deep + 1} has moved for that. Give Zoom Geometry one line of focus per level, with the old place of level "
        f"{deep + 1}. "
    )


def _families(levels: list[int], geometry: ZoomGeometry) -> list[list[int]]:
    """Rising levels, together where they are parents and children."""
    families: dict[int, list[int]] = {}
    head: dict[int, int] = {}
    for level in levels:
        parent = geometry.opened.parent(level)
        head[level] = level if parent is None else head.get(parent, level)
        families.setdefault(head[level], []).append(level)
    return list(families.values())


def restored(
    result: Tensor, given: Tensor, held: frozenset[int], geometry: ZoomGeometry, layout: LatentLayout
) -> Tensor:
    """The result [N, C, …] with every held level as it was given, but for what others cover of it."""
    pictures = layout.spread(result).clone()
    originals = layout.spread(given.to(result))
    for level in held:
        center = pictures[level].clone()
        pictures[level] = originals[level]
        for child in geometry.children(level):
            top, left, height, width = step_rect(geometry.step_into(child), geometry.height, geometry.width)
            rows = slice(math.floor(top + 1e-6), math.ceil(top + height - 1e-6))
            columns = slice(math.floor(left + 1e-6), math.ceil(left + width - 1e-6))
            pictures[level][..., rows, columns] = center[..., rows, columns]
    return layout.gather(pictures, result)
