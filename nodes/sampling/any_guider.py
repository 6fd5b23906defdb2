"""Any guider of the host as a joint one, for the host's own sampling nodes."""

from __future__ import annotations

from typing import Any

import comfy.model_sampling
from torch import Tensor

from ...zoomstack_core.geometry import ZoomGeometry
from .guider import JointGuiding, JointPlan, make_joint
from .latents import latent_layout
from .levels import count_levels
from .noise import sharing_of
from .previews import Callback, mosaic
from .settings import ZoomSettings
from .sigmas import LevelSigmas, aligned_sigmas, to_ve


class PlanningGuiding(JointGuiding):
    """Joint guiding that finds its plan by itself, from what ``sample`` gets: latents and sigmas as for one level."""

    settings: ZoomSettings

    def sample(
        self,
        noise: Tensor,
        latent_image: Tensor,
        sampler: Any,
        sigmas: Tensor,
        denoise_mask: Tensor | None = None,
        callback: Callback | None = None,
        disable_pbar: bool = False,
        seed: int | None = None,
    ) -> Tensor:
        """As the host's guiders.

        Args:
            noise: white noise of all levels, rendered here.
            latent_image: one latent per level.
            sigmas: of one level; with alignment their range and number count.

        Raises:
            ValueError: where conditioning, latents, sigmas and settings do not fit each other.
        """
        settings, model = self.settings, self.model_patcher
        levels = count_levels(self.original_conds, latent_image, settings.node)
        if len(latent_image) != levels:
            raise ValueError(
                f"{settings.node}: latent_image has a batch of {len(latent_image)}, positive has prompts for {levels} "
                f"levels; expected a batch of {levels}: connect the number of levels from Zoom Prompt Schedule to the "
                "batch_size of the empty latent."
            )
        layout = latent_layout(model)
        geometry = settings.nesting.fit(levels, *layout.size(latent_image), name=f"{settings.node}: geometry")
        own = _own_sigmas(model, geometry, sampler, sigmas, settings)
        self.plan = JointPlan(geometry, settings.blend, own, layout, sharing_of(seed), settings.photos)
        last: list[tuple[int, Tensor, Tensor, int]] = []

        def report(step: int, x0: Tensor, x: Tensor, total: int) -> None:
            last[:] = [(step, x0, x, total)]
            callback(step, mosaic(x0), x, total)  # type: ignore[misc]

        samples = super().sample(
            self.plan.initial_noise(noise, sampler),
            latent_image,
            sampler,
            own.sigmas,
            denoise_mask,
            callback=callback if callback is None or levels == 1 else report,
            disable_pbar=disable_pbar,
            seed=seed,
        )
        if callback is not None and last:
            callback(*last[0])  # the node that sampled gives away the last estimate it was shown
        return samples


def joint_guider(guider: Any, settings: ZoomSettings) -> Any:
    """A copy of ``guider`` that samples zoom levels together, with the conditioning and guidance that it has.

    Raises:
        ValueError: for a guider that cannot be one.
    """
    if isinstance(guider, JointGuiding):
        raise ValueError(
            f"{settings.node}: guider samples zoom levels together already; connect the guider before the other "
            f"{settings.node}."
        )
    joint = make_joint(guider, guiding=PlanningGuiding)
    joint.settings = settings
    return joint


def _own_sigmas(
    model: Any, geometry: ZoomGeometry, sampler: Any, sigmas: Tensor, settings: ZoomSettings
) -> LevelSigmas:
    sampling = model.get_model_object("model_sampling")
    steps = len(sigmas) - 1
    if settings.alignment == 0 or geometry.levels == 1 or steps < 1:
        return LevelSigmas(sigmas, flow=isinstance(sampling, comfy.model_sampling.CONST))
    first, last, end = float(sigmas[0]), float(sigmas[-2]), float(sigmas[-1])
    if end > 0:
        raise ValueError(
            f"{settings.node}: sigmas end at {end:g}; with alignment above 0 they must end in 0, since levels get to a "
            "sigma at different steps. For a part of the steps use Zoom KSampler (Advanced), or set alignment to 0."
        )
    limits = to_ve(sampling, first), to_ve(sampling, last)
    if steps < 2 or limits[0] <= limits[1]:
        raise ValueError(
            f"{settings.node}: sigmas are {[round(float(s), 4) for s in sigmas]}; with alignment above 0 they must "
            "fall over at least 2 steps. Use more steps, or set alignment to 0."
        )
    return aligned_sigmas(model, geometry, sampler, limits, steps, settings.alignment, settings.node)
