"""The joint guider: a host guider whose levels agree at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.patcher_extension
import comfy.samplers
import torch
from torch import Tensor

from ...zoomstack_core.geometry import ZoomGeometry
from ...zoomstack_core.joint import JointDenoiser
from ...zoomstack_core.render import render_images
from .film_strip import FilmStrip, run_strip, strip_of, with_level_sigma
from .marks import ZOOM_LEVEL
from .noise import render_state_noise, with_rendered_noise
from .sigmas import LevelSigmas

KEY = "zoomstack"
WrappersMP = comfy.patcher_extension.WrappersMP


@dataclass(frozen=True)
class JointPlan:
    """What a run does: the nesting of its latents, how they are blended, and the noise level of each."""

    geometry: ZoomGeometry
    blend: str
    sigmas: LevelSigmas

    def render_noise(self, white: Tensor) -> Tensor:
        """White noise of all levels [N, C, …] to noise that agrees between them, as strong as each level's own."""
        return render_state_noise(white, self.geometry) * self.sigmas.noise_scale(white)


class JointGuiding:
    """Mixin before any ``comfy.samplers.CFGGuider`` class: all zoom levels are one batch, sampled in lockstep.

    The stock guider keeps its work: guidance, other nodes' patches, hooks. Its ``predict_noise`` sees the active
    levels as a plain batch; below it the batch becomes a film strip, so that every level gets its own prompts and its
    own sigma; above it the estimates are blended and rendered. Set ``plan`` before ``sample``.
    """

    plan: JointPlan

    def outer_sample(self, noise: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        def reserve_one_level(executor: Any, model: Any, noise_shape: Any, *rest: Any, **options: Any) -> Any:
            # memory for one level is a must; the host fits as many more into each call as are free then
            return executor(model, [1, *noise_shape[1:]], *rest, **options)

        self._wrap(WrappersMP.PREPARE_SAMPLING, reserve_one_level)
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
        geometry, levels = plan.geometry, plan.geometry.levels
        processed_latent, initial = latent_image, None
        if torch.count_nonzero(latent_image) > 0:
            processed_latent = self.inner_model.process_latent_in(latent_image)
            initial = processed_latent.flatten(1, -3)
        per_level = [
            self._process(entries, i, noise, device, processed_latent, denoise_mask, seed) for i in range(levels)
        ]
        dims = tuple(noise.shape[2:])
        strips = {key: FilmStrip([conds[key] for conds in per_level], dims, device) for key in entries}
        self._virtual = {key: strip.handle() for key, strip in strips.items()}
        self._joint = JointDenoiser(geometry, plan.blend, initial)
        self._joint_uncond = JointDenoiser(geometry, plan.blend, initial)
        self._wrap(WrappersMP.CALC_COND_BATCH, self._calc_cond_batch)
        self._wrap(WrappersMP.APPLY_MODEL, with_level_sigma)
        if levels > 1:
            sampler = with_rendered_noise(sampler, noise, sigmas, seed, plan.render_noise)
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
        if levels == 1:
            return samples
        return render_images(samples.flatten(1, -3), geometry).reshape(samples.shape)

    def __call__(
        self, x: Tensor, timestep: Tensor, model_options: dict[str, Any] | None = None, seed: int | None = None
    ) -> Tensor:
        """The sampler's view: all levels' states in, all levels' estimates out."""
        plan = self.plan
        active = plan.sigmas.active(timestep[0], plan.geometry.levels)
        state, sigma = plan.sigmas.at(x, timestep, active)
        options = self._blending_uncond(model_options or {}, active)
        self.conds, self._active = self._virtual, active
        estimates = state
        if len(active):
            estimates = super().__call__(state, sigma, model_options=options, seed=seed)  # type: ignore[misc]
        return estimates if plan.geometry.levels == 1 else self._agree(self._joint, estimates, active)

    def _agree(self, joint: JointDenoiser, estimates: Tensor, active: range) -> Tensor:
        agreed = joint(estimates.flatten(1, -3), active)
        return agreed.reshape(-1, *estimates.shape[1:])

    def _blending_uncond(self, model_options: dict[str, Any], active: range) -> dict[str, Any]:
        """CFG++ samplers append a function that keeps the unconditional estimate: it must see an agreeing one."""
        functions = model_options.get("sampler_post_cfg_function", [])
        own = len(self.model_options.get("sampler_post_cfg_function", []))
        if self.plan.geometry.levels == 1 or len(functions) <= own:
            return model_options

        def agreeing(function: Any) -> Any:
            def wrapped(args: dict[str, Any]) -> Any:
                uncond = args.get("uncond_denoised")
                if uncond is None:
                    return function(args)
                return function({**args, "uncond_denoised": self._agree(self._joint_uncond, uncond, active)})

            return wrapped

        wrapped = [*functions[:own], *map(agreeing, functions[own:])]
        return {**model_options, "sampler_post_cfg_function": wrapped}

    def _calc_cond_batch(
        self, executor: Any, model: Any, conds: list[Any], x: Tensor, timestep: Tensor, model_options: dict[str, Any]
    ) -> list[Tensor]:
        if len(x) != len(self._active) or all(strip_of(cond) is None for cond in conds):
            return executor(model, conds, x, timestep, model_options)
        return run_strip(executor, model, conds, x, timestep, model_options, self._active, self.plan.sigmas.aligned)

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
        return comfy.samplers.process_conds(
            self.inner_model, noise[one], chosen, device, latent[one], mask, seed, latent_shapes=[noise[one].shape]
        )

    def _wrap(self, kind: str, wrapper: Any) -> None:
        comfy.patcher_extension.add_wrapper_with_key(kind, KEY, wrapper, self.model_options, is_model_options=True)


class JointGuider(JointGuiding, comfy.samplers.CFGGuider):
    """The host's CFG guider over zoom levels."""
