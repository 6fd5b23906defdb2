"""Zoom KSampler keeps the levels that did not change since its last runs, bit for bit."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import comfy.sample
import pytest
import torch
from harness import Host, NodeFailed
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, load, model_calls, sampling

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy", "ignore:To copy construct")

SIZE = 16
Parents = Sequence[int | None]


@pytest.fixture(autouse=True)
def nothing_kept(host: Host) -> Iterator[None]:
    """Every test begins as after a start of ComfyUI."""
    host.module("sampling.keeping.store").KEPT.clear()
    yield


def chain(levels: int) -> tuple[int | None, ...]:
    return (None, *range(levels - 1))


class Runner:
    """Runs of one node; what is not said is that of its run before."""

    def __init__(self, host: Host, checkpoint: Checkpoint) -> None:
        self.host, self.checkpoint = host, checkpoint
        self.inputs: dict[str, Any] = {"keep": True, "steps": 3, "cfg": 2.0}
        self.prompts: list[str] = list(PROMPTS[:4])
        self.parents: Parents = chain(4)
        self.latent: dict[str, Any] | None = None
        self.evaluated = 0

    def run(self, prompts: Sequence[str] | None = None, parents: Parents | None = None, **inputs: Any) -> Tensor:
        """The levels. ``evaluated`` says how many levels the network saw, each step and kind of prompt counted."""
        if prompts is not None:
            self.prompts = list(prompts)
            self.parents = chain(len(self.prompts))
        self.parents = parents or self.parents
        self.inputs |= inputs
        mark = self.host.module("sampling.network.level_marks").mark_level
        positive = [
            entry
            for level, text in enumerate(self.prompts)
            for entry in mark(self.checkpoint.encode(text), level, self.parents[level])
        ]
        latent = self.latent or self.checkpoint.empty(1, SIZE, SIZE)
        given = positive, self.checkpoint.encode(""), latent
        graph = sampling(self.host, self.checkpoint.model, *given, **self.inputs)
        del graph["stock"]
        with model_calls() as calls:
            (result,) = self.host.evaluate(graph, ["zoom", 0])
        self.evaluated = sum(len(made.x) for made in calls)
        return result["samples"]  # type: ignore[no-any-return]

    @property
    def said(self) -> str:
        (line,) = [line for line in self.host.notices("zoom") if line.startswith("kept")]
        return line


@pytest.fixture
def runner(host: Host, eps: Checkpoint) -> Runner:
    return Runner(host, eps)


def nesting(host: Host, *focus: tuple[float, float], factor: float = 4.0, **more: Any) -> Any:
    return host.module("zoomstack_core.nesting").Nesting((factor,), focus or ((0.5, 0.5),), **more)


def covered(host: Host, geometry: Any, level: int, new: int) -> Tensor:
    """Where a level shows a deeper one [H, W]."""
    rect = geometry.rect(level, new)
    mask = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    rows = slice(int(rect.top), math.ceil(rect.top + rect.height))
    columns = slice(int(rect.left), math.ceil(rect.left + rect.width))
    mask[rows, columns] = True
    return mask


def chain_mask(level: int, new: int, factor: int = 2) -> Tensor:
    """Where level ``level`` of a chain shows level ``new``: at least a pixel pair in the middle."""
    side = max(2, SIZE // factor ** (new - level))
    mask = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    edge = (SIZE - side) // 2
    mask[edge : SIZE - edge, edge : SIZE - edge] = True
    return mask


def test_nothing_changed_is_nothing_sampled(runner: Runner) -> None:
    first = runner.run()
    assert runner.said == "kept none of 4 levels, since none is in memory"
    again = runner.run()
    assert torch.equal(again, first) and runner.evaluated == 0
    assert runner.said == "kept all 4 levels, sampled none"


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("changed", [0, 1, 2, 3])
def test_one_prompt_costs_one_level(runner: Runner, changed: int, alignment: float) -> None:
    """Deeper levels stay whole, wider ones but for the place where they show the new level."""
    first = runner.run(alignment=alignment)
    whole = runner.evaluated
    prompts = [*PROMPTS[:4]]
    prompts[changed] = "a green forest"
    second = runner.run(prompts)
    assert runner.said == f"kept 3 of 4 levels, sampled level {changed + 1}"
    assert 0 < runner.evaluated <= whole / 2
    assert not torch.allclose(second[changed], first[changed], atol=1e-2)
    assert torch.equal(second[changed + 1 :], first[changed + 1 :])
    for level in range(changed):
        elsewhere = ~chain_mask(level, changed)
        assert torch.equal(second[level][:, elsewhere], first[level][:, elsewhere])
    back = runner.run(PROMPTS[:4])
    assert torch.equal(back, first) and runner.evaluated == 0


def test_without_keep_all_is_sampled_and_still_remembered(runner: Runner) -> None:
    """So that the first branch that is grown keeps what was made before."""
    first = runner.run(keep=False)
    again = runner.run(keep=False)
    assert runner.evaluated > 0 and torch.equal(again, first)
    assert not [line for line in runner.host.notices("zoom") if line.startswith("kept")]
    deeper = runner.run([*PROMPTS[:4], "a grain of sand"], keep=True)
    assert runner.said == "kept 4 of 5 levels, sampled level 5"
    elsewhere = ~chain_mask(3, 4)
    assert torch.equal(deeper[3][:, elsewhere], first[3][:, elsewhere])


def test_a_branch_among_the_levels_keeps_the_others(host: Host, runner: Runner) -> None:
    """It renumbers what comes after it; undone, everything is what it was, pasted places too."""
    before = nesting(host, (0.25, 0.25), (0.5, 0.5))
    first = runner.run(PROMPTS[:3], geometry=before)
    with_branch = [PROMPTS[0], "a blue star", *PROMPTS[1:3]]
    after = nesting(host, (0.75, 0.75), (0.25, 0.25), (0.5, 0.5))
    second = runner.run(with_branch, parents=(None, 0, 0, 2), geometry=after)
    assert runner.said == "kept 3 of 4 levels, sampled level 2"
    shape = host.module("zoomstack_core.nesting").Nesting((4.0,), after.focus, parents=(None, 0, 0, 2))
    elsewhere = ~covered(host, shape.fit(4, SIZE, SIZE), 0, 1)
    assert torch.equal(second[2:], first[1:])
    assert torch.equal(second[0][:, elsewhere], first[0][:, elsewhere])
    assert not torch.allclose(second[0], first[0], atol=1e-3)
    back = runner.run(PROMPTS[:3], geometry=before)
    assert torch.equal(back, first) and runner.evaluated == 0
    again = runner.run(with_branch, parents=(None, 0, 0, 2), geometry=after)
    assert torch.equal(again, second) and runner.evaluated == 0


def test_a_level_that_moves_is_another(host: Host, runner: Runner) -> None:
    runner.run(PROMPTS[:3], geometry=nesting(host, (0.25, 0.25), (0.5, 0.5)))
    runner.run(PROMPTS[:3], geometry=nesting(host, (0.75, 0.25), (0.5, 0.5)))
    assert runner.said == "kept 1 of 3 levels, sampled levels 2, 3"


@pytest.mark.parametrize(
    "inputs",
    [
        {"seed": 8},
        {"steps": 4},
        {"cfg": 3.0},
        {"sampler_name": "heun"},
        {"scheduler": "karras"},
        {"denoise": 0.9},
        {"alignment": 0.5},
        {"blend": "naive"},
    ],
    ids=lambda inputs: next(iter(inputs)),
)
def test_a_setting_of_all_levels_keeps_none(runner: Runner, inputs: dict[str, Any]) -> None:
    runner.run(PROMPTS[:2])
    runner.run(**inputs)
    assert runner.said == "kept none of 2 levels, since every level changed"


def test_another_model_keeps_none_and_the_same_one_all(host: Host, runner: Runner, v: Checkpoint) -> None:
    first = runner.run(PROMPTS[:2])
    runner.checkpoint = load(host, "tiny_eps")  # as another run of the loader gives it
    assert torch.equal(runner.run(), first) and runner.evaluated == 0
    for patched in (_with_lora, _with_shift, _with_function):
        runner.checkpoint = Checkpoint(patched(runner.checkpoint.model), runner.checkpoint.clip, runner.checkpoint.vae)
        runner.run()
        assert "kept none" in runner.said
        runner.run()
        assert "kept all" in runner.said
    runner.checkpoint = v
    runner.run()
    assert "kept none" in runner.said


def _with_lora(model: Any) -> Any:
    clone = model.clone()
    key = next(key for key, value in clone.model_state_dict().items() if value.ndim == 2)
    clone.add_patches({key: ("diff", (torch.full_like(clone.model_state_dict()[key], 0.01),))}, 1.0)
    return clone


def _with_shift(model: Any) -> Any:
    clone = model.clone()
    sampling_now = clone.get_model_object("model_sampling")
    made = type(sampling_now)(clone.model.model_config)
    made.set_sigmas(sampling_now.sigmas * 0.9)
    clone.add_object_patch("model_sampling", made)
    return clone


def _with_function(model: Any) -> Any:
    clone, seen = model.clone(), []

    def changed(args: dict[str, Any]) -> Tensor:
        seen.append(args["sigma"])  # patches remember things of a run, and are still the same
        return args["denoised"] * 0.99

    clone.set_model_sampler_post_cfg_function(changed)
    return clone


def test_a_seed_of_its_own_makes_a_level_anew(runner: Runner) -> None:
    first = runner.run()
    other = runner.run(level_seeds="3: 5")
    assert runner.said == "kept 3 of 4 levels, sampled level 3"
    assert torch.equal(other[3], first[3])
    assert not torch.allclose(other[2], first[2], atol=1e-2)
    third = runner.run(level_seeds="3: 6")
    assert not torch.allclose(third[2], other[2], atol=1e-2)
    assert torch.equal(runner.run(level_seeds=""), first)
    assert torch.equal(runner.run(level_seeds="3=5\n"), other)


def test_a_seed_of_its_own_is_a_levels_own_noise(host: Host, eps: Checkpoint) -> None:
    seeds = host.module("sampling.noise.level_seeds")
    like, white = torch.zeros(3, 4, 8, 8), torch.randn(3, 4, 8, 8)
    noise = seeds.with_level_seeds(white, like, {1: 5})
    assert torch.equal(noise[[0, 2]], white[[0, 2]])
    assert torch.equal(noise[1], comfy.sample.prepare_noise(like[:1], 5)[0])


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("7", "has '7'"),
        ("a: 3", "has 'a: 3'"),
        ("1: -4", "has '1: -4'"),
        ("0: 4", "has level 0, which the zoom has not"),
        ("5: 4", "has level 5, which the zoom has not"),
        ("2: 4, 2: 5", "has level 2 twice"),
        (f"1: {2**64}", "has '1: 18446744073709551616'"),
    ],
)
def test_level_seeds_that_are_none_are_a_clear_error(runner: Runner, text: str, finding: str) -> None:
    with pytest.raises(NodeFailed, match="Zoom KSampler: level_seeds .*; expected a level from 1 to 4") as raised:
        runner.run(level_seeds=text)
    assert finding in str(raised.value)


def test_what_a_level_starts_from_counts_for_it(runner: Runner) -> None:
    runner.latent = {"samples": torch.zeros(3, 4, SIZE, SIZE)}
    runner.run(PROMPTS[:3], denoise=0.8)
    runner.latent["samples"] = runner.latent["samples"].clone()
    runner.latent["samples"][1] = 0.3
    runner.run()
    assert runner.said == "kept 2 of 3 levels, sampled level 2"
    runner.latent["noise_mask"] = torch.ones(3, 1, SIZE, SIZE)
    runner.latent["noise_mask"][2, :, :4] = 0
    runner.run()
    assert "kept none" in runner.said  # a mask for all levels came
    runner.latent["noise_mask"] = runner.latent["noise_mask"].clone()
    runner.latent["noise_mask"][2] = 1
    runner.run()
    assert runner.said == "kept 2 of 3 levels, sampled level 3"


def test_a_photo_counts_for_the_levels_that_show_it(host: Host, runner: Runner, eps: Checkpoint) -> None:
    def photo(value: float, level: int) -> Any:
        kind = host.module("sampling.agreement.photos").Photo
        return (kind(torch.full((1, 64, 64, 3), value), level, "projection", 0.5, 0.0, 1.0, "cover", eps.vae),)

    runner.run(PROMPTS[:3], anchors=photo(0.2, 1))
    runner.run(anchors=photo(0.2, 1))
    assert "kept all" in runner.said
    runner.run(anchors=photo(0.7, 1))
    assert runner.said == "kept 1 of 3 levels, sampled levels 2, 3"


@pytest.mark.parametrize("sampler", ["ddpm", "euler_cfg_pp", "uni_pc", "dpmpp_2m"])
def test_other_samplers(runner: Runner, sampler: str) -> None:
    first = runner.run(PROMPTS[:3], sampler_name=sampler)
    second = runner.run([PROMPTS[0], "a green forest", PROMPTS[2]])
    assert runner.said == "kept 2 of 3 levels, sampled level 2"
    assert torch.equal(second[2], first[2])
    assert not torch.allclose(second[1], first[1], atol=1e-2)


def test_through_the_vae(host: Host, flow: Checkpoint) -> None:
    runner = Runner(host, flow)
    options = host.module("sampling.agreement.blend_options").BlendOptions(space="pixels", vae=flow.vae)
    first = runner.run(PROMPTS[:3], blend_options=options, steps=2)
    second = runner.run([PROMPTS[0], "a green forest", PROMPTS[2]])
    assert runner.said == "kept 2 of 3 levels, sampled level 2"
    assert torch.equal(second[2], first[2])
    elsewhere = ~chain_mask(0, 1)
    assert torch.equal(second[0][:, elsewhere], first[0][:, elsewhere])
    assert torch.equal(runner.run(PROMPTS[:3]), first)


def test_a_ring(host: Host, runner: Runner) -> None:
    ring = nesting(host, closed=True)
    first = runner.run(PROMPTS[:4], geometry=ring)
    second = runner.run([*PROMPTS[:2], "a green forest", PROMPTS[3]])
    assert runner.said == "kept 3 of 4 levels, sampled level 3"
    assert not torch.allclose(second[2], first[2], atol=1e-2)
    assert torch.equal(runner.run(PROMPTS[:4]), first)


def test_a_single_level(runner: Runner) -> None:
    first = runner.run(PROMPTS[:1])
    assert torch.equal(runner.run(), first) and runner.evaluated == 0
    assert runner.said == "kept its level, sampled none"


def test_held_levels_say_themselves_what_stays(host: Host, runner: Runner) -> None:
    levels = runner.run(PROMPTS[:2])
    held = {"samples": levels, host.module("sampling.agreement.held").HELD: torch.tensor([True, False])}
    runner.latent = held
    runner.run(["a green forest", PROMPTS[1]])
    assert any("keep does nothing where Zoom Hold Levels" in line for line in host.notices("zoom"))


def test_nodes_do_not_take_each_others_levels_and_old_ones_are_forgotten(host: Host) -> None:
    store = host.module("sampling.keeping.store")
    kept = store.KeptRuns()
    for run in range(store.MOST_RUNS + 3):
        kept.add("1", (f"a{run}", "b"), torch.tensor([[float(run)], [7.0]]))
    assert len(kept.of("1")) == store.MOST_RUNS and kept.of("2") == []
    assert len({id(run.latents[1]) for run in kept.of("1")}) == 1  # what is the same is there once
    for node in range(store.MOST_NODES):
        kept.add(f"n{node}", ("a",), torch.zeros(1, 1))
    assert kept.of("1") == []


def test_the_match_is_the_run_with_most_of_the_levels_then_the_cleanest_then_the_last(host: Host) -> None:
    store = host.module("sampling.keeping.store")
    runs = [
        store.KeptRun(prints, tuple(torch.tensor([float(number)]) for _ in prints))
        for number, prints in enumerate([("a", "b", "grown"), ("a", "x"), ("a", "b"), ("b", "a")])
    ]
    assert store.best_match(runs, ("a", "b"))[0] == 2
    assert store.best_match(runs, ("a", "b", "other"))[1] == 2
    assert store.best_match(runs, ("a", "b", "grown"))[2] == 0
    assert store.best_match(runs, ("z",)) == {}


def test_the_new_inputs_are_the_last_and_off(host: Host) -> None:
    schema = host.node("ZoomKSampler").define_schema()
    last = schema.inputs[-4:]
    assert [entry.id for entry in last] == ["vae", "keep", "level_seeds", "kept_file"]
    assert [entry.default for entry in last[1:]] == [False, "", ""] and all(entry.optional for entry in last)


def test_levels_that_nest_badly_through_a_vae_are_still_the_nodes_own(host: Host, flow: Checkpoint) -> None:
    """A VAE that loses much leaves levels apart; held ones of others are refused for that, a node's own are not."""
    runner = Runner(host, flow)
    options = host.module("sampling.agreement.blend_options").BlendOptions(space="pixels", vae=flow.vae)
    runner.run(PROMPTS[:3], blend_options=options, steps=2, zoom_factor=4.0)
    for number in range(3):  # each time an inner part of what is kept is another
        runner.run([*PROMPTS[:2], f"forest {number}"])
        assert runner.said == "kept 2 of 3 levels, sampled level 3"
    runner.run([*PROMPTS[:2], "forest 2", "a stone"])
    assert runner.said == "kept 3 of 4 levels, sampled level 4"
