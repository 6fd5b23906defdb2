"""Trees and rings through the real sampler: what the prompts and Zoom Geometry say is how the levels nest."""

import dataclasses
from typing import Any

import pytest
import torch
from custom_sampling import custom_sampling
from harness import Host, NodeFailed, call
from test_progress import said
from torch import Tensor
from zoom_graphs import Checkpoint, load, model_calls, sampling, zoom

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy", "ignore:To copy construct")

PARENTS = (None, 0, 1, 0, 3)  # two branches below the first level
TEXTS = ("a galaxy", "a red sun", "a red planet", "a blue sun", "a blue planet")
SIZE = 16


@pytest.fixture(scope="module")
def pixel(host: Host) -> Checkpoint:
    return load(host, "tiny_pixel")


def branching(host: Host, checkpoint: Checkpoint, parents: tuple[int | None, ...] = PARENTS) -> Any:
    """The prompts of a tree, marked as Zoom Prompt Schedule marks them."""
    mark = host.module("sampling.network.level_marks").mark_level
    texts = (TEXTS * 2)[: len(parents)]
    marked = [mark(checkpoint.encode(text), i, parents[i]) for i, text in enumerate(texts)]
    return [entry for entries in marked for entry in entries]


def nesting(host: Host, **values: Any) -> Any:
    return host.module("zoomstack_core.nesting").Nesting(**values)


def error(host: Host, levels: Tensor, of: Any) -> float:
    geometry = of.fit(len(levels), *levels.shape[-2:])
    return float(host.module("zoomstack_core.method.metrics").consistency_error(levels, geometry))


def sample(host: Host, checkpoint: Checkpoint, geometry: Any = None, parents: Any = PARENTS, **inputs: Any) -> Any:
    """The levels, and the geometry that Zoom KSampler gives for them."""
    latent = inputs.pop("latent", None) or checkpoint.empty(len(parents), SIZE, SIZE)
    prompts = branching(host, checkpoint, parents), checkpoint.encode("")
    graph = sampling(host, checkpoint.model, *prompts, latent, geometry=geometry, **inputs)
    latent, used = host.evaluate(graph, ["zoom", 0], ["zoom", 1])
    return latent["samples"], used


def covered(host: Host, geometry: Any, level: int, by: int) -> Tensor:
    """Which pixels of a level another one touches."""
    top, left, height, width = geometry.rect(level, by)
    mask = torch.zeros(geometry.height, geometry.width, dtype=torch.bool)
    mask[int(top) : -int(-(top + height) // 1), int(left) : -int(-(left + width) // 1)] = True
    return mask


@pytest.mark.parametrize(("sampler", "alignment"), [("euler", 0.0), ("euler", 1.0), ("ddpm", 1.0), ("dpmpp_2m", 0.5)])
def test_a_tree_of_prompts_makes_a_tree_of_levels(
    host: Host, checkpoint: Checkpoint, sampler: str, alignment: float
) -> None:
    with model_calls() as calls:
        inputs = {"sampler_name": sampler, "alignment": alignment, "steps": 4, "cfg": 1.0}
        levels, used = sample(host, checkpoint, **inputs)
    assert used.parents == PARENTS
    assert error(host, levels, used) < 1e-5
    assert error(host, levels, nesting(host)) > 0.1
    assert sum(len(one.x) for one in calls) == 4 * len(PARENTS)
    assert all(float(level.std()) > 1e-3 for level in levels)


def test_branches_of_one_magnification_are_sampled_side_by_side(host: Host, eps: Checkpoint) -> None:
    """Two branches take no more calls of the network than one."""
    counts = []
    for parents in (PARENTS, (None, 0, 1)):
        with model_calls() as calls:
            sample(host, eps, parents=parents, steps=4, cfg=1.0, alignment=1.0)
        counts.append(len(calls))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_the_order_of_the_prompts_is_the_order_of_the_levels(host: Host, eps: Checkpoint, alignment: float) -> None:
    """The same tree written in another order, with the same noise for each level, has the same pictures."""
    order = (0, 3, 1, 4, 2)
    parents = (None, 0, 0, 1, 2)
    noise = torch.randn(5, eps.channels, SIZE, SIZE, generator=torch.Generator().manual_seed(3))

    class Given:
        seed = 7

        def __init__(self, noise: Tensor) -> None:
            self.noise = noise

        def generate_noise(self, latent: Any) -> Tensor:
            return self.noise.clone()

    mark = host.module("sampling.network.level_marks").mark_level
    results = []
    for rows, tree in (((0, 1, 2, 3, 4), PARENTS), (order, parents)):
        foci = {0: (0.5, 0.5), 1: (0.25, 0.5), 2: (0.5, 0.5), 3: (0.75, 0.5), 4: (0.5, 0.5)}
        positive = [e for i, row in enumerate(rows) for e in mark(eps.encode(TEXTS[row]), i, tree[i])]
        result = zoom(
            host, eps.model, positive, eps.encode(""), eps.empty(5, SIZE, SIZE), alignment=alignment, steps=3,
            noise=Given(noise[list(rows)]), geometry=nesting(host, focus=tuple(foci[row] for row in rows[1:])),
        )  # fmt: skip
        results.append(result[[rows.index(row) for row in range(5)]])
    torch.testing.assert_close(*results, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_a_new_branch_beside_held_levels(host: Host, eps: Checkpoint, alignment: float) -> None:
    levels, used = sample(host, eps, steps=3)
    grown = (*PARENTS, 1)
    geometry = dataclasses.replace(
        used, parents=grown, focus=((0.25, 0.5), (0.25, 0.5), (0.75, 0.5), (0.5, 0.5), (0.75, 0.5))
    )
    levels, _ = sample(host, eps, dataclasses.replace(geometry, parents=None, focus=geometry.focus[:-1]), steps=3)
    held = host.module("sampling.agreement.held").HELD
    latent = {
        "samples": torch.cat([levels, torch.zeros_like(levels[:1])]),
        held: torch.tensor([True] * 5 + [False]),
    }
    with model_calls() as calls:
        result, _ = sample(host, eps, geometry, grown, latent=latent, steps=3, alignment=alignment, seed=9, cfg=1.0)
    assert sum(len(one.x) for one in calls) == 3
    fitted = geometry.fit(6, SIZE, SIZE)
    assert error(host, result, geometry) < 1e-5
    for level in (2, 3, 4):
        assert torch.equal(result[level], levels[level])
    for level in (0, 1):
        outside = ~covered(host, fitted, level, 5)
        assert torch.equal(result[level][:, outside], levels[level][:, outside])
    assert float((result[1] - levels[1]).abs().max()) > 1e-3


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("shape", ["tree", "ring"])
def test_shapes_through_the_vae(host: Host, pixel: Checkpoint, flow: Checkpoint, shape: str, alignment: float) -> None:
    """As pictures: exactly with the VAE that loses nothing, and it runs through one that does."""
    closed = shape == "ring"
    parents = (None, *range(5)) if closed else PARENTS
    geometry = nesting(host, zoom_factors=(4.0,), closed=closed)
    levels, used = sample(host, pixel, geometry, parents, alignment=alignment, steps=4)
    assert error(host, levels, used) < 1e-5
    options = host.module("sampling.agreement.blend_options").BlendOptions(space="pixels", vae=flow.vae)
    through, used = sample(host, flow, geometry, parents, alignment=alignment, steps=2, blend_options=options)
    assert used.closed == closed
    assert torch.isfinite(through).all()


@pytest.mark.parametrize(
    ("sampler", "alignment"), [("euler", 0.0), ("euler", 1.0), ("ddpm", 0.0), ("dpmpp_2m_sde", 1.0)]
)
def test_a_ring_closes(host: Host, checkpoint: Checkpoint, sampler: str, alignment: float) -> None:
    parents = (None, 0, 1, 2, 3, 4, 5)
    geometry = nesting(host, zoom_factors=(4.0,), closed=True)
    inputs = {"sampler_name": sampler, "alignment": alignment, "steps": 4}
    levels, used = sample(host, checkpoint, geometry, parents, **inputs)
    assert used.closed
    assert error(host, levels, used) < 1e-5
    opened, _ = sample(host, checkpoint, nesting(host, zoom_factors=(4.0,)), parents, **inputs)
    assert error(host, opened, nesting(host, zoom_factors=(4.0,))) < 1e-5
    assert error(host, opened, geometry) > 0.05


def test_a_ring_that_is_too_short_says_how_long_it_should_be(host: Host, eps: Checkpoint) -> None:
    def notices(levels: int, alignment: float = 1.0) -> list[str]:
        geometry = nesting(host, zoom_factors=(4.0,), closed=True)
        sample(host, eps, geometry, (None, *range(levels - 1)), steps=6, alignment=alignment)
        return [line for line in said(host)[-1][1].splitlines() if "ring" in line]

    (notice,) = notices(3)
    assert "before the first one, which it shows, is finished" in notice
    more = int(notice.split("With ")[1].split()[0])
    assert notices(3 + more) == []
    assert len(notices(3 + more - 1)) == 1
    assert notices(3, alignment=0.0) == []


def test_a_short_ring_whose_first_level_is_held_closes(host: Host, eps: Checkpoint) -> None:
    geometry = nesting(host, zoom_factors=(4.0,), closed=True)
    levels, _ = sample(host, eps, geometry, (None, 0, 1), steps=6)
    held = torch.tensor([True, False, False])
    latent = {"samples": levels * held.view(-1, 1, 1, 1), host.module("sampling.agreement.held").HELD: held}
    again, _ = sample(host, eps, geometry, (None, 0, 1), latent=latent, steps=6, seed=4)
    assert "ring" not in said(host)[-1][1]
    assert error(host, again, geometry) < 1e-4


def test_prompts_say_the_shape_whatever_the_geometry_was_made_for(host: Host, eps: Checkpoint) -> None:
    """A second sampler with a plain list of prompts and the first one's geometry makes a chain."""
    _, used = sample(host, eps, steps=1)
    assert used.parents == PARENTS
    _, again = sample(host, eps, used, (None, 0, 1, 2, 3), steps=1)
    assert again.parents is None


def test_a_level_that_moved_for_another_is_named(host: Host, eps: Checkpoint) -> None:
    """One focus for all puts a new branch beside a held level, which then lies elsewhere."""
    geometry = nesting(host, zoom_factors=(4.0,))
    levels, used = sample(host, eps, geometry, (None, 0, 1), steps=3)
    held = torch.tensor([True, True, True, False])
    latent = {"samples": torch.cat([levels, levels[:1] * 0]), host.module("sampling.agreement.held").HELD: held}
    with pytest.raises(NodeFailed, match="Several levels lie in level 1: with one focus for all .* level 2 has moved"):
        sample(host, eps, used, (None, 0, 1, 0), latent=latent, steps=3)
    foci = ((0.5, 0.5), (0.5, 0.5), (0.125, 0.5))
    result, _ = sample(
        host, eps, nesting(host, zoom_factors=(4.0,), focus=foci), (None, 0, 1, 0), latent=latent, steps=3
    )
    assert torch.equal(result[2], levels[2])


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_a_level_of_a_ring_is_made_anew(host: Host, eps: Checkpoint, alignment: float) -> None:
    parents = (None, 0, 1, 2, 3, 4, 5)
    geometry = nesting(host, zoom_factors=(4.0,), closed=True)
    levels, _ = sample(host, eps, geometry, parents, steps=3)
    held = torch.tensor([level != 6 for level in range(7)])
    latent = {"samples": levels * held.view(-1, 1, 1, 1), host.module("sampling.agreement.held").HELD: held}
    again, _ = sample(host, eps, geometry, parents, latent=latent, steps=3, alignment=alignment, seed=4)
    assert error(host, again, geometry) < 1e-4
    assert float((again[6] - levels[6]).abs().mean()) > 1e-2
    fitted = geometry.fit(7, SIZE, SIZE).opened
    for level in range(6):
        outside = ~covered(host, fitted, level, level + 1)
        assert torch.equal(again[level][:, outside], levels[level][:, outside])


def test_the_guider_takes_trees_and_rings(host: Host, eps: Checkpoint) -> None:
    graph = custom_sampling(host, eps, eps.model, 5, steps=3)
    graph["positive"] = host.source(branching(host, eps))
    graph["latent"] = host.source(eps.empty(5, SIZE, SIZE))
    latent, used = host.evaluate(graph, ["run", 0], ["guider", 1])
    assert used.parents == PARENTS
    assert error(host, latent["samples"], used) < 1e-5


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_a_run_in_two_parts_is_one_run(host: Host, eps: Checkpoint, alignment: float) -> None:
    """Finished, active and waiting branches survive the way between two nodes."""
    prompts = {"positive": branching(host, eps), "negative": eps.encode("")}
    common = {"noise_seed": 5, "steps": 6, "cfg": 2.0, "sampler_name": "euler", "scheduler": "exponential"}
    common |= {"zoom_factor": 2.0, "alignment": alignment, "blend": "border"}
    links = {name: host.source(value) for name, value in {"model": eps.model, **prompts}.items()}
    ports = {name: [name, 0] for name in links}
    node = "ZoomKSamplerAdvanced"
    first = {"add_noise": "enable", "start_at_step": 0, "end_at_step": 3, "return_with_leftover_noise": "enable"}
    second = {"add_noise": "disable", "start_at_step": 3, "end_at_step": 99, "return_with_leftover_noise": "disable"}
    whole = {"add_noise": "enable", "start_at_step": 0, "end_at_step": 99, "return_with_leftover_noise": "disable"}
    graph = {
        **links,
        "empty": host.source(eps.empty(5, SIZE, SIZE)),
        "first": call(node, **ports, **common, **first, latent_image=["empty", 0]),
        "second": call(node, **ports, **common, **second, latent_image=["first", 0]),
        "whole": call(node, **ports, **common, **whole, latent_image=["empty", 0]),
    }
    parts, whole_run = host.evaluate(graph, ["second", 0], ["whole", 0])
    tolerance = {"atol": 2e-2, "rtol": 2e-2} if alignment else {"atol": 1e-4, "rtol": 1e-4}
    torch.testing.assert_close(parts["samples"], whole_run["samples"], **tolerance)


def test_what_does_not_fit_is_named(host: Host, eps: Checkpoint) -> None:
    crowded = (None, 0, 0, 0, 0, 0)
    with pytest.raises(NodeFailed, match=r"Zoom KSampler: .*levels 2 and 4 overlap in level 1: 2 fills"):
        sample(host, eps, parents=crowded)
    with pytest.raises(NodeFailed, match=r"geometry has 2 zoom factors for 5 levels"):
        sample(host, eps, nesting(host, zoom_factors=(2.0, 3.0)))
    with pytest.raises(NodeFailed, match="a ring of 1 level"):
        sample(host, eps, nesting(host, closed=True), (None,))
