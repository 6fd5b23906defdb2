"""Every sampler of the host with a sigma per level: right as well as consistent.

The network is replaced by the ideal denoiser of a white scene: independent pixels, whose variance an area average
divides by p². At alignment 1 all levels are then equally far along, so that a level of a joint run must come out as a
stock run of that level alone does, pixel by pixel where the sampler draws no noise.
"""

from typing import Any

import comfy.patcher_extension
import comfy.samplers
import pytest
import torch
from harness import Host, call
from test_guider import relative_gap
from torch import Tensor
from zoom_graphs import PROMPTS, SAMPLER_SAMPLE, Checkpoint, logged, zoom

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:comfy", "ignore::UserWarning:torchsde", "ignore:To copy construct"
)
LEVELS, MIDDLE, FACTOR, STEPS, SIZE = 3, 1, 2.0, 10, 32
OWN_STEPS = ("dpm_fast", "dpm_adaptive")  # they divide the whole ladder in their own way
SAMPLERS = comfy.samplers.KSampler.SAMPLERS


def white_scene(checkpoint: Checkpoint) -> Any:
    """A clone of the model whose network estimates, exactly, a white scene of variance one at the deepest level."""
    embeddings = torch.cat([embedding for embedding, _ in checkpoint.schedule(*PROMPTS[:LEVELS])])
    variances = torch.tensor([FACTOR ** (2 * (level + 1 - LEVELS)) for level in range(LEVELS)])

    def ideal(_: Any, x: Tensor, sigma: Tensor, c_concat: Any, c_crossattn: Tensor, *args: Any, **kwargs: Any) -> Any:
        rows = (c_crossattn[:, None] == embeddings).flatten(2).all(-1).int().argmax(-1)
        rest = 1 - sigma if checkpoint.flow else torch.ones_like(sigma)
        gain = variances[rows] / (variances[rows] + (sigma / rest) ** 2) / rest
        return x * gain.view(-1, 1, 1, 1)

    def innermost(executor: Any, guider: Any, sigmas: Tensor, extra_args: dict[str, Any], *args: Any) -> Tensor:
        comfy.patcher_extension.add_wrapper_with_key(
            comfy.patcher_extension.WrappersMP.APPLY_MODEL,
            "ideal",
            ideal,
            extra_args["model_options"],
            is_model_options=True,
        )
        return executor(guider, sigmas, extra_args, *args)

    clone = checkpoint.model.clone()
    clone.add_wrapper_with_key(SAMPLER_SAMPLE, "ideal", innermost)
    return clone


class GivenNoise:
    """The host's NOISE with noise that is given."""

    def __init__(self, noise: Tensor) -> None:
        self.noise = noise
        self.seed = 7

    def generate_noise(self, latent: dict[str, Any]) -> Tensor:
        return self.noise.clone()


def middle_level(host: Host, checkpoint: Checkpoint, sampler: str) -> tuple[list[float], Tensor]:
    """The middle level's own sigmas in a joint run, in VE terms, and its initial noise [1, C, H, W] of variance one."""
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(LEVELS, SIZE, SIZE, FACTOR)
    level_sigmas = host.module("sampling.noise.sigmas").level_sigmas
    own = level_sigmas(checkpoint.model, geometry, STEPS, sampler, "exponential", 1.0, 1.0)
    sigmas = [own.ladder.ratios[MIDDLE] * float(s) for s in own.sigmas[:-1] if MIDDLE in own.front(s, LEVELS).active]
    white = torch.randn(LEVELS, checkpoint.channels, SIZE, SIZE, generator=torch.Generator().manual_seed(7))
    noise = host.module("zoomstack_core.method.noise").render_noise(white, geometry)
    return sigmas, noise[MIDDLE : MIDDLE + 1]


def alone(host: Host, checkpoint: Checkpoint, sampler: str, sigmas: list[float], noise: Tensor) -> Tensor:
    """The middle level as a stock run of it alone, in the model's own terms."""
    if checkpoint.flow:
        sigmas = [sigma / (1 + sigma) for sigma in sigmas]
    graph = {
        "model": host.source(white_scene(checkpoint)),
        "prompt": host.source(checkpoint.encode(PROMPTS[MIDDLE])),
        "noise": host.source(GivenNoise(noise)),
        "sampler": host.source(comfy.samplers.sampler_object(sampler)),
        "sigmas": host.source(torch.tensor([*sigmas, 0.0])),
        "latent": host.source(checkpoint.empty(1, SIZE, SIZE)),
        "guider": call("CFGGuider", model=["model", 0], positive=["prompt", 0], negative=["prompt", 0], cfg=1.0),
        "run": call(
            "SamplerCustomAdvanced",
            noise=["noise", 0],
            guider=["guider", 0],
            sampler=["sampler", 0],
            sigmas=["sigmas", 0],
            latent_image=["latent", 0],
        ),
    }
    (result,) = host.evaluate(graph, ["run", 0])
    return in_model_terms(checkpoint, result["samples"][0])


def together(host: Host, checkpoint: Checkpoint, sampler: str) -> tuple[Tensor, list[Tensor]]:
    """The middle level of a joint run, and the states of all levels at every evaluation."""
    model, log = logged(white_scene(checkpoint))
    prompts, latent = checkpoint.schedule(*PROMPTS[:LEVELS]), checkpoint.empty(LEVELS, SIZE, SIZE)
    inputs = {"sampler_name": sampler, "scheduler": "exponential", "steps": STEPS, "cfg": 1.0}
    joint = zoom(host, model, prompts, prompts, latent, **inputs)
    return in_model_terms(checkpoint, joint[MIDDLE]), log.states


def in_model_terms(checkpoint: Checkpoint, latent: Tensor) -> Tensor:
    return checkpoint.model.model.process_latent_in(latent)


@pytest.mark.parametrize("family", ["eps", "flow"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_is_right(
    host: Host, request: pytest.FixtureRequest, eps: Checkpoint, family: str, sampler: str
) -> None:
    """States nest at every evaluation, and a level's picture is as strong as the stock sampler makes it in VE terms."""
    checkpoint: Checkpoint = request.getfixturevalue(family)
    joint, states = together(host, checkpoint, sampler)
    assert max(map(relative_gap, states)) < 1e-5
    if sampler in OWN_STEPS:
        assert float(joint.std()) == pytest.approx(float(FACTOR) ** (MIDDLE + 1 - LEVELS), rel=0.1)
        return
    sigmas, noise = middle_level(host, checkpoint, sampler)
    stock = alone(host, eps, sampler, sigmas, noise[:, : eps.channels])
    is_stochastic = host.module("sampling.noise.samplers").is_stochastic
    if is_stochastic(comfy.samplers.sampler_object(sampler)):
        assert float(joint.std()) == pytest.approx(float(stock.std()), rel=0.06)
    else:
        # deis interpolates in a time that is not log sigma; uni_pc extrapolates in its last step, to 0.001
        off = {"deis": 0.06, "uni_pc": 0.03, "uni_pc_bh2": 0.03}.get(sampler, 0.02)
        assert float((joint[: eps.channels] - stock).std()) < off * float(stock.std())


@pytest.mark.parametrize("family", ["eps", "v", "flow"])
@pytest.mark.parametrize("sampler", ["euler", "exp_heun_2_x0"])
def test_a_level_equals_a_stock_run_of_it(
    host: Host, request: pytest.FixtureRequest, family: str, sampler: str
) -> None:
    """In the model's own terms too, for samplers whose steps are the same in flow times and in VE terms."""
    checkpoint: Checkpoint = request.getfixturevalue(family)
    joint, _ = together(host, checkpoint, sampler)
    stock = alone(host, checkpoint, sampler, *middle_level(host, checkpoint, sampler))
    assert float((joint - stock).std()) < 5e-3 * float(stock.std())
