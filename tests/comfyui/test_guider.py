"""The joint guider on the host: levels agree at every step of every sampler, and states nest where noise is aligned."""

from typing import Any

import comfy.sampler_helpers
import comfy.samplers
import pytest
import torch
from harness import Host
from torch import Tensor
from torch.nn.functional import avg_pool2d
from zoom_graphs import PROMPTS, Checkpoint, logged, model_calls, zoom

SAMPLERS = comfy.samplers.KSampler.SAMPLERS
SCHEDULERS = comfy.samplers.KSampler.SCHEDULERS


pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:comfy", "ignore::UserWarning:torchsde", "ignore:To copy construct"
)


def gap(levels: Tensor, factor: int = 2) -> Tensor:
    """[N - 1, C, H/p, W/p]: the middle of every level minus what an area average makes of the next level."""
    return middle(levels, factor)[:-1] - avg_pool2d(levels, factor)[1:]


def middle(images: Tensor, factor: int = 2) -> Tensor:
    height, width = (size // factor for size in images.shape[-2:])
    top, left = (images.shape[-2] - height) // 2, (images.shape[-1] - width) // 2
    return images[..., top : top + height, left : left + width]


def relative_gap(levels: Tensor, factor: int = 2) -> float:
    """The largest gap of any level, relative to the typical size of what should be equal."""
    return float((gap(levels, factor).abs().amax((1, 2, 3)) / avg_pool2d(levels, factor)[1:].std((1, 2, 3))).max())


def state_gap(state: Tensor) -> float:
    """How far a state at equal sigmas is from (agreeing images) + (noise rendered from one scene), zoom factor 2.

    Agreeing images drop out of the gap; noise n, whose middle is 2 D(next level's n), leaves D(n). So the middle of a
    level's gap is 2 D(the next level's gap).
    """
    gaps = gap(state)
    return float((middle(gaps)[:-1] - 2 * avg_pool2d(gaps, 2)[1:]).abs().max() / state.std())


def rendered_from_the_start(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Initial noise rendered for every sampler: only then do all states agree from the first one on."""
    monkeypatch.setattr(host.module("sampling.plan"), "is_stochastic", lambda sampler: False)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_keeps_levels_together(
    host: Host, monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint, sampler: str
) -> None:
    rendered_from_the_start(host, monkeypatch)
    model, log = logged(checkpoint.model)
    positive, negative = checkpoint.schedule(*PROMPTS[:3]), checkpoint.encode("")
    result = zoom(host, model, positive, negative, checkpoint.empty(3), alignment=0.0, sampler_name=sampler)
    assert len(log.states) >= 3
    assert max(map(relative_gap, log.denoised)) < 1e-5
    assert max(map(state_gap, log.states)) < 1e-5
    assert relative_gap(result) < 1e-5
    error = host.module("zoomstack_core.method.metrics").consistency_error(result, geometry(host, 3))
    assert float(error) < 1e-6
    assert min(float(level.std()) for level in result) > 1e-3


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_keeps_levels_together(host: Host, checkpoint: Checkpoint, scheduler: str) -> None:
    model, log = logged(checkpoint.model)
    positive, negative = checkpoint.schedule(*PROMPTS[:3]), checkpoint.encode("")
    result = zoom(host, model, positive, negative, checkpoint.empty(3), alignment=0.0, scheduler=scheduler)
    sampling = checkpoint.model.get_model_object("model_sampling")
    expected = comfy.samplers.calculate_sigmas(sampling, scheduler, 3).tolist()
    assert log.sigmas == pytest.approx(expected[:-1])
    assert max(map(state_gap, log.states)) < 1e-5
    assert relative_gap(result) < 1e-5


def test_the_measure_of_states_sees_noise_that_does_not_agree(host: Host) -> None:
    noise = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    agreeing = host.module("zoomstack_core.method.noise").render_noise(noise, geometry(host, 3))
    image = host.module("zoomstack_core.method.render").render_images(noise.flip(0), geometry(host, 3))
    assert state_gap(3 * agreeing + image) < 1e-5
    assert state_gap(3 * agreeing + image + 0.01 * noise) > 1e-3


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_2m_sde", "dpmpp_sde", "ddpm"])
def test_step_noise_that_is_not_rendered_would_be_seen(
    host: Host, monkeypatch: pytest.MonkeyPatch, eps: Checkpoint, sampler: str
) -> None:
    rendered_from_the_start(host, monkeypatch)
    plan = host.module("sampling.plan")
    monkeypatch.setattr(plan, "with_rendered_noise", lambda sampler, *args: sampler)
    model, log = logged(eps.model)
    zoom(host, model, eps.schedule(*PROMPTS[:3]), eps.encode(""), eps.empty(3), alignment=0.0, sampler_name=sampler)
    assert max(map(state_gap, log.states)) > 1e-2


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name.endswith("_cfg_pp")])
def test_an_unconditional_estimate_that_is_not_joint_would_be_seen(
    host: Host, monkeypatch: pytest.MonkeyPatch, eps: Checkpoint, sampler: str
) -> None:
    rendered_from_the_start(host, monkeypatch)
    run = host.module("sampling.joint_run").JointRun
    monkeypatch.setattr(run, "_blending_uncond", lambda self, model_options: model_options)
    model, log = logged(eps.model)
    zoom(host, model, eps.schedule(*PROMPTS[:3]), eps.encode(""), eps.empty(3), alignment=0.0, sampler_name=sampler)
    assert max(map(state_gap, log.states)) > 1e-3


def geometry(host: Host, levels: int, size: int = 8, factor: float = 2.0) -> Any:
    return host.module("zoomstack_core.geometry").ZoomGeometry(levels, size, size, factor)


def test_initial_noise_is_shared_for_deterministic_samplers_only(host: Host, eps: Checkpoint) -> None:
    """At alignment 0; the paper's stochastic sampler starts from independent noise."""
    for sampler, shared in (("euler", True), ("ddpm", False)):
        model, log = logged(eps.model)
        zoom(host, model, eps.encode("x"), eps.encode(""), eps.empty(3), alignment=0.0, sampler_name=sampler)
        first = log.states[0]
        assert (state_gap(first) < 1e-5) == shared
        assert first.std((1, 2, 3)) == pytest.approx([float(first.std())] * 3, rel=0.2)


@pytest.mark.parametrize("blend", ["laplacian", "border", "naive", "none"])
def test_the_estimates_are_blended_and_rendered(host: Host, eps: Checkpoint, blend: str) -> None:
    """What the sampler gets is the core's blend of what the guidance gave, rendered."""
    model, log = logged(eps.model)
    raw: list[Tensor] = []

    def note(args: dict[str, Any]) -> Tensor:
        raw.append(args["denoised"].clone())
        return args["denoised"]

    model.set_model_sampler_post_cfg_function(note)
    zoom(host, model, eps.schedule(*PROMPTS[:3]), eps.encode(""), eps.empty(3), alignment=0.0, blend=blend)
    g = geometry(host, 3)
    blended = host.module("zoomstack_core.method.blend").blend_levels(raw[0], g, blend, [log.sigmas[0]] * 3)
    expected = host.module("zoomstack_core.method.render").render_images(blended, g)
    torch.testing.assert_close(log.denoised[0], expected)
    assert not torch.allclose(raw[0], expected, atol=1e-2)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_fractional_zoom_and_focus(host: Host, eps: Checkpoint, alignment: float) -> None:
    inputs = {"zoom_factor": 1.7, "focus_x": 0.3, "focus_y": 0.6, "alignment": alignment}
    result = zoom(host, eps.model, eps.schedule(*PROMPTS[:4]), eps.encode(""), eps.empty(1, 12, 16), **inputs)
    g = host.module("zoomstack_core.geometry").ZoomGeometry(4, 12, 16, 1.7, (0.3, 0.6))
    assert result.shape == (4, 4, 12, 16)
    assert float(host.module("zoomstack_core.method.metrics").consistency_error(result, g)) < 1e-6


@pytest.mark.parametrize("alignment", [0.0, 0.5, 1.0])
def test_little_memory_gives_the_same_in_smaller_batches(
    host: Host, monkeypatch: pytest.MonkeyPatch, eps: Checkpoint, alignment: float
) -> None:
    def run() -> tuple[Tensor, list[int]]:
        with model_calls() as calls:
            result = zoom(
                host, eps.model, eps.schedule(*PROMPTS[:4]), eps.encode(""), eps.empty(4), alignment=alignment
            )
        return result, [len(call.x) for call in calls]

    plenty, batches = run()
    model = eps.model.model
    two = 1.5 * (model.memory_required([2, 4, 8, 8]) + model.memory_required([3, 4, 8, 8])) / 2
    monkeypatch.setattr(type(eps.model), "get_free_memory", lambda self, device: two)
    little, small_batches = run()
    assert max(batches) == 8
    assert max(small_batches) == 2
    assert sum(small_batches) == sum(batches)
    assert (little - plenty).abs().max() < 1e-3 * plenty.std()


def test_only_one_level_must_fit_into_memory(host: Host, monkeypatch: pytest.MonkeyPatch, eps: Checkpoint) -> None:
    shapes: list[list[int]] = []
    original = comfy.sampler_helpers._prepare_sampling

    def spy(model: Any, noise_shape: list[int], *args: Any, **kwargs: Any) -> Any:
        shapes.append(list(noise_shape))
        return original(model, noise_shape, *args, **kwargs)

    monkeypatch.setattr(comfy.sampler_helpers, "_prepare_sampling", spy)
    zoom(host, eps.model, eps.schedule(*PROMPTS[:4]), eps.encode(""), eps.empty(4))
    assert shapes == [[1, 4, 8, 8]]


# Scale-aligned noise

# all samplers: test_aligned_samplers.py
ALIGNED = ["euler", "euler_ancestral", "dpmpp_2m", "dpmpp_sde", "ddpm", "ddim", "dpmpp_2m_cfg_pp", "uni_pc"]


@pytest.mark.parametrize("sampler", ALIGNED)
def test_noisy_states_nest_at_every_model_call(host: Host, checkpoint: Checkpoint, sampler: str) -> None:
    model, log = logged(checkpoint.model)
    prompts = checkpoint.schedule(*PROMPTS[:4])
    result = zoom(host, model, prompts, checkpoint.encode(""), checkpoint.empty(4), sampler_name=sampler, steps=4)
    assert len(log.states) > 4
    assert max(map(relative_gap, log.states)) < (3e-4 if sampler == "uni_pc" else 1e-4)  # that one is in float32
    assert max(map(relative_gap, log.denoised[1:])) < 1e-4
    assert relative_gap(result) < 1e-5
    assert torch.isfinite(result).all()
    assert min(float(level.std()) for level in result) > 1e-3


@pytest.mark.parametrize("denoise", [1.0, 0.6])
def test_image_to_image_nests_too(host: Host, checkpoint: Checkpoint, denoise: float) -> None:
    prompts = checkpoint.schedule(*PROMPTS[:3]), checkpoint.encode("")
    start = zoom(host, checkpoint.model, *prompts, checkpoint.empty(3))
    model, log = logged(checkpoint.model)
    result = zoom(host, model, *prompts, {"samples": start}, denoise=denoise, steps=3, seed=1)
    assert max(map(relative_gap, log.states)) < 1e-4
    assert not torch.allclose(result, start, atol=1e-2)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_what_the_mask_keeps_stays(host: Host, checkpoint: Checkpoint, alignment: float) -> None:
    prompts = checkpoint.schedule(*PROMPTS[:3]), checkpoint.encode("")
    start = zoom(host, checkpoint.model, *prompts, checkpoint.empty(3))
    mask = torch.zeros(3, 1, 8, 8)
    kept = {"samples": start, "noise_mask": mask}
    result = zoom(host, checkpoint.model, *prompts, kept, alignment=alignment, seed=1)
    torch.testing.assert_close(result, start, atol=1e-4, rtol=1e-4)
    mask[2, :, :, 4:] = 1  # the right half of the deepest level: columns 4 and 5 of level 1, column 4 of level 0
    partly = zoom(host, checkpoint.model, *prompts, kept, alignment=alignment, seed=1)
    torch.testing.assert_close(partly[2, :, :, :4], start[2, :, :, :4], atol=1e-4, rtol=1e-4)
    assert (partly[2, :, :, 4:] - start[2, :, :, 4:]).abs().mean() > 0.05 * start.std()
    assert relative_gap(partly) < 1e-5


@pytest.mark.parametrize("sampler", ["euler", "ddim"])
def test_the_noise_over_what_the_mask_keeps_agrees(host: Host, checkpoint: Checkpoint, sampler: str) -> None:
    """The host's ddim draws noise of its own there."""
    prompts = checkpoint.schedule(*PROMPTS[:3]), checkpoint.encode("")
    start = zoom(host, checkpoint.model, *prompts, checkpoint.empty(3))
    kept = {"samples": start, "noise_mask": torch.zeros(3, 1, 8, 8)}
    model, log = logged(checkpoint.model)
    zoom(host, model, *prompts, kept, sampler_name=sampler, alignment=0.0)
    assert max(map(state_gap, log.states)) < 1e-5
    model, log = logged(checkpoint.model)
    zoom(host, model, *prompts, kept, sampler_name=sampler)
    assert max(map(relative_gap, log.states)) < 1e-4


def test_step_noise_is_that_of_one_path(host: Host) -> None:
    """dpmpp_sde asks for a part of a step and then for all of it; what follows is independent."""
    noise = host.module("sampling.noise.step_noise")
    state = torch.zeros(3, 4, 16, 16)
    a, b, c, d = torch.tensor([9.0, 4.0, 1.0, 0.5])
    stock = comfy.samplers.sampler_object("dpmpp_sde")
    step = noise.with_rendered_noise(stock, state, 3, lambda white: 2 * white).extra_options["noise_sampler"]
    part, whole, following = step(a, b), step(a, c), step(c, d)
    rest = (a - c).sqrt() * whole - (a - b).sqrt() * part  # the increment from b to c
    assert float(rest.std()) == pytest.approx(2 * 3**0.5, rel=0.1)
    for first, second in ((part, rest), (whole, following)):
        assert abs(float(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1])) < 0.1
    for increment in (part, whole, following):
        assert float(increment.std()) == pytest.approx(2, rel=0.1)


def joint_denoise(checkpoint: Checkpoint, prompts: Any) -> Any:
    """The network at cfg 1 with every level's own prompt, in the core's terms (z = x + sigma · noise)."""
    embeddings = torch.cat([embedding for embedding, _ in prompts])

    def denoise(z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        time = sigma
        if checkpoint.flow:
            time = sigma / (1 + sigma)
            z = z * (1 - time).view(-1, 1, 1, 1)
        return checkpoint.model.model.apply_model(z, time, c_crossattn=embeddings[levels])

    return denoise


@pytest.mark.parametrize(
    ("family", "sampler", "churn"),
    [
        ("flow", "euler", 0.0),
        ("eps", "euler", 0.0),
        ("v", "euler", 0.0),
        ("eps", "euler_ancestral", 1.0),
        ("v", "euler_ancestral", 1.0),
        ("eps", "ddpm", 1.0),
    ],
)
def test_the_aligned_run_is_that_of_the_core(
    host: Host, request: pytest.FixtureRequest, family: str, sampler: str, churn: float
) -> None:
    """Same random numbers, same network: same estimates at every step, and the same result."""
    checkpoint: Checkpoint = request.getfixturevalue(family)
    prompts, seed, steps, factor = checkpoint.schedule(*PROMPTS[:3]), 5, 4, 4.0
    model, log = logged(checkpoint.model)
    inputs: dict[str, Any] = {"sampler_name": sampler, "scheduler": "exponential"}
    inputs.update(cfg=1.0, seed=seed, steps=steps, zoom_factor=factor)
    result = zoom(host, model, prompts, checkpoint.encode(""), checkpoint.empty(3), **inputs)

    sampling = checkpoint.model.get_model_object("model_sampling")
    high, low = float(sampling.sigma_max), float(sampling.sigma_min)
    if checkpoint.flow:
        high, low = 0.99 / 0.01, low / (1 - low)
    sigmas = torch.tensor([*torch.linspace(high, low, steps), 0.0])
    generator = torch.Generator().manual_seed(seed)
    estimates: list[Tensor] = []
    network = joint_denoise(checkpoint, prompts)

    def denoise(z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        if not estimates:
            generator.manual_seed(seed + 1)  # where the host's step noise begins
        return network(z, sigma, levels)

    def note(step: int, sigma: float, z: Tensor, denoised: Tensor) -> None:
        estimates.append(denoised)

    with torch.inference_mode():
        expected = host.module("zoomstack_core.method.sample").sample_joint(
            denoise,
            geometry(host, 3, factor=factor),
            sigmas,
            checkpoint.channels,
            generator,
            "average",
            churn=churn,
            order=1,
            callback=note,
        )
    assert len(log.denoised) == len(estimates)
    for ours, theirs in zip(log.denoised, estimates, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-4 * float(theirs.std()), rtol=0)
    latent = checkpoint.model.model.process_latent_out(expected)
    torch.testing.assert_close(result, latent, atol=2e-4 * float(latent.std()), rtol=0)
