"""Which guiders the joint sampler takes, and the errors for what it cannot serve."""

import logging
from typing import Any

import comfy.samplers
import pytest
import torch
from harness import Host, NodeFailed, call
from stock_levels import LEVELS, SEED, STEPS, TOLERANCE, far_apart, initial_noise, marked
from zoom_graphs import PROMPTS, Checkpoint, Conditioning, zoom


def guider(host: Host, kind: str, model: Any, conditioning: list[Conditioning], **inputs: Any) -> Any:
    """The GUIDER that a node of the host gives."""
    names = {
        "CFGGuider": ("positive", "negative"),
        "BasicGuider": ("conditioning",),
        "DualCFGGuider": ("cond1", "cond2", "negative"),
        "DualModelGuider": ("positive", "negative"),
    }[kind]
    given = dict(zip(names, conditioning, strict=True))
    graph = {"model": host.source(model), **{name: host.source(value) for name, value in given.items()}}
    links = {name: [name, 0] for name in given}
    if kind == "DualModelGuider":
        links["model_negative"] = ["model", 0]
    (made,) = host.evaluate({**graph, "guider": call(kind, model=["model", 0], **links, **inputs)}, ["guider", 0])
    return made


def joint_plan(host: Host, model: Any, levels: int, factor: float) -> Any:
    plan = host.module("sampling.plan")
    options = host.module("sampling.agreement.blend_options").BlendOptions()
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(levels, 16, 16, factor)
    level_sigmas = host.module("sampling.noise.sigmas").level_sigmas
    return plan.JointPlan(geometry, options, level_sigmas(model, geometry, STEPS, "euler", "normal", 1.0, 0.0))


@pytest.mark.parametrize(
    ("kind", "conditionings", "inputs"),
    [
        ("CFGGuider", 2, {"cfg": 3.0}),
        ("BasicGuider", 1, {}),
        ("DualCFGGuider", 3, {"cfg_conds": 3.0, "cfg_cond2_negative": 2.0, "style": "regular"}),
        ("DualCFGGuider", 3, {"cfg_conds": 3.0, "cfg_cond2_negative": 2.0, "style": "nested"}),
    ],
)
def test_any_guider_can_be_made_joint(
    host: Host, eps: Checkpoint, kind: str, conditionings: int, inputs: dict[str, Any]
) -> None:
    """Levels that are far apart are runs of the host's own guider."""
    by_level = [[eps.encode(f"{text} {i}") for i in range(conditionings)] for text in PROMPTS[:LEVELS]]
    latent = eps.empty(LEVELS, 16, 16)["samples"]
    factor, _ = far_apart(eps.model, 16)
    noise = initial_noise(host, eps.model, latent, factor)
    plan = joint_plan(host, eps.model, LEVELS, factor)
    options = {"disable_pbar": True, "seed": SEED}
    euler, sigmas = comfy.samplers.sampler_object("euler"), plan.sigmas.sigmas
    together = guider(host, kind, eps.model, [marked(list(level)) for level in zip(*by_level, strict=True)], **inputs)
    stock = [guider(host, kind, eps.model, level, **inputs) for level in by_level]
    with torch.inference_mode():
        joint = host.module("sampling.guider").make_joint(together, plan)
        result = joint.sample(noise, latent, euler, sigmas, **options)
        alone = [
            one.sample(noise[i : i + 1], latent[i : i + 1], euler, sigmas, **options) for i, one in enumerate(stock)
        ]
    expected = torch.cat(alone)
    assert (result - expected).abs().max() < TOLERANCE * expected.std()
    assert type(together).__name__ != type(joint).__name__, "the guider that was given stays as it is"


def test_a_guider_with_two_models_is_an_error(host: Host, eps: Checkpoint) -> None:
    two = guider(host, "DualModelGuider", eps.model, [eps.encode("a"), eps.encode("")], cfg=2.0)
    with pytest.raises(
        ValueError, match="guider is 'Guider_DualModel', which samples in its own way .*; expected CFG Guider"
    ):
        host.module("sampling.guider").make_joint(two, joint_plan(host, eps.model, 2, 2.0))


@pytest.mark.parametrize(("length", "fits"), [(4, False), (64, True)])
def test_context_windows_that_would_act_are_an_error(
    host: Host, eps: Checkpoint, caplog: pytest.LogCaptureFixture, length: int, fits: bool
) -> None:
    """Windows over the width stand in for those over frames: the small models have none."""
    caplog.set_level(logging.ERROR)
    windows = {"context_length": length, "context_overlap": 1, "dim": 3}
    options: dict[str, Any] = {
        "context_schedule": "standard_static",
        "context_stride": 1,
        "closed_loop": False,
        "fuse_method": "pyramid",
        "freenoise": False,
        "cond_retain_index_list": "",
        "split_conds_to_windows": False,
        "latent_retain_index_list": "",
        "causal_window_fix": False,
    }
    graph = {
        "model": host.source(eps.model),
        "windows": call("ContextWindowsManual", model=["model", 0], **windows, **options),
    }
    (model,) = host.evaluate(graph, ["windows", 0])
    prompts = eps.schedule(*PROMPTS[:2]), eps.encode("")
    if fits:
        result = zoom(host, model, *prompts, eps.empty(2))
        assert torch.equal(result, zoom(host, eps.model, *prompts, eps.empty(2)))
    else:
        with pytest.raises(
            NodeFailed, match="Zoom KSampler: model has context windows that are shorter than the latent"
        ):
            zoom(host, model, *prompts, eps.empty(2))


@pytest.mark.parametrize(
    ("name", "reason"), [("sample_lcm_upscale", "changes the size"), ("sample_ar_video", "frames of one video in turn")]
)
def test_samplers_that_do_not_keep_the_levels_are_an_error(host: Host, name: str, reason: str) -> None:
    limits = host.module("sampling.checks")
    if name == "sample_lcm_upscale":
        graph = {"sampler": call("SamplerLCMUpscale", scale_ratio=2.0, scale_steps=-1, upscale_method="bislerp")}
    else:
        graph = {"sampler": call("SamplerARVideo", num_frame_per_block=1)}
    (sampler,) = host.evaluate(graph, ["sampler", 0])
    assert sampler.sampler_function.__name__ == name
    with pytest.raises(
        ValueError, match=f"sampler is {name.removeprefix('sample_')}; expected another one: it .*{reason}"
    ):
        limits.check_sampler(sampler)
    limits.check_sampler(comfy.samplers.sampler_object("lcm"))
