"""Text to zoom factors and focus points, and how they fit a number of levels."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.nesting import Nesting, parse_focus, parse_zoom_factors, side_by_side


@pytest.mark.parametrize(
    ("text", "factors"),
    [
        ("2", (2.0,)),
        (" 2.5 ", (2.5,)),
        ("2, 4, 4, 1.5", (2.0, 4.0, 4.0, 1.5)),
        ("2 4;4\n1.5,", (2.0, 4.0, 4.0, 1.5)),
        ("[2, 4.0]", (2.0, 4.0)),
        ("2x, ×4, 3X", (2.0, 4.0, 3.0)),
        ("1e1", (10.0,)),
    ],
)
def test_zoom_factors(text: str, factors: tuple[float, ...]) -> None:
    assert parse_zoom_factors(text) == factors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "zoom_factors is '', without a number; expected one zoom factor above 1"),
        (" , ", "without a number"),
        ("2, two", "'two', which is no number"),
        ("2, nan", "'nan', which is no number"),
        ("inf", "'inf', which is no number"),
        ("x", "'x', which is no number"),
        ("2, 1", "zoom_factors has 1; expected one zoom factor above 1"),
        ("1,5", "has 1; .*a point for decimals"),
        ("-2", "has -2;"),
        ("1e308", r"has 1e\+308; expected one zoom factor above 1 and at most 1000"),
        ("1" * 200_000, "has '111.* … .*111', which is no number"),
    ],
)
def test_what_is_no_zoom_factor_is_a_clear_error(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_zoom_factors(text)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("", ((0.5, 0.5),)),
        (" \n", ((0.5, 0.5),)),
        ("0.5, 0.3", ((0.5, 0.3),)),
        ("0.5 0.3\n\n1,0\n", ((0.5, 0.3), (1.0, 0.0))),
        ("0.5, 0.3; 0.1 0.2", ((0.5, 0.3), (0.1, 0.2))),
        ("(0.5, 0.3), (.1, .2)", ((0.5, 0.3), (0.1, 0.2))),
        ("[[0.5, 0.3], [0.1, 0.2]]", ((0.5, 0.3), (0.1, 0.2))),
        ("x = 0.5, y = 0.3\nx:0.1 y:0.2", ((0.5, 0.3), (0.1, 0.2))),
    ],
)
def test_focus_points(text: str, points: tuple[tuple[float, float], ...]) -> None:
    assert parse_focus(text) == points


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.5", "focus has 1 numbers in the line '0.5'; expected points x, y"),
        ("0.5, 0.3\n0.1", "1 numbers in the line '0.1'"),
        ("0.5\n0.5", "1 numbers in the line '0.5'"),
        ("0,5, 0,5, 1", "has 5 numbers"),
        ("0.5, middle", "'middle', which is no number"),
        ("0.5, nan", "'nan', which is no number"),
        ("0.5, 1.2", r"the point 0.5, 1.2, which lies outside the image"),
        ("-0.1, 0", "the point -0.1, 0, which lies outside"),
    ],
)
def test_what_is_no_point_is_a_clear_error(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_focus(text)


separators = st.sampled_from([", ", " ", "; ", ",", "\n", " ,\t"])
factors = st.floats(1, 64, exclude_min=True)
coordinates = st.floats(0, 1)


@given(st.lists(factors, min_size=1, max_size=9), separators)
def test_factors_survive_a_round_trip(values: list[float], separator: str) -> None:
    assert parse_zoom_factors(separator.join(map(repr, values))) == tuple(values)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=9), st.sampled_from(["{}, {}", "({} {})"]))
def test_points_survive_a_round_trip(points: list[tuple[float, float]], layout: str) -> None:
    for separator in ("\n", "; "):
        assert parse_focus(separator.join(layout.format(*point) for point in points)) == tuple(points)


@given(st.text("0123456789.,-+e xX×()[];:=y\n\tnaif_", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_zoom_factors, parse_focus):
        try:
            values = parse(text)
        except ValueError:
            continue
        assert isinstance(Nesting(**{"zoom_factors" if parse is parse_zoom_factors else "focus": values}), Nesting)
        ZoomGeometry(len(values) + 1, 8, 8, *((values,) if parse is parse_zoom_factors else (2.0, values)))


def test_one_of_each_counts_for_every_step() -> None:
    nesting = Nesting((3.0,), ((0.2, 0.7),), "gaussian")
    for levels in (1, 2, 5):
        assert nesting.fit(levels, 16, 24) == ZoomGeometry(levels, 16, 24, 3.0, (0.2, 0.7), "gaussian")


def test_one_per_step() -> None:
    points = ((0.5, 0.5), (0.1, 0.2), (1.0, 0.0))
    nesting = Nesting((2.0, 4.0, 1.5), points)
    assert nesting.fit(4, 16, 24) == ZoomGeometry(4, 16, 24, (2.0, 4.0, 1.5), points)
    assert [step.focus for step in nesting.fit(4, 16, 24).steps] == list(points)


@pytest.mark.parametrize("levels", [1, 2, 4])
def test_another_number_of_steps_is_a_clear_error(levels: int) -> None:
    expected = f"for {levels} levels; expected one for all steps, or {levels - 1}: one per step"
    with pytest.raises(ValueError, match=f"^A: geometry has 2 zoom factors {expected}"):
        Nesting((2.0, 4.0)).fit(levels, 16, 16, name="A: geometry")
    with pytest.raises(ValueError, match=f"^the nesting has 2 focus points {expected}"):
        Nesting(focus=((0.5, 0.5), (0.1, 0.1))).fit(levels, 16, 16)


@pytest.mark.parametrize(("kind", "parse"), [("factors", parse_zoom_factors), ("focus", parse_focus)])
def test_the_front_end_reads_the_same(kind: str, parse: Callable[[str], tuple[Any, ...]]) -> None:
    vectors = json.loads((Path(__file__).resolve().parents[1] / "vectors" / "zoom_steps.json").read_text("utf-8"))
    assert len(vectors[kind]) > 10
    for text, expected in vectors[kind]:
        if expected is None:
            with pytest.raises(ValueError):
                parse(text)
        else:
            assert json.loads(json.dumps(parse(text))) == expected, text


def test_the_front_end_puts_levels_in_the_same_places() -> None:
    vectors = json.loads((Path(__file__).resolve().parents[1] / "vectors" / "zoom_steps.json").read_text("utf-8"))
    for parents, factors, focus, points in vectors["side_by_side"]:
        found = side_by_side(tuple(parents), tuple(map(float, factors)), tuple(focus))
        assert json.loads(json.dumps(found)) == points, parents


def test_a_list_says_how_many_levels_it_is_for() -> None:
    with pytest.raises(ValueError, match="3 are for 4 levels"):
        Nesting((2.0, 4.0, 2.0)).fit(1, 8, 8)
