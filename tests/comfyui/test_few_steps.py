"""What the samplers say of runs with few steps, as distilled models want them."""

import inspect
from types import SimpleNamespace
from typing import Any

import comfy.samplers
import pytest
import torch
from custom_sampling import custom_sampling
from harness import Host, call
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, sampling

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:comfy", "ignore::UserWarning:torchsde", "ignore:To copy construct"
)
# Each of their steps is by itself, but they ask the schedule as a whole how to take it.
OF_THE_WHOLE = ("dpm_fast", "dpm_adaptive", "heunpp2")


class ToyModel:
    """What the host gives a sampler for a model: it estimates tanh(x)."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        sampling = checkpoint.model.get_model_object("model_sampling")
        patcher = SimpleNamespace(get_model_object=lambda name: sampling)
        self.inner_model = SimpleNamespace(inner_model=SimpleNamespace(model_sampling=sampling), model_patcher=patcher)

    def __call__(self, x: Tensor, sigma: Tensor, model_options: dict[str, Any] | None = None, **_: Any) -> Tensor:
        denoised = x.tanh()
        for function in (model_options or {}).get("sampler_post_cfg_function", []):
            denoised = function({"denoised": denoised, "uncond_denoised": 0.9 * denoised})
        return denoised


def begun_anew(checkpoint: Checkpoint, name: str) -> tuple[Tensor, Tensor]:
    """The result of four steps without noise, and that of a run which begins at the second one's state."""
    function = comfy.samplers.sampler_object(name).sampler_function
    takes_noise = "noise_sampler" in inspect.signature(function).parameters
    quiet = {"noise_sampler": lambda *_: torch.zeros(1, 4, 4, 4)} if takes_noise else {}
    sigmas, states = torch.tensor([8.0, 5.0, 3.0, 1.5, 0.0]), {}

    def note(info: dict[str, Any]) -> None:
        states[info["i"]] = info["x"].clone()

    def run(x: Tensor, sigmas: Tensor) -> Tensor:
        options = {"model_options": {}, "seed": 0}
        return function(ToyModel(checkpoint), x, sigmas, extra_args=options, callback=note, disable=True, **quiet)

    whole = run(8.0 * torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0)), sigmas.clone())
    return whole, run(states[1], sigmas[1:].clone())


@pytest.mark.parametrize("name", comfy.samplers.KSampler.SAMPLERS)
def test_it_is_known_which_samplers_look_back(host: Host, eps: Checkpoint, name: str) -> None:
    looks_back = host.module("sampling.noise.samplers").looks_back(comfy.samplers.sampler_object(name))
    if name in OF_THE_WHOLE:
        assert not looks_back
    else:
        whole, anew = begun_anew(eps, name)
        assert torch.allclose(whole, anew, atol=1e-5) != looks_back


def said(host: Host, checkpoint: Checkpoint, levels: int = 2, **inputs: Any) -> str:
    prompts = checkpoint.schedule(*PROMPTS[:levels]), checkpoint.encode("")
    inputs = {"steps": 4, "cfg": 1.0, "sampler_name": "dpmpp_2m", **inputs}
    host.evaluate(sampling(host, checkpoint.model, *prompts, checkpoint.empty(levels), **inputs), ["zoom", 0])
    return " ".join(host.notices("zoom"))


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_an_extrapolating_sampler_and_few_steps_without_guidance(host: Host, eps: Checkpoint, alignment: float) -> None:
    text = said(host, eps, alignment=alignment, steps=8)
    assert text == (
        "cfg 1 and 8 steps are for a distilled model, and dpmpp_2m extrapolates from earlier steps, which makes the "
        "levels of such a model too strong. Use the sampler that the model's own workflow has; if that is this one and "
        "the pictures look burnt, use lcm."
    )
    assert said(host, eps, alignment=alignment, steps=6, denoise=0.5).startswith("cfg 1 and 12 steps")
    for other in ({"cfg": 2.0}, {"steps": 13}, {"sampler_name": "lcm"}, {"steps": 8, "denoise": 0.5}, {"levels": 1}):
        assert said(host, eps, alignment=alignment, **other) == "", other


def test_fewer_steps_than_aligned_noise_needs(host: Host, eps: Checkpoint) -> None:
    text = said(host, eps, steps=3, cfg=2.0)
    assert text.startswith("Every level has 3 steps only; with alignment above 0 ")
    assert "Use at least 4 steps, or set alignment to 0." in text
    assert said(host, eps, steps=1, cfg=2.0).startswith("Every level has 1 step only")
    for other in ({"alignment": 0.0}, {"steps": 4}, {"levels": 1}):
        assert said(host, eps, **{"steps": 3, "cfg": 2.0, **other}) == "", other


def test_samplers_of_custom_sampling_too(host: Host, eps: Checkpoint) -> None:
    graph = custom_sampling(host, eps, eps.model, 2, steps=3, sampler_name="dpmpp_2m", cfg=1.0)
    host.evaluate(graph, ["run", 0])
    first, second = host.notices("run")
    assert first.startswith("cfg 1 and 3 steps") and second.startswith("Every level has 3 steps only")
    graph["inner"] = call("BasicGuider", model=["model", 0], conditioning=["positive", 0])
    host.evaluate(graph, ["run", 0])
    assert host.notices("run") == [first, second]


def test_what_is_not_known_of_custom_sampling_is_not_said(host: Host, eps: Checkpoint) -> None:
    """A part of the sigmas may be one of many steps, and Dual CFG Guider has guidance of its own."""
    graph = custom_sampling(host, eps, eps.model, 2, steps=8, sampler_name="dpmpp_2m", cfg=1.0)
    dual = call("DualCFGGuider", model=["model", 0], cond1=["positive", 0], cond2=["positive", 0],
                negative=["negative", 0], cfg_conds=2.0, cfg_cond2_negative=3.0, style="regular")  # fmt: skip
    split = call("SplitSigmas", sigmas=["sigmas", 0], step=2)
    for part in ({"inner": dual}, {"split": split}):
        changed = {**graph, **part}
        if "split" in part:
            changed["run"] = call("SamplerCustomAdvanced", **{**graph["run"]["inputs"], "sigmas": ["split", 1]})
        host.evaluate(changed, ["run", 0])
        assert host.notices("run") == []
