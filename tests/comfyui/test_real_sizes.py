"""The benchmarks of networks of real size, the same way through the code with small ones."""

from dataclasses import replace
from pathlib import Path

import comfy.model_patcher
import comfyui_version
import pins
import pytest
import torch
from harness import PACK, Host

from benchmarks import memory_table
from benchmarks.memory_table import Model, pictures_per_call
from benchmarks.networks import KLEIN, QWEN_IMAGE, SD15, SDXL, Z_IMAGE, Network, network_on, random_model
from benchmarks.real_sizes import PARTS, Bench, Sampler, Size

SIZE = Size(levels=3, pixels=64, steps=2)
STOCK = ["KSampler, one batch", "KSampler, one by one"]
JOINT = ["Zoom KSampler, alignment 0", "Zoom KSampler"]
IN_PIXELS = "Zoom KSampler through the VAE"


@pytest.fixture
def bench(host: Host) -> Bench:
    return Bench(host, torch.device("cpu"), small=True)


@pytest.mark.parametrize(
    ("network", "parts"),
    [(SD15, ("speed",)), (SDXL, PARTS), (Z_IMAGE, PARTS), (KLEIN, ("memory", "speed"))],
    ids=lambda value: getattr(value, "config", None),
)
def test_every_run_of_a_network_has_its_row(bench: Bench, network: Network, parts: tuple[str, ...]) -> None:
    bench.network(network.small, SIZE, parts)
    runs = [*STOCK, *JOINT, *([IN_PIXELS] if "vae" in parts else [])]
    assert [row[1] for row in bench.speed] == runs
    every = SIZE.levels * network.prompts
    assert [int(row[-2]) for row in bench.speed] == [network.prompts if "one by one" in run else every for run in runs]
    assert {int(row[-1]) for row in bench.speed} == {every * 2}, "levels x steps x prompts, whoever samples"
    assert bench.speed[0][3] == "1.000"
    calls = [1, 2] if "memory" in parts else []
    assert [(row[2], row[3]) for row in bench.memory] == [(str(n), str(n * network.prompts)) for n in calls]
    estimates = [float(row[-1]) for row in bench.memory]
    assert estimates == sorted(estimates)


def test_late_waking_leaves_evaluations_out(bench: Bench) -> None:
    bench.waking(KLEIN.small, SIZE)
    off, on = (int(row[-1]) for row in bench.speed)
    assert on < off == 3 * 20


def test_the_report_has_every_table(bench: Bench, tmp_path: Path) -> None:
    bench.out = tmp_path / "out" / "report.md"
    bench.network(SDXL.small, SIZE, ("memory", "speed"))
    bench.rendering(64, levels=3)
    for table in bench.report().split("\n\n")[1:]:
        assert len({line.count("|") for line in table.strip().splitlines()}) == 1, "columns of its head"
    assert bench.report().count("\n| ---") == 3
    assert bench.out.read_text(encoding="utf-8") == bench.report()


def test_what_the_time_was_too_short_for_is_named(bench: Bench) -> None:
    bench.end = 0.0
    bench.network(SDXL.small, SIZE)
    bench.rendering(64)
    assert not bench.speed and not bench.video
    assert bench.report().endswith("Left out, as the time was over: tiny SDXL; video.\n")


@pytest.mark.parametrize(
    ("network", "billions"), [(SD15, 0.860), (SDXL, 2.567), (Z_IMAGE, 6.155), (KLEIN, 3.876), (QWEN_IMAGE, 20.430)]
)
def test_networks_have_their_real_sizes(network: Network, billions: float) -> None:
    model = network_on(network, torch.device("meta"), torch.bfloat16)
    count = sum(value.numel() for value in model.diffusion_model.parameters())
    assert round(count / 1e9, 3) == billions


@pytest.mark.parametrize("room", [0.5, 2.0, 3.5, 5.0, 20.0], ids=lambda room: f"for {room:g} pictures")
def test_the_table_knows_how_many_levels_the_host_puts_into_a_call(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, room: float
) -> None:
    network, size = SDXL.small, Size(levels=4, pixels=64, steps=1)
    model = random_model(network, torch.bfloat16)
    picture = model.model.memory_required(network.shape(1, size.pixels))
    free = 1.5 * picture * room
    monkeypatch.setattr(comfy.model_patcher.ModelPatcher, "get_free_memory", lambda self, device: free)
    calls = Sampler(bench, network, size, model).zoom(size.levels, alignment=0.0).calls
    expected = pictures_per_call(picture, size.levels * network.prompts, free)
    assert calls[0] == expected
    assert max(calls) <= max(room, 1)


def test_a_row_of_the_memory_table() -> None:
    name, weights, picture, *cells, seconds = memory_table.row(Model(SDXL.small, "fp16", 2))
    assert name == "tiny SDXL, fp16, 1024², 2 steps"
    assert float(weights) < 0.1
    assert picture.endswith("× 2")
    assert len(cells) == len(memory_table.SIZES)
    assert cells[-1] == "8"
    assert seconds.endswith(" s")


def test_blending_through_the_vae_has_its_work() -> None:
    one, four = (memory_table.round_trip(replace(SDXL, size=size)) for size in (64, 128))
    assert 4 * one <= four < 4.5 * one


def test_the_readme_has_the_table(bench: Bench) -> None:
    if comfyui_version.__version__ != pins.COMFYUI_VERSION:
        pytest.skip(f"the table is by ComfyUI {pins.COMFYUI_VERSION}; others estimate memory in their own way")
    lines = memory_table.table().splitlines()
    assert len(lines) == 2 + len(memory_table.MODELS)
    assert "\n".join(lines) in (PACK / "README.md").read_text(encoding="utf-8")
