"""Zoom Photo Anchor: finished levels show their photos, for pixel models and through the VAE; clear errors."""

from typing import Any

import pytest
import torch
from harness import Host, NodeFailed, PromptRejected, call
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, load, zoom

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy", "ignore:To copy construct")

WIDGETS: dict[str, Any] = {
    "level": 1,
    "method": "projection",
    "strength": 1.0,
    "start_percent": 0.0,
    "end_percent": 1.0,
    "fit": "cover",
}
GROUND = ("the highlands of an ocean planet", "ocean mountains seen from above", "ocean hills seen from above")


@pytest.fixture(scope="module")
def pixel(host: Host) -> Checkpoint:
    return load(host, "tiny_pixel")


def universe(host: Host, stage: int, size: int = 64, seed: int = 3) -> Tensor:
    """A picture of the demo's universe as an IMAGE [1, size, size, 3]; no picture that the model was trained on."""
    module = host.module("demo.universe")
    drawn = module.Universe(size, seed).draw([module.Scene(stage, "blue", "yellow", "ocean", False)])
    return drawn.movedim(1, -1)


def anchors(host: Host, *photos: tuple[Tensor, dict[str, Any]]) -> Any:
    """What a chain of Zoom Photo Anchor nodes gives."""
    graph: dict[str, Any] = {}
    previous: dict[str, Any] = {}
    for i, (image, inputs) in enumerate(photos):
        graph[f"photo{i}"] = host.source(image)
        graph[f"anchor{i}"] = call("ZoomAnchorPhoto", photo=[f"photo{i}", 0], **{**WIDGETS, **inputs}, **previous)
        previous = {"anchors": [f"anchor{i}", 0]}
    return host.evaluate(graph, [f"anchor{len(photos) - 1}", 0])[0]


def sample(host: Host, checkpoint: Checkpoint, photos: Any, size: int = 32, **inputs: Any) -> Tensor:
    prompts = checkpoint.schedule(*GROUND), checkpoint.encode("")
    return zoom(host, checkpoint.model, *prompts, checkpoint.empty(3, size, size), anchors=photos, **inputs)


def psnr(a: Tensor, b: Tensor) -> float:
    return float(-10 * (a - b).square().mean().log10())


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize(("level", "method"), [(0, "projection"), (0, "adam"), (1, "projection")])
def test_the_finished_level_shows_the_photo(
    host: Host, pixel: Checkpoint, level: int, method: str, alignment: float
) -> None:
    """And the deeper levels agree with it: their reduced pictures are the photo's middle."""
    photo = universe(host, 9 + level, 32)
    inputs = {"steps": 3, "sampler_name": "dpmpp_2m_sde", "alignment": alignment}
    result = sample(host, pixel, anchors(host, (photo, {"level": level + 1, "method": method})), **inputs)
    pictures = pixel.vae.decode(result)
    assert psnr(pictures[level], photo[0]) > 35
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(3, 32, 32)
    error = host.module("zoomstack_core.method.metrics").consistency_error
    assert float(error(result, geometry)) < 1e-5
    free = pixel.vae.decode(sample(host, pixel, None, **inputs))
    assert psnr(free[level], photo[0]) < 25


def test_strength_and_range_leave_the_model_free(host: Host, pixel: Checkpoint) -> None:
    photo = universe(host, 9, 32)
    whole, part, none = (
        psnr(pixel.vae.decode(sample(host, pixel, anchors(host, (photo, inputs)), steps=3))[0], photo[0])
        for inputs in ({}, {"strength": 0.5}, {"end_percent": 0.0})
    )
    assert whole > 35 > part > none


def test_photos_of_two_levels(host: Host, pixel: Checkpoint) -> None:
    """Where they overlap, the deeper one is shown."""
    wide, deep = universe(host, 10, 32), universe(host, 11, 32)
    photos = anchors(host, (deep, {"level": 2}), (wide, {"level": 1}))
    pictures = pixel.vae.decode(sample(host, pixel, photos, steps=2))
    assert psnr(pictures[1], deep[0]) > 35
    outside = torch.ones(32, 32, dtype=torch.bool)
    outside[8:24, 8:24] = False
    assert psnr(pictures[0][outside], wide[0][outside]) > 35


def test_one_level_shows_its_photo_too(host: Host, pixel: Checkpoint) -> None:
    photo = universe(host, 9, 32)
    prompts = pixel.schedule(GROUND[0]), pixel.encode("")
    result = zoom(host, pixel.model, *prompts, pixel.empty(1, 32, 32), anchors=anchors(host, (photo, {})), steps=2)
    assert psnr(pixel.vae.decode(result)[0], photo[0]) > 35


@pytest.mark.parametrize("space", ["latent", "pixels"])
def test_latent_models_take_the_photo_through_the_vae(host: Host, flow: Checkpoint, space: str) -> None:
    """In latents the finished level is the encoded photo; in pixels, what the round trip makes of it."""
    photo = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(0))
    options = host.module("sampling.agreement.blend_options").BlendOptions(space=space, vae=flow.vae)
    prompts = flow.schedule(*PROMPTS[:2]), flow.encode("")
    with torch.inference_mode():
        encoded = flow.vae.encode(photo)
    inputs: dict[str, Any] = {"steps": 2, "alignment": 0.0, "blend_options": options}
    free = zoom(host, flow.model, *prompts, flow.empty(2), **inputs)
    result = zoom(host, flow.model, *prompts, flow.empty(2), anchors=anchors(host, (photo, {})), **inputs)
    if space == "latent":
        torch.testing.assert_close(result[0], encoded[0], atol=1e-3, rtol=1e-3)
        own = anchors(host, (photo, {}))[0]
        with_vae = host.module("sampling.agreement.photos").Photo(**{**vars(own), "vae": flow.vae})
        again = zoom(host, flow.model, *prompts, flow.empty(2), steps=2, alignment=0.0, anchors=(with_vae,))
        torch.testing.assert_close(again, result)
    else:
        assert (result[0] - free[0]).abs().max() > 0.1 * free.std()
        assert torch.isfinite(result).all()


# Fitting


def fit(host: Host, image: Tensor, fit: str, height: int, width: int) -> tuple[Tensor, Tensor]:
    photos = host.module("sampling.agreement.photos")
    return photos.fit_photo(photos.Photo(image, 0, "projection", 1.0, 0.0, 1.0, fit), height, width)


def test_cover_cuts_and_contain_leaves_bars(host: Host) -> None:
    ramp = torch.linspace(0, 1, 64).expand(1, 32, 64)[..., None].repeat(1, 1, 1, 3)
    picture, mask = fit(host, ramp, "cover", 32, 32)
    assert mask.all()
    torch.testing.assert_close(picture, ramp[0, :, 16:48].movedim(-1, 0))
    picture, mask = fit(host, ramp, "contain", 32, 32)
    assert mask[8:24].all() and not mask[:8].any() and not mask[24:].any()
    assert picture.shape == (3, 32, 32)
    assert (picture[:, 12].diff(dim=-1) > 0.02).all()
    assert torch.allclose(picture[:, 0], torch.tensor(0.5), atol=0.01)


def test_transparent_parts_are_free(host: Host) -> None:
    image = torch.rand(1, 16, 16, 4)
    image[..., 3] = 0
    image[:, :, :5, 3] = 1
    picture, mask = fit(host, image, "cover", 16, 16)
    assert mask[:, :5].all() and not mask[:, 5:].any()
    torch.testing.assert_close(picture[:, :, :5], image[0, :, :5, :3].movedim(-1, 0))


# Errors

WRONG: dict[str, tuple[list[tuple[tuple[int, ...], dict[str, Any]]], str]] = {
    "level": ([((1, 32, 32, 3), {"level": 4})], "level 4 has a photo, but there are only 3 levels"),
    "small": (
        [((1, 15, 40, 3), {})],
        "photo is 40 × 15 pixels, too small for levels of 32 × 32; expected at least 16 wide and 16 high, with fit cov",
    ),
    "small in one": ([((1, 15, 12, 3), {"fit": "contain"})], "expected at least 16 wide or 16 high, with fit contain"),
    "batch": ([((2, 32, 32, 3), {})], "photo is a batch of 2 images; expected one"),
    "twice": ([((1, 32, 32, 3), {"level": 1})] * 2, "level is 1, of which the connected anchors have a photo"),
    "range": (
        [((1, 32, 32, 3), {"start_percent": 0.8, "end_percent": 0.7})],
        "start_percent is 0.8; expected at most end_perc",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_a_clear_error(host: Host, pixel: Checkpoint, case: str) -> None:
    photos, message = WRONG[case]
    with pytest.raises(NodeFailed, match=f"ValueError: Zoom Photo Anchor: .*{message}"):
        sample(host, pixel, anchors(host, *((torch.full(shape, 0.5), inputs) for shape, inputs in photos)), steps=1)


def test_the_older_node_is_named_and_counts_as_it_does(host: Host, pixel: Checkpoint) -> None:
    """An error says the number that the person typed, and the name that the node shows."""

    def photo(level: int, color: float, **more: Any) -> Any:
        graph = {
            "photo": host.source(torch.full((1, 32, 32, 3), color)),
            "anchor": call("ZoomPhotoAnchor", photo=["photo", 0], **{**WIDGETS, "level": level}, **more),
        }
        return host.evaluate(graph, ["anchor", 0])[0]

    older = r"ValueError: Zoom Photo Anchor \(from 0\): "
    with pytest.raises(NodeFailed, match=f"{older}level 3 has a photo, but there are only 3 levels"):
        sample(host, pixel, photo(3, 0.5), steps=1)
    with pytest.raises(NodeFailed, match=f"{older}photo of level 1 contradicts that of level 0"):
        sample(host, pixel, (*photo(0, 0.0), *photo(1, 1.0)), steps=1)


def test_photos_that_contradict_are_a_clear_error(host: Host, pixel: Checkpoint) -> None:
    black, white = torch.zeros(1, 32, 32, 3), torch.ones(1, 32, 32, 3)
    with pytest.raises(NodeFailed, match="photo of level 2 contradicts that of level 1: .* differ by 1.00 of"):
        sample(host, pixel, anchors(host, (black, {}), (white, {"level": 2})), steps=1)


def test_a_latent_model_needs_a_vae(host: Host, eps: Checkpoint) -> None:
    photo = torch.rand(1, 64, 64, 3)
    with pytest.raises(NodeFailed, match="Zoom Photo Anchor: vae is not connected and the model works on latents"):
        zoom(host, eps.model, eps.encode("x"), eps.encode(""), eps.empty(2), anchors=anchors(host, (photo, {})))


@pytest.mark.parametrize("inputs", [{"level": 0}, {"method": "sgd"}, {"strength": 1.1}, {"fit": "stretch"}])
def test_widget_values_out_of_range_are_refused(host: Host, inputs: dict[str, Any]) -> None:
    with pytest.raises(PromptRejected, match=next(iter(inputs))):
        anchors(host, (torch.rand(1, 8, 8, 3), inputs))
