"""The joint sampler on the host's real model families, by stock loaders."""

from typing import Any

import pytest
import torch
from harness import Host, call
from real_families import REAL_FAMILIES, write_real
from stock_levels import TOLERANCE, compare, with_options
from torch import Tensor
from zoom_graphs import PROMPTS, Conditioning, load, model_calls, sampling, zoom

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:torchsde")

FAMILIES = list(REAL_FAMILIES)
SAMPLERS = ["euler", "dpmpp_2m_sde"]
# so that one zoom step is a whole number of them
ENOUGH_RUNGS = dict.fromkeys(("flux", "flux2", "klein", "krea2", "radiance"), 5)
# This one gives the picture itself, so that a small sigma damps nothing: a change of 1e-5 in the stock run's noise
# changes its result by 5e-4.
ROUNDING = {"radiance": 10.0}


@pytest.fixture(scope="module")
def models(host: Host) -> dict[str, Any]:
    """MODEL of every family, as CheckpointLoaderSimple gives it."""
    loaded = {}
    for name in FAMILIES:
        prompt = {"loader": call("CheckpointLoaderSimple", ckpt_name=write_real(name, host.base / "models"))}
        (loaded[name],) = host.evaluate(prompt, ["loader", 0])
    return loaded


def levels_of(name: str, count: int, first: int = 0) -> list[Conditioning]:
    """One prompt per level; their lengths differ."""
    family = REAL_FAMILIES[name]
    return [family.prompt(first + i, 6 + 5 * i) for i in range(count)]


def schedule(levels: list[Conditioning]) -> Conditioning:
    return [entry for i, level in enumerate(levels) for entry in with_options(level, zoom_level=i)]


def consistency_error(host: Host, model: Any, result: Tensor) -> float:
    """In the layout where zooming acts."""
    pictures = host.module("sampling.agreement.latents").latent_layout(model).spread(result)
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(*pictures.shape[:1], *pictures.shape[-2:])
    return float(host.module("zoomstack_core.method.metrics").consistency_error(pictures, geometry))


@pytest.mark.parametrize("name", FAMILIES)
def test_one_level_is_the_stock_run(host: Host, models: dict[str, Any], name: str) -> None:
    family = REAL_FAMILIES[name]
    for sampler in SAMPLERS:
        inputs = {"sampler_name": sampler, "steps": 2}
        graph = sampling(host, models[name], family.prompt(0, 7), family.prompt(1, 9), family.empty(1), **inputs)
        ours, stock = host.evaluate(graph, ["zoom", 0], ["stock", 0])
        assert torch.equal(ours["samples"], stock["samples"]), sampler


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("name", FAMILIES)
def test_levels_show_one_scene(host: Host, models: dict[str, Any], name: str, sampler: str, alignment: float) -> None:
    family = REAL_FAMILIES[name]
    inputs = {"sampler_name": sampler, "alignment": alignment, "steps": 2}
    with model_calls() as calls:
        result = zoom(host, models[name], schedule(levels_of(name, 3)), family.prompt(9, 8), family.empty(3), **inputs)
    assert consistency_error(host, models[name], result) < 1e-6
    assert result.shape == (3, *family.shape)
    assert torch.isfinite(result).all()
    assert min(float(level.std()) for level in result) > 1e-3
    assert sum(len(c.x) for c in calls) == 3 * 2 * 2, "levels x steps x (positive and negative)"
    packed_apart = consistency_error(host, models[name], torch.randn(3, *family.shape))
    assert packed_apart > 0.1, "the measure must see levels that do not agree"


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_level_gets_its_own_prompt_and_sigma(
    host: Host, models: dict[str, Any], name: str, alignment: float
) -> None:
    """Sizes (SDXL) and guidance (Flux) differ between the levels too."""
    family = REAL_FAMILIES[name]
    positive, negative = levels_of(name, 2), levels_of(name, 2, first=5)
    if name == "sdxl":
        sizes = {"width": 640, "height": 320, "crop_w": 8, "target_width": 2048}
        positive[1] = with_options(positive[1], **sizes)
    if name in ("flux", "flux2"):
        for i, guidance in enumerate((1.5, 6.0)):
            graph = {
                "prompt": host.source(positive[i]),
                "flux": call("FluxGuidance", conditioning=["prompt", 0], guidance=guidance),
            }
            (positive[i],) = host.evaluate(graph, ["flux", 0])
    inputs = {"model": models[name], "latent": family.empty(2), "steps": ENOUGH_RUNGS.get(name, 4)}
    error, result = compare(host, family, positive, negative, alignment, **inputs)
    assert error < TOLERANCE * ROUNDING.get(name, 1.0)
    if alignment == 0.0:
        swapped = compare(host, family, positive[::-1], negative, alignment, **inputs)[1]
        assert (result - swapped).abs().max() > 100 * TOLERANCE * result.std(), "prompts must matter"


def test_a_diffusion_model_without_its_checkpoint(host: Host, models: dict[str, Any]) -> None:
    """UNETLoader's MODEL gives what the checkpoint's gives."""
    family = REAL_FAMILIES["flux"]
    loader = call("UNETLoader", unet_name=write_real("flux", host.base / "models"), weight_dtype="default")
    (bare,) = host.evaluate({"loader": loader}, ["loader", 0])
    positive, negative, inputs = schedule(levels_of("flux", 3)), family.prompt(9, 8), {"steps": 2}
    results = [zoom(host, model, positive, negative, family.empty(3), **inputs) for model in (bare, models["flux"])]
    assert torch.equal(*results)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_every_level_of_a_video_model_has_its_own_mask(host: Host, models: dict[str, Any], alignment: float) -> None:
    """The host would take a batch of masks for the frames of one."""
    family, model = REAL_FAMILIES["wan"], models["wan"]
    start = torch.randn(3, *family.shape, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(3, 1, 128, 128)
    mask[0, :, :64], mask[1, :, :, 64:], mask[2] = 1, 1, 1
    latent = {"samples": start, "noise_mask": mask}
    positive, negative = levels_of("wan", 3), [family.prompt(9, 8)] * 3
    error, result = compare(host, family, positive, negative, alignment, model=model, latent=latent)
    kept = (result - start).abs() < 1e-3
    assert kept[0, :, :, 8:].all()
    assert kept[1, :, :, :, :8].all()
    assert kept[2].float().mean() < 0.1
    assert kept[0, :, :, :8].float().mean() < 0.1
    assert error < TOLERANCE


def test_draw_frame_are_zoomed_alike(host: Host, models: dict[str, Any]) -> None:
    frames = {"samples": torch.zeros(2, 16, 3, 16, 16)}
    prompts = schedule(levels_of("wan", 2)), REAL_FAMILIES["wan"].prompt(9, 8)
    result = zoom(host, models["wan"], *prompts, frames, steps=2)
    assert result.shape == (2, 16, 3, 16, 16)
    assert consistency_error(host, models["wan"], result) < 1e-6
    assert (result[:, :, 0] - result[:, :, 2]).abs().mean() > 0.01


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_pixel_models_agree_to_the_pixel(host: Host, alignment: float) -> None:
    """Their latent is the picture: what is decoded agrees as exactly as what was sampled."""
    pixel = load(host, "tiny_pixel")
    one = sampling(host, pixel.model, pixel.encode("a"), pixel.encode(""), pixel.empty(1, 16, 16), alignment=alignment)
    ours, stock = host.evaluate(one, ["zoom", 0], ["stock", 0])
    assert torch.equal(ours["samples"], stock["samples"])
    positive, latent = pixel.schedule(*PROMPTS[:3]), pixel.empty(3, 16, 16)
    graph = sampling(host, pixel.model, positive, pixel.encode(""), latent, alignment=alignment)
    graph |= {"vae": host.source(pixel.vae), "decode": call("VAEDecode", samples=["zoom", 0], vae=["vae", 0])}
    result, images = host.evaluate(graph, ["zoom", 0], ["decode", 0])
    assert consistency_error(host, pixel.model, result["samples"]) < 1e-6
    torch.testing.assert_close(images.movedim(-1, 1), ((result["samples"] + 1) / 2).clamp(0, 1))
