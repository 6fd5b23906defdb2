"""What decides a zoom level for itself, as a fingerprint: a level with the same one need not be sampled again.

A level's own are its prompts and their regions, its place in the widest level, its noise, what it starts from, and the
photographs that it shows. Model, seed, steps and all other settings count for every level. What the levels around it
show does not count: they are fitted to it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ...zoomstack_core.geometry import ZoomGeometry, step_rect
from ..agreement.photos import Photo
from ..host_types import Entries, ModelPatcher
from ..network.batches import items_per_level
from ..network.level_marks import ZOOM_LEVEL, ZOOM_PARENT
from .content import content

DIGITS = 6  # of a place, as a part of a side: that it is written in another way is no other place


def level_fingerprints(
    model: ModelPatcher,
    conds: Entries,
    samples: Tensor,
    mask: Tensor | None,
    geometry: ZoomGeometry,
    photos: Sequence[Photo],
    level_seeds: Mapping[int, int],
    run: Sequence[Any],
    node: str,
) -> tuple[str, ...]:
    """One per level.

    Args:
        conds: the entries of positive and negative, with their embeddings, as the host converts them.
        samples: what the levels start from [N, C, …].
        mask: where they are sampled, one for all levels or one per level, or None.
        geometry: how the levels nest.
        photos: that the levels show.
        level_seeds: of levels that have one of their own.
        run: what counts for all levels: the seed, steps, blending, ….
        node: the display name of the node, for errors.

    Raises:
        ValueError: for a batch in the conditioning that does not fit the levels.
    """
    frames = samples.shape[2] if samples.ndim == 5 else 1
    entries = [
        (kind, entry.get(ZOOM_LEVEL), content({key: part for key, part in entry.items() if key not in NOT_READ}))
        for kind, own in items_per_level(conds, len(samples), frames, node).items()
        for entry in own
    ]
    closing = _place(geometry, 0) if geometry.closed else None
    of_all = content(model, run, geometry.prefilter, closing)
    shown_photos = [(photo, _content_of_photo(photo)) for photo in photos]

    def fingerprint(level: int) -> str:
        path = geometry.path_to(level)
        own_mask = None if mask is None else mask[level if len(mask) == len(samples) else 0]
        return content(
            of_all,
            [(kind, shown) for kind, of_level, shown in entries if of_level in (None, level)],
            [_place(geometry, step) for step in path[1:]],
            level_seeds.get(level),
            samples[level],
            own_mask,
            [(path.index(photo.level), shown) for photo, shown in shown_photos if photo.level in path],
        )

    return tuple(fingerprint(level) for level in range(len(samples)))


# An entry's number changes where another level comes before it; the host names every entry anew.
NOT_READ = (ZOOM_LEVEL, ZOOM_PARENT, "uuid")


def _place(geometry: ZoomGeometry, level: int) -> tuple[float, float, float]:
    """Where a level lies in its parent: the factor, and its left and upper edge as parts of a side."""
    rect, step = step_rect(geometry.step_into(level), geometry.height, geometry.width), geometry.step_into(level)
    return step.factor, round(rect.left / geometry.width, DIGITS), round(rect.top / geometry.height, DIGITS)


def _content_of_photo(photo: Photo) -> str:
    return content(photo.image, photo.method, photo.strength, photo.start, photo.end, photo.fit, photo.vae)
