"""One joint sampling run on the host, from a node's inputs to its latents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import comfy.model_management
import comfy.sample
import comfy.samplers
import comfy.utils
import torch
from torch import Tensor

from ..demo.notice import demo_notices
from ..messages.node_text import NodeText
from ..zoomstack_core.geometry import ZoomGeometry
from .agreement.given_latents import NESTING, other_nesting
from .agreement.held import HELD, held_levels
from .agreement.latents import LatentLayout, latent_layout
from .agreement.photos import check_levels
from .checks import check_latent_kind
from .guider import JointGuider
from .host_types import Latent, ModelPatcher, Noise
from .level_count import count_levels
from .live_preview import prepare_report
from .network.level_marks import Conditioning
from .noise.level_seeds import parse_level_seeds, with_level_seeds
from .noise.sigmas import LevelSigmas, level_sigmas
from .noise.step_noise import sharing_of
from .notices import run_notices
from .options import ZoomSettings
from .plan import JointPlan
from .progress import LevelProgress

DOWNSCALE_RATIOS = ("downscale_ratio_spacial", "downscale_ratio_temporal")  # of an empty latent, spelled as the host's
NOISE_ROOM = 100  # the largest number of a state over its sigma: 6 for the noise, 6 for the scale of latents, and more


@dataclass(frozen=True)
class SamplingRequest:
    """The inputs of Zoom KSampler and its advanced variant beside model, conditioning, latent and `ZoomSettings`.

    Attributes:
        noise: the host's NOISE, in place of ``seed``.
        add_noise: False samples the latents as they are.
        start, end: the part of the steps to take, as in the host's KSampler (Advanced).
        leave_noise: whether a run that ends early keeps the noise that is left.
        level_seeds: as text, see `parse_level_seeds`.
    """

    seed: int
    steps: int
    cfg: float
    sampler_name: str
    scheduler: str
    denoise: float = 1.0
    noise: Noise | None = None
    add_noise: bool = True
    start: int = 0
    end: int = 10000
    leave_noise: bool = False
    level_seeds: str = ""

    @property
    def whole_steps(self) -> int:
        """Of the schedule whose last ``steps`` are taken, as the host counts them."""
        return int(self.steps / self.denoise) if 0 < self.denoise < 1 else self.steps

    @property
    def goes_on(self) -> bool:
        """Whether what the latents show counts."""
        return self.denoise < 1 or self.start > 0 or not self.add_noise


@dataclass(frozen=True)
class Levels:
    """What a run is of, before anything is sampled.

    Attributes:
        guider: with the conditioning of all levels.
        latent: the host's LATENT, without what is only true of another number of levels.
        samples: the latents of all levels [N, C, …].
        geometry: of the pictures that ``layout`` makes of them.
        level_seeds: of levels that have one of their own.
    """

    guider: JointGuider
    latent: Latent
    samples: Tensor
    layout: LatentLayout
    geometry: ZoomGeometry
    level_seeds: Mapping[int, int]


def gather_levels(
    model: ModelPatcher,
    positive: Conditioning,
    negative: Conditioning,
    latent: Latent,
    request: SamplingRequest,
    settings: ZoomSettings,
) -> Levels:
    """The levels of a run, as its inputs say; arguments and errors are those of `sample_zoom`."""
    guider = JointGuider(model)
    guider.set_conds(positive, negative)
    guider.set_cfg(request.cfg)
    levels = count_levels(guider.original_conds, latent["samples"], settings.node, latent.get(HELD))
    check_levels(settings.photos, levels)
    samples = _level_latents(model, latent, levels)
    if HELD not in latent:  # else `held_levels` says it
        check_latent_kind(samples, model)
    if len(samples) != len(latent["samples"]):  # one for every level: its place in some batch is not theirs
        latent = {key: value for key, value in latent.items() if key != "batch_index"}
    layout = latent_layout(model)
    geometry = settings.nesting.fit(len(samples), *layout.size(samples), name=f"{settings.node}: geometry")
    return Levels(guider, latent, samples, layout, geometry, parse_level_seeds(request.level_seeds, levels))


def sample_zoom(
    model: ModelPatcher,
    positive: Conditioning,
    negative: Conditioning,
    latent: Latent,
    request: SamplingRequest,
    settings: ZoomSettings,
    text: NodeText,
) -> Latent:
    """All zoom levels sampled in lockstep.

    Args:
        latent: the host's LATENT; its batch is the number of levels, or one, which then stands for every level.
        text: of the node: how far the run is, and what the user should know.

    Returns:
        The host's LATENT with one entry per level, the widest first.

    Raises:
        ValueError: for latents that are no images, or a batch or a geometry that does not fit the prompts.
    """
    begun = gather_levels(model, positive, negative, latent, request, settings)
    return sample_levels(model, begun, request, settings, text)


def sample_levels(
    model: ModelPatcher,
    begun: Levels,
    request: SamplingRequest,
    settings: ZoomSettings,
    text: NodeText,
    nested: bool = False,
) -> Latent:
    """As `sample_zoom`, of levels that are gathered.

    Args:
        nested: whether held levels are known to nest as ``settings`` say; else that is checked.
    """
    guider, latent, samples, layout, geometry = begun.guider, begun.latent, begun.samples, begun.layout, begun.geometry
    for notice in demo_notices(model, samples, request.steps, request.cfg):
        text.notice(notice)
    latent_format = model.get_model_object("latent_format")
    held = held_levels(latent, latent_format.latent_channels)
    whole = level_sigmas(
        model,
        geometry,
        request.steps,
        request.sampler_name,
        request.scheduler,
        request.denoise,
        settings.alignment,
        settings.node,
        settings.waking(latent_format, held),
    )
    sigmas = _part(whole, request)
    _check_leftover(sigmas, settings.node)
    sampler = comfy.samplers.sampler_object(request.sampler_name)
    noise, seed = _noise(request, {**latent, "samples": samples})
    noise = with_level_seeds(noise, samples, begun.level_seeds)
    about = settings, geometry, latent_format, sampler, whole, request.whole_steps, request.cfg, held
    for notice in run_notices(*about):
        text.notice(notice)
    if request.goes_on and len(samples) == len(latent["samples"]):
        pictures = layout.spread(samples)
        notice = other_nesting(latent, pictures, geometry, settings.nesting, latent_format, not request.add_noise)
        if notice:
            text.notice(notice)
    guider.plan = JointPlan(
        geometry, settings.blend, sigmas, layout, sharing_of(seed), settings.photos, held, settings.node, nested
    )
    rungs = len(sigmas.sigmas) - 1
    steps = round(rungs / whole.rungs_per_step)
    report = prepare_report(model, steps)
    with LevelProgress(guider, steps, report, text) as progress:
        result = guider.sample(
            guider.plan.initial_noise(noise, sampler),
            samples,
            sampler,
            sigmas.sigmas,
            denoise_mask=latent.get("noise_mask"),
            callback=progress,
            disable_pbar=not comfy.utils.PROGRESS_BAR_ENABLED,
            seed=seed,
        )
    return finished(latent, result, settings)


def finished(latent: Latent, result: Tensor, settings: ZoomSettings) -> Latent:
    """The host's LATENT of finished levels [N, C, …], made of ``latent``."""
    result = result.to(comfy.model_management.intermediate_device(), comfy.model_management.intermediate_dtype())
    spent = (*DOWNSCALE_RATIOS, HELD)
    others = {key: value for key, value in latent.items() if key not in spent}
    made = {NESTING: settings.nesting} if len(result) > 1 else {}
    return {**others, "samples": result, **made}


def _part(sigmas: LevelSigmas, request: SamplingRequest) -> LevelSigmas:
    """The steps that were asked for; of an aligned run the same part of its whole ladder."""
    if request.start == 0 and request.end >= sigmas.steps:
        return sigmas
    start, end = (step * sigmas.rungs_per_step for step in (request.start, request.end))
    return sigmas.between(start, end, not request.leave_noise)


def _check_leftover(sigmas: LevelSigmas, node: str) -> None:
    """Raises ValueError where the noise that is left at the end is more than a LATENT can hold."""
    dtype = comfy.model_management.intermediate_dtype()
    largest = torch.finfo(dtype).max / NOISE_ROOM
    if sigmas.leftover > largest:
        raise ValueError(
            f"{node}: return_with_leftover_noise is enable, but at end_at_step the deepest level has a sigma of "
            f"{sigmas.leftover:.0e}, and latents of {str(dtype).removeprefix('torch.')} hold at most {largest:.0e}. "
            "Use a larger end_at_step, fewer levels, a smaller zoom_factor or a lower alignment; or set "
            "return_with_leftover_noise to disable."
        )


def _noise(request: SamplingRequest, latent: Latent) -> tuple[Tensor, int]:
    seed = request.seed if request.noise is None else request.noise.seed
    if not request.add_noise:
        return torch.zeros_like(latent["samples"], device="cpu"), seed
    if request.noise is not None:
        return request.noise.generate_noise(latent), seed
    return comfy.sample.prepare_noise(latent["samples"], seed, latent.get("batch_index")), seed


def _level_latents(model: ModelPatcher, latent: Latent, levels: int) -> Tensor:
    # By name, and only what the latent says of itself: hosts before 0.24 know no temporal ratio, and write none.
    ratios = {name: latent[name] for name in DOWNSCALE_RATIOS if name in latent}
    samples = comfy.sample.fix_empty_latent_channels(model, latent["samples"], **ratios)
    return comfy.utils.repeat_to_batch_size(samples, levels)
