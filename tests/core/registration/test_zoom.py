"""Pictures of one scene, photographed at different scales and shuffled, are put in order and found in each other."""

from __future__ import annotations

import random
import re

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from leaf_scene import LeafScene, View, as_jpeg, nested_views
from torch import Tensor

from zoomstack_core.errors import ArgumentError
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.mismatch import find_mismatch
from zoomstack_core.registration.zoom import FoundZoom, find_zoom

SIZES = ((288, 384), (320, 320), (384, 256))
STEPS = st.tuples(st.floats(1.3, 6.0), st.tuples(st.floats(0, 1), st.floats(0, 1)))


def photographs(steps: list, height: int = 192, width: int = 256, seed: int = 0) -> tuple[Tensor, list[View]]:
    """[N, 3, height, width], the widest first, and what each shows."""
    views = nested_views(steps, height / width)
    scene = LeafScene(seed, views[-1])
    return torch.stack([scene.photograph(view, height, width) for view in views]), views


def check_found(zoom: FoundZoom, shuffled: list[int], views: list[View], height: int, width: int) -> None:
    """The order is right, factors to 0.3 % and foci to half a pixel of the wider picture."""
    assert [shuffled[number] for number in zoom.order] == list(range(len(views)))
    for wide, deep, place in zip(views, views[1:], zoom.places, strict=False):
        assert place.factor == pytest.approx(wide.width / deep.width, rel=0.003)
        assert (place.x - 0.5) * width == pytest.approx((deep.x - wide.x) / wide.width * width, abs=0.5)
        assert (place.y - 0.5) * height == pytest.approx((deep.y - wide.y) / wide.width * width, abs=0.5)
        assert abs(place.turn) < 0.3


# Without shrinking, which would draw hundreds of scenes.
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.reuse, Phase.generate))
@given(st.lists(STEPS, min_size=1, max_size=4), st.sampled_from(SIZES), st.randoms(use_true_random=False))
def test_any_zoom_is_found_in_any_order(steps: list, size: tuple[int, int], chance: random.Random) -> None:
    pictures, views = photographs(steps, *size, seed=chance.randrange(1000))
    shuffled = list(range(len(views)))
    chance.shuffle(shuffled)
    taken = [as_jpeg(pictures[k] * chance.choice([0.9, 1.0, 1.1]), quality=60) for k in shuffled]
    check_found(find_zoom(torch.stack(taken)), shuffled, views, *size)


@pytest.mark.parametrize("factor", [1.05, 1.1, 8.0, 12.0])
def test_small_and_large_steps_are_found(factor: float) -> None:
    pictures, views = photographs([(2.0, (0.3, 0.6)), (factor, (0.45, 0.6))], 384, 384)
    check_found(find_zoom(pictures[[2, 0, 1]]), [2, 0, 1], views, 384, 384)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "hubble_deep_field", "gravel", "camera"])
def test_photographs_are_found(name: str) -> None:
    data = pytest.importorskip("skimage.data", reason="its photographs are used where scikit-image is installed")
    photo = torch.from_numpy(getattr(data, name)().copy()).float() / 255
    photo = photo.movedim(-1, 0) if photo.ndim == 3 else photo.expand(3, -1, -1)
    side = min(photo.shape[-2:]) // 8 * 8
    views, boxes = [View(0.0, 0.0, 1.0)], [(0, 0, side)]
    for inner, left, top in ((side * 3 // 4, 30, 10), (side // 3, 90, 60)):
        x, y = boxes[-1][0] + left, boxes[-1][1] + top
        boxes.append((x, y, inner))
        views.append(View((x + inner / 2) / side - 0.5, (y + inner / 2) / side - 0.5, inner / side))
    taken = [
        as_jpeg(torch.nn.functional.interpolate(crop[None], (256, 256), mode="bicubic", antialias=True)[0] * light, 60)
        for light, crop in zip((1.0, 0.9, 1.1), (photo[:, y : y + s, x : x + s] for x, y, s in boxes), strict=True)
    ]
    check_found(find_zoom(torch.stack(taken)[[1, 2, 0]]), [1, 2, 0], views, 256, 256)


def test_the_geometry_is_one_that_the_pictures_nest_by() -> None:
    pictures, _ = photographs([(2.3, (0.1, 0.9)), (3.1, (0.6, 0.4))])
    zoom = find_zoom(pictures.flip(0))
    geometry = zoom.nesting.fit(3, 192, 256)
    assert find_mismatch(pictures, geometry) is None
    assert find_mismatch(pictures, ZoomGeometry(3, 192, 256, (2.3, 3.1))) is not None


def test_one_picture_is_a_zoom_of_one_level() -> None:
    zoom = find_zoom(torch.rand(1, 3, 64, 64))
    assert zoom.order == (0,) and zoom.nesting.fit(1, 64, 64).levels == 1


def test_the_report_names_the_pictures_as_they_came() -> None:
    pictures, _ = photographs([(2.0, (0.5, 0.5)), (4.0, (0.5, 0.5))])
    lines = str(find_zoom(pictures[[1, 2, 0]])).splitlines()
    assert lines[0] == "1: picture 3, the widest"
    assert re.match(r"2: picture 1, zoom factor (2|2\.00|1\.99)\d*, focus 0\.\d{4}, 0\.\d{4} \(×(2|1\.99)", lines[1])
    assert re.match(r"3: picture 2, zoom factor (4|4\.0|3\.9)\d*, focus .* \(×(8|7\.9)\d* in all, score ", lines[2])


# --- what is no zoom


def test_a_picture_of_another_scene_is_named_with_its_score() -> None:
    pictures, _ = photographs([(2.0, (0.4, 0.5)), (3.0, (0.5, 0.5))])
    other, _ = photographs([], seed=7)
    with pytest.raises(
        ArgumentError, match=r"has picture 2, which does not show .* \(best score 0\.\d\d with"
    ) as error:
        find_zoom(torch.stack([pictures[1], other[0], pictures[2], pictures[0]]))
    assert "leave out what does not belong there" in str(error.value)


def test_pictures_of_which_no_two_belong_together_are_all_named() -> None:
    noise = torch.rand(3, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ArgumentError, match="has pictures 1, 2 and 3, which do not show"):
        find_zoom(noise)


def test_a_turned_picture_is_refused_with_its_angle() -> None:
    views = nested_views([(2.0, (0.4, 0.5)), (2.5, (0.6, 0.5))], 0.75)
    scene = LeafScene(3, views[-1])
    taken = [scene.photograph(view, 192, 256, turn) for view, turn in zip(views, (0, 3, 0), strict=True)]
    with pytest.raises(ArgumentError, match=r"has picture 1 turned (counter)?clockwise by 3\.0° against picture 3"):
        find_zoom(torch.stack([taken[1], taken[2], taken[0]]))


def test_the_same_view_twice_is_refused() -> None:
    pictures, _ = photographs([(2.0, (0.4, 0.5))])
    with pytest.raises(ArgumentError, match="shows the same view in pictures 2 and 3"):
        find_zoom(torch.stack([pictures[0], pictures[1], as_jpeg(pictures[1], 60)]))


def test_two_pictures_beside_each_other_are_refused() -> None:
    wide = View(0.0, 0.0, 1.0)
    views = [wide, wide.inner(3.0, (0.2, 0.3), 0.75), wide.inner(3.0, (0.8, 0.7), 0.75)]
    scene = LeafScene(5, wide)
    with pytest.raises(
        ArgumentError, match="has pictures 1 and 3 that lie in picture 2, and none of them in the other"
    ):
        find_zoom(torch.stack([scene.photograph(views[k], 192, 256) for k in (1, 0, 2)]))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (16, 16), (9, 200)])
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_flat_and_tiny_pictures_are_refused_and_nothing_worse(size: tuple[int, int], value: float) -> None:
    with pytest.raises(ArgumentError, match="images has pictures 1 and 2"):
        find_zoom(torch.full((2, 3, *size), value))


@pytest.mark.parametrize("bad", [torch.rand(3, 8, 8), torch.rand(0, 3, 8, 8), torch.full((2, 3, 8, 8), torch.nan)])
def test_other_tensors_are_refused(bad: Tensor) -> None:
    with pytest.raises(ArgumentError, match="^images "):
        find_zoom(bad)


def test_the_caller_hears_of_every_picture_and_may_stop() -> None:
    pictures, _ = photographs([(2.0, (0.5, 0.5)), (2.0, (0.5, 0.5))])
    heard = []
    find_zoom(pictures, lambda done, count: heard.append((done, count)))
    assert heard == [(0, 3), (1, 3), (2, 3)]

    def stop(done: int, count: int) -> None:
        if done == 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        find_zoom(pictures, stop)
