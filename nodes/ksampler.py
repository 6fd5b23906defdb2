"""ZoomKSampler: the host's KSampler over all zoom levels at once."""

from typing import Any

import comfy.samplers
from comfy_api.latest import io

from ..zoomstack_core.blend import BLEND_MODES
from ..zoomstack_core.nesting import Nesting
from .sampling.photos import Photo
from .sampling.run import SamplingRequest, sample_zoom
from .sampling.spaces import BlendOptions
from .types import (
    CATEGORY,
    SEARCH_ALIASES,
    anchors_input,
    blend_options_input,
    choose_nesting,
    focus_inputs,
    geometry_input,
)


class ZoomKSampler(io.ComfyNode):
    """Samples every level of a zoom together, so that they show one scene."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomKSampler",
            display_name="Zoom KSampler",
            category=CATEGORY,
            description="Samples all zoom levels together. At every step the levels' estimates are blended over what "
            "they share, so that the middle of each level shows the next one.",
            search_aliases=[*SEARCH_ALIASES, "joint sampling", "multi-scale"],
            inputs=[
                io.Model.Input("model", tooltip="The model that denoises every level."),
                io.Conditioning.Input("positive", tooltip="What to show, per level: from Zoom Prompt Schedule."),
                io.Conditioning.Input("negative", tooltip="What to avoid: from Zoom Prompt Schedule."),
                io.Latent.Input(
                    "latent_image",
                    tooltip="The latents to start from: one per level, or a single one, which then stands for every "
                    "level. An empty latent gives the size of all levels.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=True,
                    tooltip="The seed of all random noise.",
                ),
                io.Int.Input("steps", default=40, min=1, max=10000, tooltip="How often the model sees each level."),
                io.Float.Input(
                    "cfg",
                    default=7.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    round=0.01,
                    tooltip="Classifier-free guidance: how closely every level follows its prompt.",
                ),
                io.Combo.Input(
                    "sampler_name",
                    options=comfy.samplers.KSampler.SAMPLERS,
                    default="ddpm",
                    tooltip="The sampler. With alignment above 0 not all can be used yet; the error names those that "
                    "can. ddpm is the paper's.",
                ),
                io.Combo.Input(
                    "scheduler",
                    options=comfy.samplers.KSampler.SCHEDULERS,
                    default="exponential",
                    tooltip="The spacing of the steps. Counts at alignment 0 only: aligned levels share steps that are "
                    "uniform in log sigma (exponential).",
                ),
                io.Float.Input(
                    "denoise",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Below 1 part of the given latents is kept, as with KSampler.",
                ),
                io.Float.Input(
                    "zoom_factor",
                    default=2.0,
                    min=1.01,
                    max=64.0,
                    step=0.01,
                    tooltip="How much larger every level shows the middle of the level before it.",
                ),
                io.Float.Input(
                    "alignment",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="1 gives every level the noise that fits its scale: wide levels are finished first, fewer "
                    "levels are in memory at once, and pictures are clearer. 0 is the paper: the same noise at all "
                    "levels.",
                ),
                io.Combo.Input(
                    "blend",
                    options=list(BLEND_MODES),
                    default="laplacian",
                    tooltip="How the levels' estimates are reconciled. laplacian averages each band of detail over the "
                    "levels that carry it (the paper). border lets the wider level decide at the borders of the inner "
                    "rectangle and the deeper one inside: clearer pictures, fewer seams; meant for alignment 1. naive "
                    "averages whole images and blurs; none only pastes the deeper levels in.",
                ),
                *focus_inputs(),
                geometry_input(),
                blend_options_input(),
                anchors_input(),
            ],
            outputs=[io.Latent.Output(tooltip="The finished levels, the widest first, for VAE Decode.")],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        positive: Any,
        negative: Any,
        latent_image: dict[str, Any],
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        denoise: float,
        zoom_factor: float,
        alignment: float,
        blend: str,
        focus_x: float = 0.5,
        focus_y: float = 0.5,
        geometry: Nesting | None = None,
        blend_options: BlendOptions | None = None,
        anchors: tuple[Photo, ...] | None = None,
    ) -> io.NodeOutput:
        nesting = choose_nesting(geometry, zoom_factor, focus_x, focus_y)
        blending = blend_options or BlendOptions(blend)
        request = SamplingRequest(
            seed, steps, cfg, sampler_name, scheduler, denoise, alignment, blending, nesting, anchors or ()
        )
        return io.NodeOutput(sample_zoom(model, positive, negative, latent_image, request))
