"""How many zoom levels there are: prompts, latents and guiders must agree."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from .checks import check_latents
from .host_types import Entry
from .network.batches import prompts_in
from .network.level_marks import ZOOM_LEVEL


def count_levels(conds: Mapping[str, list[Entry]], samples: Tensor, node: str, held: Tensor | None = None) -> int:
    """The number of levels that conditioning and latents agree on.

    Args:
        conds: the entries of a guider by kind ("positive", "negative", …); those with a mark are for one level, those
            with a batch of prompts have one for each.
        samples: latents, one per level or a single one.
        node: the display name of the node, for errors.
        held: bool [N], which levels are held, where Zoom Hold Levels gave the latents.

    Raises:
        ValueError: where they do not agree.
    """
    check_latents(samples)
    marks = {name: {entry[ZOOM_LEVEL] for entry in cond if ZOOM_LEVEL in entry} for name, cond in conds.items()}
    positive = marks.get("positive", set())
    batches = prompts_in(conds.get("positive", []))
    if not positive and batches:
        if len(batches) > 1:
            raise ValueError(
                f"{node}: positive has batches of {' and '.join(map(str, sorted(batches)))} prompts; expected one "
                "number, that of the zoom levels."
            )
        positive = set(range(*batches))
    levels = max(positive) + 1 if positive else len(samples)
    for name, own in marks.items():
        if own and max(own) >= levels:
            raise ValueError(
                f"{node}: {name} has prompts for {max(own) + 1} levels, positive for {levels}; "
                "connect both outputs of the same Zoom Prompt Schedule."
            )
    for name, cond in conds.items():
        missing = [i for i in range(levels) if all(entry.get(ZOOM_LEVEL, i) != i for entry in cond)]
        if missing and cond:
            raise ValueError(
                f"{node}: {name} has no prompt for level {missing[0] + 1} of {levels}; expected one "
                "for each: connect Zoom Prompt Schedule."
            )
    if positive and held is not None and len(held) == len(samples) != levels:
        kept = int(held.sum())
        raise ValueError(
            f"{node}: Zoom Hold Levels gives {len(held)} levels ({kept} held, {len(held) - kept} new), positive has "
            f"prompts for {levels}; write {len(held)} prompts in Zoom Prompt Schedule."
        )
    if positive and len(samples) not in (1, levels):
        raise ValueError(
            f"{node}: latent_image has a batch of {len(samples)}, positive has prompts for {levels} levels; "
            f"expected a batch of {levels}, or of 1, which then stands for every level."
        )
    return levels
