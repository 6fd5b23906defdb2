"""Latents to start from: whether their levels nest as the sampler that goes on with them takes it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ...zoomstack_core.geometry import ZoomGeometry
from ...zoomstack_core.method.mismatch import find_mismatch
from ...zoomstack_core.nesting import Nesting
from .blend_options import resamples_badly
from .held import HELD

NESTING = "zoom_nesting"  # key of a LATENT: the Nesting that its levels were sampled with


def other_nesting(
    latent: dict[str, Any], pictures: Tensor, geometry: ZoomGeometry, nesting: Nesting, latent_format: Any, noisy: bool
) -> str:
    """What to say of latents that nest in another way than here: deeper levels would be pasted into wrong places.

    Args:
        latent: the host's LATENT, from which a run goes on. Held levels are checked elsewhere, where they are used.
        pictures: its levels as `LatentLayout` spreads them [N, C, H, W].
        geometry: of ``pictures``, by ``nesting``, what the sampler is set to.
        noisy: whether the levels have noise left.

    Returns:
        No text where they nest as here, or that cannot be told.
    """
    made: Nesting | None = latent.get(NESTING)
    differs = made is not None and not made.same_steps(nesting)
    guess = ""
    if HELD in latent or not pictures.any():
        return ""
    if noisy or resamples_badly(latent_format):  # then the levels need not nest in numbers
        if not differs:
            return ""
    else:
        mismatch = find_mismatch(pictures, geometry)
        if mismatch is None:
            return ""
        guess = mismatch.guess
    if differs:
        guess = f"They were sampled with {made}; connect geometry of that sampler to geometry here."
    return f"The levels of latent_image do not show the same places at {nesting}. {guess}".rstrip()
