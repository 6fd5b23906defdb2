"""What a sampling node says of a run before it begins."""

from __future__ import annotations

from collections.abc import Iterator

from ..zoomstack_core.geometry import ZoomGeometry
from .agreement.blend_options import blending_notice
from .few_steps import few_steps_notices
from .host_types import LatentFormat, Sampler
from .noise.sigmas import LevelSigmas
from .options import ZoomSettings
from .rings import ring_notice


def run_notices(
    settings: ZoomSettings,
    geometry: ZoomGeometry,
    latent_format: LatentFormat,
    sampler: Sampler,
    sigmas: LevelSigmas,
    steps: int | None,
    cfg: float | None,
    held: frozenset[int],
) -> Iterator[str]:
    """What to say of a run of several levels; a single one is the host's own business.

    Args:
        sigmas: of the whole run.
        steps, cfg: as for `few_steps_notices`.
        held: levels that stay as they are.
    """
    if geometry.levels == 1:
        return
    said = (
        blending_notice(settings.blend, latent_format, settings.node),
        *few_steps_notices(sampler, sigmas, steps, cfg),
        ring_notice(geometry, sigmas, held),
    )
    yield from filter(None, said)
