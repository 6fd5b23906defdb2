"""Variants of "overlap counted once": what the network is asked about the overlap, and how its answer is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.blend import blend_levels
from zoomstack_core.method.joint_step import JointStep
from zoomstack_core.method.ladder import Front
from zoomstack_core.method.overlap import DenoiseOverlap, estimate_overlaps
from zoomstack_core.method.resample import links_into

PROMPTS = ("wider", "deeper", "none")


@dataclass(frozen=True)
class Overlap:
    """How the overlap is evaluated and used; the default is the product's.

    Attributes:
        prompt: whose prompt the overlap gets: that of the wider level, of the deeper one, or none at all.
        guidance: cfg there; None for that of the levels.
        limit: largest absolute value of what the wider level adds to the deeper one (images have -1 … 1).
        below, above: the overlap is counted once only while the wider level's sigma is below, or not below, these;
            else the two are joined by border blending.
    """

    prompt: str = "wider"
    guidance: float | None = None
    limit: float | None = None
    below: float | None = None
    above: float | None = None

    def __post_init__(self) -> None:
        if self.prompt not in PROMPTS:
            raise ValueError(f"prompt must be one of {', '.join(PROMPTS)}, got {self.prompt!r}")

    def counts(self, sigma: float) -> bool:
        """Whether the overlap is counted once at this sigma of the wider level."""
        return (self.below is None or sigma < self.below) and (self.above is None or sigma >= self.above)


AS_OFFERED = Overlap()


class VariedOverlapStep:
    """`OverlapStep` with the limits of an `Overlap`.

    Args:
        sigma_data: standard deviation of the images, for border blending.
    """

    def __init__(
        self, geometry: ZoomGeometry, denoise_overlap: DenoiseOverlap, variant: Overlap, sigma_data: float = 1.0
    ) -> None:
        self.geometry, self.denoise_overlap = geometry, denoise_overlap
        self.variant, self.sigma_data = variant, sigma_data
        self._step = JointStep(geometry)

    def joined(self, denoised: Tensor, z: Tensor, sigma: Tensor, front: Front) -> Tensor:
        """As the product's."""
        overlaps = estimate_overlaps(self.geometry, self.denoise_overlap, z, sigma, front.active)
        sigmas = dict(zip(front.active, sigma.tolist(), strict=True))

        def join(estimates: Tensor, levels: Sequence[int]) -> Tensor:
            return self._join(estimates, levels, overlaps, sigmas)

        return self._step(denoised, front.active, join=join, waiting=front.waiting)

    def _join(
        self, estimates: Tensor, levels: Sequence[int], overlaps: Mapping[int, Tensor], sigmas: Mapping[int, float]
    ) -> Tensor:
        layers = estimates.clone()
        for row in range(1, len(layers)):
            wider = levels[row - 1]
            overlap = overlaps.get(wider + 1)
            link = links_into(self.geometry, wider + 1, 1, layers)
            if link is None or overlap is None:
                continue
            if self.variant.counts(sigmas[wider]):
                correction = link.window.crop(layers[row - 1]) - overlap.to(layers)
                if self.variant.limit is not None:
                    correction = correction.clamp(-self.variant.limit, self.variant.limit)
                layers[row] += link.expand(correction)
            else:
                pair = self.geometry.between(wider, wider + 2)
                noise = [sigmas[level] / self.sigma_data for level in (wider, wider + 1)]
                layers[row] = blend_levels(layers[row - 1 : row + 1], pair, "border", noise)[1]
        return layers
