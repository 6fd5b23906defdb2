"""python benchmarks/run.py: every ratio against peers and limits in one table, as JSON and as PNG.

Two CPU cores need a few minutes. With a CUDA device its rows are added. Times are reported, never judged.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import platform
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.exact import GaussianWorld, Setting, run_exactly  # noqa: E402
from benchmarks.peers import Case, time_reference, time_step  # noqa: E402
from benchmarks.plot import Chart, Line, save_charts  # noqa: E402
from zoomstack_core.geometry import ZoomGeometry  # noqa: E402

# measured by other parts of the pack: module, and what it measures
OTHERS = {
    "benchmarks.joint_overhead": "sampling all levels jointly / one by one with the stock sampler",
    "benchmarks.video": "rendering and encoding a video / encoding alone",
}


@dataclass(frozen=True)
class Ratio:
    """One line of the table."""

    name: str
    ratio: float
    detail: str
    target: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benchmarks/run.py", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "out")
    parser.add_argument("--only", nargs="+", choices=("peers", "growth", "exact", "others"), help="default: all")
    args = parser.parse_args()
    parts = args.only or ["peers", "growth", "exact", "others"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    rows: list[Ratio] = []
    charts: list[Chart] = []
    for device in devices:
        if "peers" in parts:
            rows += _show(peers(device))
        if "growth" in parts:
            found, charts_of_device = growth(device)
            rows += _show(found)
            charts += charts_of_device
    if "exact" in parts:
        rows += _show(exact())
    if "others" in parts:
        torch.set_num_threads(threads)
        rows += _show(others())
    print("\n" + table(rows))
    args.out.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "torch": torch.__version__, "machine": platform.machine()}
    data = {**machine, "devices": devices, "ratios": [vars(row) for row in rows]}
    (args.out / "ratios.json").write_text(json.dumps(data, indent=1))
    if charts:
        save_charts(args.out / "ratios.png", charts)


def peers(device: str) -> list[Ratio]:
    """The published algorithm over ours: larger is better."""
    rows = []
    for levels in (8, 16):
        reference = time_reference(Case(levels, device=device))
        for blend in ("laplacian", "border"):
            ours = time_step(Case(levels, blend=blend, device=device))
            detail = f"{reference:.1f} ms / {ours:.2f} ms per step, 4 × 64², p = 2"
            rows.append(Ratio(f"reference / {blend}, {levels} levels, {device}", reference / ours, detail, "> 10"))
    return rows


def growth(device: str) -> tuple[list[Ratio], list[Chart]]:
    """How the time of a step grows with the number of levels, their size and the zoom factor."""
    base = Case(8, device=device)
    rows, lines = [], []
    for blend in ("laplacian", "border"):
        case = replace(base, blend=blend)
        counts = (4, 8, 16, 32)
        times = [time_step(replace(case, levels=n)) for n in counts]
        lines.append(Line(blend, counts, times))
        detail = f"{times[2]:.2f} ms / {times[1]:.2f} ms"
        rows.append(Ratio(f"16 / 8 levels, {blend}, {device}", times[2] / times[1], detail, "<= 2.05"))
        large = time_step(replace(case, size=128))
        detail = f"{large:.2f} ms / {times[1]:.2f} ms; the area is 4 times larger, the products 8 times"
        rows.append(Ratio(f"128² / 64², {blend}, {device}", large / times[1], detail))
        far = time_step(replace(case, zoom=4.0))
        detail = f"{far:.2f} ms / {times[1]:.2f} ms"
        rows.append(Ratio(f"p = 4 / p = 2, {blend}, {device}", far / times[1], detail, "<= 1"))
    return rows, [Chart(f"Blend, render and noise of a step, ms ({device})", lines, "levels", logarithmic=True)]


def exact() -> list[Ratio]:
    """The default against the paper, on the exact benchmark at the same number of denoiser calls."""
    geometry = ZoomGeometry(3, 12, 12)
    world = GaussianWorld(geometry)
    paper = run_exactly(world, Setting("paper"))
    rows = []
    for method in ("average", "border", "overlap_once"):
        ours = run_exactly(world, Setting(method, 1.0, 40, 0.5, 2))
        seams = " ".join(f"{value:.3f}" for value in ours.seams)
        detail = f"{max(paper.kl):.5f} / {max(ours.kl):.5f} nats per pixel, seams {seams}; 40 steps"
        rows.append(Ratio(f"largest KL of a level, paper / {method}", max(paper.kl) / max(ours.kl), detail, "> 1"))
    return rows


def others() -> list[Ratio]:
    """What other parts of the pack measure: their ``measure()`` gives (name, value, detail, target) lines."""
    rows = []
    for name, what in OTHERS.items():
        if importlib.util.find_spec(name) is not None:
            print(f"measuring: {what}", flush=True)
            rows += [Ratio(*line) for line in importlib.import_module(name).measure()]
    return rows


def table(rows: list[Ratio]) -> str:
    """Aligned columns."""
    width = max((len(row.name) for row in rows), default=0)
    return "\n".join(f"{r.name:{width}s} {r.ratio:8.3f}  {r.target:8s} {r.detail}" for r in rows)


def _show(rows: list[Ratio]) -> list[Ratio]:
    print(table(rows), flush=True)
    return rows


if __name__ == "__main__":
    main()
