"""python -m benchmarks.exact: the table and the plots of the exact benchmark."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.ablations import ABLATIONS
from benchmarks.plot import Chart, Line, save_charts
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.sample import METHODS

from .report import Report
from .run import Setting, evaluations, run_exactly
from .statistics import measure
from .world import MODELS, GaussianWorld

# the paper, its ablations (figures 8 and 10), and what we found better
SUITE = (
    Setting("independent"),
    Setting("independent", churn=0.5, order=2),
    Setting("iterative"),
    Setting("naive"),
    Setting("random_noise"),
    Setting("mismatched"),
    Setting("paper"),
    Setting("laplacian", 1.0),
    Setting("laplacian", 1.0, churn=0.5, order=2),
    Setting("border", 1.0, churn=0.5, order=2),
    Setting("overlap_once", 1.0, churn=0.5, order=2),
)

SIZES = ((1.5, 12), (1.5, 36), (2.0, 8), (2.0, 12), (2.0, 32), (3.0, 12), (3.0, 36), (4.0, 16), (4.0, 32))

# (levels, size, p, slope, steps): what border blending has to hold for
TABLE = (
    *((3, size, p, slope, 40) for p, size in SIZES for slope in (2.2, 2.6, 3.0)),
    *((2, 64, 2.0, slope, 40) for slope in (2.2, 2.6, 3.0)),
    *((4, 32, 2.0, slope, 40) for slope in (2.2, 3.0)),
    *((3, size, 2.0, 2.6, steps) for size in (12, 32) for steps in (8, 20, 120)),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exact", description=__doc__)
    parser.add_argument("--levels", type=int, default=4, help="N")
    parser.add_argument("--height", type=int, default=16)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--zoom", type=float, default=2.0, help="p, whole or fractional")
    parser.add_argument("--focus", type=float, nargs=2, default=(0.5, 0.5), metavar=("X", "Y"))
    parser.add_argument("--slope", type=float, default=2.6, help="β of the spectrum f^-β")
    parser.add_argument("--steps", type=int, default=40, help="denoiser calls per level")
    parser.add_argument("--sigma-max", type=float, default=30.0)
    parser.add_argument("--sigma-min", type=float, default=0.01)
    parser.add_argument("--methods", nargs="+", choices=[*METHODS, *ABLATIONS], help="default: the paper's ablations")
    parser.add_argument("--alignment", type=float, nargs="+", default=[1.0], help="with --methods")
    parser.add_argument("--churn", type=float, nargs="+", default=[1.0], help="with --methods")
    parser.add_argument("--order", type=int, nargs="+", default=[1], choices=(1, 2), help="with --methods")
    parser.add_argument("--wake", type=float, nargs="+", metavar="SIGMA", help="late waking, with aligned --methods")
    parser.add_argument("--model", choices=MODELS, default="mean", help="posterior mean, or an ideal few-step model")
    parser.add_argument("--table", action="store_true", help="border blending at all of TABLE, in place of the above")
    parser.add_argument("--out", type=Path, help="folder for results.json, spectra.png and seams.png")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.table:
        print_table()
        return
    geometry = ZoomGeometry(args.levels, args.height, args.width, args.zoom, tuple(args.focus))
    world = GaussianWorld(geometry, args.slope, model=args.model)
    ladder = {"steps": args.steps, "sigma_max": args.sigma_max, "sigma_min": args.sigma_min}
    reports: dict[str, Report] = {}
    size = f"{args.levels} levels {args.height}×{args.width}"
    print(f"{size}, p={args.zoom:g}, slope {args.slope:g}, {args.steps} steps, {args.model} model")
    print(HEADER)
    for setting in _settings(args, ladder):
        if setting.method == "mismatched" and args.zoom not in (2, 4, 8):
            continue
        start = time.perf_counter()
        report = reports[setting.name] = run_exactly(world, setting)
        cost = f"{evaluations(geometry, setting):.2f} evaluations, {time.perf_counter() - start:.0f} s"
        print(row(setting.name, report), cost, flush=True)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        data = {"geometry": str(geometry), "slope": args.slope, "model": args.model, **ladder}
        data["results"] = {name: asdict(report) for name, report in reports.items()}
        (args.out / "results.json").write_text(json.dumps(data, indent=1))
        draw(args.out, reports)


def print_table() -> None:
    """Seams and KL of border blending at every setting of `TABLE`, and the seams of independent levels."""
    print("| p, levels × size², slope, steps | churn .5: KL (1e-3), seams | churn 0 | independent seams |")
    print("|---|---|---|---|")
    for levels, size, zoom, slope, steps in TABLE:
        world = GaussianWorld(ZoomGeometry(levels, size, size, zoom), slope)
        cells = []
        for churn in (0.5, 0.0):
            found = measure(world, Setting("border", 1.0, steps, churn, 2))
            kl = " ".join(f"{1000 * value:.2f}" for value in found.kl)
            cells.append(f"{kl}, " + " ".join(f"{value:.3f}" for value in found.seams))
        alone = measure(world, Setting("independent", 0.0, steps, 0.5, 2))
        cells.append(" ".join(f"{value:.3f}" for value in alone.seams))
        print(f"| {zoom:g}, {levels} × {size}², {slope}, {steps} | " + " | ".join(cells) + " |", flush=True)


def _settings(args: argparse.Namespace, ladder: dict[str, float]) -> list[Setting]:
    if not args.methods:
        return [Setting(**{**asdict(setting), **ladder}) for setting in SUITE]
    chosen: dict[str, Setting] = {}
    for method in args.methods:
        fixed = method in ("independent", "paper") or method in ABLATIONS
        for alignment in [0.0] if fixed else args.alignment:
            for churn in [1.0] if method == "paper" or method in ABLATIONS else args.churn:
                for order in [1] if method == "paper" or method in ABLATIONS else args.order:
                    for wake in args.wake if args.wake and alignment else [None]:
                        options = {"churn": churn, "order": order, "wake_sigma": wake, **ladder}
                        setting = Setting(method, alignment, **options)  # type: ignore[arg-type]
                        chosen[setting.name] = setting
    return list(chosen.values())


HEADER = (
    f"{'method, alignment, churn, order':32s} KL per level (1e-3) | joint KL | seams / truth | "
    "low/mid/high energy per level / truth | consistency error"
)


def row(name: str, report: Report) -> str:
    kl = " ".join(f"{1000 * value:6.2f}" for value in report.kl)
    seams = " ".join(f"{value:.3f}" for value in report.seams)
    bands = "  ".join("/".join(f"{value:.2f}" for value in level) for level in report.bands)
    return f"{name:32s} {kl} | {report.joint_kl:.4f} | {seams} | {bands} | {report.consistency:.0e}"


def draw(folder: Path, reports: dict[str, Report]) -> None:
    """spectra.png: energy over the truth's per level and frequency; seams.png: squared steps around each border."""
    some = next(iter(reports.values()))
    spectra, seams = [], []
    for level, truth in enumerate(some.true_spectra):
        lines = [
            Line(name, range(1, len(truth) + 1), [a / b for a, b in zip(r.spectra[level], truth, strict=True)])
            for name, r in reports.items()
        ]
        spectra.append(Chart(f"Level {level}: energy / truth", lines, "cycles per image", True, 1.0))
    for level in range(len(some.profiles)):
        reach = len(some.profiles[level]) // 2
        lines = [Line(name, range(-reach, reach + 1), r.profiles[level]) for name, r in reports.items()]
        seams.append(Chart(f"Border in level {level}: squared step / truth", lines, "pixels inwards", True, 1.0))
    save_charts(folder / "spectra.png", spectra)
    if seams:
        save_charts(folder / "seams.png", seams)


if __name__ == "__main__":
    main()
