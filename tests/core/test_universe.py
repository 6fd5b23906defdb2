"""The demo model's training images: what is at the middle of one scale is what the next scale shows."""

import pytest
import torch

from demo.canvas import Scene
from demo.octaves import octaves
from demo.universe import FIRST_POOL, KINDS, STAGES, Universe

SIZE = 32


def scenes(stage: int, count: int = 24, **words: object) -> list[Scene]:
    return [
        Scene(**{"stage": stage, "galaxy": "blue", "sun": "yellow", "kind": "icy", "ringed": False, **words})
    ] * count


def test_images_are_colors_and_captions_are_words() -> None:
    images, captions = Universe(SIZE).batch(40)
    assert images.shape == (40, 3, SIZE, SIZE)
    assert images.min() >= 0 and images.max() <= 1
    assert len(captions) == 40 and all(caption.strip() for caption in captions)
    assert (images.std((1, 2, 3)) > 0.02).all()


def test_one_seed_draws_the_same_and_another_does_not() -> None:
    first, captions = Universe(SIZE, seed=3).batch(8)
    again, same_captions = Universe(SIZE, seed=3).batch(8)
    other, _ = Universe(SIZE, seed=4).batch(8)
    assert torch.equal(first, again) and captions == same_captions
    assert not torch.equal(first, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stage", range(STAGES - 1))
def test_the_middle_of_a_stage_has_the_colors_of_the_next(stage: int, kind: str) -> None:
    universe = Universe(SIZE, seed=1)
    wide, deep = (universe.draw(scenes(s, kind=kind, pool=stage + 1 >= 13)) for s in (stage, stage + 1))
    middle = wide[:, :, SIZE // 4 : -SIZE // 4, SIZE // 4 : -SIZE // 4]
    assert (middle.mean((0, 2, 3)) - deep.mean((0, 2, 3))).abs().max() < 0.13


@pytest.mark.parametrize(
    ("word", "one", "other", "stage"),
    [("galaxy", "blue", "red", 0), ("galaxy", "purple", "golden", 2), ("sun", "yellow", "red", 4),
     ("kind", "icy", "volcanic", 6), ("kind", "ocean", "desert", 9), ("kind", "icy", "volcanic", 12)],
)  # fmt: skip
def test_a_word_changes_the_colors(word: str, one: str, other: str, stage: int) -> None:
    means = [Universe(SIZE).draw(scenes(stage, **{word: value})).mean((0, 2, 3)) for value in (one, other)]
    hues = [mean / mean.sum() for mean in means]
    assert (hues[0] - hues[1]).abs().max() > 0.015


def test_rings_are_seen_around_the_planet() -> None:
    bare, ringed = (Universe(SIZE).draw(scenes(6, ringed=value)).mean(0) for value in (False, True))
    beside = (slice(None), slice(SIZE // 2 - 4, SIZE // 2 + 4), slice(0, 3))
    assert ringed[beside].mean() > bare[beside].mean() + 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_stage_leads_to_the_first(kind: str) -> None:
    """What the pool mirrors in its middle has the colors of stage 0, and its brightest place where the galaxy is."""
    universe = Universe(128, seed=1)
    last = universe.draw(scenes(STAGES - 1, kind=kind, pool=True)).mean(0)[:, 32:96, 32:96]
    first = torch.nn.functional.avg_pool2d(universe.draw(scenes(0, kind=kind)).mean(0), 2)
    assert (last.mean((1, 2)) - first.mean((1, 2))).abs().max() < 0.05
    places = [divmod(int(image.mean(0).argmax()), 64) for image in (last, first)]
    assert max(abs(a - b) for a, b in zip(*places, strict=True)) < 8


@pytest.mark.parametrize("stage", range(FIRST_POOL, STAGES))
def test_a_pool_is_dark_and_is_named(stage: int) -> None:
    universe = Universe(SIZE, seed=2)
    dry, wet = (universe.draw(scenes(stage, kind="icy", pool=pool)).mean((0, 1)) for pool in (False, True))
    middle = slice(SIZE // 2 - 1, SIZE // 2 + 1)
    assert wet[middle, middle].mean() < 0.6 * dry[middle, middle].mean()
    captions = {universe.caption(scenes(stage, 1, pool=True)[0]) for _ in range(20)}
    assert all("pool" in caption for caption in captions)


def test_stars_look_the_same_after_averaging() -> None:
    """N(flux > b) = density / b is the law of the sky and of its 2 × 2 averages."""
    universe = Universe(128)
    flux = torch.cat([universe._stars(8) for _ in range(8)]).mean(1, keepdim=True)
    averaged = torch.nn.functional.avg_pool2d(flux, 2)
    for bright in (0.01, 0.03):
        assert (flux > bright).float().mean() == pytest.approx((averaged > bright).float().mean(), rel=0.5)


@pytest.mark.parametrize("stage", [0, 2, 6, 9, 10, 12])
def test_averages_of_a_larger_picture_look_like_the_native_ones(stage: int) -> None:
    """And its finest octave has about the energy of theirs, as the next stage's picture has."""

    def energy(images: torch.Tensor) -> torch.Tensor:
        return octaves(images)[0].mean().log2()

    native = Universe(64, seed=1).draw(scenes(stage, kind="desert"))
    large = Universe(128, seed=1, native=64).draw(scenes(stage, kind="desert"))
    averages = torch.nn.functional.avg_pool2d(large, 2)
    assert (averages.mean((0, 2, 3)) - native.mean((0, 2, 3))).abs().max() < 0.05
    assert (energy(averages) - energy(native)).abs() < 1
    assert (energy(large) - energy(native)).abs() < 1.5


def test_scenes_of_different_stages_are_refused() -> None:
    with pytest.raises(ValueError, match="one stage and one kind"):
        Universe(SIZE).draw([*scenes(3, 1), *scenes(4, 1)])
