"""python benchmarks/run.py: every ratio against peers and limits in one table, as JSON and as PNG.

Two CPU cores need a few minutes. With a CUDA device its rows are added. What needs ComfyUI is left out where there is
none: set COMFYUI_PATH. Times are reported, never judged. A part that fails is named; the exit status is 1 then, and the
other parts still run.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":  # started as a script, whose own folder is all that Python knows then
    sys.path.insert(0, str(ROOT))

from benchmarks.exact import GaussianWorld, Setting, run_exactly  # noqa: E402
from benchmarks.peers import Case, time_reference, time_step  # noqa: E402
from benchmarks.plot import Chart, Line, save_charts  # noqa: E402
from zoomstack_core.geometry import ZoomGeometry  # noqa: E402


@dataclass(frozen=True)
class Ratio:
    """One line of the table."""

    name: str
    ratio: float
    detail: str
    target: str = ""


@dataclass
class Findings:
    """What the parts have measured so far."""

    rows: list[Ratio] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python benchmarks/run.py", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "out")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="default: all")
    args = parser.parse_args()
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    found = Findings()
    for name in args.only or PARTS:
        run_part(name, devices, found)
    print("\n" + table(found.rows))
    for line in (*found.left_out, *found.failures):
        print(line)
    args.out.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "torch": torch.__version__, "machine": platform.machine()}
    data = {**machine, "devices": devices, "ratios": [vars(row) for row in found.rows]}
    data |= {"left_out": found.left_out, "failures": found.failures}
    (args.out / "ratios.json").write_text(json.dumps(data, indent=1))
    if found.charts:
        save_charts(args.out / "ratios.png", found.charts)
    return 1 if found.failures else 0


def run_part(name: str, devices: list[str], found: Findings) -> None:
    """Measures one part; a failure is told and noted, so that the others still run."""
    print(f"{name} … ", end="", flush=True)
    start = time.perf_counter()
    try:
        PARTS[name](devices, found)
    except Exception as error:  # noqa: BLE001 - told here, in the JSON and by the exit status
        traceback.print_exc()
        found.failures.append(f"FAILED: {name}: {type(error).__name__}: {error}")
    print(f"{time.perf_counter() - start:.0f} s", flush=True)


def peers(devices: list[str], found: Findings) -> None:
    """The published algorithm over ours: larger is better."""
    for device in devices:
        for levels in (8, 16):
            reference = time_reference(Case(levels, device=device))
            for blend in ("laplacian", "border"):
                ours = time_step(Case(levels, blend=blend, device=device))
                detail = f"{reference:.1f} ms / {ours:.2f} ms per step, 4 × 64², p = 2"
                name = f"reference / {blend}, {levels} levels, {device}"
                found.rows.append(Ratio(name, reference / ours, detail, "> 10"))


def growth(devices: list[str], found: Findings) -> None:
    """How the time of a step grows with the number of levels, their size and the zoom factor."""
    counts = (4, 8, 16, 32)
    for device in devices:
        lines = []
        for blend in ("laplacian", "border"):
            case = Case(8, blend=blend, device=device)
            cases = [*(replace(case, levels=n) for n in counts), replace(case, size=128), replace(case, zoom=4.0)]
            # by turns and the best of them, so that all have seen the machine at its quietest
            rounds = [[time_step(each) for each in cases] for _ in range(3)]
            *times, large, far = (min(column) for column in zip(*rounds, strict=True))
            eight, sixteen, many = times[1:]
            lines.append(Line(blend, counts, times))
            found.rows += [
                # what is done between neighboring levels is done once less than there are levels
                _growth(
                    f"16 / 8 levels, {blend}, {device}", sixteen, eight, "<= 2.05", "pairs of levels: 15 / 7 = 2.14"
                ),
                _growth(f"32 / 16 levels, {blend}, {device}", many, sixteen, "", "pairs of levels: 31 / 15 = 2.07"),
                _growth(f"128² / 64², {blend}, {device}", large, eight, "", "4 times the area, 8 times the products"),
                _growth(f"p = 4 / p = 2, {blend}, {device}", far, eight, "<= 1"),
                _tree(blend, device),
            ]
        title = f"Blend, render and noise of a step, ms ({device})"
        found.charts.append(Chart(title, lines, "levels", logarithmic=True))


def _tree(blend: str, device: str, leaves: int = 64) -> Ratio:
    """A tree of two children each over a chain of as many levels."""
    chain = Case(2 * leaves - 1, blend=blend, device=device)
    rounds = [[time_step(each) for each in (replace(chain, tree=True), chain)] for _ in range(3)]
    tree, straight = (min(column) for column in zip(*rounds, strict=True))
    return _growth(f"tree of {leaves} leaves / chain of {chain.levels}, {blend}, {device}", tree, straight)


def _growth(name: str, more: float, less: float, target: str = "", note: str = "") -> Ratio:
    return Ratio(name, more / less, f"{more:.2f} ms / {less:.2f} ms" + (f"; {note}" if note else ""), target)


def exact(_: list[str], found: Findings) -> None:
    """The default against the paper, on the exact benchmark at the same number of denoiser calls."""
    world = GaussianWorld(ZoomGeometry(3, 12, 12))
    paper = run_exactly(world, Setting("paper"))
    for method in ("laplacian", "border", "overlap_once"):
        ours = run_exactly(world, Setting(method, 1.0, 40, 0.5, 2))
        seams = " ".join(f"{value:.3f}" for value in ours.seams)
        detail = f"{max(paper.kl):.5f} / {max(ours.kl):.5f} nats per pixel, seams {seams}; 40 steps"
        name = f"largest KL of a level, paper / {method}"
        found.rows.append(Ratio(name, max(paper.kl) / max(ours.kl), detail, "> 1"))


def overhead(_: list[str], found: Findings) -> None:
    """Sampling all levels jointly over the stock sampler on the same levels, with a network of real size."""
    from benchmarks import joint_overhead

    if not joint_overhead.has_host():
        found.left_out.append(
            "left out: joint / independent sampling, blend and render of a step; they need ComfyUI: set COMFYUI_PATH"
        )
        return
    found.rows += [Ratio(*line) for line in joint_overhead.measure(short=True)]


def encoding(_: list[str], found: Findings) -> None:
    """Rendering and encoding a video over encoding alone."""
    from benchmarks import video

    found.rows += [Ratio(*line) for line in video.measure()]


def on_one_thread(part: Part) -> Part:
    """Tensors of a few thousand numbers: one thread is fastest, and its time is steady."""

    def limited(devices: list[str], found: Findings) -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            part(devices, found)
        finally:
            torch.set_num_threads(threads)

    return limited


Part = Callable[[list[str], Findings], None]
PARTS: dict[str, Part] = {
    "peers": on_one_thread(peers),
    "growth": on_one_thread(growth),
    "exact": on_one_thread(exact),
    "joint": overhead,
    "video": encoding,
}


def table(rows: list[Ratio]) -> str:
    """Aligned columns."""
    width = max((len(row.name) for row in rows), default=0)
    return "\n".join(f"{r.name:{width}s} {r.ratio:8.3f}  {r.target:8s} {r.detail}" for r in rows)


if __name__ == "__main__":
    sys.exit(main())
