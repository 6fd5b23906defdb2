"""The plan of a joint run: what its levels are and how they agree; and what follows for noise and sampler."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..zoomstack_core.geometry import ZoomGeometry
from ..zoomstack_core.method.ladder import Front
from ..zoomstack_core.method.noise import render_noise
from ..zoomstack_core.method.render import render_images
from .agreement.blend_options import BlendOptions, blends_in_pixels
from .agreement.latents import PLAIN, LatentLayout
from .agreement.photos import Photo
from .host_types import Model, Sampler
from .noise.samplers import flow_options, is_stochastic, warn_of_flow
from .noise.sigmas import LevelSigmas
from .noise.step_noise import AUTO, NoiseSharing, with_rendered_noise
from .noise.time_travel import TimeTravel, with_time_travel
from .noise.ve_sampler import AlignedSampler


@dataclass(frozen=True)
class JointPlan:
    """What a run does: the nesting of its latents, how they are blended, the noise level of each, which is shared.

    ``geometry`` is that of the pictures that ``layout`` makes of the latents, ``node`` the display name of the node.
    ``nested`` says that the held levels were made with the same settings: then they nest as well as they can.
    """

    geometry: ZoomGeometry
    blend: BlendOptions
    sigmas: LevelSigmas
    layout: LatentLayout = PLAIN
    sharing: NoiseSharing = AUTO
    photos: tuple[Photo, ...] = ()
    held: frozenset[int] = frozenset()
    node: str = "Zoom sampling"
    nested: bool = False

    def front(self, sigma: Tensor) -> Front:
        """Where the run is when the sampler is at ``sigma``; held levels are never evaluated."""
        finished, active, waiting = self.sigmas.front(sigma, self.geometry.levels)
        return Front(finished, [level for level in active if level not in self.held], waiting)

    @property
    def alone(self) -> bool:
        """Whether there is nothing to agree with: the guider is the host's then."""
        return self.geometry.levels == 1 and not self.photos and not self.held

    def consistent(self, model: Model, latents: Tensor) -> Tensor:
        """Init latents [N, C, …] with the deeper levels pasted in: upscalers and edits leave them apart."""
        if self.geometry.levels == 1 or self.held or blends_in_pixels(self.blend, model.latent_format):
            return latents
        return self.layout.gather(render_images(self.layout.spread(latents), self.geometry), latents)

    def initial_noise(self, white: Tensor, sampler: Sampler) -> Tensor:
        """White noise of all levels [N, C, …] to what ``sampler`` starts from, as strong as each level's own."""
        if self.geometry.levels == 1:
            return white
        paper = not self.sigmas.aligned and is_stochastic(sampler)
        return self._scaled(white, {"auto": not paper, "shared": True, "independent": False}[self.sharing.initial])

    def step_noise(self, white: Tensor) -> Tensor:
        """White noise of all levels [N, C, …] to what a sampler adds at a step."""
        return self._scaled(white, self.sharing.step == "shared")

    def sampler(self, sampler: Sampler, state: Tensor, seed: int | None) -> Sampler:
        """The host's ``sampler`` for all levels; ``state`` [N, C, …] gives the kind of its noise."""
        if not self.sigmas.aligned:
            warn_of_flow(sampler, self.sigmas.flow)
        if self.geometry.levels == 1:
            return sampler
        options = flow_options(sampler) if self.sigmas.aligned and self.sigmas.flow else {}
        sampler = with_rendered_noise(sampler, state, seed, self.step_noise, options)
        travel = TimeTravel(self.blend.travel_repeats, self.blend.travel_start, self.blend.travel_end)
        sampler = with_time_travel(sampler, travel, self.step_noise, seed)
        return AlignedSampler(sampler, self.sigmas) if self.sigmas.aligned else sampler

    def _scaled(self, noise: Tensor, shared: bool) -> Tensor:
        if shared:
            # where a ring's levels have the same noise; else its first one is finished when the last begins
            nested = self.geometry.opened if self.sigmas.aligned else self.geometry
            noise = self.layout.gather(render_noise(self.layout.spread(noise), nested), noise)
        return noise * self.sigmas.noise_scale(noise)
