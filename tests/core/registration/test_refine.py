"""Gauss-Newton brings a rough place to a small part of a pixel."""

from __future__ import annotations

import pytest
import torch
from leaf_scene import LeafScene, nested_views
from torch import Tensor

from zoomstack_core.registration.refine import refine, shown_at
from zoomstack_core.registration.search import Place

FACTOR, FOCUS = 2.4, (0.42, 0.57)
SIZE = 192, 256


@pytest.fixture(scope="module")
def pair() -> Tensor:
    """[2, 3, H, W]: a picture and one of its parts."""
    views = nested_views([(FACTOR, FOCUS)], SIZE[0] / SIZE[1])
    scene = LeafScene(1, views[1])
    return torch.stack([scene.photograph(view, *SIZE) for view in views])


def check_place(place: Place | None, pixels: float) -> None:
    assert place is not None
    assert place.factor == pytest.approx(FACTOR, rel=pixels / 100)
    assert (place.x * SIZE[1], place.y * SIZE[0]) == pytest.approx((FOCUS[0] * SIZE[1], FOCUS[1] * SIZE[0]), abs=pixels)


@pytest.mark.parametrize("scale", [0.965, 1.035])
@pytest.mark.parametrize("shift", [-0.015, 0.015])
def test_a_rough_place_becomes_exact(pair: Tensor, scale: float, shift: float) -> None:
    start = Place(FACTOR * scale, FOCUS[0] + shift, FOCUS[1] - shift, 0.9)
    check_place(refine(*pair.mean(1), start, 128), pixels=0.1)


def test_brightness_and_contrast_do_not_move_it(pair: Tensor) -> None:
    wide, deep = pair.mean(1)
    place = refine(wide, 0.7 * deep + 0.2, Place(FACTOR * 1.03, *FOCUS, 0.9), 128)
    check_place(place, pixels=0.1)
    assert place is not None and place.contrast == pytest.approx(1 / 0.7, rel=0.05)


def test_a_sticker_does_not_move_it(pair: Tensor) -> None:
    wide, deep = pair.mean(1)
    deep = deep.clone()
    deep[20:70, 30:120] = 1.0
    check_place(refine(wide, deep, Place(FACTOR * 1.03, *FOCUS, 0.9), 128), pixels=0.1)


@pytest.mark.parametrize("turn", [-3.0, 3.0])
def test_a_turn_is_found(turn: float) -> None:
    views = nested_views([(FACTOR, FOCUS)], SIZE[0] / SIZE[1])
    scene = LeafScene(1, views[1])
    wide, deep = scene.photograph(views[0], *SIZE), scene.photograph(views[1], *SIZE, turn)
    place = refine(wide.mean(0), deep.mean(0), Place(FACTOR, *FOCUS, 0.9), 128)
    check_place(place, pixels=0.1)
    assert place is not None and place.turn == pytest.approx(turn, abs=0.1)


def test_what_does_not_fit_has_a_low_score_or_no_place(pair: Tensor) -> None:
    wide = pair[0].mean(0)
    noise = torch.rand(SIZE, generator=torch.Generator().manual_seed(0))
    for deep in (noise, torch.full(SIZE, 0.5)):
        place = refine(wide, deep, Place(FACTOR, *FOCUS, 0.9), 64)
        assert place is None or place.score < 0.4


def test_a_place_shows_what_the_deeper_picture_shows(pair: Tensor) -> None:
    shown = shown_at(pair[0], Place(FACTOR, *FOCUS, 1.0), 48, 64)
    small = torch.nn.functional.avg_pool2d(pair[1], 4)
    assert (shown - small).square().mean().sqrt() < 0.2 * small.std()
