"""Errors that know their argument."""

import doctest
import pickle

import torch

from zoomstack_core import errors
from zoomstack_core.errors import ArgumentError, shown

ERROR = ArgumentError("end", "is 1", "a zoom above `start`, at most 3")


def test_the_core_says_its_own_names() -> None:
    assert isinstance(ERROR, ValueError)
    assert str(ERROR) == "end is 1; expected a zoom above start, at most 3"


def test_other_names_take_the_place_of_the_arguments() -> None:
    assert ERROR.told({"end": "end_zoom", "zoom": "x"}) == "end_zoom is 1; expected a zoom above start, at most 3"
    assert ERROR.told({"start": "start_zoom"}) == "end is 1; expected a zoom above start_zoom, at most 3"


def test_what_a_user_typed_is_never_taken_for_a_name() -> None:
    error = ArgumentError("text", f"is {errors.short('`start`')}", "more")
    assert error.told({"start": "start_zoom"}) == "text is '`start`'; expected more"


def test_it_survives_a_process() -> None:
    again = pickle.loads(pickle.dumps(ERROR))  # noqa: S301 - our own bytes
    assert str(again) == str(ERROR) and again.argument == "end"


def test_values_are_shown_short() -> None:
    assert shown(torch.zeros(2, 3, dtype=torch.uint8)) == "is a tensor of shape [2, 3] and type uint8"
    assert shown(None) == "is None"
    assert shown(object()).endswith("(object)")
    assert len(shown("x" * 200_000)) < 100


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(errors).failed == 0
