"""The normalized cross-correlation by Fourier transforms is the one of its definition."""

from __future__ import annotations

import pytest
import torch

from zoomstack_core.registration.search import LEAST_SIDE, RUNG, correlations, find_places, reduced, scales

RANDOM = torch.Generator().manual_seed(0)


def test_correlations_are_those_of_every_window() -> None:
    scene, templates = torch.rand(17, 23, generator=RANDOM), torch.rand(2, 5, 8, generator=RANDOM)
    found = correlations(scene, templates)
    assert found.shape == (2, 13, 16)
    for n, template in enumerate(templates):
        for top, left in ((0, 0), (12, 15), (4, 9)):
            window = scene[top : top + 5, left : left + 8]
            pair = torch.stack([window.flatten(), template.flatten()])
            assert found[n, top, left] == pytest.approx(float(torch.corrcoef(pair)[0, 1]), abs=1e-5)


def test_brightness_and_contrast_change_no_correlation() -> None:
    scene, templates = torch.rand(20, 20, generator=RANDOM), torch.rand(1, 6, 6, generator=RANDOM)
    torch.testing.assert_close(
        correlations(0.3 * scene + 0.5, 2 * templates - 1), correlations(scene, templates), atol=1e-4, rtol=0
    )


def test_flat_places_and_templates_correlate_with_nothing() -> None:
    scene = torch.rand(20, 20, generator=RANDOM)
    scene[:10] = 0.7
    assert (correlations(scene, torch.rand(1, 6, 6, generator=RANDOM))[0, :5] == 0).all()
    assert (correlations(scene, torch.full((1, 6, 6), 0.2)) == 0).all()


def test_a_window_is_found_where_it_was_taken() -> None:
    scene = torch.rand(64, 96, generator=RANDOM)
    scene = torch.nn.functional.avg_pool2d(scene[None], 5, 1, 2)[0]
    window = scene[20:52, 30:78]  # twice as large: factor 2
    deep = torch.nn.functional.interpolate(window[None, None], (64, 96), mode="bicubic")[0]
    (places,) = find_places(scene, deep, scales(1.0, 4.0, 96))
    assert places[0].factor == pytest.approx(2.0, rel=RUNG - 1)
    assert (places[0].x, places[0].y) == pytest.approx((54 / 96, 36 / 64), abs=0.03)
    assert [place.score for place in places] == sorted((place.score for place in places), reverse=True)


def test_scales_end_where_too_few_pixels_are_left() -> None:
    ladder = scales(1.0, 8.0, 512)
    assert ladder[0] == 1.0 and 8 / RUNG < ladder[-1] <= 8
    assert max(scales(1.0, 8.0, 4 * LEAST_SIDE)) <= 4
    assert scales(8.0, 32.0, 4 * LEAST_SIDE) == []


def test_pictures_are_never_enlarged() -> None:
    assert reduced(torch.rand(2, 3, 30, 40), 100).shape == (2, 3, 30, 40)
    assert reduced(torch.rand(30, 40), 20).shape == (15, 20)
