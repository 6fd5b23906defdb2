"""Where and when levels are blended: in latents or in pixels through the VAE, in a range of steps, every so often."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import comfy.latent_formats
import comfy.model_management
import comfy.sd
import pytest
import torch
from comfy.taesd.taehv import TAEHV
from harness import Host, NodeFailed, PromptRejected, call
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, SamplerLog, load, logged, zoom

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:comfy", "ignore::UserWarning:torchsde", "ignore:To copy construct"
)

NODE = "Zoom Multi-Res Blend"


@pytest.fixture(autouse=True)
def as_in_a_node() -> Iterator[None]:
    """Nodes run in inference mode; what is called directly here must too."""
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def pixel(host: Host) -> Checkpoint:
    return load(host, "tiny_pixel")


def blend_options(host: Host, **values: Any) -> Any:
    return host.module("sampling.agreement.blend_options").BlendOptions(**{"mode": "laplacian", **values})


def geometry(host: Host, levels: int, size: int, factor: float = 2.0) -> Any:
    return host.module("zoomstack_core.geometry").ZoomGeometry(levels, size, size, factor)


def agree(host: Host, images: Tensor, mode: str = "laplacian") -> Tensor:
    g = geometry(host, len(images), images.shape[-1])
    blended = host.module("zoomstack_core.method.blend").blend_levels(images, g, mode)
    return host.module("zoomstack_core.method.render").render_images(blended, g)


def run(host: Host, checkpoint: Checkpoint, levels: int = 3, **inputs: Any) -> tuple[Tensor, SamplerLog, list[Tensor]]:
    """A run at alignment 0: its result, what the sampler saw, and the estimates before they were made to agree."""
    model, log = logged(checkpoint.model)
    raw: list[Tensor] = []

    def note(args: dict[str, Any]) -> Tensor:
        raw.append(args["denoised"].clone())
        return args["denoised"]

    model.set_model_sampler_post_cfg_function(note)
    prompts = checkpoint.schedule(*PROMPTS[:levels]), checkpoint.encode("")
    result = zoom(host, model, *prompts, checkpoint.empty(levels), **{"alignment": 0.0, "steps": 4, **inputs})
    return result, log, raw


FORMATS = {
    "SD15": False,
    "SD_X4": False,
    "ChromaRadiance": False,
    "SDXL": True,
    "SDXL_Playground_2_5": True,
    "SD3": True,
    "Flux": True,
    "Flux2": True,
    "Wan21": True,
    "HunyuanImage21": True,
    "LTXV": True,
}


@pytest.mark.parametrize("name", FORMATS)
def test_auto_takes_pixels_where_latents_resample_badly(host: Host, eps: Checkpoint, name: str) -> None:
    options = host.module("sampling.agreement.blend_options")
    latent_format = getattr(comfy.latent_formats, name)()
    assert options.blends_in_pixels(blend_options(host, vae=eps.vae), latent_format) == FORMATS[name]
    assert not options.blends_in_pixels(blend_options(host), latent_format)
    assert not options.blends_in_pixels(blend_options(host, space="latent", vae=eps.vae), latent_format)
    if name != "ChromaRadiance":
        assert options.blends_in_pixels(blend_options(host, space="pixels", vae=eps.vae), latent_format)


def test_pixels_need_a_vae_or_a_pixel_model(host: Host, eps: Checkpoint, pixel: Checkpoint) -> None:
    with pytest.raises(NodeFailed, match="Zoom Multi-Res Blend: space is pixels .* vae is not connected"):
        run(host, eps, blend_options=blend_options(host, space="pixels"))
    _, log, raw = run(host, pixel, blend_options=blend_options(host, space="pixels"))
    torch.testing.assert_close(log.denoised[0], agree(host, raw[0]))


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_the_vae_of_the_sampler_is_that_of_the_blend_node(host: Host, flow: Checkpoint, alignment: float) -> None:
    """Through it the levels are blended as pictures; the VAE of the options goes before."""
    inputs = {"alignment": alignment, "cfg": 1.0}
    by_options, _, _ = run(host, flow, blend_options=blend_options(host, vae=flow.vae), **inputs)
    none, _, _ = run(host, flow, **inputs)
    assert torch.equal(run(host, flow, vae=flow.vae, **inputs)[0], by_options)
    assert torch.equal(run(host, flow, vae=flow.vae, blend_options=blend_options(host), **inputs)[0], by_options)
    assert not torch.allclose(none, by_options, atol=1e-3)
    unused = SimpleNamespace(encode=None, decode=None)
    own = blend_options(host, vae=flow.vae)
    assert torch.equal(run(host, flow, vae=unused, blend_options=own, **inputs)[0], by_options)
    assert torch.equal(
        run(host, flow, vae=flow.vae, blend_options=blend_options(host, space="latent"), **inputs)[0], none
    )


def test_errors_of_the_samplers_vae_name_the_sampler(host: Host, eps: Checkpoint, flow: Checkpoint) -> None:
    with pytest.raises(NodeFailed, match="ValueError: Zoom KSampler: vae has latents of 4 channels, the model's have"):
        run(host, flow, vae=eps.vae)


def test_options_take_the_place_of_the_blend_widget(host: Host, eps: Checkpoint) -> None:
    _, log, raw = run(host, eps, blend="none", blend_options=blend_options(host, mode="naive"))
    torch.testing.assert_close(log.denoised[0], agree(host, raw[0], "naive"))


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpm_2"])
def test_every_nth_step_counts_sigmas(host: Host, eps: Checkpoint, sampler: str) -> None:
    """However often the sampler asks within a step; the last step is always blended, others are only rendered."""
    _, log, raw = run(host, eps, sampler_name=sampler, blend_options=blend_options(host, every=2))
    sampling = eps.model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", 5 if sampler == "dpm_2" else 4).tolist()[:-1]
    schedule = sigmas[:-1] if sampler == "dpm_2" else sigmas  # the host leaves one out for dpm_2
    assert len(log.sigmas) == {"euler": 4, "heun": 7, "dpm_2": 7}[sampler]
    for sigma, estimate, denoised in zip(log.sigmas, raw, log.denoised, strict=True):
        left = sum(other < sigma * 0.9999 for other in schedule)
        expected = agree(host, estimate, "none" if left % 2 else "laplacian")
        torch.testing.assert_close(denoised, expected)
        assert not torch.allclose(estimate, expected, atol=1e-3)


def test_blending_has_a_range(host: Host, eps: Checkpoint) -> None:
    _, log, raw = run(host, eps, steps=5, blend_options=blend_options(host, start=0.2, end=0.8))
    modes = ["none", "laplacian", "laplacian", "laplacian", "none"]
    for mode, estimate, denoised in zip(modes, raw, log.denoised, strict=True):
        torch.testing.assert_close(denoised, agree(host, estimate, mode))


def test_aligned_levels_have_a_range_each(host: Host, eps: Checkpoint) -> None:
    """A range of a level's own steps: level 0 is finished long before the schedule ends."""
    moment = host.module("sampling.noise.sigmas").level_sigmas(
        eps.model, geometry(host, 3, 8, 8.0), 4, "euler", "normal", 1.0, 1.0
    )
    seen: dict[int, list[float]] = {0: [], 1: [], 2: []}
    for step, sigma in enumerate(moment.sigmas[:-1]):
        active = moment.front(sigma, 3).active
        progress, left, own = moment.moment(sigma, active)
        assert left == len(moment.sigmas) - 2 - step
        assert own == pytest.approx([float(sigma) / 8.0 ** (2 - level) for level in active])
        for level, done in zip(active, progress, strict=True):
            seen[level].append(done)
    assert len(moment.sigmas) - 1 > 4
    for done in seen.values():
        assert done == pytest.approx([0, 1 / 3, 2 / 3, 1])


# Through the VAE


@pytest.mark.parametrize("family", ["eps", "flow"])
def test_the_round_trip_adds_what_the_blend_changed(host: Host, request: pytest.FixtureRequest, family: str) -> None:
    """z + E(blended pixels) - E(D(z)), in the model's own latents."""
    checkpoint: Checkpoint = request.getfixturevalue(family)
    options = blend_options(host, space="pixels", vae=checkpoint.vae)
    result, log, raw = run(host, checkpoint, steps=2, blend_options=options)
    model = checkpoint.model.model
    for z, denoised in zip(raw, log.denoised, strict=True):
        pixels = checkpoint.vae.decode(model.process_latent_out(z)).movedim(-1, 1)
        after = agree(host, pixels)
        for level in range(3):
            new, old = (
                model.process_latent_in(checkpoint.vae.encode(p[level : level + 1].movedim(1, -1)))
                for p in (after, pixels)
            )
            torch.testing.assert_close(denoised[level : level + 1], z[level : level + 1] + new - old)
    torch.testing.assert_close(model.process_latent_in(result), log.denoised[-1], atol=1e-3, rtol=1e-3)


def pixel_agreement(host: Host, checkpoint: Checkpoint, g: Any, latent: Any, every: int = 1) -> Any:
    layout = host.module("sampling.agreement.latents").PLAIN
    space = host.module("sampling.agreement.vae_round_trip").VaeSpace(checkpoint.vae, checkpoint.model.model, NODE)
    joint = host.module("zoomstack_core.method.joint_step").JointDenoiser(g)
    return host.module("sampling.agreement.vae_round_trip").PixelAgreement(joint, every, layout, space, latent)


def moment(host: Host, levels: int, left: int = 0) -> Any:
    return host.module("sampling.moment").Moment([1.0 if left == 0 else 0.5] * levels, left, [0.0] * levels)


def front(host: Host, active: range, levels: int = 0) -> Any:
    """With the levels before ``active`` finished and those after it, up to ``levels``, waiting."""
    return host.module("zoomstack_core.method.ladder").Front(range(active.start), active, range(active.stop, levels))


def test_a_blend_that_changes_nothing_gives_the_same_latents(host: Host, flow: Checkpoint, pixel: Checkpoint) -> None:
    """Exactly: levels too far apart to see each other, a consistent stack, and steps that are left out."""
    z = torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    far = pixel_agreement(host, flow, geometry(host, 2, 64, 64.5), geometry(host, 2, 8, 64.5))
    assert torch.equal(far(z, front(host, range(2)), moment(host, 2)), z)
    near = geometry(host, 2, 64), geometry(host, 2, 8)
    assert not torch.equal(pixel_agreement(host, flow, *near)(z, front(host, range(2)), moment(host, 2)), z)
    left_out = pixel_agreement(host, flow, *near, every=2)
    assert torch.equal(left_out(z, front(host, range(2)), moment(host, 2, left=1)), z)
    stack = agree(host, torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))) * 0.4 - 0.2
    same = geometry(host, 3, 16), geometry(host, 3, 16)
    assert torch.equal(pixel_agreement(host, pixel, *same)(stack, front(host, range(3)), moment(host, 3)), stack)


def test_one_level_through_the_vae_is_the_stock_sampler(host: Host, flow: Checkpoint) -> None:
    prompts = flow.encode(PROMPTS[0]), flow.encode("")
    options = blend_options(host, space="pixels", vae=flow.vae)
    plain = zoom(host, flow.model, *prompts, flow.empty(1))
    assert torch.equal(zoom(host, flow.model, *prompts, flow.empty(1), blend_options=options), plain)


def test_pictures_of_all_levels_agree_at_the_end(host: Host, pixel: Checkpoint) -> None:
    """With a VAE that loses nothing: active, finished and waiting levels over a whole aligned schedule."""
    g = geometry(host, 4, 16)
    agreement, error = (
        pixel_agreement(host, pixel, g, g),
        host.module("zoomstack_core.method.metrics").consistency_error,
    )
    generator = torch.Generator().manual_seed(0)
    windows = [range(0, 1), range(0, 2), range(0, 3), range(1, 4), range(2, 4), range(3, 4)]
    for step, active in enumerate(windows):
        estimates = torch.rand(len(active), 3, 16, 16, generator=generator) * 0.4 - 0.2
        out = agreement(estimates, front(host, active, 4), moment(host, len(active), left=5 - step))
        assert out.shape == (4, 3, 16, 16)
        part = g.between(0, active.stop) if step == 5 else g.between(active.start, active.stop)
        assert float(error(out[4 - part.levels if step == 5 else active.start : active.stop], part)) < 1e-5
        assert float(error(out[max(active.stop - 1, 0) :], g.between(max(active.stop - 1, 0), 4))) < 1e-5


def test_an_aligned_run_goes_through_the_vae(host: Host, flow: Checkpoint) -> None:
    options = blend_options(host, vae=flow.vae)
    prompts = flow.schedule(*PROMPTS[:3]), flow.encode("")
    for sampler in ("euler", "ddpm", "euler_cfg_pp"):
        alignment = 0.0 if sampler == "euler_cfg_pp" else 1.0
        inputs: dict[str, Any] = {"sampler_name": sampler, "alignment": alignment, "steps": 2}
        latent = zoom(host, flow.model, *prompts, flow.empty(3), **inputs)
        result = zoom(host, flow.model, *prompts, flow.empty(3), blend_options=options, **inputs)
        assert torch.isfinite(result).all()
        assert not torch.allclose(result, latent, atol=1e-2)


def test_through_a_vae_the_border_is_as_wide_as_in_latents(
    host: Host, flow: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pixels of the pictures: with a reach of pixels hard squares were seen, as latents know no finer borders."""
    module, grains = host.module("sampling.agreement.make_agreement"), []

    class Watched(module.JointStep):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            grains.append((self.grain, self.sigma_data))

    monkeypatch.setattr(module, "JointStep", Watched)
    prompts = flow.schedule(*PROMPTS[:3]), flow.encode("")
    for space in ("pixels", "latent"):
        options = blend_options(host, vae=flow.vae, space=space)
        zoom(host, flow.model, *prompts, flow.empty(3), blend_options=options, steps=1)
    pixels = flow.vae.spacial_compression_decode()
    assert grains == [(pixels, 1.0), (1.0, 1.0)] and pixels > 1


@pytest.fixture(scope="module")
def video_vae() -> Any:
    """The host's tiny video VAE (Wan's TAESD) with random weights."""
    generator = torch.Generator().manual_seed(0)
    state = TAEHV(latent_channels=16).state_dict()
    return comfy.sd.VAE(sd={key: torch.randn(v.shape, generator=generator) * 0.05 for key, v in state.items()})


@pytest.mark.parametrize("frames", [1, 2])
def test_a_video_vae_takes_levels_one_at_a_time(host: Host, flow: Checkpoint, video_vae: Any, frames: int) -> None:
    space = host.module("sampling.agreement.vae_round_trip").VaeSpace(video_vae, flow.model.model, NODE)
    z = torch.randn(2, 16, frames, 8, 8, generator=torch.Generator().manual_seed(0))
    pictures = space.decode(z)
    shown = 1 if frames == 1 else 4 * frames - 3
    assert pictures.shape == (2, shown * 3, 64, 64)
    latent = space.encode(pictures[1], z[1])
    assert latent.shape == z[1].shape
    pixels = video_vae.decode(flow.model.model.process_latent_out(z[1:]))
    expected = flow.model.model.process_latent_in(video_vae.encode(pixels[0]))
    torch.testing.assert_close(latent[None], expected, atol=2e-3, rtol=0)


def test_the_vae_of_another_model_is_a_clear_error(host: Host, eps: Checkpoint, flow: Checkpoint) -> None:
    make = host.module("sampling.agreement.vae_round_trip").VaeSpace
    with pytest.raises(ValueError, match=f"{NODE}: vae has latents of 16 channels, the model's have 4"):
        make(flow.vae, eps.model.model, NODE)
    space = make(SimpleNamespace(encode=flow.vae.encode), eps.model.model, NODE)  # one that does not say what it is
    with pytest.raises(ValueError, match=f"{NODE}: vae gives latents of shape .* the model has"):
        space.encode(torch.rand(3, 64, 64), torch.zeros(4, 8, 8))


def test_the_model_is_loaded_again_after_the_vae(host: Host, monkeypatch: pytest.MonkeyPatch, flow: Checkpoint) -> None:
    """A VAE that needs all memory pushes the model out; every call of the network must find it loaded."""
    loaded: list[bool] = []
    decode = comfy.sd.VAE.decode

    def hungry(self: Any, *args: Any, **kwargs: Any) -> Any:
        comfy.model_management.free_memory(1e30, self.device)
        loaded.append(any(m.model.is_clone(flow.model) for m in comfy.model_management.current_loaded_models))
        return decode(self, *args, **kwargs)

    def check(args: dict[str, Any]) -> Tensor:
        loaded.append(any(m.model.is_clone(flow.model) for m in comfy.model_management.current_loaded_models))
        return args["denoised"]

    monkeypatch.setattr(comfy.sd.VAE, "decode", hungry)
    model = flow.model.clone()
    model.set_model_sampler_post_cfg_function(check)
    prompts = flow.schedule(*PROMPTS[:2]), flow.encode("")
    zoom(host, model, *prompts, flow.empty(2), alignment=0.0, blend_options=blend_options(host, vae=flow.vae))
    assert loaded == [False, *[True, False] * 3]  # the first decode is for the size of the pictures


# The node


def graph(host: Host, checkpoint: Checkpoint, **inputs: Any) -> dict[str, Any]:
    widgets = {"mode": "laplacian", "space": "auto", "start_percent": 0.0, "end_percent": 1.0, "every": 1}
    return {
        "vae": host.source(checkpoint.vae),
        "blend": call("ZoomMultiResBlend", **{**widgets, "vae": ["vae", 0], **inputs}),
    }


def test_the_node_gives_its_options(host: Host, eps: Checkpoint) -> None:
    inputs = {"mode": "naive", "space": "pixels", "start_percent": 0.1, "end_percent": 0.9, "every": 3}
    travel = {"travel_repeats": 2, "travel_start": 0.3, "travel_end": 0.6}
    (options,) = host.evaluate(graph(host, eps, **inputs, **travel), ["blend", 0])
    assert options == blend_options(
        host, mode="naive", space="pixels", vae=eps.vae, start=0.1, end=0.9, every=3, **travel
    )


@pytest.mark.parametrize(
    "inputs", [{"mode": "mean"}, {"space": "rgb"}, {"every": 0}, {"start_percent": -0.1}, {"end_percent": 1.1}]
)
def test_the_node_refuses_what_is_out_of_range(host: Host, eps: Checkpoint, inputs: dict[str, Any]) -> None:
    with pytest.raises(PromptRejected, match=next(iter(inputs))):
        host.evaluate(graph(host, eps, **inputs), ["blend", 0])


@pytest.mark.parametrize(
    "inputs", [{"start_percent": 0.6, "end_percent": 0.5}, {"travel_start": 0.6, "travel_end": 0.5}]
)
def test_a_range_that_ends_before_it_starts_is_a_clear_error(
    host: Host, eps: Checkpoint, inputs: dict[str, Any]
) -> None:
    with pytest.raises(
        NodeFailed, match=f"Zoom Multi-Res Blend: {next(iter(inputs))} is 0.6; expected at most .*, which is 0.5"
    ):
        host.evaluate(graph(host, eps, **inputs), ["blend", 0])
