"""Scale-aligned noise: sigmas of every level, who is evaluated when, and how many at once."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.ladder import NoiseLadder, aligned_ladder


@st.composite
def ladders(draw: st.DrawFn) -> tuple[ZoomGeometry, NoiseLadder, float, float, float]:
    """Geometry, its ladder, sigma_max, sigma_min and alignment."""
    levels = draw(st.integers(1, 12))
    factor = st.one_of(st.sampled_from([1.5, 2.0, 3.0, 4.0]), st.floats(1.05, 9))
    per_step = tuple(draw(factor) for _ in range(levels - 1)) if draw(st.booleans()) else ()
    geometry = ZoomGeometry(levels, 8, 8, per_step or draw(factor))
    sigma_min = draw(st.sampled_from([0.002, 0.03, 0.5]))
    sigma_max = sigma_min * draw(st.sampled_from([1.5, 80.0, 500.0, 80 / 0.002]))
    alignment = draw(st.sampled_from([0.25, 0.5, 1.0]))
    steps = draw(st.integers(2, 60))
    return geometry, aligned_ladder(geometry, sigma_max, sigma_min, steps, alignment), sigma_max, sigma_min, alignment


@st.composite
def late_ladders(draw: st.DrawFn) -> tuple[NoiseLadder, NoiseLadder, float]:
    """A ladder, the same with late waking, and the sigma at which levels wake."""
    geometry, ladder, sigma_max, sigma_min, alignment = draw(ladders())
    wake = sigma_min * (sigma_max / sigma_min) ** draw(st.floats(0, 1.1))
    late = aligned_ladder(geometry, sigma_max, sigma_min, ladder.steps, alignment, wake_sigma=max(wake, sigma_min))
    return ladder, late, max(wake, sigma_min)


def test_by_hand():
    """p = 4, three levels, sigmas 8, 4, 2, 1 for each: a level wakes two rungs after the wider one."""
    ladder = aligned_ladder(ZoomGeometry(3, 8, 8, 4.0), 8.0, 1.0, 4)
    assert ladder.rung == pytest.approx(math.log(2))
    assert ladder.ratios == pytest.approx((1 / 16, 1 / 4, 1))
    assert ladder.sigmas == pytest.approx((128, 64, 32, 16, 8, 4, 2, 1, 0))
    active = [list(ladder.active(sigma)) for sigma in ladder.sigmas[:-1]]
    assert active == [[0], [0], [0, 1], [0, 1], [1, 2], [1, 2], [2], [2]]


@given(ladders())
def test_every_level_is_evaluated_exactly_steps_times_near_its_own_range(case):
    geometry, ladder, sigma_max, sigma_min, _ = case
    own: list[list[float]] = [[] for _ in range(geometry.levels)]
    for sigma in ladder.sigmas[:-1]:
        for level in ladder.active(sigma):
            own[level].append(sigma * ladder.ratios[level])
    half = math.exp(0.5005 * ladder.rung)
    for sigmas in own:
        assert len(sigmas) == ladder.steps
        assert sigma_max / half <= sigmas[0] <= sigma_max * half
        assert sigma_min / half <= sigmas[-1] <= sigma_min * half
        assert all(a / b == pytest.approx(math.exp(ladder.rung)) for a, b in zip(sigmas, sigmas[1:], strict=False))


@given(ladders())
def test_ratios_follow_the_zoom(case):
    geometry, ladder, _, _, alignment = case
    for level, factor in enumerate(geometry.factors):
        assert ladder.ratios[level + 1] / ladder.ratios[level] == pytest.approx(factor**alignment)
    assert ladder.ratios[-1] * ladder.sigmas[0] == pytest.approx(
        ladder.ratios[0] * ladder.sigmas[0] * math.prod(geometry.factors) ** alignment
    )


@given(ladders())
def test_sigmas_decrease_evenly_and_end_in_zero(case):
    _, ladder, _, _, _ = case
    assert ladder.sigmas[-1] == 0 and ladder.sigmas[-2] > 0
    for high, low in zip(ladder.sigmas[:-1], ladder.sigmas[1:-1], strict=False):
        assert math.log(high / low) == pytest.approx(ladder.rung)


@given(ladders())
def test_levels_wake_and_finish_in_order(case):
    geometry, ladder, _, _, _ = case
    previous = range(0, 0)
    for sigma in ladder.sigmas[:-1]:
        active = ladder.active(sigma)
        assert 0 <= active.start <= active.stop <= geometry.levels
        assert active.start >= previous.start and active.stop >= previous.stop
        previous = active
    assert ladder.active(ladder.sigmas[0]).start == 0
    assert ladder.active(ladder.sigmas[-2]).stop == geometry.levels  # no rung is left over


@given(ladders())
def test_the_window_does_not_grow_with_the_number_of_levels(case):
    """A = floor(steps · rung / (alignment · ln p)) + 1, with the smallest p where they differ."""
    geometry, ladder, _, _, alignment = case
    assume(geometry.levels > 1)
    bound = math.floor(ladder.steps * ladder.rung / (alignment * math.log(min(geometry.factors))) + 1e-9) + 1
    assert max(len(ladder.active(sigma)) for sigma in ladder.sigmas[:-1]) <= bound


def test_late_waking_by_hand():
    """p = 4, three levels, sigmas 8, 4, 2, 1 for each: at 2 the deeper ones skip their first two."""
    ladder = aligned_ladder(ZoomGeometry(3, 8, 8, 4.0), 8.0, 1.0, 4, wake_sigma=2.0)
    active = [list(ladder.active(sigma)) for sigma in ladder.sigmas[:-1]]
    assert active == [[0], [0], [0], [0], [1], [1], [2], [2]]
    assert [ladder.progress(1, sigma) for sigma in ladder.sigmas[2:6]] == pytest.approx([0, 1 / 3, 2 / 3, 1])


@given(late_ladders())
def test_late_waking_skips_the_evaluations_above_it_and_no_others(case):
    """Per level: those more than half a rung above `wake_sigma`; the widest skips none, every level keeps one."""
    ladder, late, wake = case
    assert late == replace(ladder, wake_sigma=wake)
    highest = math.log(wake) + 0.5 * ladder.rung
    for level, ratio in enumerate(ladder.ratios):
        own = [sigma * ratio for sigma in ladder.sigmas[:-1] if level in ladder.active(sigma)]
        kept = [sigma * ratio for sigma in late.sigmas[:-1] if level in late.active(sigma)]
        assert kept and kept == own[-len(kept) :]
        if level == 0:
            assert kept == own
        else:
            skipped = own[: -len(kept)]
            assert all(math.log(sigma) > highest - 0.001 * ladder.rung for sigma in skipped)
            assert math.log(kept[0]) <= highest + 0.001 * ladder.rung


@given(ladders(), st.floats(0, 1.1), st.integers(1, 12))
def test_no_level_wakes_below_the_sigma_that_late_is_given(case, share, first):
    """From level `first` on: all evaluations from the last one at or above it on, and no others."""
    _, ladder, sigma_max, sigma_min, _ = case
    wake = sigma_min * (sigma_max / sigma_min) ** share
    late = ladder.late(wake, range(first))
    for level, ratio in enumerate(ladder.ratios):
        own = [sigma * ratio for sigma in ladder.sigmas[:-1] if level in ladder.active(sigma)]
        kept = [sigma * ratio for sigma in late.sigmas[:-1] if level in late.active(sigma)]
        assert kept == own[-len(kept) :]
        if level < first:
            assert kept == own
        else:
            slack = math.exp(0.001 * ladder.rung)
            assert kept == own or kept[0] >= wake / slack or len(kept) == 1
            assert len(kept) == 1 or kept[1] <= wake * slack


def test_late_keeps_the_evaluation_at_its_sigma_and_at_infinity_all():
    ladder = aligned_ladder(ZoomGeometry(3, 8, 8, 4.0), 8.0, 1.0, 4)
    active = [list(ladder.late(2.0).active(sigma)) for sigma in ladder.sigmas[:-1]]
    assert active == [[0], [0], [0], [0], [1], [1], [2], [2]]
    assert [list(ladder.late(2.0, (0, 1)).active(sigma)) for sigma in ladder.sigmas[:-1]][2:5] == [[0, 1], [0, 1], [1]]
    for off in (ladder.late(math.inf), ladder.late(2.0, range(3))):
        assert [off.active(sigma) for sigma in off.sigmas[:-1]] == [ladder.active(sigma) for sigma in off.sigmas[:-1]]


@pytest.mark.parametrize(("sigma", "what"), [(0.0, "sigma is 0"), (math.nan, "sigma is nan"), (-1.0, "sigma is -1")])
def test_late_refuses_other_values(sigma, what):
    with pytest.raises(ValueError, match=what):
        aligned_ladder(ZoomGeometry(3, 8, 8), 10.0, 0.1, 5).late(sigma)


@given(late_ladders())
def test_late_wavefronts_are_contiguous_and_progress_is_that_of_all_steps(case):
    ladder, late, _ = case
    previous = range(0, 0)
    for sigma in late.sigmas[:-1]:
        active = late.active(sigma)
        assert set(active) <= set(ladder.active(sigma))
        assert active.start == ladder.active(sigma).start or not active
        assert previous.start <= active.start <= active.stop and previous.stop <= active.stop
        assert all(late.progress(level, sigma) == ladder.progress(level, sigma) for level in active)
        previous = active
    assert previous.stop == len(ladder.ratios)


@pytest.mark.parametrize("wake", [None, math.inf, 80.0, 1e30])
def test_late_waking_is_off_above_sigma_max(wake):
    geometry = ZoomGeometry(5, 8, 8, (2.0, 3.0, 1.5, 4.0))
    plain, late = (aligned_ladder(geometry, 80.0, 0.01, 20, wake_sigma=sigma) for sigma in (None, wake))
    assert plain.sigmas == late.sigmas and plain.ratios == late.ratios
    assert [plain.active(sigma) for sigma in plain.sigmas[:-1]] == [late.active(sigma) for sigma in late.sigmas[:-1]]


@pytest.mark.parametrize(("factor", "most"), [(4.0, 6), (2.0, 12)])
def test_window_of_the_usual_schedules(factor, most):
    """14.6 to 0.029 in 40 steps: about 6 levels at p = 4 and 11 at p = 2, for 8 levels and for 80."""
    for levels in (20, 80):
        ladder = aligned_ladder(ZoomGeometry(levels, 8, 8, factor), 14.6146, 0.0292, 40)
        assert most - 2 <= max(len(ladder.active(sigma)) for sigma in ladder.sigmas[:-1]) <= most


@given(ladders())
def test_sigmas_rounded_to_float32_activate_the_same_levels(case):
    """A host passes sigmas through float32 tensors."""
    _, ladder, _, _, _ = case
    rounded = torch.tensor(ladder.sigmas[:-1], dtype=torch.float32).tolist()
    # 2.5e-4 of a rung is the slack: float32 must be finer than that
    assume(1e-4 * ladder.rung > 2**-23)
    assert [ladder.active(sigma) for sigma in rounded] == [ladder.active(sigma) for sigma in ladder.sigmas[:-1]]


def test_largest_sigma_shifts_the_common_ladder_only():
    geometry = ZoomGeometry(9, 8, 8, 4.0)
    free = aligned_ladder(geometry, 80.0, 0.002, 20, largest_sigma=math.inf)
    shifted = aligned_ladder(geometry, 80.0, 0.002, 20, largest_sigma=1000.0)
    assert free.sigmas[0] == pytest.approx(80 * 4**8) and free.ratios[-1] == pytest.approx(1)
    assert shifted.sigmas[0] == pytest.approx(1000)
    assert len(shifted.sigmas) == len(free.sigmas)
    for a, b in zip(free.sigmas[:-1], shifted.sigmas[:-1], strict=True):
        assert [a * r for r in free.ratios] == pytest.approx([b * r for r in shifted.ratios])
        assert free.active(a) == shifted.active(b)


def test_one_level_is_the_plain_exponential_schedule():
    ladder = aligned_ladder(ZoomGeometry(1, 8, 8), 10.0, 0.1, 5)
    assert ladder.ratios == (1.0,)
    assert ladder.sigmas == pytest.approx((10, 10**0.5, 1, 10**-0.5, 0.1, 0))


def test_a_range_narrower_than_the_zoom_leaves_rungs_where_no_level_is_active():
    ladder = aligned_ladder(ZoomGeometry(3, 8, 8, 8.0), 1.0, 0.8, 2)
    active = [ladder.active(sigma) for sigma in ladder.sigmas[:-1]]
    assert sum(len(a) for a in active) == 6
    idle = [a for a in active if not a]
    assert idle and all(a.start in (1, 2) and a.stop == a.start for a in idle)


def test_a_single_step_comes_at_the_first_sigma():
    """With the rungs of the zoom, one level after the other."""
    ladder = aligned_ladder(ZoomGeometry(3, 8, 8, 4.0), 8.0, 2.0, 1)
    assert ladder.sigmas == pytest.approx((128, 32, 8, 0))
    assert [list(ladder.active(sigma)) for sigma in ladder.sigmas[:-1]] == [[0], [1], [2]]
    assert [ladder.progress(i, sigma) for i, sigma in enumerate(ladder.sigmas[:-1])] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alignment": 0.0}, r"alignment is 0\.0; expected a number above 0, at most 1"),
        ({"alignment": 1.5}, r"alignment is 1\.5"),
        ({"alignment": -1.0}, r"alignment is -1\.0"),
        ({"alignment": math.nan}, r"alignment is nan"),
        ({"steps": 0}, r"steps is 0; expected at least 1 step per level"),
        ({"sigma_min": 0.0}, r"sigma_min is 0\.0; expected a number above 0, below sigma_max, 10\.0"),
        ({"sigma_min": 10.0}, r"sigma_min is 10\.0"),
        ({"sigma_max": math.inf}, r"sigma_max, inf"),
        ({"sigma_max": math.nan}, r"sigma_max, nan"),
        ({"sigma_min": -1.0}, r"sigma_min is -1\.0"),
        ({"wake_sigma": 0.09}, r"wake_sigma is 0\.09; expected None or a number of at least sigma_min, 0\.1"),
        ({"wake_sigma": 0.0}, r"wake_sigma is 0\.0"),
        ({"wake_sigma": math.nan}, r"wake_sigma is nan"),
    ],
)
def test_bad_values_are_refused(change, message):
    arguments = {"sigma_max": 10.0, "sigma_min": 0.1, "steps": 5, "alignment": 1.0, **change}
    with pytest.raises(ValueError, match=message):
        aligned_ladder(ZoomGeometry(3, 8, 8), **arguments)
