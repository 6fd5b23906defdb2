"""Nested rectangles against hand-computed values and their own laws, and what is refused."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoomstack_core import geometry as geometry_module
from zoomstack_core.geometry import Rect, Step, ZoomGeometry, step_rect

GEOMETRIES = st.from_type(ZoomGeometry)


def test_centered_levels_nest_in_the_middle():
    geometry = ZoomGeometry(3, 8, 16, 2.0)
    assert geometry.rect(0, 0) == Rect(0, 0, 8, 16)
    assert geometry.rect(0, 1) == geometry.rect(1, 2) == Rect(2, 4, 4, 8)
    assert geometry.rect(0, 2) == Rect(3, 6, 2, 4)


def test_focus_is_x_then_y():
    rect = ZoomGeometry(2, 100, 200, 4.0, (0.25, 0.75)).rect(0, 1)
    assert rect == Rect(75 - 12.5, 50 - 25, 25, 50)


@pytest.mark.parametrize(
    ("focus", "top", "left"),
    [((0, 0), 0, 0), ((1, 1), 15, 30), ((0, 1), 15, 0), ((1, 0), 0, 30), ((0.2, 0.9), 15, 3), ((0.01, 0.5), 7.5, 0)],
)
def test_inner_rectangle_is_moved_inside_the_image(focus, top, left):
    assert ZoomGeometry(2, 20, 40, 4.0, focus).rect(0, 1) == pytest.approx(Rect(top, left, 5, 10))


@given(GEOMETRIES)
def test_every_level_lies_inside_every_wider_one(geometry):
    for outer in range(geometry.levels):
        for inner in range(outer, geometry.levels):
            top, left, height, width = geometry.rect(outer, inner)
            product = math.prod(geometry.factors[outer:inner])
            assert (height, width) == pytest.approx((geometry.height / product, geometry.width / product))
            assert top >= -1e-9 and left >= -1e-9
            assert top + height <= geometry.height + 1e-9 and left + width <= geometry.width + 1e-9


@given(GEOMETRIES, st.data())
def test_rectangles_compose(geometry, data):
    outer, middle, inner = sorted(data.draw(st.tuples(*[st.integers(0, geometry.levels - 1)] * 3)))
    far, near, whole = geometry.rect(outer, middle), geometry.rect(middle, inner), geometry.rect(outer, inner)
    scale = far.height / geometry.height
    assert whole.top == pytest.approx(far.top + near.top * scale)
    assert whole.left == pytest.approx(far.left + near.left * scale)
    assert whole.height == pytest.approx(near.height * scale)
    assert whole.width == pytest.approx(near.width * scale)


@given(GEOMETRIES, st.data())
def test_between_and_resized_keep_the_nesting(geometry, data):
    start = data.draw(st.integers(0, geometry.levels - 1))
    stop = data.draw(st.integers(start + 1, geometry.levels))
    part = geometry.between(start, stop)
    assert part.levels == stop - start
    assert part.rect(0, part.levels - 1) == pytest.approx(geometry.rect(start, stop - 1))
    assert (part.height, part.width, part.prefilter) == (geometry.height, geometry.width, geometry.prefilter)
    large = geometry.resized(geometry.height * 8, geometry.width * 8)
    assert large.rect(start, stop - 1) == pytest.approx(tuple(8 * v for v in geometry.rect(start, stop - 1)))


def test_one_value_per_step():
    geometry = ZoomGeometry(3, 12, 12, (2.0, 3.0), ((0.5, 0.5), (0.0, 1.0)))
    assert geometry.factors == (2.0, 3.0)
    assert geometry.steps == (Step(2.0, (0.5, 0.5)), Step(3.0, (0.0, 1.0)))
    assert geometry.rect(0, 1) == Rect(3, 3, 6, 6)
    assert geometry.rect(1, 2) == Rect(8, 0, 4, 4)
    assert geometry.rect(0, 2) == Rect(7, 3, 2, 2)


def test_equal_geometries_are_equal_however_they_are_written():
    one = ZoomGeometry(3, 8, 8, 2)
    other = ZoomGeometry(3, 8, 8, [2.0, 2.0], [[0.5, 0.5], (0.5, 0.5)])
    assert one == other and hash(one) == hash(other)
    assert one.steps == other.steps
    assert one != ZoomGeometry(3, 8, 8, 2, prefilter="gaussian")
    assert one != ZoomGeometry(3, 8, 8, (2.0, 2.5))


def test_geometry_is_frozen():
    geometry = ZoomGeometry(2, 8, 8)
    with pytest.raises(dataclasses.FrozenInstanceError):
        geometry.levels = 3
    assert geometry == ZoomGeometry(2, 8, 8)


def test_one_level_has_no_steps():
    geometry = ZoomGeometry(1, 5, 7, 3.0, (0.2, 0.3))
    assert geometry.steps == () and geometry.factors == ()
    assert geometry.rect(0, 0) == Rect(0, 0, 5, 7)
    assert geometry.between(0, 1).levels == 1


def test_steps_are_made_once(monkeypatch):
    """Each level asks for its step: making all of them every time would cost N² for N levels."""
    made = []
    monkeypatch.setattr(geometry_module, "Step", lambda *values: made.append(values) or Step(*values))
    geometry = ZoomGeometry(40, 8, 8)
    for level in range(1, 40):
        geometry.rect(level - 1, level)
    assert len(made) == 39


def test_step_rect_of_another_size():
    assert step_rect(Step(2.5, (0.5, 0.5)), 10, 5) == Rect(3, 1.5, 4, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"levels": 0}, r"levels is 0; expected a whole number of at least 1"),
        ({"levels": -2}, r"levels is -2"),
        ({"levels": 2.0}, r"levels is 2\.0"),
        ({"levels": True}, r"levels is True"),
        ({"height": 0}, r"height is 0; expected a whole number of at least 1"),
        ({"width": "8"}, r"width is '8'"),
        ({"zoom_factor": 1}, r"zoom_factor holds 1; expected numbers above 1"),
        ({"zoom_factor": 0.5}, r"zoom_factor holds 0\.5; expected numbers above 1"),
        ({"zoom_factor": -2.0}, r"zoom_factor holds -2\.0"),
        ({"zoom_factor": math.nan}, r"zoom_factor is nan; expected one number or 2 of them"),
        ({"zoom_factor": 10**400}, r"zoom_factor is inf"),
        ({"zoom_factor": math.inf}, r"zoom_factor is inf"),
        ({"zoom_factor": "2"}, r"zoom_factor is '2'"),
        ({"zoom_factor": None}, r"zoom_factor is None"),
        ({"zoom_factor": True}, r"zoom_factor is True"),
        ({"zoom_factor": (2.0, 1.0)}, r"zoom_factor holds 1\.0"),
        ({"zoom_factor": (2.0, math.nan)}, r"holds nan"),
        ({"zoom_factor": (2.0,)}, r"zoom_factor is \(2\.0,\) .*; expected one number or 2 of them \(one per step\)"),
        ({"zoom_factor": (2.0,) * 3}, r"zoom_factor is .*; expected one number or 2 of them"),
        ({"zoom_factor": ()}, r"zoom_factor is .*; expected one number or 2 of them"),
        ({"focus": (1.2, 0.5)}, r"focus holds \(1\.2, 0\.5\), outside the image"),
        ({"focus": (0.5, -0.1)}, r"focus holds \(0\.5, -0\.1\), outside"),
        ({"focus": ((0.5, 0.5), (0.5, 7))}, r"focus holds \(0\.5, 7\.0\), outside"),
        ({"focus": (math.nan, 0.5)}, r"focus holds nan; expected a point"),
        ({"focus": ((0.5, 0.5), (math.nan, 0.5))}, r"focus holds \(nan, 0\.5\)"),
        (
            {"focus": 0.5},
            r"focus is 0\.5; expected a point \(x, y\) with 0 <= x, y <= 1, or 2 of them \(one per step\)",
        ),
        ({"focus": (0.5,)}, r"focus is .*; expected a point"),
        ({"focus": ((0.5, 0.5),) * 3}, r"focus is .*; expected a point"),
        ({"focus": ((0.5, 0.5), (0.5, 0.5, 0.5))}, r"focus holds \(0\.5, 0\.5, 0\.5\)"),
        ({"focus": "ab"}, r"focus is 'ab'"),
        ({"prefilter": "lanczos"}, r"prefilter is 'lanczos'; expected one of box, gaussian"),
    ],
)
def test_bad_values_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ZoomGeometry(**{"levels": 3, "height": 8, "width": 8, **arguments})


def test_levels_out_of_range_are_refused():
    geometry = ZoomGeometry(3, 8, 8)
    for outer, inner in [(1, 0), (-1, 0), (0, 3)]:
        with pytest.raises(ValueError, match=rf"outer <= inner < 3, got outer={outer}, inner={inner}"):
            geometry.rect(outer, inner)
    for start, stop in [(1, 1), (-1, 2), (0, 4), (2, 1)]:
        with pytest.raises(ValueError, match=rf"start < stop <= 3, got start={start}, stop={stop}"):
            geometry.between(start, stop)
    with pytest.raises(ValueError, match="height is 0; expected a whole number of at least 1"):
        geometry.resized(0, 8)


def test_check_accepts_exactly_its_own_shape():
    geometry = ZoomGeometry(3, 8, 10)
    geometry.check("layers", (3, 4, 8, 10))
    for shape in [(2, 4, 8, 10), (3, 4, 10, 8), (3, 8, 10), (1, 3, 4, 8, 10), ()]:
        with pytest.raises(ValueError) as error:
            geometry.check("layers", shape)
        assert str(error.value).startswith(f"layers has the shape {list(shape)}; expected [3, C, 8, 10]")
