"""python -m benchmarks.demo_model: methods, ablations and settings on the demo model, in numbers and picture grids.

COMFYUI_PATH says where ComfyUI is. Every stack's numbers are kept in --out, one JSON file and one picture for each
setting and seed, so that a run that was cut short goes on; --fresh forgets them (after weights or code have changed).

    python -m benchmarks.demo_model --seeds 8
    python -m benchmarks.demo_model --seeds 8 --tables methods few_steps
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from demo.universe import Universe
from zoomstack_core.method.metrics import band_energy

from .classifier import accuracy, draw, load_or_train
from .network import ROOT
from .report import save_grid, summarize, table
from .rows import SCENES, SIZE, TABLES, Row
from .stacks import Numbers, Stacks


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.demo_model",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "out" / "demo_model")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=["ablations"])
    parser.add_argument("--fresh", action="store_true", help="forget the stacks of earlier runs")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    classifier = load_or_train(args.out / "classifier.safetensors")
    held_out = accuracy(classifier, *draw(Universe(SIZE, 1), 300))
    print(f"classifier on unseen images: {held_out}", flush=True)
    stacks, real = Stacks(args.out, classifier, args.fresh), training_energy()
    for name in args.tables:
        rows = TABLES[name]
        results = compare(stacks, rows, args.seeds, real)
        print(f"\n{name}, {args.seeds} seeds\n\n{results['table']}\n", flush=True)
        data = {"seeds": args.seeds, "classifier": asdict(held_out), **results}
        (args.out / f"{name}.json").write_text(json.dumps(data, indent=1))
        save_grid(args.out / f"{name}.jpg", [(row.label, stacks.picture(row, 0)) for row in rows])


def compare(stacks: Stacks, rows: Sequence[Row], seeds: int, real: Tensor) -> dict[str, object]:
    """The table and the numbers behind it, of every row over the seeds."""
    # seeds go by turns, so that what is there of a run that was cut short can be compared
    found: dict[Row, list[Numbers]] = {row: [] for row in rows}
    for seed in range(seeds):
        for row in rows:
            found[row].append(stacks.numbers(row, seed))
    alone = {_steps_of(row): numbers for row, numbers in found.items() if row.method == "independent"}
    summaries = {row.label: summarize(numbers, real, alone.get(_steps_of(row))) for row, numbers in found.items()}
    return {
        "table": table(summaries),
        "settings": {row.label: asdict(row) for row in rows},
        "summaries": {label: asdict(summary) for label, summary in summaries.items()},
    }


def _steps_of(row: Row) -> tuple[object, ...]:
    return row.order, row.churn, row.steps, row.guidance, row.few_steps


def training_energy() -> Tensor:
    """Mean logarithm of the band energy of training images of the prompts' scenes [N, 3]."""
    universe = Universe(SIZE, 2)
    return torch.stack([band_energy(universe.draw([scene] * 16)).log().mean(0) for scene in SCENES])


if __name__ == "__main__":
    main()
