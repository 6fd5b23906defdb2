"""Levels that do not nest as a geometry says, told with what people got wrong."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.mismatch import FACTORS, LARGEST_DISAGREEMENT, SIDE, Mismatch, find_mismatch
from zoomstack_core.method.render import render_images

LEVELS = 5


def scene(geometry: ZoomGeometry, seed: int = 0) -> Tensor:
    """A stack that nests exactly: levels of smooth spots with some grain [N, 3, H, W], values from 0 to 1."""
    generator = torch.Generator().manual_seed(seed)
    size = geometry.height, geometry.width
    spots = torch.rand(geometry.levels, 3, 7, 7, generator=generator)
    grain = torch.rand(geometry.levels, 3, *size, generator=generator)
    layers = 0.9 * interpolate(spots, size, mode="bicubic", align_corners=False).clamp(0, 1) + 0.1 * grain
    return render_images(layers, geometry)


def of(factor: float, size: int = 64, **rest: object) -> ZoomGeometry:
    return ZoomGeometry(LEVELS, size, size, factor, **rest)  # type: ignore[arg-type]


def test_a_stack_that_nests_has_none(geometry: ZoomGeometry) -> None:
    assert find_mismatch(scene(geometry), geometry) is None


@pytest.mark.parametrize("size", [64, 200, SIDE * 3])
@pytest.mark.parametrize(("made", "said"), [(4.0, 2.0), (2.0, 4.0), (3.0, 2.0), (1.5, 2.0), (2.0, 1.5), (8.0, 2.0)])
def test_another_factor_is_told(made: float, said: float, size: int) -> None:
    found = find_mismatch(scene(of(made, size)), of(said, size))
    assert found is not None
    assert (found.factor, found.reverse) == (made, False)
    assert found.guess == f"They do nest at zoom factor {made:g}."


@pytest.mark.parametrize("factor", FACTORS)
def test_every_factor_that_is_tried_can_be_found(factor: float) -> None:
    found = find_mismatch(scene(of(factor, 128)), of(2.25, 128))
    assert found is None or found.factor == factor  # 2 and 2.5 are near


def test_the_reverse_order_is_told() -> None:
    found = find_mismatch(scene(of(2.0)).flip(0), of(2.0))
    assert found is not None
    assert (found.reverse, found.factor) == (True, None)
    assert found.guess == "They seem to be in reverse order, and nest when turned round."


def test_the_reverse_order_at_another_factor_is_told() -> None:
    found = find_mismatch(scene(of(4.0)).flip(0), of(2.0))
    assert found is not None
    assert (found.reverse, found.factor) == (True, 4.0)


def test_a_factor_that_is_none_of_those_is_not_guessed() -> None:
    found = find_mismatch(scene(of(3.4)), of(2.0))
    assert found is not None
    assert (found.reverse, found.factor, found.guess) == (False, None, "")


def test_levels_with_nothing_in_common_get_no_guess() -> None:
    for seed in range(20):
        pictures = torch.cat([scene(ZoomGeometry(1, 64, 64), 100 * seed + level) for level in range(LEVELS)])
        found = find_mismatch(pictures, of(2.0))
        assert found is not None
        assert (found.reverse, found.factor) == (False, None)


def test_only_the_neighbors_that_differ_are_named() -> None:
    images = scene(of(2.0))
    images[3] = scene(of(2.0), seed=9)[3]
    found = find_mismatch(images, of(2.0))
    assert found is not None
    assert found.pairs == ((2, 3), (3, 4))
    assert len(found.differences) == 2 and min(found.differences) > LARGEST_DISAGREEMENT
    assert found.guess == ""


def test_one_wrong_factor_of_several_is_told() -> None:
    made = ZoomGeometry(4, 64, 64, (2.0, 4.0, 2.0), (0.4, 0.6))
    found = find_mismatch(scene(made), ZoomGeometry(4, 64, 64, (2.0, 2.0, 2.0), (0.4, 0.6)))
    assert found is not None
    assert (found.pairs, found.factor) == (((1, 2),), 4.0)


@pytest.mark.parametrize("mode", ["nearest", "bicubic", "area"])
def test_levels_that_were_upscaled_alone_still_nest(mode: str) -> None:
    """What Zoom Stack is for: an upscaler between the sampler and the stack."""
    assert find_mismatch(interpolate(scene(of(2.0)), scale_factor=4, mode=mode), of(2.0, 256)) is None


@pytest.mark.parametrize("children", [1, 2])
def test_what_lies_in_dark_surroundings_is_compared_by_its_own_spread(children: int) -> None:
    """An error of .26 of what both levels show is more of what all of the wider one does, which is nearly all dark."""
    focus = ((0.5, 0.5),) if children == 1 else ((0.25, 0.5), (0.75, 0.5))
    geometry = ZoomGeometry(1 + children, 64, 64, 4.0, focus, parents=(None, *[0] * children))
    deep = torch.cat([scene(ZoomGeometry(1, 64, 64), seed) for seed in range(children)])
    wide = torch.full_like(deep[:1], float(deep.mean()))
    rectangles = [wide[..., 24:40, round(64 * x) - 8 : round(64 * x) + 8] for x, _ in focus]
    for rectangle, level in zip(rectangles, deep, strict=True):
        rectangle[:] = avg_pool2d(level, 4)
    shown = min(rectangle.std() for rectangle in rectangles)
    error = torch.linspace(-1, 1, 64).expand_as(deep)
    far, near = (torch.cat([wide, deep + share * shown * error / error.std()]) for share in (0.4, 0.26))
    assert find_mismatch(far, geometry) is not None
    assert find_mismatch(near, geometry) is None
    deeper = ZoomGeometry(2 + children, 64, 64, 4.0, (*focus, (0.5, 0.5)), parents=(None, *[0] * children, children))
    found = find_mismatch(torch.cat([near, scene(ZoomGeometry(1, 64, 64), 9)]), deeper)
    assert found is not None and found.pairs == ((children, children + 1),), "only what is of another place is named"
    spread = torch.cat([wide, deep[:1]]).std()
    assert 0.26 * shown > LARGEST_DISAGREEMENT * spread, "too far off, measured by all that the levels show"


@pytest.mark.parametrize("levels", [1, 2])
def test_flat_levels_have_none(levels: int) -> None:
    assert find_mismatch(torch.full((levels, 3, 16, 16), 0.25), ZoomGeometry(levels, 16, 16)) is None


def test_levels_too_small_to_compare_have_none() -> None:
    assert find_mismatch(torch.rand(3, 1, 2, 2), ZoomGeometry(3, 2, 2, 4.0)) is None


def test_the_guess_reads_as_a_sentence() -> None:
    assert Mismatch(((0, 1),), (1.0,)).guess == ""
    assert Mismatch(((0, 1),), (1.0,), True, 3.0).guess == (
        "They seem to be in reverse order, and nest at zoom factor 3 when turned round."
    )


def test_images_of_another_size_are_an_error() -> None:
    with pytest.raises(ValueError, match="images has the shape"):
        find_mismatch(torch.rand(2, 3, 8, 8), ZoomGeometry(2, 16, 16))
