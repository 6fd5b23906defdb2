"""The inputs and outputs that Zoom KSampler, its advanced variant and Zoom Guider share."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import comfy.samplers
from comfy_api.latest import io

from ...sampling.agreement.blend_options import BlendOptions, with_vae
from ...sampling.agreement.photos import Photo
from ...sampling.host_types import VAE
from ...sampling.network.level_marks import Conditioning, marked_parents
from ...sampling.options import ZoomSettings
from ...zoomstack_core.method.blend import BLEND_MODES
from ...zoomstack_core.nesting import Nesting
from .wire_types import (
    ZoomGeometryType,
    anchors_input,
    blend_options_input,
    choose_nesting,
    focus_inputs,
    geometry_input,
    zoom_factor_input,
)

BLEND_MODES_TOLD = (
    "border lets the wider level decide at the border of the inner rectangle and the deeper one inside: clearer "
    "pictures, fewer seams; made for alignment 1. laplacian averages each band of detail over the levels that carry it "
    "(the paper; take it at alignment 0). naive averages whole images and blurs; none only pastes the deeper levels in."
)


def model_inputs() -> list[io.Input]:
    """Model, conditioning and latents."""
    return [
        io.Model.Input("model", tooltip="The model that denoises every level."),
        io.Conditioning.Input("positive", tooltip="What to show, per level: from Zoom Prompt Schedule."),
        io.Conditioning.Input("negative", tooltip="What to avoid: from Zoom Prompt Schedule."),
        io.Latent.Input(
            "latent_image",
            tooltip="The latents to start from: one per level, or a single one, which then stands for every "
            "level. An empty latent gives the size of all levels.",
        ),
    ]


def seed_input(name: str) -> io.Input:
    """The seed; samplers call it differently."""
    return io.Int.Input(
        name,
        default=0,
        min=0,
        max=0xFFFFFFFFFFFFFFFF,
        control_after_generate=True,
        tooltip="The seed of all random noise.",
    )


def step_inputs() -> list[io.Input]:
    """How many steps of which sampler, and guidance."""
    return [
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
            default="dpmpp_2m",
            tooltip="The sampler; all of them work at every alignment. The paper's is ddpm, which needs more steps.",
        ),
        io.Combo.Input(
            "scheduler",
            options=comfy.samplers.KSampler.SCHEDULERS,
            default="exponential",
            tooltip="Where the noise of every level begins and ends. At alignment 0 it spaces the steps in between, "
            "too; above it they are even in log sigma. Take that of the model's own workflow.",
        ),
    ]


def zoom_inputs() -> list[io.Input]:
    """How the levels are sampled together."""
    return [
        zoom_factor_input(),
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
            default="border",
            tooltip=f"How the levels' estimates are reconciled. {BLEND_MODES_TOLD}",
        ),
    ]


def zoom_options() -> list[io.Input]:
    """What may be added to `zoom_inputs`."""
    return [*focus_inputs(), geometry_input(), blend_options_input(), anchors_input()]


def zoom_settings(
    node: str,
    entries: Iterable[dict[str, Any]],
    zoom_factor: float,
    alignment: float,
    blend: str,
    focus_x: float = 0.5,
    focus_y: float = 0.5,
    geometry: Nesting | None = None,
    blend_options: BlendOptions | None = None,
    anchors: tuple[Photo, ...] | None = None,
    vae: VAE | None = None,
) -> ZoomSettings:
    """The values of `zoom_inputs`, `zoom_options` and `vae_input` of the node with the display name ``node``.

    Args:
        entries: of the positive conditioning, whose marks say which level lies in which.
    """
    nesting = choose_nesting(geometry, zoom_factor, focus_x, focus_y)
    parents = marked_parents(entries)
    if parents is not None:
        is_chain = parents == (None, *range(len(parents) - 1))
        nesting = replace(nesting, parents=None if is_chain else parents)
    options = with_vae(blend_options or BlendOptions(blend), vae, node)
    return ZoomSettings(node, nesting, alignment, options, anchors or ())


def entries_of(conditioning: Conditioning) -> list[dict[str, Any]]:
    """The options of every entry of a CONDITIONING."""
    return [options for _, options in conditioning]


def noise_input() -> io.Input:
    """Noise in place of the seed."""
    return io.Noise.Input(
        "noise",
        optional=True,
        tooltip="From Zoom Shared Noise: the seed and what the levels share. Takes the place of the seed here.",
    )


def vae_input() -> io.Input:
    """The VAE for blending. It came later than the others, and is the last socket: saved files know them by place."""
    return io.Vae.Input(
        "vae",
        optional=True,
        tooltip="The model's VAE: models whose latents do not resample like pictures (all but SD1.5's and those of "
        "pixel-space models) are then blended as pictures. A tiny one (TAESD) is much faster. That of Zoom Multi-Res "
        "Blend goes before.",
    )


def keep_inputs() -> list[io.Input]:
    """What is kept of the last runs. They came later than all others, and are the last: files know widgets by place."""
    return [
        io.Boolean.Input(
            "keep",
            optional=True,
            default=False,
            tooltip="Levels that did not change since the last runs of this node stay as they are: edit one prompt, "
            "and only its level is sampled. Another seed, model or setting changes all levels. Off samples all.",
        ),
        io.String.Input(
            "level_seeds",
            optional=True,
            default="",
            tooltip="Single levels with noise of their own, counted from 1, the widest: a level and its seed, such as "
            "7: 1234, with commas between several. With keep this makes that level anew.",
        ),
        io.String.Input(
            "kept_file",
            optional=True,
            advanced=True,
            default="",
            tooltip="A file of levels in the output folder, which Save the levels in the menu of this node writes. "
            "With keep it is read when no level is in memory, such as after a restart.",
        ),
    ]


def geometry_output() -> io.Output:
    """What the sampler used, so that the nodes after it need no setting of their own."""
    return ZoomGeometryType.Output(
        display_name="geometry",
        tooltip="The zoom factor and the focus that were used here: connect it to geometry of Zoom Stack, and of a "
        "second sampler, so that they are set in one place.",
    )
