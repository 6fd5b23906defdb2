"""Levels so far apart that they do not interact: each must be the stock run of its own prompts and noise."""

import math
from typing import Any

import comfy.model_sampling
import comfy.sample
import comfy.samplers
import torch
from harness import Host
from torch import Tensor
from zoom_graphs import Checkpoint, Conditioning, zoom

LEVELS, SIZE, STEPS, SEED, CFG = 3, 16, 4, 11, 3.0
TOLERANCE = 1e-4  # of the pictures' standard deviation, for the largest difference; 1e-5 is typical

Levels = list[Conditioning]  # one conditioning per level


def far_apart(model: Any, size: int, steps: int = STEPS) -> tuple[float, Tensor]:
    """A zoom factor so large that no whole pixel is shared, with a whole number of rungs in it; one level's sigmas."""
    sampling = model.get_model_object("model_sampling")
    flow = isinstance(sampling, comfy.model_sampling.CONST)
    high, low = float(sampling.sigma_max), float(sampling.sigma_min)
    if flow:
        high, low = 0.99 / 0.01, low / (1 - low)
    rung = math.log(high / low) / (steps - 1)
    factor = math.exp(rung * math.floor(math.log(64) / rung))
    assert factor > size
    sigmas = torch.tensor([high * math.exp(-n * rung) for n in range(steps)] + [0.0])
    return factor, sigmas / (1 + sigmas) if flow else sigmas


def with_options(conditioning: Conditioning, **options: Any) -> Conditioning:
    """The conditioning with ``options`` on every entry."""
    return [[embedding, {**entry, **options}] for embedding, entry in conditioning]


def marked(levels: Levels) -> Conditioning:
    """The levels' conditionings as one, marked as Zoom Prompt Schedule marks them."""
    return [entry for i, level in enumerate(levels) for entry in with_options(level, zoom_level=i)]


class FromPlainNoise(comfy.samplers.KSAMPLER):
    """The host's sampler, from sigma times the noise at its largest sigma too.

    There the host takes sqrt(1 + sigma²) times it. An aligned run starts at a common sigma of thousands, where that is
    the same, so that each level has its own sigma times the noise.
    """

    def max_denoise(self, model_wrap: Any, sigmas: Tensor) -> bool:
        return False


def stock_runs(
    model: Any,
    positive: Levels,
    negative: Levels,
    noise: Tensor,
    sigmas: Tensor,
    latent: dict[str, Any],
    sampler: str = "euler",
    plain: bool = False,
) -> Tensor:
    """The host's own guider and sampler, level by level; ``plain``: see `FromPlainNoise`."""
    samples, denoise_mask = latent["samples"], latent.get("noise_mask")
    results = []
    with torch.inference_mode():
        for i in range(len(samples)):
            guider = comfy.samplers.CFGGuider(model)
            guider.set_conds(positive[i], negative[i])
            guider.set_cfg(CFG)
            one = slice(i, i + 1)
            options: dict[str, Any] = {"disable_pbar": True, "seed": SEED}
            if denoise_mask is not None:
                options["denoise_mask"] = denoise_mask[one]
            stock = comfy.samplers.sampler_object(sampler)
            if plain:
                stock = FromPlainNoise(stock.sampler_function, stock.extra_options, stock.inpaint_options)
            results.append(guider.sample(noise[one], samples[one], stock, sigmas, **options))
    return torch.cat(results)


def initial_noise(host: Host, model: Any, samples: Tensor, factor: float) -> Tensor:
    """Partly covered pixels mix the levels' noise: what the node starts from, before the levels' sigmas."""
    noise = comfy.sample.prepare_noise(samples, SEED)
    layout = host.module("sampling.agreement.latents").latent_layout(model)
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(len(samples), *layout.size(samples), factor)
    render = host.module("zoomstack_core.method.noise").render_noise
    rendered = layout.gather(render(layout.spread(noise), geometry), noise)
    assert not torch.equal(rendered, noise)
    return rendered


def compare(
    host: Host,
    checkpoint: Checkpoint | Any,
    positive: Levels,
    negative: Levels,
    alignment: float,
    model: Any = None,
    latent: dict[str, Any] | None = None,
    steps: int = STEPS,
    given: tuple[Conditioning, Conditioning] | None = None,
) -> tuple[float, Tensor]:
    """The largest difference between the joint run and the levels' stock runs, relative; the joint result.

    ``checkpoint`` gives model and empty latent where those are not given. ``given`` are the conditionings of the joint
    run, where they are not those of the levels, marked.
    """
    model = model or checkpoint.model
    latent = latent or checkpoint.empty(LEVELS, SIZE, SIZE)
    samples = latent["samples"]
    size = max(host.module("sampling.agreement.latents").latent_layout(model).size(samples))
    factor, own = far_apart(model, size, steps)
    noise = initial_noise(host, model, samples, factor)
    sampling = model.get_model_object("model_sampling")
    sigmas = own if alignment else comfy.samplers.calculate_sigmas(sampling, "normal", steps)
    expected = stock_runs(model, positive, negative, noise, sigmas, latent, plain=alignment > 0)
    result = zoom(
        host,
        model,
        *(given or (marked(positive), marked(negative))),
        latent,
        seed=SEED,
        steps=steps,
        cfg=CFG,
        zoom_factor=factor,
        alignment=alignment,
        scheduler="exponential" if alignment else "normal",
    )
    return float((result - expected).abs().max() / expected.std()), result
