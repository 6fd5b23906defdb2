"""Colors of deeper pictures become those of the widest one."""

from __future__ import annotations

import pytest
import torch
from leaf_scene import LeafScene, nested_views
from torch import Tensor

from zoomstack_core.registration.colors import matched_colors
from zoomstack_core.registration.search import Place
from zoomstack_core.registration.zoom import FoundZoom

STEPS = ((2.0, (0.4, 0.5)), (3.0, (0.5, 0.6)))
ZOOM = FoundZoom((0, 1, 2), tuple(Place(factor, *focus, 1.0) for factor, focus in STEPS))


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    views = nested_views(STEPS, 0.75)
    scene = LeafScene(2, views[-1])
    return 0.2 + 0.6 * torch.stack([scene.photograph(view, 144, 192) for view in views])


def test_changed_colors_come_back(pictures: Tensor) -> None:
    changed = pictures.clone()
    changed[1] = 0.9 * changed[1]
    changed[2] = changed[2] * torch.tensor([1.1, 1.0, 0.8])[:, None, None] + 0.04
    matched = matched_colors(changed, ZOOM)
    assert torch.equal(matched[0], pictures[0])
    for level in (1, 2):
        before, after = ((some[level] - pictures[level]).abs().mean() for some in (changed, matched))
        assert after < 0.25 * before and after < 0.012


def test_right_colors_stay(pictures: Tensor) -> None:
    torch.testing.assert_close(matched_colors(pictures, ZOOM), pictures, atol=0.03, rtol=0)


def test_the_order_is_the_zooms(pictures: Tensor) -> None:
    shuffled = FoundZoom((2, 0, 1), ZOOM.places)
    assert torch.equal(matched_colors(pictures[[1, 2, 0]], shuffled), matched_colors(pictures, ZOOM))


def test_flat_pictures_get_the_right_brightness_and_no_grain() -> None:
    flat = torch.stack([torch.full((3, 64, 64), value) for value in (0.5, 0.4)])
    matched = matched_colors(flat, FoundZoom((0, 1), (Place(2.0, 0.5, 0.5, 1.0),)))
    torch.testing.assert_close(matched, torch.full_like(matched, 0.5))
