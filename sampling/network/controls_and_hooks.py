"""Conditioning that carries something of its own for every level: ControlNet hints and the keyframes of hooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from ..host_types import ControlNet, Entries, Entry
from .batches import check_batch
from .level_marks import ZOOM_LEVEL


def check_hints(conds: Entries, levels: int, frames: int, node: str) -> None:
    """Raises ValueError for a ControlNet with hints that are neither one for all levels nor one per level.

    Args:
        frames: of one level's latent, 1 for pictures; a batch of hints may be theirs.
        node: the display name of the node.
    """
    for name, entries in conds.items():
        for entry in entries:
            for what, size in _hint_batches(entry.get("control"), frames):
                check_batch(size, levels, f"{node}: {name}: {what} of a ControlNet")


def entries_per_level(conds: Entries, levels: int, own_sigmas: bool, frames: int) -> Entries:
    """Entries that hold several levels in one object, as one entry per level with its own copy.

    A ControlNet with a batch of hints has one hint per level; the host would show the first to all. Hooks with
    keyframes remember how far they are; where levels have sigmas of their own, every level's must go at its own pace.

    Args:
        conds: the host's converted entries by key; left as they are.
        own_sigmas: whether the levels' sigmas differ.
        frames: of one level's latent, 1 for pictures; a batch of hints may be theirs.
    """
    copies: dict[tuple[int, int], Any] = {}  # of one object for one level: entries that share it go on to do so
    return {
        key: [part for entry in entries for part in _per_level(entry, levels, own_sigmas, frames, copies)]
        for key, entries in conds.items()
    }


def has_keyframes(entry: Entry) -> bool:
    """Whether the strength of the entry's hooks changes along the run."""
    return "hooks" in entry and any(not hook.hook_keyframe.is_empty() for hook in entry["hooks"].hooks)


def _per_level(
    entry: Entry, levels: int, own_sigmas: bool, frames: int, copies: dict[tuple[int, int], Any]
) -> list[Entry]:
    hints = any(size == levels for _, size in _hint_batches(entry.get("control"), frames))
    keyframes = own_sigmas and has_keyframes(entry)
    if levels == 1 or not (hints or keyframes):
        return [entry]
    parts = []
    for level in range(levels) if ZOOM_LEVEL not in entry else [entry[ZOOM_LEVEL]]:
        part = {**entry, ZOOM_LEVEL: level}
        if hints:
            part["control"] = _control_of_level(entry["control"], level, levels, copies)
        if keyframes:
            part["hooks"] = _hooks_of_level(entry["hooks"], level, copies)
        parts.append(part)
    return parts


def _hint_batches(control: ControlNet | None, frames: int) -> Iterator[tuple[str, int]]:
    """What the ControlNets of a chain got for pictures, and how many; several frames of a level are its own."""
    while control is not None and frames == 1:
        hints = [("the image", control.cond_hint_original), *(("the mask", mask) for mask in control.extra_concat_orig)]
        yield from ((what, len(hint)) for what, hint in hints if isinstance(hint, Tensor))
        control = control.previous_controlnet


def _control_of_level(control: ControlNet | None, level: int, levels: int, copies: dict[tuple[int, int], Any]) -> Any:
    """A copy of a ControlNet, with those before it in the chain, that has the level's hint alone."""
    if control is None:
        return None
    if (id(control), level) not in copies:
        own = control.copy()
        own.cond_hint_original = _own(control.cond_hint_original, level, levels)
        own.extra_concat_orig = [_own(extra, level, levels) for extra in control.extra_concat_orig]
        own.set_previous_controlnet(_control_of_level(control.previous_controlnet, level, levels, copies))
        # the clones on other devices share their weights, as the copies here do
        own.multigpu_clones = {
            device: _control_of_level(clone, level, levels, copies) for device, clone in control.multigpu_clones.items()
        }
        copies[id(control), level] = own
    return copies[id(control), level]


def _own(hint: Any, level: int, levels: int) -> Any:
    return hint[level : level + 1] if isinstance(hint, Tensor) and len(hint) == levels else hint


def _hooks_of_level(hooks: Any, level: int, copies: dict[tuple[int, int], Any]) -> Any:
    if (id(hooks), level) not in copies:
        own = hooks.clone()
        for hook in own.hooks:
            hook.hook_keyframe = hook.hook_keyframe.clone()
        copies[id(hooks), level] = own
    return copies[id(hooks), level]
