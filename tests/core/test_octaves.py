"""Energy of the finest octaves, on pictures whose octaves are known."""

import pytest
import torch

from demo.octaves import FAINT, OCTAVES, energy_difference, octaves


def checkers(side: int, size: int = 128) -> torch.Tensor:
    """[1, 3, size, size], squares of ``side`` pixels that are 0 or 1: all detail is in one octave."""
    rows = torch.arange(size) // side
    return ((rows[:, None] + rows) % 2).float().repeat(1, 3, 1, 1)


@pytest.mark.parametrize("octave", range(OCTAVES))
def test_detail_of_one_size_is_in_one_octave(octave: int) -> None:
    energies = octaves(checkers(2**octave))
    assert [tuple(each.shape) for each in energies] == [(1, 3, 8, 8), (1, 3, 4, 4), (1, 3, 2, 2)]
    for number, each in enumerate(energies):
        torch.testing.assert_close(each, torch.full_like(each, 0.25 if number == octave else 0))


def test_pictures_of_equal_energy_have_no_difference() -> None:
    """Though no pixel is the same: what is random needs to be as strong, and no more."""
    picture = checkers(1)
    assert energy_difference(1 - picture, picture) == 0


@pytest.mark.parametrize("contrast", [0.5, 2.0])
def test_the_difference_is_the_logarithm_of_the_energies_ratio(contrast: float) -> None:
    """Of the one octave that has any, of three."""
    wanted = torch.tensor((0.25 * contrast**2 + FAINT) / (0.25 + FAINT)).log().abs() / OCTAVES
    torch.testing.assert_close(energy_difference(contrast * checkers(1), checkers(1)), wanted)


def test_what_is_stronger_in_another_place_is_a_difference() -> None:
    left, right = checkers(1), checkers(1)
    left[..., :64], right[..., 64:] = 0.5, 0.5
    assert energy_difference(left, right) > 1
