"""The benchmark of networks of real size, the same way through the code with small ones."""

import pytest
import torch
from harness import Host

from benchmarks.networks import KLEIN, SD15, SDXL, Z_IMAGE, Network
from benchmarks.real_sizes import PARTS, Bench, Size

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


def test_the_report_has_every_table(bench: Bench) -> None:
    bench.network(SDXL.small, SIZE, ("memory", "speed"))
    bench.rendering(64, levels=3)
    for table in bench.report().split("\n\n")[1:]:
        assert len({line.count("|") for line in table.strip().splitlines()}) == 1, "columns of its head"
    assert bench.report().count("\n| ---") == 3


def test_what_the_time_was_too_short_for_is_named(bench: Bench) -> None:
    bench.end = 0.0
    bench.network(SDXL.small, SIZE)
    bench.rendering(64)
    assert not bench.speed and not bench.video
    assert bench.report().endswith("Left out, as the time was over: tiny SDXL; video.\n")
