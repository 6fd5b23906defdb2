"""A host sampler that carries levels at different sigmas.

Whatever the model is, the sampler is shown one in VE terms (state = image + sigma · noise). There a step depends on
ratios of sigmas only, so that every level follows the common ladder at its own multiple; and samplers need no special
case for flow models.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import comfy.model_base
import comfy.model_sampling
import comfy.samplers
import torch
from torch import Tensor

from ...zoomstack_core.method.rows import rows_of
from ..host_types import Callback, Guider, Model, ModelSampling, Sampler
from .sigmas import LevelSigmas


class AlignedSampler(comfy.samplers.Sampler):
    """The host's SAMPLER ``sampler`` for a run whose levels have the sigmas ``levels``."""

    def __init__(self, sampler: Sampler, levels: LevelSigmas):
        self.sampler = sampler
        self.levels = levels

    def sample(
        self,
        guider: Guider,
        sigmas: Tensor,
        extra_args: dict[str, Any],
        callback: Callback | None,
        noise: Tensor,
        latent_image: Tensor | None = None,
        denoise_mask: Tensor | None = None,
        disable_pbar: bool = False,
    ) -> Tensor:
        """As ``comfy.samplers.KSAMPLER.sample``, in the dtype of ``sigmas``.

        Where the run ends above sigma 0, levels that are finished by then come back as their estimates, without the
        little noise that they still have for the sampler.
        """
        last: list[Tensor] = []

        def note(step: int, denoised: Tensor, x: Tensor, total: int) -> None:
            last[:] = [denoised]
            if callback is not None:
                callback(step, denoised.float(), x, total)

        samples = self.sampler.sample(
            _in_ve_terms(guider, self.levels),
            sigmas.clone(),  # uni_pc writes into them
            extra_args,
            note,
            noise.to(sigmas.dtype),
            None if latent_image is None else latent_image.to(sigmas.dtype),
            denoise_mask,
            disable_pbar,
        )
        if sigmas[-1] > 0 and last:
            finished = rows_of(self.levels.front(sigmas[-1], len(samples)).finished)
            samples = samples.clone()
            samples[finished] = last[0][finished]
        return samples


class VESampling(comfy.model_sampling.EPS):
    """A flow model's ``model_sampling`` in VE terms, as far as samplers and masks ask for it."""

    sigma_data = 1.0

    def __init__(self, flow: ModelSampling):
        self._flow = flow

    @property
    def sigma_max(self) -> Tensor:
        return self._flow.sigma_max / (1 - self._flow.sigma_max)

    @property
    def sigma_min(self) -> Tensor:
        return self._flow.sigma_min / (1 - self._flow.sigma_min)

    def timestep(self, sigma: Tensor) -> Tensor:
        """The model's timestep at a VE sigma."""
        return self._flow.timestep(sigma / (1 + sigma))

    def percent_to_sigma(self, percent: float) -> float:
        """The VE sigma at a fraction of the schedule."""
        time = float(self._flow.percent_to_sigma(percent))
        return time / (1 - time) if time < 1 else math.inf


class _Instead:
    """``target`` with some of its attributes replaced."""

    def __init__(self, target: Any, **attributes: Any) -> None:
        self._target = target
        vars(self).update(attributes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


class _Guider(_Instead):
    """A guider that answers in the dtype it is asked in."""

    def __call__(self, x: Tensor, sigma: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return self._target(x, sigma, *args, **kwargs).to(x.dtype)


def _in_ve_terms(guider: Guider, levels: LevelSigmas) -> _Guider:
    model, patcher = guider.inner_model, guider.model_patcher
    keeps_otherwise = type(model).scale_latent_inpaint is not comfy.model_base.BaseModel.scale_latent_inpaint
    own_way = {"scale_latent_inpaint": _kept_by(model, levels)} if keeps_otherwise else {}
    if not levels.flow:
        return _Guider(guider, inner_model=_Instead(model, **own_way)) if own_way else _Guider(guider)
    sampling = VESampling(patcher.get_model_object("model_sampling"))

    def scale_latent_inpaint(sigma: Tensor, noise: Tensor, latent_image: Tensor, **_: Any) -> Tensor:
        return sampling.noise_scaling(sigma.view(-1, *(1,) * (noise.ndim - 1)), noise, latent_image)

    def get_model_object(name: str) -> Any:
        return sampling if name == "model_sampling" else patcher.get_model_object(name)

    return _Guider(
        guider,
        inner_model=_Instead(
            model, **{"model_sampling": sampling, "scale_latent_inpaint": scale_latent_inpaint, **own_way}
        ),
        model_patcher=_Instead(patcher, get_model_object=get_model_object),
    )


def _kept_by(model: Model, levels: LevelSigmas) -> Callable[..., Tensor]:
    """What a model shows of the kept part of an inpainting, where it has a way of its own (video models keep it clean).

    Every level is asked at its own sigma; the sampler's state is such that ``LevelSigmas.at`` makes the answer of it.
    """

    def scale_latent_inpaint(sigma: Tensor, noise: Tensor, latent_image: Tensor, **_: Any) -> Tensor:
        every = range(len(noise))
        shown, own = levels.at(torch.ones_like(noise), sigma, every)
        white = (noise / levels.noise_scale(noise)).to(shown)
        kept = model.scale_latent_inpaint(x=white, sigma=own, noise=white, latent_image=latent_image.to(shown))
        return kept.to(noise) / shown.to(noise)

    return scale_latent_inpaint
