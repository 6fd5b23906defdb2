"""How the levels' estimates agree: by the pack's own code, as latents or as pictures through the VAE."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.pictures import Change
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.joint_step import JointStep
from zoomstack_core.method.ladder import Front

from .network import pack

Agree = Callable[[Tensor, Front, Any], Tensor]
"""(estimates of the active levels [n, C, h, w], the front, a `Moment`) -> latents of all levels [N, C, h, w]."""


def agreement(space: str, blend: str, vae: Any, latents: ZoomGeometry, pictures: ZoomGeometry) -> Agree:
    """As `make_agreement` of the pack, for one run.

    Args:
        space: "pixels" or "latent".
        blend: a mode of `blend_levels`.
        vae: a `VaeSpace`, or what decodes and encodes as it does.
        latents, pictures: the geometry of both.
    """
    layout = pack("sampling.agreement.latents").PLAIN
    if space == "latent":
        return pack("sampling.agreement.in_latents").LatentAgreement(JointStep(latents, blend), 1, layout)
    of_pictures = JointStep(pictures, blend, grain=pictures.width / latents.width)
    return pack("sampling.agreement.vae_round_trip").PixelAgreement(of_pictures, 1, layout, vae, latents)


def moment(steps_left: int, sigmas: Tensor) -> Any:
    """Of a step, for an `Agree` that blends at every one."""
    return pack("sampling.moment").Moment([1.0] * len(sigmas), steps_left, sigmas.tolist())


class ThroughVae:
    """Pictures of latents, for ablations and baselines: a change moves a latent by what it changes of the encoding."""

    def __init__(self, vae: Any) -> None:
        self._vae = vae

    def decode(self, values: Tensor) -> Tensor:
        """[n, C, h, w] to pictures [n, 3, H, W] in [0, 1]."""
        return self._vae.decode(values)

    def edit(self, values: Tensor, change: Change) -> Tensor:
        """As `Pictures`."""
        before = self.decode(values)
        moved = functools.partial(pack("sampling.agreement.vae_round_trip").moved_latent, self._vae)
        return torch.stack([*map(moved, values, before, change(before))])
