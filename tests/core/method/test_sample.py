"""sample_joint against samplers written out plainly, and what it asks of its arguments."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from toy_sampling import overlap_for, schedule, seeded, toy_denoise, toy_overlap

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.blend import blend_levels
from zoomstack_core.method.metrics import consistency_error
from zoomstack_core.method.noise import render_noise
from zoomstack_core.method.render import render_images
from zoomstack_core.method.sample import METHODS, ancestral_step, sample_joint

ALL_METHODS = [(method, 0.0) for method in METHODS] + [
    ("laplacian", 0.5), ("border", 1.0), ("naive", 1.0), ("overlap_once", 0.5), ("overlap_once", 1.0)
]  # fmt: skip


# --- against plain samplers


def test_paper_follows_algorithm_2_step_by_step():
    """Algorithm 2 written out, with the DDPM posterior in its own symbols: z' = a z + b x + s ε."""
    geometry, sigmas = ZoomGeometry(3, 12, 16, 2.0, (0.25, 0.5)), schedule(9)
    seen: list[tuple[float, Tensor, Tensor]] = []
    result = sample_joint(
        toy_denoise, geometry, sigmas, 2, seeded(), "paper", 0.0,
        callback=lambda _, sigma, z, layers: seen.append((sigma, z.clone(), layers.clone())),
    )  # fmt: skip

    generator, levels = seeded(), torch.arange(3)
    draw = lambda: torch.randn(3, 2, 12, 16, generator=generator, dtype=torch.float64)  # noqa: E731
    z, layers = sigmas[0] * draw(), torch.zeros(3, 2, 12, 16, dtype=torch.float64)
    for step in range(len(sigmas) - 2):
        now, then = sigmas[step], sigmas[step + 1]
        epsilon = draw()
        x, noise = render_images(layers, geometry), render_noise(epsilon, geometry)
        share = (then / now) ** 2
        z = share * z + (1 - share) * x + then * (1 - share).sqrt() * noise
        layers = blend_levels(toy_denoise(z, then.expand(3), levels), geometry, "laplacian")
        sigma, seen_z, seen_layers = seen[step]
        assert sigma == pytest.approx(float(then))
        torch.testing.assert_close(seen_z, z)
        torch.testing.assert_close(seen_layers, layers)
    assert len(seen) == len(sigmas) - 2
    torch.testing.assert_close(result, layers)


@pytest.mark.parametrize("churn", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(
    ("method", "blend"),
    [
        ("laplacian", "laplacian"),
        ("average", "laplacian"),
        ("default", "border"),
        ("border", "border"),
        ("naive", "naive"),
        ("independent", None),
    ],
)
def test_alignment_0_is_the_plain_sampler_with_the_joint_step(method, blend, churn):
    geometry, sigmas = ZoomGeometry(3, 9, 14, 2.5, (0.3, 0.5)), schedule(7)
    states: list[Tensor] = []
    result = sample_joint(
        toy_denoise, geometry, sigmas, 2, seeded(), method, 0.0, churn=churn, order=1,
        callback=lambda step, sigma, z, denoised: states.append(z.clone()),
    )  # fmt: skip

    generator, levels = seeded(), torch.arange(3)

    def noise() -> Tensor:
        white = torch.randn(3, 2, 9, 14, generator=generator, dtype=torch.float64)
        return white if blend is None else render_noise(white, geometry)

    z = sigmas[0] * noise()
    for step in range(len(sigmas) - 1):
        torch.testing.assert_close(states[step], z)
        denoised = toy_denoise(z, sigmas[step].expand(3), levels)
        if blend is not None:
            denoised = render_images(blend_levels(denoised, geometry, blend, [float(sigmas[step])] * 3), geometry)
        now, then = sigmas[step], sigmas[step + 1]
        up = churn * then * (1 - (then / now) ** 2).sqrt()
        down = (then**2 - up**2).sqrt()
        z = denoised + down * (z - denoised) / now + up * noise()
    torch.testing.assert_close(result, denoised)


@pytest.mark.parametrize("alignment", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("method", ["border", "laplacian", "naive", "independent"])
def test_one_level_is_the_plain_sampler(method, alignment):
    """No geometry, no ladder: k-diffusion's ancestral sampler on the given sigmas."""
    geometry = ZoomGeometry(1, 6, 8)
    sigmas = torch.tensor([15.0, 9.0, 4.0, 1.0, 0.3, 0.0], dtype=torch.float64)
    result = sample_joint(toy_denoise, geometry, sigmas, 3, seeded(), method, alignment, churn=1.0, order=1)
    generator = seeded()
    z = sigmas[0] * torch.randn(1, 3, 6, 8, generator=generator, dtype=torch.float64)
    for now, then in zip(sigmas, sigmas[1:], strict=False):
        denoised = toy_denoise(z, now[None], torch.zeros(1, dtype=torch.long))
        up = then * (1 - (then / now) ** 2).sqrt()
        down = (then**2 - up**2).sqrt()
        noise = torch.randn(1, 3, 6, 8, generator=generator, dtype=torch.float64)
        z = denoised + down * (z - denoised) / now + up * noise
    torch.testing.assert_close(result, denoised)


def test_defaults():
    """Border blending, aligned, of second order at half churn; the paper is one switch away."""
    geometry, sigmas = ZoomGeometry(3, 8, 8), schedule(5)
    run = lambda *args, **options: sample_joint(toy_denoise, geometry, sigmas, 1, seeded(), *args, **options)  # noqa: E731
    assert torch.equal(run(), run("border", 1.0, churn=0.5, order=2))
    assert torch.equal(run("paper"), run("paper", 0.0, churn=1.0, order=1))
    assert not torch.equal(run(), run("laplacian"))


def test_independent_levels_do_not_know_each_other():
    geometry, sigmas = ZoomGeometry(3, 8, 8), schedule(5)

    def other(z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        return torch.where(levels.view(-1, 1, 1, 1) == 1, -toy_denoise(z, sigma, levels), toy_denoise(z, sigma, levels))

    plain = sample_joint(toy_denoise, geometry, sigmas, 1, seeded(), "independent")
    changed = sample_joint(other, geometry, sigmas, 1, seeded(), "independent")
    assert torch.equal(plain[[0, 2]], changed[[0, 2]]) and not torch.equal(plain[1], changed[1])
    assert consistency_error(plain, geometry) > 0.1


def test_ancestral_step_is_the_ddpm_posterior_and_the_euler_step():
    z, x, noise = torch.randn(3, 4, dtype=torch.float64)
    share = (2 / 5) ** 2
    posterior = share * z + (1 - share) * x + 2 * math.sqrt(1 - share) * noise
    torch.testing.assert_close(ancestral_step(z, x, 5.0, 2.0, 1.0, noise), posterior)
    torch.testing.assert_close(ancestral_step(z, x, 5.0, 2.0, 0.0, noise), z + (2 - 5) * (z - x) / 5)
    assert torch.equal(ancestral_step(z, x, 5.0, 0.0, 1.0, noise), x)
    for churn in (0.0, 0.3, 1.0):  # the noise that is left and the noise that is added make up sigma_next
        left = ancestral_step(torch.tensor(5.0), torch.tensor(0.0), 5.0, 2.0, churn, torch.tensor(0.0))
        added = ancestral_step(torch.tensor(0.0), torch.tensor(0.0), 5.0, 2.0, churn, torch.tensor(1.0))
        assert left**2 + added**2 == pytest.approx(4)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_infinite_churn_forgets_the_state(alignment):
    """Every next state is the estimate under noise of its own sigma, drawn anew."""
    geometry, drawn, seen = ZoomGeometry(3, 8, 8), [], []

    def noise() -> Tensor:
        drawn.append(torch.randn(3, 1, 8, 8, generator=generator, dtype=torch.float64))
        return drawn[-1]

    generator = seeded()
    sample_joint(
        toy_denoise, geometry, schedule(4), 1, alignment=alignment, churn=math.inf, order=1, noise=noise,
        callback=lambda _, sigma, z, denoised: seen.append((sigma, z.clone(), denoised.clone())),
    )  # fmt: skip
    deepest = [z[2] for _, z, _ in seen[1:]]
    for n, state in enumerate(deepest):
        torch.testing.assert_close(state, seen[n][2][2] + seen[n + 1][0] * drawn[n + 1][2])
    assert len(deepest) >= 3


@pytest.mark.parametrize("churn", [0.0, 0.5, 1.0])
def test_second_order_is_exact_for_an_estimate_that_moves_linearly_in_log_sigma(churn):
    """dz/ds = z - x(s) with s = log sigma and x(s) = a + b s; churn replaces the decay by that of the whole step."""
    now, then, a, b = 5.0, 2.0, 0.7, -1.3
    s, h = math.log(now), math.log(now / then)
    estimate = lambda t: torch.tensor(a + b * t, dtype=torch.float64)  # noqa: E731
    z, zero = torch.tensor(3.0, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)
    kept = ancestral_step(torch.tensor(1.0), torch.tensor(0.0), now, then, churn, torch.tensor(0.0)).double()
    rate = -math.log(kept) / h  # of the decay, the same all along the step
    time = torch.linspace(0, h, 20_001, dtype=torch.float64)
    pull = torch.exp(-rate * (h - time)) * rate * (a + b * (s - time))
    expected = kept * z + torch.trapezoid(pull, time)
    got = ancestral_step(z, estimate(s), now, then, churn, zero, estimate(s - h) - estimate(s))
    assert float(got) == pytest.approx(float(expected), rel=1e-5)


def test_second_order_converges_faster():
    """A Gaussian of variance 1 along the ODE: its size comes near the truth with the square of the step."""

    def error(steps: int, order: int) -> float:
        sigmas, geometry = schedule(steps, 100.0, 0.001), ZoomGeometry(1, 1, 1)
        one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
        result = sample_joint(
            lambda z, s, i: z / (1 + s.view(-1, 1, 1, 1).square()), geometry, sigmas, 1, None, "independent",
            churn=0.0, order=order, noise=lambda: one,
        )  # fmt: skip
        return abs(float(result) - 1)

    assert error(80, 2) < 0.1 * error(80, 1)
    assert error(160, 1) == pytest.approx(error(80, 1) / 2, rel=0.2)
    assert error(160, 2) < 0.35 * error(80, 2)


def test_noise_can_be_given():
    geometry, sigmas, generator = ZoomGeometry(3, 8, 8), schedule(5), seeded(3)
    given = lambda: torch.randn(3, 2, 8, 8, generator=generator, dtype=torch.float64)  # noqa: E731
    expected = sample_joint(toy_denoise, geometry, sigmas, 2, seeded(3), order=2, churn=0.5)
    assert torch.equal(sample_joint(toy_denoise, geometry, sigmas, 2, noise=given, order=2, churn=0.5), expected)


def test_overlaps_are_those_of_the_active_levels():
    """The denoiser for the overlap sees what the next level covers of the state, at the level's own sigma."""
    geometry, sigmas = ZoomGeometry(3, 16, 12, 2.0, (0.25, 0.5)), schedule(5)
    states: dict[tuple[int, float], Tensor] = {}
    asked: list[tuple[int, float, Tensor]] = []

    def denoise(z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        states.update({(level, float(s)): state for level, s, state in zip(levels.tolist(), sigma, z, strict=True)})
        return toy_denoise(z, sigma, levels)

    def overlap(crop: Tensor, sigma: Tensor, level: int) -> Tensor:
        asked.append((level, float(sigma), crop.clone()))
        return toy_overlap(crop, sigma, level)

    sample_joint(denoise, geometry, sigmas, 2, seeded(), "overlap_once", denoise_overlap=overlap)
    assert {level for level, *_ in asked} == {0, 1}
    for level, sigma, crop in asked:
        assert torch.equal(crop, states[level, sigma][:, 4:12, 0:6])


# --- any run


@pytest.mark.parametrize(("method", "alignment"), ALL_METHODS)
def test_results_are_finite_reproducible_and_consistent(method, alignment):
    geometry, sigmas = ZoomGeometry(3, 9, 12, 2.5, (0.3, 0.5)), schedule(5)
    result, again, other = (
        sample_joint(toy_denoise, geometry, sigmas, 2, seeded(seed), method, alignment, **overlap_for(method))
        for seed in (0, 0, 1)
    )
    assert result.shape == (3, 2, 9, 12) and torch.isfinite(result).all()
    assert torch.equal(result, again) and not torch.equal(result, other)
    if method != "independent":
        assert consistency_error(render_images(result, geometry), geometry) < 1e-10


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", ["laplacian", "paper"])
def test_the_run_has_the_dtype_of_the_sigmas(method, dtype):
    dtypes: set[torch.dtype] = set()

    def denoise(z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        dtypes.update((z.dtype, sigma.dtype))
        return toy_denoise(z, sigma, levels)

    sigmas, alignment = schedule(5, dtype=dtype), 0.0 if method == "paper" else 1.0
    before = sigmas.clone()
    result = sample_joint(denoise, ZoomGeometry(3, 8, 8), sigmas, 1, seeded(), method, alignment)
    assert result.dtype == dtype and dtypes == {dtype} and torch.isfinite(result).all()
    assert torch.equal(sigmas, before)


def test_works_inside_and_outside_of_inference_mode():
    geometry, sigmas = ZoomGeometry(3, 9, 10, 2.3), schedule(4)
    with torch.inference_mode(), torch.device("meta"):
        inside = sample_joint(toy_denoise, geometry, sigmas, 1, seeded())
    assert inside.device.type == "cpu"
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    outside = sample_joint(lambda z, s, i: scale * toy_denoise(z, s, i), geometry, sigmas, 1, seeded())
    assert not outside.requires_grad, "a trainable network must not make the whole run one graph"
    torch.testing.assert_close(outside, inside.clone())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigmas": [1.0, 2.0, 0.0]}, r"sigmas must decrease and end in 0, got \[1\.0, 2\.0, 0\.0\]"),
        ({"sigmas": [2.0, 2.0, 0.0]}, r"sigmas must decrease"),
        ({"sigmas": [2.0, 1.0, 0.5]}, r"sigmas must decrease and end in 0, got \[2\.0, 1\.0, 0\.5\]"),
        ({"sigmas": [2.0, 0.0, -1.0]}, r"sigmas must decrease and end in 0"),
        ({"sigmas": [2.0, math.nan, 0.0]}, r"sigmas must decrease and end in 0"),
        ({"sigmas": [math.inf, 1.0, 0.0]}, r"sigmas must decrease and end in 0"),
        ({"sigmas": [1.0, 0.0]}, r"sigmas must be .* at least 2 steps"),
        ({"sigmas": [[2.0, 1.0, 0.0]]}, r"sigmas must be a floating-point tensor \[steps \+ 1\]"),
        ({"sigmas": [2, 1, 0]}, r"sigmas must be a floating-point tensor"),
        ({"alignment": 1.1}, r"alignment must lie in \[0, 1\], got 1\.1"),
        ({"alignment": -0.1}, r"alignment must lie in \[0, 1\], got -0\.1"),
        ({"alignment": math.nan}, r"alignment must lie in \[0, 1\], got nan"),
        ({"churn": 2.0}, r"churn must lie in \[0, 1\] or be infinite, got 2\.0"),
        ({"churn": math.nan}, r"churn must lie in \[0, 1\] or be infinite, got nan"),
        ({"churn": math.inf}, r"infinite churn .* needs order 1, got 2"),
        ({"order": 3}, r"order must be 1 or 2, got 3"),
        (
            {"method": "paper", "alignment": 0.0, "order": 2},
            r"method 'paper' takes DDPM .* order 1, got 1.0 and 2",
        ),
        ({"method": "overlap_once"}, r"denoise_overlap belongs to method 'overlap_once', .* without it"),
        ({"denoise_overlap": toy_overlap}, r"denoise_overlap belongs to method .* got method 'border' with it"),
        ({"method": "best"}, r"method must be one of border, .* got 'best'"),
        ({"method": "paper", "alignment": 1.0}, r"method 'paper' .* needs alignment 0, got 1\.0"),
        ({"wake_sigma": 0.0}, r"wake_sigma must be above 0 or None, got 0\.0"),
        ({"wake_sigma": math.nan}, r"wake_sigma must be above 0 or None, got nan"),
        ({"wake_sigma": 1.0, "alignment": 0.0}, r"wake_sigma needs aligned levels, got .* at alignment 0\.0"),
        ({"wake_sigma": 1.0, "method": "paper"}, r"wake_sigma needs aligned levels, got method 'paper'"),
        ({"wake_sigma": 1.0, "method": "independent"}, r"wake_sigma needs aligned levels, got method 'independent'"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    change = dict(change)
    sigmas = torch.tensor(change.pop("sigmas", [2.0, 1.0, 0.0]))
    with pytest.raises(ValueError, match=message):
        sample_joint(toy_denoise, ZoomGeometry(2, 8, 8), sigmas, 1, seeded(), **change)


def test_sigmas_must_be_a_tensor():
    with pytest.raises(ValueError, match="sigmas must be a floating-point tensor"):
        sample_joint(toy_denoise, ZoomGeometry(2, 8, 8), [2.0, 1.0, 0.0], 1)


def test_an_estimate_that_is_not_finite_is_reported():
    with pytest.raises(ValueError, match="denoised holds NaN or infinity; expected finite numbers"):
        sample_joint(lambda z, s, i: z * torch.nan, ZoomGeometry(2, 8, 8), schedule(3), 1, seeded())


@pytest.mark.parametrize(("method", "alignment"), ALL_METHODS)
def test_an_estimate_of_another_shape_is_reported(method, alignment):
    """Broadcasting would hide a denoiser that drops channels."""
    with pytest.raises(ValueError, match=r"denoise must return x0 of shape \[\d, 3, 8, 8\], got \[\d, 1, 8, 8\]"):
        sample_joint(
            lambda z, s, i: z[:, :1], ZoomGeometry(2, 8, 8), schedule(3), 3, seeded(), method, alignment,
            **overlap_for(method),
        )  # fmt: skip
