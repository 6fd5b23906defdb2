"""Zoom KSampler as a node: one level is the host's KSampler; inputs and errors, previews, progress and interrupt."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import comfy.model_management
import comfy.nested_tensor
import comfy.samplers
import comfy.utils
import pytest
import torch
from comfy.taesd.taesd import TAESD
from harness import Host, NodeFailed, Prompt, PromptRejected, call
from safetensors.torch import save_file
from torch import Tensor
from zoom_graphs import BOTH, PROMPTS, Checkpoint, Conditioning, load, sampling, zoom

# the host's own samplers and torchsde warn of themselves
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:comfy", "ignore::UserWarning:torchsde", "ignore:To copy construct"
)

KSampler = comfy.samplers.KSampler


def assert_like_stock(host: Host, checkpoint: Checkpoint, latent: dict[str, Any], **inputs: Any) -> None:
    """Bit for bit, whatever the alignment, keys of the LATENT included."""
    prompts = checkpoint.encode("a red galaxy"), checkpoint.encode("")
    graph = sampling(host, checkpoint.model, *prompts, latent, **inputs)
    graph["paper"] = {**graph["zoom"], "inputs": {**graph["zoom"]["inputs"], "alignment": 0.0}}
    stock, aligned, paper = host.evaluate(graph, ["stock", 0], ["zoom", 0], ["paper", 0])
    assert torch.isfinite(stock["samples"]).all()
    for result in (aligned, paper):
        assert result.keys() == stock.keys()
        assert torch.equal(result["samples"], stock["samples"])


@pytest.mark.parametrize("sampler", KSampler.SAMPLERS)
@pytest.mark.parametrize("family", ["eps", "flow"])
def test_one_level_is_the_stock_sampler(host: Host, request: pytest.FixtureRequest, family: str, sampler: str) -> None:
    checkpoint: Checkpoint = request.getfixturevalue(family)
    assert_like_stock(host, checkpoint, checkpoint.empty(1), sampler_name=sampler)


@pytest.mark.parametrize("scheduler", KSampler.SCHEDULERS)
def test_one_level_has_every_scheduler(host: Host, eps: Checkpoint, scheduler: str) -> None:
    assert_like_stock(host, eps, eps.empty(1), scheduler=scheduler, sampler_name="dpm_2", cfg=1.0)


def some_latent(checkpoint: Checkpoint) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(1, checkpoint.channels, 8, 12, generator=generator)


LATENTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "mask": {"noise_mask": torch.linspace(0, 1, 64 * 96).reshape(1, 1, 64, 96)},
    "index": {"batch_index": [3]},
    "mask of two sizes": {"noise_mask": (torch.arange(40) % 2).float().reshape(1, 1, 5, 8), "batch_index": [0]},
    "other keys": {"downscale_ratio_spacial": 8, "note": "kept"},
}


@pytest.mark.parametrize("sampler", ["euler", "ddim", "dpmpp_2m_sde"])
@pytest.mark.parametrize("keys", LATENTS)
@pytest.mark.parametrize("denoise", [1.0, 0.5, 0.0])
def test_one_level_is_stock_from_any_latent(
    host: Host, flow: Checkpoint, denoise: float, keys: str, sampler: str
) -> None:
    latent = {"samples": some_latent(flow), **LATENTS[keys]}
    assert_like_stock(host, flow, latent, denoise=denoise, sampler_name=sampler, steps=4)


@pytest.mark.parametrize("family", ["tiny_eps", "tiny_pixel"])
def test_the_hosts_empty_latent_fits_every_model(host: Host, family: str) -> None:
    """Its 4 channels at an eighth of the pixels become those of the model, for one level and for several."""
    checkpoint = load(host, family)
    for levels in (1, 3):
        prompts = checkpoint.schedule(*PROMPTS[:levels]), checkpoint.encode("")
        graph = sampling(host, checkpoint.model, *prompts, {}, steps=1)
        graph["latent_image"] = call("EmptyLatentImage", width=64, height=32, batch_size=1)
        stock, zoomed = host.evaluate(graph, ["stock", 0], ["zoom", 0])
        assert zoomed["samples"].shape == (levels, *stock["samples"].shape[1:])
        assert zoomed.keys() - {"zoom_nesting"} == stock.keys()
        assert ("zoom_nesting" in zoomed) == (levels > 1)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_one_latent_stands_for_all_levels(host: Host, flow: Checkpoint, alignment: float) -> None:
    one = some_latent(flow)
    prompts = flow.schedule(*PROMPTS[:3]), flow.encode("")
    inputs: dict[str, Any] = {"denoise": 0.7, "alignment": alignment}
    mask = {"noise_mask": torch.ones(1, 1, 64, 96)}
    expected = zoom(host, flow.model, *prompts, {"samples": one.repeat(3, 1, 1, 1)}, **inputs)
    for latent in ({"samples": one}, {"samples": one, "batch_index": [4], **mask}):
        assert torch.equal(zoom(host, flow.model, *prompts, latent, **inputs), expected)


def test_a_batch_without_marks_is_one_level_each(host: Host, eps: Checkpoint) -> None:
    prompt, negative = eps.encode(PROMPTS[0]), eps.encode("")
    result = zoom(host, eps.model, prompt, negative, eps.empty(3))
    same = zoom(host, eps.model, eps.schedule(*[PROMPTS[0]] * 3), negative, eps.empty(1))
    torch.testing.assert_close(result, same, atol=1e-3, rtol=1e-3)
    assert len(result) == 3


def test_seed_prompts_and_guidance_change_the_picture(host: Host, eps: Checkpoint) -> None:
    prompts, negative = eps.schedule(*PROMPTS[:2]), eps.encode("")
    pictures = [
        zoom(host, eps.model, prompts, negative, eps.empty(2)),
        zoom(host, eps.model, prompts, negative, eps.empty(2), seed=8),
        zoom(host, eps.model, eps.schedule(PROMPTS[0], PROMPTS[2]), negative, eps.empty(2)),
        zoom(host, eps.model, prompts, eps.encode("blue"), eps.empty(2)),
        zoom(host, eps.model, prompts, negative, eps.empty(2), cfg=5.0),
        zoom(host, eps.model, prompts, negative, eps.empty(2), zoom_factor=2.5),
        zoom(host, eps.model, prompts, negative, eps.empty(2), alignment=0.5),
        zoom(host, eps.model, prompts, negative, eps.empty(2), blend="none"),
        zoom(host, eps.model, prompts, negative, eps.empty(2), focus_x=0.2),
    ]
    for a, b in itertools.combinations(pictures, 2):
        assert (a - b).abs().max() > 0.01 * a.std()
    assert torch.equal(zoom(host, eps.model, prompts, negative, eps.empty(2)), pictures[0])


def marked(checkpoint: Checkpoint, *levels: int) -> Conditioning:
    return [entry for level in levels for entry in checkpoint.encode("x", zoom_level=level)]


Inputs = tuple[Conditioning, Conditioning, dict[str, Any]]
WRONG: dict[str, tuple[Callable[[Checkpoint], Inputs], str]] = {
    "batch": (
        lambda c: (marked(c, 0, 1, 2), c.encode(""), c.empty(2)),
        "latent_image has a batch of 2, positive has prompts for 3 levels; expected a batch of 3, or of 1",
    ),
    "missing level": (
        lambda c: (marked(c, 0, 2), c.encode(""), c.empty(1)),
        "positive has no prompt for level 2 of 3",
    ),
    "missing first": (lambda c: (marked(c, 1), c.encode(""), c.empty(2)), "positive has no prompt for level 1 of 2"),
    "more negatives": (
        lambda c: (marked(c, 0, 1), marked(c, 0, 1, 2), c.empty(2)),
        "negative has prompts for 3 levels, positive for 2; connect both outputs",
    ),
    "negatives for a batch": (
        lambda c: (c.encode("x"), marked(c, 0, 1, 2), c.empty(2)),
        "negative has prompts for 3 levels, positive for 2",
    ),
    "missing negative": (
        lambda c: (marked(c, 0, 1, 2), marked(c, 1, 2), c.empty(3)),
        "negative has no prompt for level 1 of 3",
    ),
    "one dimension": (
        lambda c: (c.encode("x"), c.encode(""), {"samples": torch.zeros(2, 4, 100)}),
        r"latent_image is a latent of shape \[2, 4, 100\]; expected image latents",
    ),
    "nested": (
        lambda c: (
            c.encode("x"),
            c.encode(""),
            {"samples": comfy.nested_tensor.NestedTensor([torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 20)])},
        ),
        "latent_image is a nested latent; expected image latents",
    ),
}


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_a_clear_error(host: Host, eps: Checkpoint, case: str, alignment: float) -> None:
    make, message = WRONG[case]
    with pytest.raises(NodeFailed, match=f"^ZoomKSampler: ValueError: Zoom KSampler: {message}"):
        zoom(host, eps.model, *make(eps), alignment=alignment)


@pytest.mark.parametrize(
    "inputs",
    [{"zoom_factor": 1.0}, {"alignment": 1.1}, {"alignment": -0.1}, {"blend": "mean"}, {"focus_x": 2.0}, {"steps": 0}],
)
def test_widget_values_out_of_range_are_refused(host: Host, eps: Checkpoint, inputs: dict[str, Any]) -> None:
    with pytest.raises(PromptRejected, match=next(iter(inputs))):
        zoom(host, eps.model, eps.encode("x"), eps.encode(""), eps.empty(2), **inputs)


@pytest.mark.parametrize(("levels", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (4, 2, 2), (5, 3, 2)])
@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_the_live_preview_shows_all_levels(
    host: Host, eps: Checkpoint, alignment: float, levels: int, columns: int, rows: int
) -> None:
    positive = eps.schedule(*PROMPTS[:levels])
    latent = eps.empty(levels, 8, 12)
    zoom(host, eps.model, positive, eps.encode(""), latent, alignment=alignment)
    assert host.previews == []
    zoom(host, eps.model, positive, eps.encode(""), latent, alignment=alignment, seed=1, preview_method="latent2rgb")
    assert len(host.previews) == len(host.progress) >= BOTH["steps"]
    wide, high = 12 * columns, 8 * rows
    scale = 512 / max(wide, high) if levels > 1 else 1  # with room for numbers, as large as the host shows previews
    assert {preview.size for preview in host.previews} == {(round(wide * scale), round(high * scale))}


def test_a_preview_shows_every_level_in_its_place(host: Host) -> None:
    mosaic = host.module("sampling.previews").mosaic
    picture = mosaic(torch.arange(1.0, 6).view(5, 1, 1, 1, 1).expand(5, 2, 3, 4, 6))
    assert picture.shape == (1, 2, 3, 8, 18)
    expected = torch.tensor([[1.0, 2, 3], [4, 5, 0]]).repeat_interleave(4, 0).repeat_interleave(6, 1)
    assert torch.equal(picture, expected.expand_as(picture))


@pytest.fixture
def preview_decoder(host: Host) -> None:
    """The file of the host's high-quality previews for SD1.5 latents, with random weights."""
    folder = host.base / "models" / "vae_approx"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(TAESD(latent_channels=4).taesd_decoder.state_dict(), folder / "taesd_decoder.safetensors")


@pytest.mark.parametrize("sampler", ["euler", "ddpm"])
def test_decoded_previews_work_too(
    host: Host, preview_decoder: None, monkeypatch: pytest.MonkeyPatch, eps: Checkpoint, sampler: str
) -> None:
    # as they are decoded, before they are enlarged for the numbers
    monkeypatch.setattr(host.module("sampling.live_preview"), "labelled", lambda picture, *_: picture)
    inputs = {"sampler_name": sampler, "preview_method": "taesd", "steps": 2}
    zoom(host, eps.model, eps.schedule(*PROMPTS[:2]), eps.encode(""), eps.empty(2), **inputs)
    assert {preview.size for preview in host.previews} == {(128, 64)}


@pytest.mark.parametrize("sampler", ["euler", "ddpm", "dpmpp_2m_sde"])
def test_progress_counts_the_steps_of_the_node(host: Host, eps: Checkpoint, sampler: str) -> None:
    model = eps.model
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(4, 8, 8, 4.0)
    ladder = host.module("sampling.noise.sigmas").level_sigmas(model, geometry, 5, sampler, "normal", 1.0, 1.0)
    total = len(ladder.sigmas) - 1
    assert total > 5
    # with previews the host leaves no step out
    inputs = {"steps": 5, "zoom_factor": 4.0, "sampler_name": sampler, "preview_method": "latent2rgb"}
    zoom(host, model, eps.schedule(*PROMPTS[:4]), eps.encode(""), eps.empty(4), **inputs)
    # once per rung of the ladder, which is longer
    assert host.progress == [(math.ceil((rung + 1) * 5 / total), 5) for rung in range(total)]
    zoom(host, model, eps.schedule(*PROMPTS[:4]), eps.encode(""), eps.empty(4), **inputs, alignment=0.0)
    assert host.progress == [(step + 1, 5) for step in range(5)]


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_an_interrupt_stops_within_a_step(
    host: Host, monkeypatch: pytest.MonkeyPatch, eps: Checkpoint, alignment: float
) -> None:
    prompts, latent = (eps.schedule(*PROMPTS[:3]), eps.encode("")), eps.empty(3)
    inputs: dict[str, Any] = {"alignment": alignment, "steps": 6, "preview_method": "latent2rgb"}
    expected = zoom(host, eps.model, *prompts, latent, **inputs)
    hook = comfy.utils.PROGRESS_BAR_HOOK
    reports = []

    def interrupt_in_second_step(*args: Any, **kwargs: Any) -> None:
        hook(*args, **kwargs)
        reports.append(args)
        if len(reports) == 2:
            comfy.model_management.interrupt_current_processing()

    with monkeypatch.context() as patched:
        patched.setattr(comfy.utils, "PROGRESS_BAR_HOOK", interrupt_in_second_step)
        with pytest.raises(NodeFailed, match="ZoomKSampler: interrupted"):
            zoom(host, eps.model, *prompts, latent, **inputs)
    assert len(reports) == 2
    assert torch.equal(zoom(host, eps.model, *prompts, latent, **inputs), expected)


def demo_graph(sampler: dict[str, Any], text: str) -> Prompt:
    return {
        "demo": call("ZoomDemoModel"),
        "schedule": call("ZoomPromptSchedule", clip=["demo", 1], prompts=text, negative=""),
        "latent": call("EmptyLatentImage", width=32, height=32, batch_size=["schedule", 2]),
        "sampler": call(
            "ZoomKSampler",
            model=["demo", 0],
            positive=["schedule", 0],
            negative=["schedule", 1],
            latent_image=["latent", 0],
            **sampler,
        ),
        "decode": call("VAEDecode", samples=["sampler", 0], vae=["demo", 2]),
        "stack": call("ZoomStack", images=["decode", 0], zoom_factor=sampler["zoom_factor"]),
        "save": call("SaveImage", images=["stack", 1], filename_prefix="zoom"),
    }


def required_widgets(host: Host) -> dict[str, Any]:
    required = host.node("ZoomKSampler").GET_NODE_INFO_V1()["input"]["required"]
    return {name: options["default"] for name, (_, options) in required.items() if "default" in options}


@pytest.mark.parametrize("overrides", [{}, {"alignment": 0.0, "sampler_name": "dpmpp_2m", "scheduler": "karras"}])
def test_the_main_job_from_prompts_to_a_stack(host: Host, overrides: dict[str, Any]) -> None:
    """The two workflows' shape, with the node's defaults; optional inputs are left out."""
    widgets = {**required_widgets(host), "steps": 2, **overrides}
    graph = demo_graph(widgets, "a blue spiral galaxy\na star field around a yellow sun\nan icy planet")
    stack, images, latent = host.evaluate(graph, ["stack", 0], ["stack", 1], ["sampler", 0])
    assert latent["samples"].shape == (3, 16, 4, 4)
    assert images.shape == (3, 32, 32, 3)
    assert torch.isfinite(images).all()
    assert images.std() > 0.01
    error = host.module("zoomstack_core.method.metrics").consistency_error(stack.images, stack.geometry)
    assert float(error) < 1e-6
