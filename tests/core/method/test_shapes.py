"""Trees and rings: what holds of a chain holds along every line of parents."""

from __future__ import annotations

import math

import pytest
import torch

from zoomstack_core import (
    JointStep,
    Nesting,
    PhotoAnchor,
    ZoomGeometry,
    aligned_ladder,
    anchor_to_photo,
    blend_levels,
    consistency_error,
    render_images,
    render_noise,
    sample_joint,
    seam_ratio,
)
from zoomstack_core.method.overlap import count_once, estimate_overlaps

SIZE = 24
TREES = [
    ((None, 0, 0), (3.0, 2.0), ((0.2, 0.5), (0.7, 0.5))),
    ((None, 0, 1, 2, 1, 4), 4.0, ((0.5, 0.5), (0.2, 0.3), (0.5, 0.5), (0.8, 0.7), (0.4, 0.5))),
    (
        (None, 0, 0, 0, 2, 2, 4),
        (2.5, 3.7, 3.0, 2.0, 2.0, 2.0),
        ((0.25, 0.2), (0.7, 0.8), (0.75, 0.3), (0.25, 0.5), (0.75, 0.5), (0.5, 0.5)),
    ),
]
TREES.append(((None, 0, 0, 0), 3.1, ((0.5 / 3.1, 0.5), (1.5 / 3.1, 0.5), (2.5 / 3.1, 0.5))))  # they share pixels
RINGS = [(1, 5.0), (2, 4.0), (3, 2.0), (4, (3.0, 2.0, 1.5, 2.0)), (7, 2.0)]


def tree(index: int) -> ZoomGeometry:
    parents, factors, foci = TREES[index]
    return ZoomGeometry(len(parents), SIZE, SIZE, factors, foci, parents=parents)


def ring(levels: int, factors: object) -> ZoomGeometry:
    return ZoomGeometry(levels, SIZE, SIZE, factors, (0.4, 0.6), parents=(levels - 1, *range(levels - 1)))


SHAPES = [tree(0), tree(1), tree(2), tree(3), *(ring(*each) for each in RINGS)]
shapes = pytest.mark.parametrize("geometry", SHAPES, ids=lambda g: f"{g.parents}")
trees = pytest.mark.parametrize("geometry", SHAPES[:4], ids=lambda g: f"{g.parents}")


def white(geometry: ZoomGeometry, seed: int = 0) -> torch.Tensor:
    shape = geometry.levels, 2, geometry.height, geometry.width
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def reordered(geometry: ZoomGeometry, order: list[int]) -> ZoomGeometry:
    """The same tree with its levels in another order, parents first."""
    place = {level: i for i, level in enumerate(order)}
    parents = tuple(None if geometry.parent(level) is None else place[geometry.parent(level)] for level in order)
    steps = [geometry.step_into(level) for level in order[1:]]
    factors, foci = tuple(s.factor for s in steps), tuple(s.focus for s in steps)
    return ZoomGeometry(geometry.levels, SIZE, SIZE, factors, foci, parents=parents)


@shapes
def test_a_rendered_stack_is_consistent_and_blending_leaves_it_alone(geometry: ZoomGeometry) -> None:
    images = render_images(white(geometry), geometry)
    assert consistency_error(white(geometry), geometry) > 0.5
    assert consistency_error(images, geometry) < 1e-6
    assert len(seam_ratio(images, geometry)) == len(geometry.steps)
    for mode in ("border", "laplacian"):
        torch.testing.assert_close(blend_levels(images, geometry, mode), images, rtol=0, atol=1e-6)
        torch.testing.assert_close(render_images(images, geometry), images, rtol=0, atol=1e-6)


@shapes
@pytest.mark.parametrize("mode", ["border", "laplacian", "naive"])
def test_blended_levels_know_of_those_that_show_them(geometry: ZoomGeometry, mode: str) -> None:
    """A level's layer changes with what shows it, and not with levels of another branch."""
    images = white(geometry)
    before = blend_levels(images, geometry, mode)
    for changed in range(geometry.levels):
        other = images.clone()
        other[changed] += 1
        moved = (blend_levels(other, geometry, mode) - before).abs().amax((1, 2, 3)) > 1e-9
        for level in range(geometry.levels):
            related = geometry.closed or geometry.depth_below(changed, level) is not None
            assert not moved[level] or related
        child = next(iter(geometry.children(changed)), None)
        assert child is None or child == changed or moved[child]


@shapes
def test_noise_of_every_level_is_white(geometry: ZoomGeometry) -> None:
    """Rows of the linear map from independent noise to the rendered one are orthonormal within a level."""
    small = geometry.resized(6, 6)
    basis = torch.eye(small.levels * 36, dtype=torch.float64).view(-1, small.levels, 6, 6)
    rendered = render_noise(basis.movedim(0, 1).contiguous(), small)  # channels are the basis
    for level, image in enumerate(rendered):
        covariance = image.flatten(1).T @ image.flatten(1)
        inside = torch.eye(36, dtype=torch.float64)
        if not small.closed:  # a ring's level 0 sees itself, which no white noise can
            torch.testing.assert_close(covariance, inside, rtol=0, atol=1e-9)
        else:
            assert covariance.diagonal().sub(1).abs().max() < 0.35, level
            assert (covariance - inside).abs().mean() < 0.02


@pytest.mark.parametrize("levels", [5, 6])
def test_noise_of_a_long_ring_is_white(levels: int) -> None:
    """As white as it can be: level 0 has less than a pixel of itself inside, one over the product of the factors."""
    geometry = ZoomGeometry(levels, 8, 8, 2.0, parents=(levels - 1, *range(levels - 1)))
    basis = torch.eye(levels * 64, dtype=torch.float64).view(-1, levels, 8, 8).movedim(0, 1).contiguous()
    rendered = render_noise(basis, geometry)
    for image in rendered:
        covariance = image.flatten(1).T @ image.flatten(1)
        torch.testing.assert_close(covariance, torch.eye(64, dtype=torch.float64), rtol=0, atol=2.2 / 2**levels)
    link = rendered[levels - 1][:, 2:6, 2:6], rendered[0].unflatten(2, (4, 2)).unflatten(1, (4, 2)).sum((2, 4)) / 2
    torch.testing.assert_close(*link, rtol=0, atol=1e-4)  # what went round


@trees
def test_a_branch_alone_is_a_chain(geometry: ZoomGeometry) -> None:
    """What one line of parents shows is what a chain of these levels would, where no other branch lies."""
    layers = white(geometry)
    images, noise = render_images(layers, geometry), render_noise(layers, geometry)
    for leaf in (level for level in range(geometry.levels) if not geometry.children(level)):
        path = geometry.path_to(leaf)
        steps = [geometry.step_into(level) for level in path[1:]]
        chain = ZoomGeometry(len(path), SIZE, SIZE, tuple(s.factor for s in steps), tuple(s.focus for s in steps))
        assert [geometry.rect(0, level) for level in path] == [chain.rect(0, i) for i in range(len(path))]
        alone = render_images(layers[list(path)], chain)
        others = [level for level in range(geometry.levels) if level not in path]
        for place, level in enumerate(path):
            mask = torch.ones(SIZE, SIZE, dtype=torch.bool)
            for other in others:
                if level in geometry.path_to(other):
                    top, left, height, width = geometry.rect(level, other)
                    mask[int(top) : math.ceil(top + height), int(left) : math.ceil(left + width)] = False
            assert torch.equal(images[level][:, mask], alone[place][:, mask])
            assert mask.any()
        assert torch.equal(noise[leaf], render_noise(layers[list(path)], chain)[-1])


def test_a_chain_with_its_parents_written_out_is_the_chain() -> None:
    plain = ZoomGeometry(4, SIZE, SIZE, 2.0)
    assert plain == ZoomGeometry(4, SIZE, SIZE, 2.0, parents=(None, 0, 1, 2))
    assert plain.is_chain
    assert not any(geometry.is_chain for geometry in SHAPES)


@trees
@pytest.mark.parametrize("alignment", [0.0, 0.6, 1.0])
def test_the_order_of_the_levels_does_not_matter(geometry: ZoomGeometry, alignment: float) -> None:
    """Any order with parents first samples the same pictures."""
    order = sorted(range(geometry.levels), key=lambda level: (len(geometry.path_to(level)), -level))
    other = reordered(geometry, order)
    sigmas = torch.cat([torch.logspace(1, -2, 7, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)])
    results = []
    for shape, levels in ((geometry, list(range(geometry.levels))), (other, order)):
        seeds = iter(range(1000))

        def noise(levels=levels, seeds=seeds) -> torch.Tensor:
            return white(geometry, next(seeds))[levels]

        def denoise(z: torch.Tensor, sigma: torch.Tensor, asked: torch.Tensor, levels=levels) -> torch.Tensor:
            own = torch.tensor([levels[level] for level in asked.tolist()]).view(-1, 1, 1, 1)
            return z / (1 + sigma.view(-1, 1, 1, 1) ** 2) + 0.1 * torch.sin(z + own)

        made = sample_joint(denoise, shape, sigmas, channels=2, noise=noise, alignment=alignment)
        assert consistency_error(made, shape) < 1e-6
        results.append(made[[levels.index(level) for level in range(geometry.levels)]])
    torch.testing.assert_close(*results, rtol=0, atol=1e-9)


@shapes
@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("method", ["border", "laplacian"])
def test_sampling_ends_in_a_consistent_stack(geometry: ZoomGeometry, alignment: float, method: str) -> None:
    sigmas = torch.cat([torch.logspace(1.5, -2, 8, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)])
    asked: list[int] = []

    def denoise(z: torch.Tensor, sigma: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        asked.extend(levels.tolist())
        return z / (1 + sigma.view(-1, 1, 1, 1) ** 2)

    made = sample_joint(
        denoise, geometry, sigmas, 2, torch.Generator().manual_seed(0), method=method, alignment=alignment
    )
    assert consistency_error(made, geometry) < 1e-6
    assert [asked.count(level) for level in range(geometry.levels)] == [8] * geometry.levels


def test_a_long_ring_is_closed_by_its_finished_first_level() -> None:
    """With aligned noise level 0 is finished when the last level begins: it is shown there, and does not change."""
    geometry = ring(7, 4.0)
    sigmas = torch.cat([torch.logspace(1, -1, 5, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)])
    firsts = []

    def keep(step: int, sigma: float, z: torch.Tensor, denoised: torch.Tensor) -> None:
        firsts.append(denoised[0].clone())

    def denoise(z: torch.Tensor, sigma: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        return torch.tanh(z) + levels.view(-1, 1, 1, 1)

    made = sample_joint(denoise, geometry, sigmas, 2, torch.Generator().manual_seed(0), callback=keep)
    outside = torch.ones(SIZE, SIZE, dtype=torch.bool)
    top, left, height, width = geometry.opened.rect(0, 1)
    outside[int(top) : math.ceil(top + height), int(left) : math.ceil(left + width)] = False
    ladder = aligned_ladder(geometry, 10.0, 0.1, 5)
    done = next(i for i, sigma in enumerate(ladder.sigmas[:-1]) if 0 in ladder.front(sigma).finished)
    assert done < len(firsts) - 2
    torch.testing.assert_close(firsts[-1][:, outside], firsts[done - 1][:, outside], rtol=0, atol=1e-12)
    torch.testing.assert_close(made[0][:, outside], firsts[-1][:, outside], rtol=0, atol=1e-12)
    middle = ladder.sigmas[-2]
    assert list(ladder.front(middle).active) == [6]


@trees
def test_the_front_of_a_tree(geometry: ZoomGeometry) -> None:
    """Finished levels lie above active ones, waiting ones below; each level has its own steps."""
    ladder = aligned_ladder(geometry, 20.0, 0.05, 9)
    counts = [0] * geometry.levels
    for sigma in ladder.sigmas[:-1]:
        front = ladder.front(sigma)
        assert sorted([*front.finished, *front.active, *front.waiting]) == list(range(geometry.levels))
        for level in front.active:
            counts[level] += 1
            assert geometry.parent(level) is None or geometry.parent(level) not in front.waiting
        for level in front.finished:
            assert geometry.parent(level) is None or geometry.parent(level) in front.finished
    assert counts == [9] * geometry.levels
    own = {level: ladder.ratios[level] / ladder.ratios[0] for level in range(geometry.levels)}
    assert list(own.values()) == pytest.approx(geometry.magnifications)


@trees
def test_waiting_levels_show_what_is_above_them(geometry: ZoomGeometry) -> None:
    images = white(geometry)[:1]
    agreed = JointStep(geometry)(images, [0], waiting=range(1, geometry.levels))
    assert consistency_error(agreed, geometry) < 1e-6
    assert all(agreed[level].std() > 0 for level in range(1, geometry.levels))


@trees
def test_held_levels_of_a_branch_stay(geometry: ZoomGeometry) -> None:
    stack = render_images(white(geometry), geometry)
    leaf = geometry.levels - 1
    held = {level: stack[level] for level in range(geometry.levels) if level != leaf}
    step = JointStep(geometry, held=held)
    agreed = step(white(geometry, 1)[leaf:], [leaf], waiting=())
    assert consistency_error(agreed, geometry) < 1e-6
    for level in set(held) - set(geometry.path_to(leaf)):
        assert torch.equal(agreed[level], stack[level])
    assert not torch.equal(agreed[leaf], stack[leaf])


@shapes
def test_a_photo_reaches_the_levels_that_show_it_and_those_it_shows(geometry: ZoomGeometry) -> None:
    images = white(geometry)
    for level in range(geometry.levels):
        photo = white(geometry, 3)[0]
        pulled = anchor_to_photo(images, photo, geometry, level, "projection")
        torch.testing.assert_close(pulled[level], photo)
        moved = (pulled - images).abs().amax((1, 2, 3)) > 0
        for other in range(geometry.levels):
            related = geometry.depth_below(level, other) is not None or geometry.depth_below(other, level) is not None
            assert not moved[other] or related
        parent = geometry.parent(level)
        assert parent is None or moved[parent]


@pytest.mark.parametrize("same_noise", [True, False])
def test_the_first_level_of_a_ring_fits_into_a_held_last_one(same_noise: bool) -> None:
    """Level 0 is blended with what shows it, as any level is with a held one that shows it."""
    geometry = ring(3, 2.0)
    flat = torch.zeros(1, 2, SIZE, SIZE, dtype=torch.float64)
    active = [0, 1]
    sigmas = [1.0, 1.0] if same_noise else [1.0, 2.0]
    agreed = JointStep(geometry, held={2: flat[0]})(torch.cat([flat + 1, flat + 1]), active, sigmas=sigmas, waiting=())
    agreed = render_images(agreed, geometry)
    top, left, height, width = geometry.with_level_0_again.rect(2, 3)
    edge = agreed[2][:, math.ceil(top), math.ceil(left) : int(left + width)]
    assert edge.abs().max() < 0.2
    assert agreed[2][:, int(top + height / 2), int(left + width / 2)].min() > 0.5


def test_of_two_photos_of_a_ring_the_deeper_one_decides() -> None:
    """Where the last level shows level 0, the photo of level 0 is the deeper one, and masks stay where they are."""
    geometry = ZoomGeometry(2, 32, 32, 2.0, ((0.25, 0.25), (0.75, 0.75)), parents=(1, 0))
    corner = torch.zeros(32, 32, dtype=torch.bool)
    corner[:8, :8] = True
    first, last = torch.ones(1, 32, 32), torch.full((1, 32, 32), 0.5)
    anchors = [PhotoAnchor(first, 0, mask=corner), PhotoAnchor(last, 1)]
    agreed = JointStep(geometry, anchors=anchors)(torch.zeros(2, 1, 32, 32))
    wider = geometry.wider_of(0, 1)
    assert wider == 0  # by one step either way: the lower number
    assert float(agreed[1].mean()) == pytest.approx(0.5, abs=0.1)
    assert float(agreed[0][0, :16, :16].mean()) == pytest.approx(0.5, abs=0.05)
    three = ring(3, 2.0)
    assert [three.wider_of(0, 2), three.wider_of(2, 0), three.wider_of(0, 1), three.wider_of(1, 1)] == [2, 2, 0, 1]
    photos = [PhotoAnchor(torch.ones(2, SIZE, SIZE), 0), PhotoAnchor(torch.zeros(2, SIZE, SIZE), 2)]
    agreed = JointStep(three, anchors=photos)(torch.zeros(3, 2, SIZE, SIZE))
    rows, columns = slice(10, 14), slice(8, 10)
    assert agreed[2][:, rows, columns].min() > 0.9  # level 0 in level 2


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@shapes
def test_overlap_once_samples_every_shape(geometry: ZoomGeometry, alignment: float) -> None:
    sigmas = torch.cat([torch.logspace(1, -2, 6, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)])

    def denoise(z: torch.Tensor, sigma: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        return z / (1 + sigma.view(-1, 1, 1, 1) ** 2)

    made = sample_joint(
        denoise, geometry, sigmas, 2, torch.Generator().manual_seed(0), "overlap_once", alignment,
        lambda crop, sigma, level: crop / (1 + sigma**2),
    )  # fmt: skip
    assert consistency_error(made, geometry) < 1e-6


def test_photos_of_two_branches_do_not_meet() -> None:
    geometry = tree(0)
    photos = [PhotoAnchor(white(geometry, seed)[0], level) for seed, level in ((1, 1), (2, 2))]
    agreed = JointStep(geometry, anchors=photos)(white(geometry))
    for photo in photos:
        torch.testing.assert_close(agreed[photo.level], photo.photo)


@trees
def test_overlap_is_counted_once_along_every_branch(geometry: ZoomGeometry) -> None:
    z = white(geometry)
    sigma = torch.ones(geometry.levels, dtype=torch.float64)
    overlaps = estimate_overlaps(geometry, lambda crop, s, level: crop * 0.5, z, sigma, range(geometry.levels))
    assert set(overlaps) == set(range(1, geometry.levels))
    layers = count_once(z * 0.5, geometry, range(geometry.levels), overlaps)
    # where an estimate of the whole and one of the part are the same, nothing is added
    torch.testing.assert_close(layers, z * 0.5)


def test_parts_of_trees_and_rings() -> None:
    geometry = tree(1)
    part = geometry.subset([1, 2, 4, 5])
    assert part.parents == (None, 0, 0, 2)
    assert part.rect(0, 3) == geometry.rect(1, 5)
    closed = ring(4, (3.0, 2.0, 1.5, 2.0))
    assert closed.subset([0, 3]).parents == (1, None)
    assert closed.subset([0, 3]).step_into(0) == closed.step_into(0)
    assert closed.subset([1, 2, 3]).parents == (None, 0, 1)
    assert closed.opened.parents == (None, 0, 1, 2)
    again = closed.with_level_0_again
    assert (again.levels, again.parents) == (5, (None, 0, 1, 2, 3))
    assert again.factors == (3.0, 2.0, 1.5, 2.0)
    unrolled, numbers = closed.unrolled(6)
    assert numbers == (2, 3, 0, 1, 2, 3, 0, 1, 2, 3)
    assert unrolled.factors == (1.5, 2.0, 3.0, 2.0, 1.5, 2.0, 3.0, 2.0, 1.5)


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ((None, 0), "for each of the 3 levels"),
        ((None, 1, 0), "gives level 1 the parent 1"),
        ((None, 2, 1), "gives level 1 the parent 2"),
        ((None, 0, -1), "gives level 2 the parent -1"),
        ((3, 0, 1), "gives level 0 the parent 3"),
        ((None, 0, True), "gives level 2 the parent True"),
        ("None", "for each of the 3 levels"),
    ],
)
def test_parents_that_make_no_tree(parents: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ZoomGeometry(3, 8, 8, parents=parents)


def test_overlapping_siblings_are_named_with_their_places() -> None:
    with pytest.raises(ValueError) as error:
        ZoomGeometry(3, 8, 8, 2.0, ((0.4, 0.5), (0.6, 0.5)), parents=(None, 0, 0))
    assert "levels 1 and 2 overlap in level 0: 1 fills x 0.15 to 0.65 and y 0.25 to 0.75, 2 fills x 0.35" in str(
        error.value
    )
    with pytest.raises(ValueError, match="levels 1 and 0 overlap in level 0"):
        ZoomGeometry(2, 8, 8, 2.0, parents=(0, 0))
    with pytest.raises(ValueError, match="does not show level 2"):
        tree(0).rect(1, 2)


@pytest.mark.parametrize("children", range(2, 10))
@pytest.mark.parametrize("factor", [2.0, 3.0, 4.5])
def test_default_places_do_not_collide(children: int, factor: float) -> None:
    nesting = Nesting((factor,), parents=(None, *[0] * children))
    if children > math.floor(factor) ** 2:
        with pytest.raises(ValueError, match="overlap"):
            nesting.fit(children + 1, 64, 64)
    else:
        geometry = nesting.fit(children + 1, 64, 64)
        assert len({step.focus for step in geometry.steps}) == children


def test_nesting_of_rings_and_trees() -> None:
    closed = Nesting((2.0, 3.0, 4.0), closed=True).fit(3, 16, 16)
    assert closed.parents == (2, 0, 1)
    assert closed.step_into(0).factor == 4.0
    with pytest.raises(ValueError, match="2 zoom factors for 3 levels.*one from the last to the first. 2 are for 2"):
        Nesting((2.0, 3.0), closed=True).fit(3, 16, 16)
    with pytest.raises(ValueError, match="a tree of 3 levels"):
        Nesting(parents=(None, 0, 0)).fit(4, 16, 16)
    assert not Nesting(closed=True).same_steps(Nesting())
