"""The per-step hook of joint multi-scale sampling: levels that agree after every evaluation, for any sampler."""

from __future__ import annotations

import torch
from torch import Tensor

from .blend import BLEND_MODES, blend_levels
from .geometry import ZoomGeometry
from .render import check_float, paste_into_wider, render_images
from .resample import compute_dtype, interacting_depth, links_into


class JointDenoiser:
    """Makes the levels' estimates agree at every step: blend, then render.

    With scale-aligned noise only some levels are evaluated at a time. The wider ones are finished: they keep their
    estimate, still count as observations of the deeper ones, and their centers follow those. The deeper ones wait:
    their estimate is what the level above shows of them. The object remembers the estimates between calls; use one
    per sampling run.

    Args:
        geometry: how the levels nest.
        blend: a mode of `blend_levels`.
        initial: [N, C, H, W], what the levels hold before sampling (image to image); zero if not given.

    Raises:
        ValueError: for an unknown mode or an ``initial`` that does not fit the geometry.

    Source: Generative Powers of Ten, Algorithm 2 (x = Π_image(L) and L = Blend(x̂)); the wavefront is ours.
    """

    def __init__(self, geometry: ZoomGeometry, blend: str = "laplacian", initial: Tensor | None = None):
        if blend not in BLEND_MODES:
            raise ValueError(f"blend must be one of {', '.join(BLEND_MODES)}, got {blend!r}")
        if initial is not None:
            geometry.check("initial", initial.shape)
        self.geometry = geometry
        self.blend = blend
        self.initial = initial
        self._estimates: Tensor | None = None

    def __call__(self, denoised: Tensor, active: range | None = None) -> Tensor:
        """Args: denoised, the model's estimates of the active levels [n, C, H, W]; active, those levels (default all).

        Returns:
            Estimates of all levels [N, C, H, W], a new tensor.

        Raises:
            ValueError: if ``denoised`` is not floating point and finite or does not fit ``active``, or if levels are
                taken as finished that were never evaluated.
        """
        levels = self.geometry.levels
        active = range(levels) if active is None else active
        if len(denoised) != len(active):
            raise ValueError(f"expected estimates of {len(active)} active levels, got {len(denoised)}")
        check_float("denoised", denoised)
        dtype = denoised.dtype
        denoised = denoised.to(compute_dtype(dtype))
        if len(active) == levels:
            self._estimates = render_images(self._blend(denoised, 0), self.geometry)
            return self._estimates.to(dtype, copy=True)
        if self._estimates is None:
            if active.start > 0:
                raise ValueError(f"levels below {active.start} are taken as finished, but none was evaluated yet")
            self._estimates = denoised.new_zeros(levels, *denoised.shape[1:])
        if len(active):
            self._update_known(self._estimates, denoised, active)
        self._update_waiting(self._estimates, active.stop)
        return self._estimates.to(dtype, copy=True)

    def _blend(self, estimates: Tensor, first: int) -> Tensor:
        """Layers of levels first … from their estimates."""
        return blend_levels(estimates, self.geometry.between(first, first + len(estimates)), self.blend)

    def _update_known(self, estimates: Tensor, denoised: Tensor, active: range) -> None:
        """Blends and renders the active levels and the finished ones that still see them."""
        first = min(level - interacting_depth(self.geometry, level) for level in active)
        part = self.geometry.between(first, active.stop)
        finished = estimates[first : active.start]
        layers = self._blend(torch.cat([finished, denoised]), first)
        layers[: len(finished)] = finished
        estimates[first : active.stop] = render_images(layers, part)
        for level in range(first, 0, -1):  # less than a pixel changes, but noisy states must go on to nest exactly
            paste_into_wider(estimates, self.geometry, level)

    def _update_waiting(self, estimates: Tensor, first: int) -> None:
        for level in range(max(first, 1), self.geometry.levels):
            own = torch.zeros_like(estimates[level]) if self.initial is None else self.initial[level].to(estimates)
            link = links_into(self.geometry, level, 1, estimates)
            if link is not None:
                own = own + link.expand(link.window.crop(estimates[level - 1]) - link.reduce(own))
            estimates[level] = own
