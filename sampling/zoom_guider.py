"""Any guider of the host as a joint one, for the host's own sampling nodes."""

from __future__ import annotations

import functools

import comfy.model_sampling
from comfy_execution.utils import get_executing_context
from torch import Tensor

from ..demo.notice import demo_notices
from ..messages.errors import telling
from ..messages.node_text import NodeText
from ..zoomstack_core.geometry import ZoomGeometry
from .agreement.held import with_held
from .agreement.latents import latent_layout
from .agreement.photos import check_levels
from .checks import check_latent_kind, value_range
from .guider import JointGuider, make_joint
from .host_types import Callback, Guider, Latent, ModelPatcher, Sampler
from .level_count import count_levels
from .noise.sigmas import LARGEST_END, LateWaking, LevelSigmas, aligned_sigmas
from .noise.step_noise import sharing_of
from .notices import run_notices
from .options import ZoomSettings
from .plan import JointPlan
from .progress import Labels, LevelProgress

# Schedules that begin above this part of the model's largest sigma are whole ones.
ALL_OF_NOISE = 0.9


class PlanningGuider(JointGuider):
    """A joint guider that finds its plan by itself, from what ``sample`` gets: latents and sigmas as for one level."""

    settings: ZoomSettings
    held: Latent | None = None

    @property
    def _cfg(self) -> float | None:
        """The guidance, where there is one of the usual kind: Dual CFG Guider has two, and leaves this at 1."""
        return None if hasattr(self, "cfg1") else getattr(self, "cfg", None)

    def sample(
        self,
        noise: Tensor,
        latent_image: Tensor,
        sampler: Sampler,
        sigmas: Tensor,
        denoise_mask: Tensor | None = None,
        callback: Callback | None = None,
        disable_pbar: bool = False,
        seed: int | None = None,
    ) -> Tensor:
        """As the host's guiders; errors are told of Zoom Guider and of the inputs of the host's node that samples.

        Args:
            noise: white noise of all levels, rendered here.
            latent_image: one latent per level; those of held levels take their place.
            sigmas: of one level; with alignment their range and number count.

        Raises:
            ValueError: where conditioning, latents, sigmas and settings do not fit each other.
        """
        with telling(self.settings.node):
            value_range("latent_image", latent_image, "levels")
            if denoise_mask is not None:
                value_range("latent_image", denoise_mask, "masks of its noise_mask")
            value_range("sigmas", sigmas[None], "schedules")
            return self._sample(noise, latent_image, sampler, sigmas, denoise_mask, callback, disable_pbar, seed)

    def _sample(
        self,
        noise: Tensor,
        latent_image: Tensor,
        sampler: Sampler,
        sigmas: Tensor,
        denoise_mask: Tensor | None,
        callback: Callback | None,
        disable_pbar: bool,
        seed: int | None,
    ) -> Tensor:
        settings, model = self.settings, self.model_patcher
        levels = count_levels(self.original_conds, latent_image, settings.node)
        check_levels(settings.photos, levels)
        if len(latent_image) != levels:
            raise ValueError(
                f"{settings.node}: latent_image has a batch of {len(latent_image)}, positive has prompts for {levels} "
                f"levels; expected a batch of {levels}: connect the number of levels from Zoom Prompt Schedule to the "
                "batch_size of the empty latent."
            )
        check_latent_kind(latent_image, model)
        text = _text_of_running_node(settings.node)
        for notice in demo_notices(model, latent_image, len(sigmas) - 1, self._cfg):
            text.notice(notice)
        latent_format = model.get_model_object("latent_format")
        held: frozenset[int] = frozenset()
        if self.held is not None:
            latent_image, held = with_held(latent_image, self.held, latent_format.latent_channels, settings.node)
        layout = latent_layout(model)
        geometry = settings.nesting.fit(levels, *layout.size(latent_image), name=f"{settings.node}: geometry")
        own = _own_sigmas(model, geometry, sampler, sigmas, settings, settings.waking(latent_format, held))
        about = settings, geometry, latent_format, sampler, own, _whole_steps(model, sigmas), self._cfg, held
        for notice in run_notices(*about):
            text.notice(notice)
        self.plan = JointPlan(
            geometry, settings.blend, own, layout, sharing_of(seed), settings.photos, held, settings.node
        )

        noise = self.plan.initial_noise(noise, sampler)
        run = functools.partial(super().sample, noise, latent_image, sampler, own.sigmas, denoise_mask)
        if callback is None:
            return run(disable_pbar=disable_pbar, seed=seed)
        report = functools.partial(_without_labels, callback)
        with LevelProgress(self, max(0, len(sigmas) - 1), report, text) as progress:
            return run(callback=progress, disable_pbar=disable_pbar, seed=seed)


def _without_labels(callback: Callback, step: int, x0: Tensor, x: Tensor, total: int, _: Labels) -> None:
    callback(step, x0, x, total)


def _whole_steps(model: ModelPatcher, sigmas: Tensor) -> int | None:
    """Of the schedule; None where ``sigmas`` are a part of one."""
    begin = float(model.get_model_object("model_sampling").sigma_max)
    is_whole = len(sigmas) > 1 and sigmas[0] > ALL_OF_NOISE * begin and sigmas[-1] <= LARGEST_END
    return len(sigmas) - 1 if is_whole else None


def _text_of_running_node(node: str) -> NodeText:
    """The text of the node that samples, one of the host's. ``node`` is the display name of ours."""
    running = get_executing_context()
    return NodeText(running.node_id if running else None, node)


def joint_guider(guider: Guider, settings: ZoomSettings, held: Latent | None = None) -> PlanningGuider:
    """A copy of ``guider`` that samples zoom levels together, with the conditioning and guidance that it has.

    Args:
        held: the LATENT of Zoom Hold Levels, whose held levels stay as they are.

    Raises:
        ValueError: for a guider that cannot be one.
    """
    if isinstance(guider, JointGuider):
        raise ValueError(
            f"{settings.node}: guider samples zoom levels together already; connect the guider before the other "
            f"{settings.node}."
        )
    joint = make_joint(guider, PlanningGuider)
    joint.settings = settings
    joint.held = held
    return joint


def _own_sigmas(
    model: ModelPatcher,
    geometry: ZoomGeometry,
    sampler: Sampler,
    sigmas: Tensor,
    settings: ZoomSettings,
    waking: LateWaking,
) -> LevelSigmas:
    sampling = model.get_model_object("model_sampling")
    if settings.alignment == 0 or geometry.levels == 1 or len(sigmas) < 2:
        return LevelSigmas(sigmas, flow=isinstance(sampling, comfy.model_sampling.CONST))
    end = float(sigmas[-1])
    if end > LARGEST_END:
        raise ValueError(
            f"{settings.node}: sigmas end at {end:g}; with alignment above 0 they must end in 0, since levels get to a "
            "sigma at different steps. For a part of the steps use Zoom KSampler (Advanced), or set alignment to 0."
        )
    return aligned_sigmas(model, geometry, sampler, sigmas, settings.alignment, settings.node, waking)
