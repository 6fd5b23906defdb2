"""Values in error messages."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

from zoomstack_core import quoting
from zoomstack_core.quoting import short

VALUES = st.text() | st.binary() | st.lists(st.integers()) | st.integers() | st.floats()


@given(VALUES, st.integers(10, 200))
def test_no_value_is_longer_than_asked(value: object, most: int) -> None:
    assert len(short(value, most)) <= most


@given(VALUES)
def test_what_is_short_enough_stays_whole(value: object) -> None:
    if len(repr(value)) <= 80:
        assert short(value) == repr(value)


def test_a_long_text_shows_its_begin_and_its_end() -> None:
    shown = short("begin " + "x" * 200_000 + " end")
    assert shown.startswith("'begin") and shown.endswith("end'") and "…" in shown


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(quoting).failed == 0
