"""Zoom Guider in the host's SamplerCustomAdvanced: any guider, both outputs, previews, and clear errors."""

from typing import Any

import pytest
import torch
from custom_sampling import custom_sampling
from harness import Host, NodeFailed, call
from test_guider import relative_gap
from test_zoom_hold_levels import disagreement, finished, hold, outside
from test_zoom_photo_anchor import GROUND, anchors, psnr, universe
from zoom_graphs import PROMPTS, ZOOM_ONLY, Checkpoint, load, logged, model_calls, zoom

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy", "ignore:To copy construct")


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral", "uni_pc"])
def test_it_samples_as_zoom_ksampler_does(host: Host, eps: Checkpoint, sampler: str, alignment: float) -> None:
    """From the same range of sigmas; euler_cfg_pp and the like need the guider's own class below."""
    graph = custom_sampling(host, eps, eps.model, 3, sampler_name=sampler, alignment=alignment)
    scheduled = {**graph["sigmas"]["inputs"]}
    if sampler == "uni_pc":  # KSampler leaves out a sigma for it
        (whole,) = host.evaluate({**graph, "all": call("BasicScheduler", **{**scheduled, "steps": 5})}, ["all", 0])
        graph["sigmas"] = host.source(torch.cat([whole[:-2], whole[-1:]]))
    ours, denoised = host.evaluate(graph, ["run", 0], ["run", 1])
    inputs = {"steps": 4, "seed": 5, "sampler_name": sampler, "scheduler": "exponential", "alignment": alignment}
    expected = zoom(host, eps.model, eps.schedule(*PROMPTS[:3]), eps.encode(""), eps.empty(3), **inputs)
    torch.testing.assert_close(ours["samples"], expected, atol=1e-4 * float(expected.std()), rtol=0)
    assert relative_gap(ours["samples"]) < 1e-5
    assert relative_gap(denoised["samples"]) < 1e-5


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_the_denoised_output_is_the_last_estimate(host: Host, checkpoint: Checkpoint, alignment: float) -> None:
    model, log = logged(checkpoint.model)
    graph = custom_sampling(host, checkpoint, model, 3, alignment=alignment)
    samples, denoised = host.evaluate(graph, ["run", 0], ["run", 1])
    expected = model.model.process_latent_out(log.denoised[-1])
    assert denoised["samples"].shape == samples["samples"].shape == (3, checkpoint.channels, 8, 8)
    torch.testing.assert_close(denoised["samples"], expected)
    torch.testing.assert_close(samples["samples"], denoised["samples"], atol=1e-4, rtol=1e-4)  # euler ends there


@pytest.mark.parametrize("family", ["eps", "flow"])
@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_one_level_is_the_stock_guider(
    host: Host, request: pytest.FixtureRequest, family: str, alignment: float
) -> None:
    checkpoint: Checkpoint = request.getfixturevalue(family)
    graph = custom_sampling(host, checkpoint, checkpoint.model, 1, sampler_name="dpmpp_2m_sde", alignment=alignment)
    run = graph["run"]["inputs"]
    graph["stock"] = call("SamplerCustomAdvanced", **{**run, "guider": ["inner", 0]})
    refs = [[node, slot] for slot in (0, 1) for node in ("run", "stock")]
    ours, stock, ours_denoised, stock_denoised = (r["samples"] for r in host.evaluate(graph, *refs))
    assert torch.equal(ours, stock)
    assert torch.equal(ours_denoised, stock_denoised)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("kind", ["basic", "dual", "nested"])
def test_other_guiders(host: Host, eps: Checkpoint, kind: str, alignment: float) -> None:
    model, log = logged(eps.model)
    graph = custom_sampling(host, eps, model, 3, alignment=alignment)
    if kind == "basic":
        graph["inner"] = call("BasicGuider", model=["model", 0], conditioning=["positive", 0])
    else:
        graph["inner"] = call(
            "DualCFGGuider",
            model=["model", 0],
            cond1=["positive", 0],
            cond2=["positive", 0],
            negative=["negative", 0],
            cfg_conds=2.0,
            cfg_cond2_negative=3.0,
            style="nested" if kind == "nested" else "regular",
        )
    (result,) = host.evaluate(graph, ["run", 0])
    assert relative_gap(result["samples"]) < 1e-5
    if alignment:
        assert max(map(relative_gap, log.states)) < 1e-4


def test_previews_show_all_levels_and_progress_counts_the_sigmas(host: Host, eps: Checkpoint) -> None:
    graph = custom_sampling(host, eps, eps.model, 4, steps=3)
    host.evaluate(graph, ["run", 0], preview_method="latent2rgb")
    values = [value for value, _ in host.progress]
    assert values == sorted(values) and len(values) > 3
    assert {*host.progress} == {(1, 3), (2, 3), (3, 3)}
    assert {preview.size for preview in host.previews} == {(16, 16)}


def test_the_guider_it_was_made_from_stays_as_it_was(host: Host, eps: Checkpoint) -> None:
    graph = custom_sampling(host, eps, eps.model, 2)
    inner, joint = host.evaluate(graph, ["inner", 0], ["guider", 0])
    assert type(inner).__name__ == "CFGGuider" and not hasattr(inner, "settings")
    assert isinstance(joint, type(inner)) and joint.cfg == inner.cfg == 2.5


@pytest.mark.parametrize("as_latents", [False, True])
@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_held_levels_stay(host: Host, checkpoint: Checkpoint, alignment: float, as_latents: bool) -> None:
    """They change by exactly nothing outside the pasted middle, whatever the sampler's latents are."""
    stack = finished(host, checkpoint)
    held = hold(host, stack, deeper=1)
    graph = custom_sampling(host, checkpoint, checkpoint.model, 4, alignment=alignment, cfg=1.0)
    graph["held"] = host.source(held)
    graph["guider"]["inputs"]["held"] = ["held", 0]
    if as_latents:
        graph["latent"] = graph["held"]
    with model_calls() as calls:
        samples, denoised = (result["samples"] for result in host.evaluate(graph, ["run", 0], ["run", 1]))
    assert sum(len(call.x) for call in calls) == 4  # only the new level's
    given = stack["samples"]
    assert torch.equal(samples[:3][..., outside()], given[..., outside()])
    assert not torch.allclose(samples[2][:, ~outside()], given[2][:, ~outside()], atol=1e-3)
    assert disagreement(host, samples) < 1e-5
    torch.testing.assert_close(denoised, samples, atol=1e-4, rtol=1e-4)
    inputs = {"steps": 4, "seed": 5, "scheduler": "exponential", "alignment": alignment, "cfg": 1.0}
    expected = zoom(host, checkpoint.model, checkpoint.schedule(*PROMPTS[:4]), checkpoint.encode(""), held, **inputs)
    torch.testing.assert_close(samples, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_a_level_shows_its_photo(host: Host, alignment: float) -> None:
    pixel = load(host, "tiny_pixel")
    photo = universe(host, 10, 32)
    graph = custom_sampling(host, pixel, pixel.model, 3, alignment=alignment)
    graph["positive"] = host.source(pixel.schedule(*GROUND))
    graph["latent"] = host.source(pixel.empty(3, 32, 32))
    (free,) = host.evaluate(graph, ["run", 0])
    graph["anchors"] = host.source(anchors(host, (photo, {"level": 2})))
    graph["guider"]["inputs"]["anchors"] = ["anchors", 0]
    (result,) = host.evaluate(graph, ["run", 0])
    assert psnr(pixel.vae.decode(result["samples"])[1], photo[0]) > 35
    assert psnr(pixel.vae.decode(free["samples"])[1], photo[0]) < 25


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_the_geometry_gives_every_step_its_factor(host: Host, eps: Checkpoint, alignment: float) -> None:
    """In place of the widgets, whose nesting the levels then do not have."""
    graph = custom_sampling(host, eps, eps.model, 3, alignment=alignment, zoom_factor=3.0)
    graph["latent"] = host.source(eps.empty(3, 16, 16))
    graph["geometry"] = call("ZoomGeometry", zoom_factors="2, 4", focus="0.25, 0.75\n0.5, 0.375")
    graph["guider"]["inputs"]["geometry"] = ["geometry", 0]
    made, result = host.evaluate(graph, ["geometry", 0], ["run", 0])
    geometry, metrics = (host.module(f"zoomstack_core.{name}") for name in ("geometry", "method.metrics"))
    assert metrics.consistency_error(result["samples"], made.fit(3, 16, 16)) < 1e-5
    for factor in (2.0, 3.0, 4.0):
        assert metrics.consistency_error(result["samples"], geometry.ZoomGeometry(3, 16, 16, factor)) > 0.1


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "two models": (
        {
            "inner": call(
                "DualModelGuider",
                model=["model", 0],
                model_negative=["model", 0],
                positive=["positive", 0],
                negative=["negative", 0],
                cfg=2.0,
            )
        },
        "Zoom Guider: guider is 'Guider_DualModel', which samples in its own way",
    ),
    "joint already": (
        {"guider": call("ZoomGuider", guider=["first", 0], zoom_factor=2.0, alignment=1.0, blend="laplacian")},
        "Zoom Guider: guider samples zoom levels together already",
    ),
    "sigmas that end early": (
        {"sigmas": call("ManualSigmas", sigmas="14.6, 5.0, 1.0")},
        "Zoom Guider: sigmas end at 1; with alignment above 0 they must end in 0",
    ),
    "sigmas that stay": (
        {"sigmas": call("ManualSigmas", sigmas="14.6, 14.6, 0")},
        r"Zoom Guider: sigmas has the steps \[14.6, 14.6, 0.0\]; expected steps that fall, where alignment is above 0",
    ),
    "sigmas of nothing": (
        {"sigmas": call("ManualSigmas", sigmas="0, 0")},
        r"Zoom Guider: sigmas has the steps \[0.0, 0.0\]; expected steps that fall",
    ),
    "nothing held": (
        {"guider": call("ZoomGuider", guider=["inner", 0], held=["latent", 0], **ZOOM_ONLY)},
        "Zoom Guider: held has no held levels; connect the latent that Zoom Hold Levels gives",
    ),
    "too few held": (
        {
            "finished": call("EmptyLatentImage", width=64, height=64, batch_size=2),
            "hold": call("ZoomHeldLevels", latent=["finished", 0], levels="all", add_deeper=0, add_wider=0),
            "guider": call("ZoomGuider", guider=["inner", 0], held=["hold", 0], **ZOOM_ONLY),
        },
        r"Zoom Guider: held has the shape \[2, 4, 8, 8\], latent_image \[3, 4, 8, 8\]; expected the same",
    ),
    "one latent": (
        {"latent": call("EmptyLatentImage", width=64, height=64, batch_size=1)},
        "Zoom Guider: latent_image has a batch of 1, positive has prompts for 3 levels; expected a batch of 3",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_a_clear_error(host: Host, eps: Checkpoint, case: str) -> None:
    nodes, message = WRONG[case]
    graph = custom_sampling(host, eps, eps.model, 3)
    graph["first"] = graph["guider"]
    with pytest.raises(NodeFailed, match=message):
        host.evaluate({**graph, **nodes}, ["run", 0])


@pytest.mark.parametrize(
    ("sigmas", "first", "last", "steps"),
    [
        ("14.6, 0", 14.6, 14.6, 1),
        ("9, 3, 3, 1, 0", 9, 1, 4),
        ("9, 3, 1, 0, 0", 9, 1, 3),
        ("9, 0.5, 0.000001", 9, 0.5, 2),
    ],
)
def test_ends_and_number_of_the_sigmas_count(
    host: Host, eps: Checkpoint, sigmas: str, first: float, last: float, steps: int
) -> None:
    """The host takes an end of at most 1e-5 for 0 as well."""
    graph = custom_sampling(host, eps, eps.model, 3, cfg=1.0)
    graph["sigmas"] = call("ManualSigmas", sigmas=sigmas)
    with model_calls() as calls:
        host.evaluate(graph, ["run", 0])
    seen = torch.cat([call.sigma for call in calls])
    assert len(seen) == 3 * steps
    assert float(calls[0].sigma.min()) == pytest.approx(first, rel=1e-4)  # the widest level's
    rung = (first / last) ** (1 / max(1, steps - 1))
    assert last / rung**0.5 <= float(seen.min()) * 1.001 and float(seen.max()) <= first * rung**0.5 * 1.001


def test_sigmas_may_end_early_at_alignment_zero(host: Host, eps: Checkpoint) -> None:
    """Split sigmas: two runs are one."""
    graph = custom_sampling(host, eps, eps.model, 3, alignment=0.0, steps=4)
    whole = graph["run"]["inputs"]
    graph["split"] = call("SplitSigmas", sigmas=["sigmas", 0], step=2)
    graph["none"] = call("DisableNoise")
    graph["high"] = call("SamplerCustomAdvanced", **{**whole, "sigmas": ["split", 0]})
    low = {"sigmas": ["split", 1], "noise": ["none", 0], "latent_image": ["high", 0]}
    graph["low"] = call("SamplerCustomAdvanced", **{**whole, **low})
    one, two = host.evaluate(graph, ["run", 0], ["low", 0])
    torch.testing.assert_close(two["samples"], one["samples"], atol=1e-4, rtol=1e-4)
