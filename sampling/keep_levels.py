"""A run of Zoom KSampler that samples only those levels that changed since the node's last runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..messages.node_text import NodeText
from ..zoomstack_core.geometry import ZoomGeometry
from .agreement.held import HELD
from .agreement.latents import LatentLayout
from .host_types import Latent, ModelPatcher
from .keeping.file import read_levels
from .keeping.fingerprints import level_fingerprints
from .keeping.store import KEPT, best_match
from .network.level_marks import Conditioning
from .noise.step_noise import sharing_of
from .options import ZoomSettings
from .zoom_ksampler import Levels, SamplingRequest, finished, gather_levels, sample_levels, sample_zoom

SHOWN_LEVELS = 12  # a text names so many


@dataclass(frozen=True)
class Keeping:
    """What a node keeps.

    Attributes:
        node_id: the node's id in its graph, under which its runs are remembered; "" remembers none.
        on: whether levels that did not change are kept. What was made is remembered in any case.
        file: of the output folder, with levels that count where none are in memory; "" is none.
    """

    node_id: str
    on: bool = False
    file: str = ""


def sample_keeping(
    model: ModelPatcher,
    positive: Conditioning,
    negative: Conditioning,
    latent: Latent,
    request: SamplingRequest,
    settings: ZoomSettings,
    text: NodeText,
    keeping: Keeping,
) -> Latent:
    """As `sample_zoom`, with the levels kept that did not change; where none did, nothing is sampled.

    A kept level is what it was, bit for bit, but where a level that is sampled now lies in it.

    Raises:
        ValueError: as of `sample_zoom`, and for a file that has no kept levels.
    """
    if HELD in latent:
        if keeping.on:
            text.notice(
                "keep does nothing where Zoom Hold Levels says which levels stay; connect an empty latent to "
                "latent_image, or set keep to off."
            )
        return sample_zoom(model, positive, negative, latent, request, settings, text)
    begun = gather_levels(model, positive, negative, latent, request, settings)
    fingerprints = _fingerprints(begun, model, request, settings)
    kept = _find(fingerprints, keeping, text) if keeping.on else {}
    if len(kept) == len(fingerprints):
        result = finished(begun.latent, torch.stack([kept[level] for level in range(len(kept))]), settings)
    elif kept:
        # through a VAE that loses much they may nest so badly that a check would take them for others'
        result = sample_levels(model, _with_held(begun, kept), request, settings, text, nested=True)
        result["samples"] = as_they_were(result["samples"], kept, begun.geometry, begun.layout)
    else:
        result = sample_levels(model, begun, request, settings, text)
    if keeping.node_id:
        KEPT.add(keeping.node_id, fingerprints, result["samples"])
    return result


def as_they_were(result: Tensor, kept: Mapping[int, Tensor], geometry: ZoomGeometry, layout: LatentLayout) -> Tensor:
    """The result [N, C, …] with kept levels [C, …] as they were, but where any that is not kept lies in them.

    In a ring every level shows all others, and what the run made of it stays.
    """
    if geometry.closed:
        return result
    pictures = layout.spread(result).clone()
    for level, latents in kept.items():
        made, pictures[level] = pictures[level].clone(), layout.spread(latents[None].to(result))[0]
        for new in sorted(set(range(geometry.levels)) - set(kept)):
            if level in geometry.path_to(new):
                rect = geometry.rect(level, new)
                rows = slice(math.floor(rect.top + 1e-6), math.ceil(rect.top + rect.height - 1e-6))
                columns = slice(math.floor(rect.left + 1e-6), math.ceil(rect.left + rect.width - 1e-6))
                pictures[level][..., rows, columns] = made[..., rows, columns]
    return layout.gather(pictures, result)


def _fingerprints(
    begun: Levels, model: ModelPatcher, request: SamplingRequest, settings: ZoomSettings
) -> tuple[str, ...]:
    noise = request.noise
    seed = (
        request.seed
        if noise is None
        else (type(noise).__qualname__, getattr(noise, "__dict__", noise), sharing_of(noise.seed))
    )
    steps = request.steps, request.cfg, request.sampler_name, request.scheduler, request.denoise
    run = seed, steps, settings.alignment, settings.blend
    conds, mask = begun.guider.original_conds, begun.latent.get("noise_mask")
    own = settings.photos, begun.level_seeds, run, settings.node
    return level_fingerprints(model, conds, begun.samples, mask, begun.geometry, *own)


def _find(fingerprints: tuple[str, ...], keeping: Keeping, text: NodeText) -> dict[int, Tensor]:
    """The levels to keep, which the node says."""
    runs, levels = KEPT.of(keeping.node_id), len(fingerprints)
    kept, source = best_match(runs, fingerprints), ""
    if not kept and keeping.file.strip():
        runs = [read_levels(keeping.file)]
        kept, source = best_match(runs, fingerprints), f" of {keeping.file.strip()}"
    if not kept:
        why = f"every level changed{source and ' since those' + source}" if runs else "none is in memory"
        text.state(f"kept none of {levels} levels, since {why}")
    elif len(kept) == levels:
        text.state(f"kept {f'all {levels} levels' if levels > 1 else 'its level'}{source}, sampled none")
    else:
        text.state(f"kept {len(kept)} of {levels} levels{source}, sampled {_named(set(range(levels)) - set(kept))}")
    return kept


def _named(levels: set[int]) -> str:
    """Levels as people count them: "level 7", "levels 3, 7"."""
    numbers = [str(level + 1) for level in sorted(levels)]
    if len(numbers) > SHOWN_LEVELS:
        numbers = [*numbers[:SHOWN_LEVELS], "…"]
    return f"level{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"


def _with_held(begun: Levels, kept: Mapping[int, Tensor]) -> Levels:
    """The same levels, those that are kept held."""
    samples = begun.samples.clone()
    held = torch.zeros(len(samples), dtype=torch.bool)
    for level, latents in kept.items():
        samples[level], held[level] = latents.to(samples), True
    return replace(begun, latent={**begun.latent, "samples": samples, HELD: held}, samples=samples)
