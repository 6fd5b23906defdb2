"""ZoomKSampler and ZoomKSamplerAdvanced: the host's KSamplers over all zoom levels at once."""

from typing import Any

from comfy_api.latest import io

from ..messages.node_text import NodeText
from ..sampling import Keeping, SamplingRequest, sample_keeping, sample_zoom
from ..sampling.host_types import Latent, ModelPatcher, Noise
from ..sampling.network.level_marks import Conditioning
from .shared.checked import checked
from .shared.sampler_inputs import (
    entries_of,
    geometry_output,
    keep_inputs,
    model_inputs,
    noise_input,
    seed_input,
    step_inputs,
    vae_input,
    zoom_inputs,
    zoom_options,
    zoom_settings,
)
from .shared.wire_types import CATEGORY, SEARCH_ALIASES

NAME, ADVANCED_NAME = "Zoom KSampler", "Zoom KSampler (Advanced)"
DESCRIPTION = (
    "Samples all zoom levels together. At every step the levels' estimates are blended over what they share, so that "
    "the middle of each level shows the next one."
)


class ZoomKSampler(io.ComfyNode):
    """Samples every level of a zoom together, so that they show one scene."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomKSampler",
            display_name=NAME,
            category=CATEGORY,
            description=DESCRIPTION,
            search_aliases=[*SEARCH_ALIASES, "joint sampling", "multi-scale"],
            inputs=[
                *model_inputs(),
                seed_input("seed"),
                *step_inputs(),
                io.Float.Input(
                    "denoise",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Below 1 part of the given latents is kept, as with KSampler.",
                ),
                *zoom_inputs(),
                *zoom_options(),
                noise_input(),
                vae_input(),
                *keep_inputs(),
            ],
            outputs=[
                io.Latent.Output(tooltip="The finished levels, the widest first, for VAE Decode."),
                geometry_output(),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    @checked(sampler="sampler_name", sigmas="scheduler")
    def execute(
        cls,
        model: ModelPatcher,
        positive: Conditioning,
        negative: Conditioning,
        latent_image: Latent,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        denoise: float,
        noise: Noise | None = None,
        keep: bool = False,
        level_seeds: str = "",
        kept_file: str = "",
        **zoom: Any,
    ) -> io.NodeOutput:
        request = SamplingRequest(
            seed, steps, cfg, sampler_name, scheduler, denoise, noise=noise, level_seeds=level_seeds
        )
        settings, text = zoom_settings(NAME, entries_of(positive), **zoom), NodeText(cls.hidden.unique_id, NAME)
        keeping = Keeping(cls.hidden.unique_id or "", keep, kept_file)
        latent = sample_keeping(model, positive, negative, latent_image, request, settings, text, keeping)
        return io.NodeOutput(latent, settings.nesting)


class ZoomKSamplerAdvanced(io.ComfyNode):
    """A part of the steps, with or without noise at its begin and end."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomKSamplerAdvanced",
            display_name=ADVANCED_NAME,
            category=CATEGORY,
            description=DESCRIPTION + " Takes a part of the steps, as KSampler (Advanced) does.",
            search_aliases=[*SEARCH_ALIASES, "joint sampling", "multi-scale", "start at step", "leftover noise"],
            inputs=[
                *model_inputs(),
                io.Combo.Input(
                    "add_noise",
                    options=["enable", "disable"],
                    advanced=True,
                    tooltip="disable samples the latents as they are: noisy ones of a sampler before this one.",
                ),
                seed_input("noise_seed"),
                *step_inputs(),
                io.Int.Input(
                    "start_at_step",
                    default=0,
                    min=0,
                    max=10000,
                    advanced=True,
                    tooltip="The first step to take. With alignment above 0 the levels are at different steps; then "
                    "this is a part of the whole run: step 20 of 40 is its middle.",
                ),
                io.Int.Input(
                    "end_at_step",
                    default=10000,
                    min=0,
                    max=10000,
                    advanced=True,
                    tooltip="The step to stop before, counted like start_at_step.",
                ),
                io.Combo.Input(
                    "return_with_leftover_noise",
                    options=["disable", "enable"],
                    advanced=True,
                    tooltip="Where the run stops early: enable gives the noisy latents, for a sampler after this one "
                    "that starts at the same step with add_noise disabled; disable gives the estimates so far.",
                ),
                *zoom_inputs(),
                *zoom_options(),
                noise_input(),
                vae_input(),
            ],
            outputs=[io.Latent.Output(tooltip="The levels, the widest first."), geometry_output()],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    @checked(sampler="sampler_name", sigmas="scheduler")
    def execute(
        cls,
        model: ModelPatcher,
        positive: Conditioning,
        negative: Conditioning,
        latent_image: Latent,
        add_noise: str,
        noise_seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        start_at_step: int,
        end_at_step: int,
        return_with_leftover_noise: str,
        noise: Noise | None = None,
        **zoom: Any,
    ) -> io.NodeOutput:
        request = SamplingRequest(
            noise_seed,
            steps,
            cfg,
            sampler_name,
            scheduler,
            noise=noise,
            add_noise=add_noise == "enable",
            start=start_at_step,
            end=end_at_step,
            leave_noise=return_with_leftover_noise == "enable",
        )
        settings, text = (
            zoom_settings(ADVANCED_NAME, entries_of(positive), **zoom),
            NodeText(cls.hidden.unique_id, ADVANCED_NAME),
        )
        latent = sample_zoom(model, positive, negative, latent_image, request, settings, text)
        return io.NodeOutput(latent, settings.nesting)
