"""Easing curves: ends, direction, which end is soft, and how steep they get."""

import pytest

from zoomstack_core.camera.easing import EASED_ENDS, EASINGS, ease

TIMES = [k / 400 for k in range(401)]


def speeds(easing: str, ends: str, ramp: float = 0.2) -> list[float]:
    values = [ease(time, easing, ends, ramp) for time in TIMES]
    return [(b - a) * 400 for a, b in zip(values, values[1:], strict=False)]


@pytest.mark.parametrize("ends", EASED_ENDS)
@pytest.mark.parametrize("easing", EASINGS)
def test_curves_go_all_the_way_and_never_back(easing: str, ends: str) -> None:
    assert ease(0, easing, ends, 0.2) == pytest.approx(0, abs=1e-12)
    assert ease(1, easing, ends, 0.2) == pytest.approx(1, abs=1e-12)
    assert min(speeds(easing, ends)) >= 0


@pytest.mark.parametrize("easing", [easing for easing in EASINGS if easing != "none"])
def test_soft_ends_are_slow_and_the_others_are_not(easing: str) -> None:
    for ends in EASED_ENDS:
        speed = speeds(easing, ends)
        for soft, value in ((ends != "end", speed[0]), (ends != "start", speed[-1])):
            assert value < 0.1 if soft else value > 0.9


@pytest.mark.parametrize("easing", EASINGS)
def test_both_ends_are_alike(easing: str) -> None:
    speed = speeds(easing, "both")
    assert speed == pytest.approx(speed[::-1], abs=1e-9)
    assert speeds(easing, "end") == pytest.approx(speeds(easing, "start")[::-1], abs=1e-9)


def test_families_differ_in_how_steep_they_get() -> None:
    steepest = [max(speeds(easing, "both")) for easing in ("linear", "sine", "quad", "cubic", "quart", "quint")]
    assert steepest == sorted(steepest)
    assert steepest[2:] == pytest.approx([2, 3, 4, 5], rel=0.02)
    assert max(speeds("none", "both")) == pytest.approx(1)
