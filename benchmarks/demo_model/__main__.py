"""python -m benchmarks.demo_model: ablations and baselines on the demo model, as numbers and as a picture grid.

COMFYUI_PATH says where ComfyUI is. Stacks are kept in --out, so that a run that was cut short goes on; --fresh
forgets them (after the weights have changed).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from benchmarks.ablations import ABLATIONS
from demo.universe import Scene, Universe
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.metrics import band_energy, consistency_error, seam_ratio
from zoomstack_core.render import render_images
from zoomstack_core.sample import sample_joint

from .baselines import BASELINES
from .classifier import Accuracy, accuracy, draw, load_or_train
from .network import ROOT, DemoNetwork

PROMPTS = (
    "a blue spiral galaxy",
    "a blue nebula full of stars",
    "a yellow sun and a small ocean planet",
    "a whole ocean planet in space",
    "the continents of an ocean planet",
    "ocean mountains seen from above",
    "ocean ground, close up",
)
STAGES, ZOOM, SIZE = range(0, 13, 2), 4.0, 64
GEOMETRY = ZoomGeometry(len(PROMPTS), SIZE, SIZE, ZOOM)
SIGMA_DATA = 0.5  # of pictures from -1 to 1
SCENES = [Scene(stage, "blue", "yellow", "ocean", False) for stage in STAGES]


@dataclass(frozen=True)
class Row:
    """A method: its label in the grid, and options of `sample_joint` where it is one of that."""

    label: str
    method: str
    alignment: float = 0.0
    churn: float = 1.0
    order: int = 1


ROWS = (
    Row("independent", "independent"),
    Row("independent, our steps", "independent", 0.0, 0.5, 2),
    Row("one level at a time", "iterative"),
    Row("naive blending", "naive"),
    Row("random noise", "random_noise"),
    Row("mismatched pyramid", "mismatched"),
    Row("outpainting", "outpainting"),
    Row("super-resolution", "super_resolution"),
    Row("the paper", "paper"),
    Row("averaging, aligned", "average", 1.0),
    Row("ours: border", "border", 1.0, 0.5, 2),
    Row("ours: overlap once", "overlap_once", 1.0, 0.5, 2),
)


@dataclass(frozen=True)
class Result:
    """Means over the seeds.

    Attributes:
        consistency: `consistency_error`.
        seams: [N - 1], `seam_ratio`, geometric mean over the seeds; 1 where a border cannot be told.
        bands: [N][3] energy over that of independent samples of the same sampler, geometric mean.
        real_bands: the same over that of the training images of the same scenes.
        agreement: the classifier's answers about every level, against its prompt.
        seconds: CPU time of a stack.
    """

    consistency: float
    seams: list[float]
    bands: list[list[float]]
    real_bands: list[list[float]]
    agreement: Accuracy
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.demo_model", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20, help="network evaluations per level")
    parser.add_argument("--guidance", type=float, default=3.0, help="cfg")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "out" / "demo_model")
    parser.add_argument("--grid", type=Path, default=ROOT / "docs" / "images" / "ablations.jpg")
    parser.add_argument("--fresh", action="store_true", help="forget the stacks of earlier runs")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    network = DemoNetwork(list(PROMPTS), args.guidance)
    stacks: dict[str, list[Tensor]] = {row.label: [] for row in ROWS}
    seconds: dict[str, float] = dict.fromkeys(stacks, 0.0)
    for seed in range(args.seeds):
        for row in ROWS:
            path = args.out / f"{_key(row, args.steps, args.guidance)}-{seed}.npz"
            if args.fresh or not path.exists():
                start = time.process_time()
                images = sample(network, row, seed, args.steps)
                np.savez(path, images=images.numpy(), seconds=time.process_time() - start)
                print(f"seed {seed}: {row.label}", flush=True)
            with np.load(path) as kept:
                stacks[row.label].append(torch.from_numpy(kept["images"]))
                seconds[row.label] += float(kept["seconds"]) / args.seeds
    classifier = load_or_train(args.out / "classifier.safetensors")
    held_out = accuracy(classifier, *draw(Universe(SIZE, 1), 650))
    alone = {
        row.order: torch.stack([band_energy(images) for images in stacks[row.label]]).log().mean(0)
        for row in ROWS
        if row.method == "independent"
    }
    universe = Universe(SIZE, 2)
    real = torch.stack([band_energy(universe.draw([scene] * 16)).log().mean(0) for scene in SCENES])
    results = {
        row.label: judge(
            stacks[row.label], alone[row.order], real, lambda x: accuracy(classifier, x, SCENES), seconds[row.label]
        )
        for row in ROWS
    }
    print(f"classifier on unseen images: {held_out}")
    print(table(results))
    data = {"steps": args.steps, "guidance": args.guidance, "seeds": args.seeds, "classifier": asdict(held_out)}
    data["results"] = {name: asdict(result) for name, result in results.items()}
    (args.out / "results.json").write_text(json.dumps(data, indent=1))
    save_grid(args.grid, [(row.label, stacks[row.label][0]) for row in ROWS])


def sample(network: DemoNetwork, row: Row, seed: int, steps: int) -> Tensor:
    """A finished stack [N, 3, H, W] in [0, 1]; the noise of the same seed is the same for every method."""
    generator = torch.Generator().manual_seed(seed)
    sigmas = torch.tensor([*(80.0 * (0.01 / 80.0) ** (n / (steps - 1)) for n in range(steps)), 0.0])
    noise = lambda: torch.randn(GEOMETRY.levels, 3, SIZE, SIZE, generator=generator)  # noqa: E731
    if row.method in BASELINES:
        images = BASELINES[row.method](network, GEOMETRY, sigmas, noise)
    elif row.method in ABLATIONS:
        images = ABLATIONS[row.method](network, GEOMETRY, sigmas, noise)
    else:
        overlap = network.overlap if row.method == "overlap_once" else None
        layers = sample_joint(
            network, GEOMETRY, sigmas, 3, None, row.method, row.alignment, overlap,
            churn=row.churn, order=row.order, sigma_data=SIGMA_DATA, noise=noise,
        )  # fmt: skip
        images = layers if row.method == "independent" else render_images(layers, GEOMETRY)
    return (images / 2 + 0.5).clamp(0, 1)


def judge(
    stacks: Sequence[Tensor], alone: Tensor, real: Tensor, agree: Callable[[Tensor], Accuracy], seconds: float
) -> Result:
    """One method's numbers.

    Args:
        stacks: one per seed.
        alone, real: mean logarithm of the band energy of independent samples and of training images [N, 3].
        agree: the classifier on a stack.
        seconds: CPU time of a stack.
    """
    consistency = torch.stack([consistency_error(images, GEOMETRY) for images in stacks]).mean()
    seams = torch.stack([seam_ratio(images, GEOMETRY) for images in stacks]).clamp(min=1e-6).log().mean(0).exp()
    energy = torch.stack([band_energy(images) for images in stacks]).log().mean(0)
    bands, real_bands = ((energy - yardstick).exp().tolist() for yardstick in (alone, real))
    said = [asdict(agree(images)) for images in stacks]
    agreement = Accuracy(**{key: sum(each[key] for each in said) / len(said) for key in said[0]})
    return Result(float(consistency), seams.tolist(), bands, real_bands, agreement, seconds)


def table(results: dict[str, Result]) -> str:
    """Markdown: consistency error, seams, low / middle / high energy, agreement with the prompts."""
    lines = [
        "| method | consistency error | seam ratio, geometric mean (worst) | energy over independent | "
        "energy over training images | "
        "stage (± 1) named right | planet, galaxy named right | CPU s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, r in results.items():
        seams = torch.tensor(r.seams).log()
        worst = float(seams[seams.abs().argmax()].exp())
        bands, real = (_bands(torch.tensor(energy)) for energy in (r.bands, r.real_bands))
        a = r.agreement
        lines.append(
            f"| {name} | {r.consistency:.4f} | {float(seams.mean().exp()):.2f} ({worst:.2f}) | "
            f"{bands} | {real} | {a.stage:.2f} ({a.near_stage:.2f}) | "
            f"{a.kind:.2f}, {a.color:.2f} | {r.seconds:.0f} |"
        )
    return "\n".join(lines)


def _bands(energy: Tensor) -> str:
    """Low, middle and high band, geometric mean over the levels."""
    return " / ".join(f"{value:.2f}" for value in energy.log().mean(0).exp().tolist())


def save_grid(path: Path, rows: Sequence[tuple[str, Tensor]], scale: int = 2) -> None:
    """One row of levels per method, the widest left."""
    tile, label = SIZE * scale + 4, 150
    image = Image.new("RGB", (label + tile * GEOMETRY.levels, tile * len(rows)), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    for y, (name, stack) in enumerate(rows):
        pen.text((6, y * tile + tile // 2), name, "#222222", font, anchor="lm")
        for x, level in enumerate(stack):
            pixels = (level.permute(1, 2, 0) * 255).round().byte().numpy()
            size = SIZE * scale, SIZE * scale
            image.paste(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC), (label + x * tile, y * tile))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=90)


def _key(row: Row, steps: int, guidance: float) -> str:
    digest = hashlib.sha256(f"{row}{steps}{guidance}{PROMPTS}".encode()).hexdigest()[:8]
    return f"{row.method}-{digest}"


if __name__ == "__main__":
    main()
