"""Sound: what is heard of it when it is made as long as a video."""

import math
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zoomstack_core.errors import ArgumentError
from zoomstack_core.sound.sound import LONGEST_FADE, Sound

RATE = 1000


@given(length=st.integers(1, 3000), wished=st.integers(1, 3000), cuts=st.lists(st.integers(0, 3000), max_size=4))
def test_its_parts_are_the_whole(length: int, wished: int, cuts: list[int]) -> None:
    sound = Sound(torch.rand(2, length), RATE).fitted(Fraction(wished, RATE))
    assert sound.seconds == Fraction(wished, RATE)
    places = sorted({0, wished, *(min(cut, wished) for cut in cuts)})
    parts = [sound.part(begin, end) for begin, end in zip(places, places[1:], strict=False)]
    whole = sound.part(0, wished)
    torch.testing.assert_close(torch.cat(parts, 1), whole)
    untouched = min(wished, length) - max(0, min(length - wished, round(LONGEST_FADE * RATE)))
    assert torch.equal(whole[:, : max(0, untouched)], sound.samples[:, : max(0, untouched)])
    assert not whole[:, length:].any()


def test_a_cut_fades_out() -> None:
    part = Sound(torch.ones(1, 4000), RATE).fitted(Fraction(2)).part(0, 2000)[0]
    assert part[:1500].eq(1).all()
    assert part[1500:].diff().lt(0).all()
    assert part[-1] == pytest.approx(1 / 500)


def test_a_cut_by_a_few_samples_does_not() -> None:
    part = Sound(torch.ones(1, 2003), RATE).fitted(Fraction(2)).part(0, 2000)[0]
    assert part[:1997].eq(1).all()


def test_it_is_silent_beyond_its_end_and_never_too_loud() -> None:
    sound = Sound(torch.full((1, 10), 1.5, dtype=torch.float16), RATE)
    assert sound.part(8, 12).tolist() == [[1, 1, 0, 0]]
    assert sound.part(12, 14).tolist() == [[0, 0]]
    assert sound.part(8, 12).dtype == torch.float32


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (torch.zeros(1, 0), RATE, "samples has the shape|samples is a tensor"),
        (torch.zeros(5), RATE, "samples is a tensor"),
        (torch.zeros(1, 5, dtype=torch.int16), RATE, "samples is a tensor"),
        (torch.zeros(9, 5), RATE, "samples has 9 channels"),
        (torch.tensor([[math.nan]]), RATE, "samples holds NaN"),
        (torch.full((1, 5), 300.0), RATE, "from 300 to 300"),
        (torch.zeros(1, 5), 0, "rate is 0"),
        (torch.zeros(1, 5), 44100.5, "rate is 44100.5"),
        (torch.zeros(1, 5), True, "rate is True"),
    ],
)
def test_what_is_no_sound_is_refused(samples: Any, rate: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Sound(samples, rate)
