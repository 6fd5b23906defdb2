"""The images of the second world: what is at the middle of one scale is what the next scale shows."""

import pytest
import torch

from demo.forest import LEAVES, Forest, ForestScene

SIZE = 64


def test_images_are_colors_and_captions_name_the_season() -> None:
    forest = Forest(SIZE)
    scenes = forest.scenes(40)
    images = forest.pictures(scenes)
    assert images.shape == (40, 3, SIZE, SIZE)
    assert images.min() >= 0 and images.max() <= 1
    assert (images.std((1, 2, 3)) > 0.02).all()
    assert all(scene.season in forest.caption(scene) for scene in scenes)


def test_one_seed_draws_the_same_and_another_does_not() -> None:
    first, again, other = (Forest(SIZE, seed).batch(6) for seed in (3, 3, 4))
    assert torch.equal(first[0], again[0]) and first[1] == again[1]
    assert not torch.equal(first[0], other[0])


def test_no_caption_means_two_stages() -> None:
    forest = Forest(8)
    meant: dict[str, set[int]] = {}
    for stage in range(forest.stages):
        for caption in {forest.caption(ForestScene(stage, "green")) for _ in range(40)}:
            meant.setdefault(caption, set()).add(stage)
    assert len(meant) == 2 * forest.stages and all(len(stages) == 1 for stages in meant.values())


@pytest.mark.parametrize("season", LEAVES)
@pytest.mark.parametrize("stage", range(Forest.stages - 1))
def test_the_middle_of_a_stage_has_the_colors_of_the_next(stage: int, season: str) -> None:
    forest = Forest(SIZE, seed=1)
    wide, deep = (forest.draw([ForestScene(each, season)] * 8) for each in (stage, stage + 1))
    middle = wide[:, :, SIZE // 4 : -SIZE // 4, SIZE // 4 : -SIZE // 4]
    assert (middle.mean((0, 2, 3)) - deep.mean((0, 2, 3))).abs().max() < 0.14


@pytest.mark.parametrize("stage", range(Forest.stages))
def test_the_season_changes_the_colors(stage: int) -> None:
    hues = []
    for season in LEAVES:
        mean = Forest(SIZE).draw([ForestScene(stage, season)] * 4).mean((0, 2, 3))
        hues.append(mean / mean.sum())
    assert min((hues[a] - hues[b]).abs().max() for a, b in ((0, 1), (0, 2), (1, 2))) > 0.02


def test_the_leaf_in_the_middle_stays_where_it_is() -> None:
    """Its outline in one stage is that of the next, half as large: the dark gap at its side lies in the same place."""
    forest = Forest(256, seed=2)
    wide, deep = (forest.draw([ForestScene(each, "red")] * 6).mean((0, 1)) for each in (7, 8))
    reduced = torch.nn.functional.avg_pool2d(deep[None], 2)[0]
    middle = wide[64:-64, 64:-64]
    pair = torch.stack([middle.flatten(), reduced.flatten()])
    assert torch.corrcoef(pair)[0, 1] > 0.8
    turned = torch.stack([middle.flatten(), reduced.T.flatten()])
    assert torch.corrcoef(turned)[0, 1] < 0.5
