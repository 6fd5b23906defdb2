"""The joint guider: a host guider whose levels agree at every step."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import comfy.patcher_extension
import comfy.samplers
import torch
from torch import Tensor

from ..zoomstack_core.errors import ArgumentError
from ..zoomstack_core.geometry import ZoomGeometry
from ..zoomstack_core.method.noise import render_noise
from ..zoomstack_core.method.render import render_images
from .agreement.agreement import BlendOptions, blends_in_pixels, make_agreement
from .agreement.held import restored
from .agreement.latents import PLAIN, LatentLayout
from .agreement.photos import Photo
from .checks import check_context, check_guider, check_latents, check_sampler
from .network.batches import items_per_level, model_conds_of_level
from .network.film_strip import FilmStrip, OwnSigmas, run_strip, strip_of, with_level_sigma
from .network.level_entries import check_hints, entries_per_level
from .network.level_marks import ZOOM_LEVEL
from .network.masks import at_every_levels_sigma, masks_of_levels
from .network.out_of_memory import Portions
from .noise.samplers import flow_options, is_stochastic, warn_of_flow
from .noise.sigmas import LevelSigmas
from .noise.step_noise import AUTO, NoiseSharing, with_rendered_noise
from .noise.time_travel import with_time_travel
from .noise.ve_sampler import AlignedSampler

KEY = "zoomstack"
MASK_FUNCTION = "denoise_mask_function"  # the host's key of a patch that changes inpaint masks step by step
WrappersMP = comfy.patcher_extension.WrappersMP


@dataclass(frozen=True)
class JointPlan:
    """What a run does: the nesting of its latents, how they are blended, the noise level of each, which is shared.

    ``geometry`` is that of the pictures that ``layout`` makes of the latents, ``node`` the display name of the node.
    """

    geometry: ZoomGeometry
    blend: BlendOptions
    sigmas: LevelSigmas
    layout: LatentLayout = PLAIN
    sharing: NoiseSharing = AUTO
    photos: tuple[Photo, ...] = ()
    held: frozenset[int] = frozenset()
    node: str = "Zoom sampling"

    def evaluated(self, active: range) -> range:
        """The active levels without held ones at either end; all before them are finished or held."""
        start, stop = active.start, active.stop
        while start < stop and start in self.held:
            start += 1
        while start < stop and stop - 1 in self.held:
            stop -= 1
        return range(start, stop)

    @property
    def alone(self) -> bool:
        """Whether there is nothing to agree with: the guider is the host's then."""
        return self.geometry.levels == 1 and not self.photos and not self.held

    def consistent(self, inner_model: Any, latents: Tensor) -> Tensor:
        """Init latents [N, C, …] with the deeper levels pasted in: upscalers and edits leave them apart."""
        if self.geometry.levels == 1 or self.held or blends_in_pixels(self.blend, inner_model.latent_format):
            return latents
        return self.layout.gather(render_images(self.layout.spread(latents), self.geometry), latents)

    def initial_noise(self, white: Tensor, sampler: Any) -> Tensor:
        """White noise of all levels [N, C, …] to what ``sampler`` starts from, as strong as each level's own."""
        if self.geometry.levels == 1:
            return white
        paper = not self.sigmas.aligned and is_stochastic(sampler)
        return self._scaled(white, {"auto": not paper, "shared": True, "independent": False}[self.sharing.initial])

    def step_noise(self, white: Tensor) -> Tensor:
        """White noise of all levels [N, C, …] to what a sampler adds at a step."""
        return self._scaled(white, self.sharing.step == "shared")

    def sampler(self, sampler: Any, state: Tensor, seed: int | None) -> Any:
        """The host's ``sampler`` for all levels; ``state`` [N, C, …] gives the kind of its noise."""
        if not self.sigmas.aligned:
            warn_of_flow(sampler, self.sigmas.flow)
        if self.geometry.levels == 1:
            return sampler
        options = flow_options(sampler) if self.sigmas.aligned and self.sigmas.flow else {}
        sampler = with_rendered_noise(sampler, state, seed, self.step_noise, options)
        sampler = with_time_travel(sampler, self.blend, self.step_noise, seed)
        return AlignedSampler(sampler, self.sigmas) if self.sigmas.aligned else sampler

    def _scaled(self, noise: Tensor, shared: bool) -> Tensor:
        if shared:
            noise = self.layout.gather(render_noise(self.layout.spread(noise), self.geometry), noise)
        return noise * self.sigmas.noise_scale(noise)


class JointGuiding:
    """Mixin before any ``comfy.samplers.CFGGuider`` class: all zoom levels are one batch, sampled in lockstep.

    The stock guider keeps its work: guidance, other nodes' patches, hooks. Its ``predict_noise`` sees all levels as a
    plain batch, so that what patches remember stays with its level. Below it the active levels become a film strip,
    so that every level gets its own prompts and its own sigma, and the others hold their last estimate; above it the
    estimates are blended and rendered. Set ``plan`` before ``sample``.
    """

    plan: JointPlan
    evaluations = 0
    """How often the model was asked in the last run."""

    @property
    def finished_levels(self) -> int:
        """The number of levels that were finished at the last evaluation; those after them are not."""
        return self._active.start

    def sample(
        self,
        noise: Tensor,
        latent_image: Tensor,
        sampler: Any,
        sigmas: Tensor,
        denoise_mask: Tensor | None = None,
        **options: Any,
    ) -> Tensor:
        """As the host's guiders; raises ValueError for latents and samplers that have no zoom levels."""
        check_latents(latent_image)
        check_sampler(sampler)
        if denoise_mask is not None:
            denoise_mask = masks_of_levels(denoise_mask, latent_image, self.plan.node)
        result = super().sample(noise, latent_image, sampler, sigmas, denoise_mask, **options)  # type: ignore[misc]
        plan = self.plan
        return restored(result, latent_image, plan.held, plan.geometry, plan.layout) if plan.held else result

    def outer_sample(self, noise: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        plan, frames = self.plan, noise.shape[2] if noise.ndim == 5 else 1
        levels = plan.geometry.levels

        def prepare(executor: Any, model: Any, noise_shape: Any, conds: Any, *rest: Any, **options: Any) -> Any:
            conds = items_per_level(conds, levels, frames, plan.node)
            check_hints(conds, levels, frames, plan.node)
            # memory for one level is a must; the host fits as many more into each call as are free then
            real, conds, models = executor(model, [1, *noise_shape[1:]], conds, *rest, **options)
            return real, entries_per_level(conds, levels, plan.sigmas.aligned, frames), models

        self._wrap(WrappersMP.PREPARE_SAMPLING, prepare)
        return super().outer_sample(noise, *args, **kwargs)  # type: ignore[misc]

    def inner_sample(
        self,
        noise: Tensor,
        latent_image: Tensor,
        device: torch.device,
        sampler: Any,
        sigmas: Tensor,
        denoise_mask: Tensor | None,
        callback: Any,
        disable_pbar: bool,
        seed: int | None,
        latent_shapes: Any = None,
    ) -> Tensor:
        plan, entries = self.plan, self.conds
        levels = plan.geometry.levels
        processed_latent = images = latent_image
        initial = None
        if torch.count_nonzero(latent_image) > 0:
            if torch.count_nonzero(noise) > 0:
                latent_image = plan.consistent(self.inner_model, latent_image)
            processed_latent = images = initial = self.inner_model.process_latent_in(latent_image)
            if plan.sigmas.aligned and torch.count_nonzero(noise) == 0:
                # noisy states of a run that goes on: only the finished levels' are images
                finished = plan.sigmas.active(sigmas[0], levels).start
                images = initial = torch.cat([images[:finished], torch.zeros_like(images[finished:])])
        self._last_estimates, self._portions, self.evaluations = images, Portions(), 0
        per_level = [
            self._process(entries, i, noise, device, processed_latent, denoise_mask, seed) for i in range(levels)
        ]
        handler = self.model_options.get("context_handler")
        check_context(handler, self.inner_model, list(per_level[0].values()), noise[:1], sigmas, self.model_options)
        dims = tuple(noise.shape[2:])
        strips = {key: FilmStrip([conds[key] for conds in per_level], dims, device) for key in entries}
        self._virtual = {key: strip.handle() for key, strip in strips.items()}
        held = {level: processed_latent[level : level + 1] for level in plan.held}
        parts = self.inner_model, plan.geometry, plan.blend, plan.layout, noise[:1], initial, plan.photos, held
        self._joint = make_agreement(*parts)
        self._joint_uncond = functools.cache(lambda: make_agreement(*parts))  # only CFG++ samplers ask for it
        self._wrap(WrappersMP.CALC_COND_BATCH, self._calc_cond_batch)
        self._wrap(WrappersMP.APPLY_MODEL, with_level_sigma)
        self._own_sigmas: OwnSigmas | None = None
        if plan.sigmas.aligned:
            self._own_sigmas = functools.cache(lambda level: plan.sigmas.of_level(level).to(device))
            if MASK_FUNCTION in self.model_options:
                function = self.model_options[MASK_FUNCTION]
                self.model_options[MASK_FUNCTION] = at_every_levels_sigma(
                    function, plan.sigmas.own, self._own_sigmas, self
                )
        sampler = plan.sampler(sampler, noise, seed)
        noise_is_left = bool(sigmas[-1] > 0)  # before uni_pc writes into them
        self.conds: dict[str, Any] = {}  # the base class would process the levels' entries again, as one batch
        try:
            samples = super().inner_sample(  # type: ignore[misc]
                noise,
                latent_image,
                device,
                sampler,
                sigmas,
                denoise_mask,
                callback,
                disable_pbar,
                seed,
                latent_shapes=latent_shapes,
            )
        finally:
            # all of them, so that the host's clean-up reaches every ControlNet
            self.conds = {key: [e for conds in per_level for e in conds[key]] for key in entries}
        if noise_is_left:  # which nests in its own way
            return samples
        for level in plan.held:
            samples[level] = latent_image[level].to(samples)
        if plan.alone:
            return samples
        with _telling_of_the_model():
            return self._joint.finish(samples)

    def __call__(
        self, x: Tensor, timestep: Tensor, model_options: dict[str, Any] | None = None, seed: int | None = None
    ) -> Tensor:
        """The sampler's view: all levels' states in, all levels' estimates out."""
        plan, levels = self.plan, self.plan.geometry.levels
        active = plan.evaluated(plan.sigmas.active(timestep[0], levels))
        states, sigmas = plan.sigmas.at(x, timestep, range(levels))
        self._moment = plan.sigmas.moment(timestep[0], active)
        options = self._blending_uncond(model_options or {}, active)
        self.conds, self._active = self._virtual, active
        estimates = states
        if len(active):
            self.evaluations += 1
            estimates = super().__call__(states, sigmas, model_options=options, seed=seed)  # type: ignore[misc]
        if plan.alone:
            return estimates
        with _telling_of_the_model():
            self._last_estimates = self._joint(estimates[active.start : active.stop], active, self._moment)
        return self._last_estimates

    def _blending_uncond(self, model_options: dict[str, Any], active: range) -> dict[str, Any]:
        """CFG++ samplers append a function that keeps the unconditional estimate: it must see an agreeing one."""
        functions = model_options.get("sampler_post_cfg_function", [])
        own = len(self.model_options.get("sampler_post_cfg_function", []))
        if self.plan.alone or len(functions) <= own:
            return model_options

        def agreeing(function: Any) -> Any:
            def wrapped(args: dict[str, Any]) -> Any:
                uncond = args.get("uncond_denoised")
                if uncond is None:
                    return function(args)
                agreed = self._joint_uncond()(uncond[active.start : active.stop], active, self._moment)
                return function({**args, "uncond_denoised": agreed})

            return wrapped

        wrapped = [*functions[:own], *map(agreeing, functions[own:])]
        return {**model_options, "sampler_post_cfg_function": wrapped}

    def _calc_cond_batch(
        self, executor: Any, model: Any, conds: list[Any], x: Tensor, timestep: Tensor, model_options: dict[str, Any]
    ) -> list[Tensor]:
        levels = self.plan.geometry.levels
        if len(x) != levels or (levels == 1 and all(strip_of(cond) is None for cond in conds)):
            return executor(model, conds, x, timestep, model_options)
        active = slice(self._active.start, self._active.stop)
        call = executor, model, conds, x[active], timestep[active], model_options
        outputs = run_strip(*call, self._active, self._own_sigmas, self._portions, levels)
        return outputs if len(self._active) == len(x) else [self._among_last(output, active) for output in outputs]

    def _among_last(self, output: Tensor, active: slice) -> Tensor:
        """Every level's estimate, where only the active ones were asked for now."""
        estimates = self._last_estimates.to(output, copy=True)
        estimates[active] = output
        return estimates

    def _process(
        self,
        entries: dict[str, list[dict[str, Any]]],
        level: int,
        noise: Tensor,
        device: torch.device,
        latent: Tensor,
        mask: Tensor | None,
        seed: int | None,
    ) -> dict[str, list[dict[str, Any]]]:
        """One level's entries, resolved by the host as a run of this level alone would resolve them."""
        one = slice(level, level + 1)
        chosen = {key: [e for e in cond if e.get(ZOOM_LEVEL, level) == level] for key, cond in entries.items()}
        if mask is not None:
            mask = mask[one] if len(mask) == len(noise) else mask[:1]
        processed = comfy.samplers.process_conds(
            self.inner_model, noise[one], chosen, device, latent[one], mask, seed, latent_shapes=[noise[one].shape]
        )
        where = {key: f"{self.plan.node}: {key}" for key in processed}
        return {key: model_conds_of_level(e, level, len(noise), where[key]) for key, e in processed.items()}

    def _wrap(self, kind: str, wrapper: Any) -> None:
        comfy.patcher_extension.add_wrapper_with_key(kind, KEY, wrapper, self.model_options, is_model_options=True)


@contextmanager
def _telling_of_the_model() -> Iterator[None]:
    """Estimates and results that the core finds not finite came out of the network."""
    try:
        yield
    except ArgumentError as error:
        if error.argument in ("denoised", "layers"):
            raise ArgumentError(
                "model",
                "gave NaN or infinity while sampling",
                "finite numbers. Its 16-bit numbers may have overflowed: start ComfyUI with --bf16-unet or "
                "--fp32-unet, or try a lower cfg, another sampler, and no other patches of the model",
            ) from error
        raise


class JointGuider(JointGuiding, comfy.samplers.CFGGuider):
    """The host's CFG guider over zoom levels."""


def make_joint(guider: Any, plan: JointPlan | None = None, guiding: type[JointGuiding] = JointGuiding) -> Any:
    """A copy of a GUIDER, of whatever kind, that samples zoom levels together.

    Args:
        plan: of the runs, where ``guiding`` does not make one.
        guiding: the mixin before the guider's own class.

    Raises:
        ValueError: for a guider that samples in a way of its own, such as one with two models.
    """
    check_guider(guider)
    joint, kind = copy.copy(guider), type(guider)
    joint.__class__ = type(f"Joint{kind.__name__}", (guiding, kind), {})
    joint.original_conds = dict(guider.original_conds)
    if plan is not None:
        joint.plan = plan
    return joint
