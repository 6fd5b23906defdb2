"""One run of a joint guider: between sampler and network, from its first evaluation to its last."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import comfy.samplers
import torch
from torch import Tensor

from ..zoomstack_core.errors import ArgumentError
from ..zoomstack_core.method.ladder import Front
from ..zoomstack_core.method.rows import rows_of
from .agreement.make_agreement import Agreement, make_agreement
from .checks import check_context
from .host_types import Cond, Entries, Executor, Guider, Model
from .moment import Moment
from .network.batches import model_conds_of_level
from .network.film_strip import FilmStrip, OwnSigmas, run_strip, strip_of, with_sample_sigmas
from .network.level_marks import ZOOM_LEVEL
from .network.one_by_one import must_be_asked_one_by_one, with_own_memory
from .network.out_of_memory import Portions
from .plan import JointPlan


class JointRun:
    """What the levels of one run are at the moment, and how the model is asked about them.

    Args:
        plan: what the run does.
        guider: the host's, whose model is loaded; its conditioning is that of `entries_per_level`.
        noise, latents: of all levels [N, C, …], as the host's ``inner_sample`` has them.
        mask: where to sample [N or 1, …], or None.
        sigmas: what the sampler is given [T + 1].
        device: where the model samples.

    Attributes:
        latents: where the run starts, consistent [N, C, …].
        handles: conditioning for the time of the run, which stands for the film strips of all levels.
        own_sigmas: where the levels' sigmas differ, all those of a level.
        evaluations: how often the model was asked.

    Raises:
        ValueError: for conditioning, photographs, held levels or a VAE that do not fit the levels.
    """

    def __init__(
        self,
        plan: JointPlan,
        guider: Guider,
        noise: Tensor,
        latents: Tensor,
        mask: Tensor | None,
        sigmas: Tensor,
        device: torch.device,
        seed: int | None,
    ) -> None:
        self._plan, self._model_options = plan, guider.model_options
        model, entries, levels = guider.inner_model, guider.conds, plan.geometry.levels
        processed = images = latents
        initial = None
        if torch.count_nonzero(latents) > 0:
            if torch.count_nonzero(noise) > 0:
                latents = plan.consistent(model, latents)
            processed = images = initial = model.process_latent_in(latents)
            if plan.sigmas.aligned and torch.count_nonzero(noise) == 0:
                # noisy states of a run that goes on: only the finished levels' are images
                finished = rows_of(plan.sigmas.front(sigmas[0], levels).finished)
                done, images = images[finished], torch.zeros_like(images)
                images[finished] = done
                initial = images
        self.latents = latents
        self._estimates = images
        self._entries = [
            _processed(plan, model, entries, level, noise, device, processed, mask, seed) for level in range(levels)
        ]
        handler = self._model_options.get("context_handler")
        check_context(handler, model, list(self._entries[0].values()), noise[:1], sigmas, self._model_options)
        size = tuple(noise.shape[2:])
        self.handles: Entries = {
            key: FilmStrip([own[key] for own in self._entries], size, device).handle() for key in entries
        }
        held = {level: processed[level : level + 1] for level in plan.held}

        def agreement() -> Agreement:
            about = plan.photos, held, plan.nested
            return make_agreement(model, plan.geometry, plan.blend, plan.layout, noise[:1], initial, *about)

        self._agreement = agreement()
        self._uncond_agreement = functools.cache(agreement)  # only CFG++ samplers ask for it
        self.own_sigmas: OwnSigmas | None = None
        if plan.sigmas.aligned:
            self.own_sigmas = functools.cache(lambda level: plan.sigmas.of_level(level).to(device))
        self._noise_is_left = bool(sigmas[-1] > 0)  # now: uni_pc writes into them
        self._portions, self.evaluations = Portions(), 0
        self._one_by_one = levels > 1 and must_be_asked_one_by_one(guider.model_options, plan.sigmas.aligned)
        self._own_options: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._front = Front((), (), range(levels))
        self._moment = Moment([], 0, [])

    @property
    def finished_levels(self) -> int:
        """The number of levels that were finished at the last evaluation, or are held."""
        begun = {*self._front.active, *self._front.waiting} - self._plan.held
        return self._plan.geometry.levels - len(begun)

    @property
    def entries(self) -> Entries:
        """Every level's conditioning, for the host's clean-up."""
        return {key: [entry for own in self._entries for entry in own[key]] for key in self.handles}

    def evaluate(
        self, predict: Callable[..., Tensor], x: Tensor, sigma: Tensor, model_options: dict[str, Any]
    ) -> Tensor:
        """An evaluation as the sampler sees it: all levels' states in, all levels' agreeing estimates out.

        Args:
            predict: the host's guidance, see `JointGuider`: states [n, C, …], sigmas [n], conditioning and
                ``model_options`` to estimates.
            x: the sampler's state of all levels [N, C, …].
            sigma: the sampler's sigma [N].
            model_options: as the sampler gives them.

        Raises:
            ValueError: if the model gave NaN or infinity.
        """
        plan, levels = self._plan, self._plan.geometry.levels
        self._front = plan.front(sigma[0])
        active = self._front.active
        self._moment = plan.sigmas.moment(sigma[0], active)
        states, sigmas = plan.sigmas.at(x, sigma, range(levels))
        estimates = states
        if len(active):
            self.evaluations += 1
            if self._one_by_one:
                estimates = self._each_alone(predict, states, sigmas, model_options)
            else:
                estimates = predict(states, sigmas, self.handles, self._blending_uncond(model_options))
        if plan.alone:
            return estimates
        with _telling_of_the_model():
            self._estimates = self._agreement(estimates[rows_of(active)], self._front, self._moment)
        return self._estimates

    def ask_network(
        self,
        executor: Executor,
        model: Model,
        conds: list[Cond],
        x: Tensor,
        timestep: Tensor,
        model_options: dict[str, Any],
    ) -> list[Tensor]:
        """A CALC_COND_BATCH wrapper: the active levels go to the network as film strips, the others keep what they are.

        What some patch asks about other pictures than the levels goes by.
        """
        levels = self._plan.geometry.levels
        if len(x) != levels or (levels == 1 and all(strip_of(cond) is None for cond in conds)):
            outputs: list[Tensor] = executor(model, conds, x, timestep, model_options)
            return outputs
        active = self._front.active
        rows = rows_of(active)
        outputs = run_strip(
            executor,
            model,
            conds,
            x[rows],
            timestep[rows],
            model_options,
            active,
            self.own_sigmas,
            self._portions,
            levels,
        )
        return outputs if len(active) == len(x) else [self._among_last(output, rows) for output in outputs]

    def finish(self, samples: Tensor) -> Tensor:
        """The sampler's result [N, C, …], in the host's values, with held levels as they were and all of them nested.

        Raises:
            ValueError: if the model gave NaN or infinity.
        """
        if self._noise_is_left:  # which nests in its own way
            return samples
        for level in self._plan.held:
            samples[level] = self.latents[level].to(samples)
        if self._plan.alone:
            return samples
        with _telling_of_the_model():
            return self._agreement.finish(samples)

    def _each_alone(
        self, predict: Callable[..., Tensor], x: Tensor, sigma: Tensor, model_options: dict[str, Any]
    ) -> Tensor:
        """The host's guidance for the active levels, one after another; the others as they are.

        What a CFG++ sampler asks about the unconditional estimates it is told when all of them are there.
        """
        active = self._front.active
        functions = model_options.get("sampler_post_cfg_function", [])
        asked = functions[len(self._model_options.get("sampler_post_cfg_function", [])) :]
        seen: list[dict[str, Any]] = []

        def keep(args: dict[str, Any]) -> Tensor:
            seen.append(args)
            estimate: Tensor = args["denoised"]
            return estimate

        estimates = x.clone()
        for level in active:
            call, own = self._options_of(level, model_options, functions[: len(functions) - len(asked)])
            if asked:
                call = {**call, "sampler_post_cfg_function": [*call.get("sampler_post_cfg_function", []), keep]}
            one = slice(level, level + 1)
            estimates[one] = predict(x[one], sigma[one], self._entries[level], call, own)
        if asked and all(args.get("uncond_denoised") is not None for args in seen):
            uncond = torch.cat([args["uncond_denoised"] for args in seen])
            agreed = uncond if self._plan.alone else self._uncond_agreement()(uncond, self._front, self._moment)
            for function in asked:
                estimates = function({**seen[-1], "denoised": estimates, "uncond_denoised": agreed, "sigma": sigma})
        return estimates

    def _options_of(
        self, level: int, model_options: dict[str, Any], functions: list[Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A level's own options, of a call and of the guider, which remember for this level alone."""
        if level not in self._own_options:
            call = {**model_options, "sampler_post_cfg_function": functions}
            if self.own_sigmas:
                call = with_sample_sigmas(call, self.own_sigmas(level))
            call, own = with_own_memory([call, self._model_options])
            self._own_options[level] = call, own
        return self._own_options[level]

    def _blending_uncond(self, model_options: dict[str, Any]) -> dict[str, Any]:
        """CFG++ samplers append a function that keeps the unconditional estimate: it must see an agreeing one."""
        functions = model_options.get("sampler_post_cfg_function", [])
        own = len(self._model_options.get("sampler_post_cfg_function", []))
        if self._plan.alone or len(functions) <= own:
            return model_options
        front, moment = self._front, self._moment

        def agreeing(function: Callable[[dict[str, Any]], Tensor]) -> Callable[[dict[str, Any]], Tensor]:
            def wrapped(args: dict[str, Any]) -> Tensor:
                uncond = args.get("uncond_denoised")
                if uncond is None:
                    return function(args)
                agreed = self._uncond_agreement()(uncond[rows_of(front.active)], front, moment)
                return function({**args, "uncond_denoised": agreed})

            return wrapped

        wrapped = [*functions[:own], *map(agreeing, functions[own:])]
        return {**model_options, "sampler_post_cfg_function": wrapped}

    def _among_last(self, output: Tensor, rows: slice | list[int]) -> Tensor:
        """Every level's estimate, where only the active ones were asked for now."""
        estimates = self._estimates.to(output, copy=True)
        estimates[rows] = output
        return estimates


def _processed(
    plan: JointPlan,
    model: Model,
    entries: Entries,
    level: int,
    noise: Tensor,
    device: torch.device,
    latent: Tensor,
    mask: Tensor | None,
    seed: int | None,
) -> Entries:
    """One level's entries, resolved by the host as a run of this level alone would resolve them."""
    one = slice(level, level + 1)
    chosen = {key: [e for e in cond if e.get(ZOOM_LEVEL, level) == level] for key, cond in entries.items()}
    if mask is not None:
        mask = mask[one] if len(mask) == len(noise) else mask[:1]
    processed = comfy.samplers.process_conds(
        model, noise[one], chosen, device, latent[one], mask, seed, latent_shapes=[noise[one].shape]
    )
    where = {key: f"{plan.node}: {key}" for key in processed}
    return {key: model_conds_of_level(e, level, len(noise), where[key]) for key, e in processed.items()}


@contextmanager
def _telling_of_the_model() -> Generator[None]:
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
