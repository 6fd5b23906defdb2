"""The joint guider: the host's guider whose levels agree at every step. Here are its hooks, the work is in JointRun."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeVar, cast

import comfy.patcher_extension
import comfy.samplers
import torch
from torch import Tensor

from .agreement.held import restored
from .checks import check_guider, check_latents, check_sampler
from .host_types import Callback, Entries, Executor, Guider, Sampler
from .joint_run import JointRun
from .network.batches import items_per_level
from .network.controls_and_hooks import check_hints, entries_per_level
from .network.film_strip import with_level_sigma
from .network.masks import at_every_levels_sigma, masks_of_levels
from .plan import JointPlan

KEY = "zoomstack"
MASK_FUNCTION = "denoise_mask_function"  # the host's key of a patch that changes inpaint masks step by step
WrappersMP = comfy.patcher_extension.WrappersMP


class JointGuider(comfy.samplers.CFGGuider):
    """The host's guider over zoom levels: all of them are one batch, sampled in lockstep.

    Set ``plan`` before ``sample``. The stock guider keeps its work: guidance, other nodes' patches, hooks. Its
    ``predict_noise`` sees all levels as a plain batch, so that what patches remember stays with its level. Below it
    the active levels become a film strip, so that every level gets its own prompts and its own sigma, and the others
    hold their last estimate; above it the estimates are blended and rendered.

    ``make_joint`` puts this class before the class of another guider: ``super()`` is that one's.

    Attributes:
        conds: the host's conditioning at the moment. From ``prepare`` on it has entries for each level; while the
            sampler runs, handles of the film strips; then the processed entries of all levels.
        run: there while the host samples, as ``inner_model`` is.
        evaluations: how often the model was asked in the last run.
    """

    plan: JointPlan
    run: JointRun
    conds: Entries
    model_options: dict[str, Any]
    evaluations: int = 0

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
        """As the host's guiders; raises ValueError for latents and samplers that have no zoom levels."""
        self.evaluations = 0
        check_latents(latent_image)
        check_sampler(sampler)
        plan = self.plan
        if denoise_mask is not None:
            denoise_mask = masks_of_levels(denoise_mask, latent_image, plan.node)
        result = super().sample(noise, latent_image, sampler, sigmas, denoise_mask, callback, disable_pbar, seed)
        return restored(result, latent_image, plan.held, plan.geometry, plan.layout) if plan.held else result

    def outer_sample(self, noise: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Loads the model for the conditioning of all levels, with memory for one."""
        plan, frames = self.plan, noise.shape[2] if noise.ndim == 5 else 1
        levels = plan.geometry.levels

        def prepare(
            executor: Executor, model: Any, noise_shape: list[int], conds: Entries, *rest: Any, **options: Any
        ) -> tuple[Any, Entries, Any]:
            conds = items_per_level(conds, levels, frames, plan.node)
            check_hints(conds, levels, frames, plan.node)
            # memory for one level is a must; the host fits as many more into each call as are free then
            real, conds, models = executor(model, [1, *noise_shape[1:]], conds, *rest, **options)
            return real, entries_per_level(conds, levels, plan.sigmas.aligned, frames), models

        self._wrap(WrappersMP.PREPARE_SAMPLING, prepare)
        return super().outer_sample(noise, *args, **kwargs)

    def inner_sample(
        self,
        noise: Tensor,
        latent_image: Tensor,
        device: torch.device,
        sampler: Sampler,
        sigmas: Tensor,
        denoise_mask: Tensor | None,
        callback: Callback | None,
        disable_pbar: bool,
        seed: int | None,
        latent_shapes: Any = None,
    ) -> Tensor:
        """One run of the sampler, with the model loaded."""
        self.run = run = JointRun(self.plan, self, noise, latent_image, denoise_mask, sigmas, device, seed)
        self._wrap(WrappersMP.CALC_COND_BATCH, run.ask_network)
        self._wrap(WrappersMP.APPLY_MODEL, with_level_sigma)
        if run.own_sigmas is not None and MASK_FUNCTION in self.model_options:
            function, own = self.model_options[MASK_FUNCTION], self.plan.sigmas.own
            self.model_options[MASK_FUNCTION] = at_every_levels_sigma(function, own, run.own_sigmas, self)
        sampler = self.plan.sampler(sampler, noise, seed)
        self.conds = {}  # the base class would process the levels' entries again, as one batch
        try:
            samples = super().inner_sample(
                noise,
                run.latents,
                device,
                sampler,
                sigmas,
                denoise_mask,
                callback,
                disable_pbar,
                seed,
                latent_shapes=latent_shapes,
            )
            return run.finish(samples)
        finally:
            self.conds = run.entries  # all of them, so that the host's clean-up reaches every ControlNet
            self.evaluations = run.evaluations
            del self.run

    def __call__(
        self, x: Tensor, timestep: Tensor, model_options: dict[str, Any] | None = None, seed: int | None = None
    ) -> Tensor:
        """The sampler's view: all levels' states in, all levels' estimates out."""
        guided = super().__call__

        def predict(
            x: Tensor, sigma: Tensor, conds: Entries, options: dict[str, Any], own: dict[str, Any] | None = None
        ) -> Tensor:
            """The host's guidance, with ``own`` for the guider's own options."""
            self.conds, before = conds, self.model_options
            self.model_options = own or before
            try:
                return guided(x, sigma, options, seed)
            finally:
                self.model_options = before

        return self.run.evaluate(predict, x, timestep, model_options or {})

    def _wrap(self, kind: str, wrapper: Callable[..., Any]) -> None:
        comfy.patcher_extension.add_wrapper_with_key(kind, KEY, wrapper, self.model_options, is_model_options=True)


Joint = TypeVar("Joint", bound=JointGuider)


def make_joint(guider: Guider, joint: type[Joint]) -> Joint:
    """A copy of a GUIDER, of whatever kind, that samples zoom levels together.

    Args:
        joint: the class that goes before the guider's own.

    Raises:
        ValueError: for a guider that samples in a way of its own, such as one with two models.
    """
    check_guider(guider)
    kind = type(guider)
    made: Any = copy.copy(guider)
    made.__class__ = type(f"Joint{kind.__name__}", (joint, kind), {})
    made.original_conds = dict(guider.original_conds)
    return cast(Joint, made)
