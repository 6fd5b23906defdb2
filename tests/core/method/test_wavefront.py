"""The rules of scale-aligned noise and its wavefront: which levels sample_joint evaluates, and how they nest."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from toy_sampling import Watched, overlap_for, schedule, seeded, toy_denoise

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.metrics import consistency_error
from zoomstack_core.method.noise import render_noise
from zoomstack_core.method.sample import sample_joint


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize(
    ("method", "churn", "order"),
    [("border", 0.0, 1), ("border", 1.0, 1), ("border", 0.5, 2), ("overlap_once", 0.5, 2)],
)
@pytest.mark.parametrize("factor", [2, 4])
def test_noisy_states_nest_at_every_step(factor, method, churn, order, dtype, tolerance):
    """center of z_i = D(z_{i+1}) for whole aligned factors with the box, waiting and finished levels included."""
    size = 4 * factor
    geometry, sigmas = ZoomGeometry(5, size, size, float(factor)), schedule(6, dtype=dtype)
    start, stop = (size - 4) // 2, (size + 4) // 2
    errors: list[float] = []

    def check(step: int, sigma: float, z: Tensor, denoised: Tensor) -> None:
        for state in (z, denoised):
            center, reduced = state[:-1, :, start:stop, start:stop], F.avg_pool2d(state[1:], factor)
            error = (center - reduced).abs().amax((1, 2, 3)) / reduced.abs().amax((1, 2, 3))
            errors.append(float(error.max()))

    sample_joint(
        toy_denoise, geometry, sigmas, 2, seeded(), method, churn=churn, order=order, callback=check,
        **overlap_for(method),
    )  # fmt: skip
    assert len(errors) > 2 * 6 and max(errors) < tolerance


@pytest.mark.parametrize(("factor", "churn"), [(1.5, 1.0), (2.0, 0.0), (2.7, 1.0)])
def test_states_have_the_covariance_of_one_scene(factor, churn):
    """With an estimate of 0 the state of level i is Gaussian: sigma_i² within the level, and between levels
    sigma_i sigma_j times the covariance of rendered noise, which test_noise checks exactly."""
    geometry, sigmas = ZoomGeometry(3, 5, 6, factor, (0.4, 0.5)), schedule(5)
    basis = torch.eye(90, dtype=torch.float64).view(90, 3, 5, 6).transpose(0, 1)
    maps = render_noise(basis, geometry).flatten(2)  # [level, input, pixel]
    ratios = [factor ** (level - 2) for level in range(3)]
    checked = []

    def check(step: int, sigma: float, z: Tensor, _: Tensor) -> None:
        unit = [z[level].flatten(1) / (sigma * ratios[level]) for level in range(3)]
        for level in range(3):
            assert unit[level].var() == pytest.approx(1, abs=0.01)
            for deeper in range(level + 1, 3):
                expected = maps[level].T @ maps[deeper]
                sampled = unit[level].T @ unit[deeper] / len(unit[level])
                assert float((sampled * expected).sum() / expected.square().sum()) == pytest.approx(1, abs=0.03)
                assert (sampled - expected).abs().max() < 0.05
        checked.append(step)

    sample_joint(lambda z, *_: torch.zeros_like(z), geometry, sigmas, 12_000, seeded(), churn=churn, callback=check)
    assert len(checked) >= 5


@settings(max_examples=20)
@given(st.integers(1, 9), st.sampled_from([1.5, 2.0, 3.3, 4.0]), st.integers(2, 8), st.sampled_from([0.3, 1.0]))
def test_every_level_is_evaluated_exactly_steps_times_and_few_at_once(levels, factor, steps, alignment):
    geometry, sigmas = ZoomGeometry(levels, 4, 5, factor), schedule(steps)
    watched = Watched()
    sample_joint(watched, geometry, sigmas, 1, seeded(), alignment=alignment)
    assert {level: len(values) for level, values in watched.sigmas.items()} == dict.fromkeys(range(levels), steps)
    rung = math.log(20 / 0.05) / (steps - 1)
    most = math.floor(steps * rung / (alignment * math.log(factor))) + 1
    assert max(len(call) for call in watched.calls) <= most
    for call in watched.calls:
        assert call and call == tuple(range(call[0], call[-1] + 1))
    for values in watched.sigmas.values():  # within half a rung of the range that was asked for
        assert abs(math.log(values[0] / 20)) <= 0.501 * rung and abs(math.log(values[-1] / 0.05)) <= 0.501 * rung


def test_work_grows_linearly_and_the_batch_not_at_all():
    batch = {}
    for levels in (16, 32):
        watched = Watched()
        sample_joint(watched, ZoomGeometry(levels, 4, 4, 4.0), schedule(5, 8.0, 0.1), 1, seeded())
        assert sum(len(call) for call in watched.calls) == 5 * levels
        batch[levels] = max(len(call) for call in watched.calls)
    assert batch[16] == batch[32] <= 1 + math.floor(math.log(80) * 5 / 4 / math.log(4))


@pytest.mark.parametrize("method", ["independent", "laplacian", "naive", "paper"])
def test_without_alignment_all_levels_go_together(method):
    watched = Watched()
    sample_joint(watched, ZoomGeometry(4, 8, 8), schedule(6), 1, seeded(), method, 0.0)
    evaluations = 5 if method == "paper" else 6  # Algorithm 2 begins with L = 0 instead of an evaluation
    assert watched.calls == [(0, 1, 2, 3)] * evaluations


@pytest.mark.parametrize("method", ["laplacian", "naive"])
def test_finished_levels_are_held(method):
    """After its last evaluation a level changes inside its inner rectangle only, where deeper levels show."""
    geometry, sigmas = ZoomGeometry(6, 12, 12, 2.0, (0.5, 0.25)), schedule(4, 4.0, 0.5)
    watched, history = Watched(), []
    result = sample_joint(
        watched, geometry, sigmas, 2, seeded(), method, callback=lambda *step: history.append(step[3].clone())
    )
    outside = torch.ones(12, 12, dtype=torch.bool)
    outside[0:6, 3:9] = False
    last = {level: max(n for n, call in enumerate(watched.calls) if level in call) for level in range(6)}
    assert last[0] < last[5]
    followed = 0
    for level in range(5):
        final = history[last[level]][level]
        for later in (*(denoised[level] for denoised in history[last[level] :]), result[level]):
            assert torch.equal(later[:, outside], final[:, outside])
        followed += not torch.equal(result[level], final)
    assert followed == 5  # the inner rectangles did follow
    assert consistency_error(result, geometry) < 1e-10


@pytest.mark.parametrize(("levels", "factor", "dtype"), [(90, 4.0, torch.float32), (14, 4.0, torch.float16)])
def test_a_stack_deeper_than_the_range_of_floats(levels, factor, dtype):
    """The sigma of the deepest level starts at p^(N-1) times the model's: 10^54 here, and float32 ends at 10^38."""
    geometry, watched = ZoomGeometry(levels, 4, 4, factor), Watched()
    result = sample_joint(watched, geometry, schedule(3, 4.0, 0.5, dtype), 1, seeded())
    assert torch.isfinite(result).all()
    assert all(len(watched.sigmas[level]) == 3 for level in range(levels))


def test_a_range_narrower_than_the_zoom():
    """Between two levels there are steps at which no level is evaluated; they are not lost."""
    geometry, watched = ZoomGeometry(3, 8, 8, 8.0), Watched()
    result = sample_joint(watched, geometry, schedule(2, 1.0, 0.8), 1, seeded())
    assert watched.calls == [(0,), (0,), (1,), (1,), (2,), (2,)]
    assert torch.isfinite(result).all() and consistency_error(result, geometry) < 1e-10


def test_levels_that_wake_late_are_not_evaluated_before():
    """Own sigmas 8, 4, 2, 1, .5 at p = 4: with sigma_data 0.5 a wake_sigma of 4 is an own sigma of 2."""
    geometry, watched = ZoomGeometry(3, 8, 8, 4.0), Watched()
    sample_joint(watched, geometry, schedule(5, 8.0, 0.5), 1, seeded(), sigma_data=0.5, wake_sigma=4.0)
    assert watched.calls == [(0,), (0,), (0,), (0,), (0, 1), (1,), (1, 2), (2,), (2,)]
    assert watched.sigmas[0] == pytest.approx([8, 4, 2, 1, 0.5])
    for level in (1, 2):
        assert watched.sigmas[level] == pytest.approx([2, 1, 0.5])


@settings(max_examples=20)
@given(st.integers(2, 7), st.sampled_from([1.5, 2.0, 3.3, 4.0]), st.integers(2, 8), st.floats(0.06, 20))
def test_late_waking_leaves_states_that_are_one_scene(levels, factor, steps, wake):
    geometry, watched = ZoomGeometry(levels, 6, 7, factor), Watched()
    estimates: list[Tensor] = []
    result = sample_joint(
        watched, geometry, schedule(steps), 1, seeded(), wake_sigma=wake,
        callback=lambda _, sigma, z, denoised: estimates.append(denoised.clone()),
    )  # fmt: skip
    assert all(consistency_error(denoised, geometry) < 1e-10 for denoised in estimates)
    assert torch.isfinite(result).all()
    rung = math.log(20 / 0.05) / (steps - 1)
    assert len(watched.sigmas[0]) == steps
    assert all(values[0] <= wake * math.exp(0.501 * rung) for level, values in watched.sigmas.items() if level)
    for call in watched.calls:
        assert call and call == tuple(range(call[0], call[-1] + 1))


@pytest.mark.parametrize("method", ["border", "laplacian", "overlap_once"])
def test_late_waking_off_changes_no_bit(method):
    geometry, sigmas = ZoomGeometry(4, 12, 12, (2.0, 3.0, 1.5)), schedule(5)
    plain, off, late = (
        sample_joint(toy_denoise, geometry, sigmas, 2, seeded(), method, wake_sigma=wake, **overlap_for(method))
        for wake in (None, math.inf, 2.0)
    )
    assert torch.equal(plain, off) and not torch.equal(plain, late)
