"""Conditioning that carries something of its own for every level: ControlNet hints and the keyframes of hooks."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .marks import ZOOM_LEVEL

Entry = dict[str, Any]
Entries = dict[str, list[Entry]]


def entries_per_level(conds: Entries, levels: int, own_sigmas: bool, video: bool) -> Entries:
    """Entries that hold several levels in one object, as one entry per level with its own copy.

    A ControlNet with a batch of hints has one hint per level; the host would show the first to all. Hooks with
    keyframes remember how far they are; where levels have sigmas of their own, every level's must go at its own pace.

    Args:
        conds: the host's converted entries by key; left as they are.
        own_sigmas: whether the levels' sigmas differ.
        video: whether a level is several frames; a batch of hints is then theirs.

    Raises:
        ValueError: for a batch of hints that is not one per level.
    """
    copies: dict[tuple[int, int], Any] = {}  # of one object for one level: entries that share it go on to do so
    return {
        key: [part for entry in entries for part in _per_level(entry, levels, own_sigmas, video, copies)]
        for key, entries in conds.items()
    }


def has_keyframes(entry: Entry) -> bool:
    """Whether the strength of the entry's hooks changes along the run."""
    return "hooks" in entry and any(not hook.hook_keyframe.is_empty() for hook in entry["hooks"].hooks)


def _per_level(
    entry: Entry, levels: int, own_sigmas: bool, video: bool, copies: dict[tuple[int, int], Any]
) -> list[Entry]:
    hints = "control" in entry and not video and _has_hint_batch(entry["control"], levels)
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


def _has_hint_batch(control: Any, levels: int) -> bool:
    found = False
    while control is not None:
        hints = len(control.cond_hint_original) if isinstance(control.cond_hint_original, Tensor) else 1
        if hints not in (1, levels):
            raise ValueError(
                f"Zoom sampling: a ControlNet got {hints} images for {levels} zoom levels; expected one image for all "
                "levels, or one per level."
            )
        found = found or hints > 1
        control = control.previous_controlnet
    return found


def _control_of_level(control: Any, level: int, levels: int, copies: dict[tuple[int, int], Any]) -> Any:
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
