"""Found geometry: do levels agree better when their inner rectangles may move while they are sampled?

``python -m benchmarks.found_geometry`` samples the demo model with fixed rectangles, with rectangles that move and
scale a little during the first part of every level's steps so that neighboring estimates disagree less, and once more
with the rectangles found, fixed from the start. What it measures is in docs/found_geometry.md.

Noise nests by the geometry, so a rectangle cannot move alone. After every move the noise that is left in the states,
(z - x) / sigma, is rendered anew by the new geometry: it stays white, and the noisy states go on to nest.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmarks.demo_model.network import DemoNetwork
from zoomstack_core.geometry import Step, ZoomGeometry
from zoomstack_core.method.joint_step import JointStep
from zoomstack_core.method.ladder import aligned_ladder
from zoomstack_core.method.metrics import seam_ratio
from zoomstack_core.method.noise import render_noise
from zoomstack_core.method.resample import links_into
from zoomstack_core.method.rows import rows_of
from zoomstack_core.method.sample import Denoise, ancestral_step

SIZE = 64
JOURNEYS = {
    "planet": (
        "a distant ocean planet",
        "a whole ocean planet in space",
        "a huge ocean planet up close",
        "the continents of an ocean planet",
        "the highlands of an ocean planet",
        "ocean mountains seen from above",
    ),
    "galaxy": (
        "a blue spiral galaxy",
        "the spiral arms of a blue galaxy",
        "a blue nebula full of stars",
        "a star field around a yellow sun",
        "a yellow sun and a small desert planet",
        "a distant desert planet",
    ),
}


@dataclass(frozen=True)
class Search:
    """How far rectangles may move from where they were asked to be, and when.

    Args:
        shift: largest move of the focus, as a share of the picture.
        scale: largest change of the zoom factor, as a share of it.
        start, end: rectangles move while the deeper level's progress lies in this range.
    """

    shift: float = 0.1
    scale: float = 0.1
    start: float = 0.2
    end: float = 0.6


@dataclass
class Run:
    """A finished run and how much neighbors disagreed in it: over the steps after ``Search.end``, mean over links."""

    images: Tensor
    geometry: ZoomGeometry
    relative: float
    absolute: float


def disagreement(estimates: Tensor, geometry: ZoomGeometry, level: int) -> tuple[float, float]:
    """Mean square of what `level` and the one before it say about the shared band, relative to its variance, and as is.

    Args:
        estimates: raw, before any blending [N, C, H, W].
    """
    link = links_into(geometry, level, 1, estimates)
    if link is None:
        return 0.0, 0.0
    wider, reduced = link.window.crop(estimates[level - 1]), link.reduce(estimates[level])
    gap = float((wider - reduced).square().mean())
    spread = 0.5 * float(wider.var((-1, -2)).mean() + reduced.var((-1, -2)).mean())
    return gap / (spread + 1e-4), gap


def with_step(geometry: ZoomGeometry, level: int, step: Step) -> ZoomGeometry:
    """`geometry` with another step from `level` - 1 to `level`."""
    steps = list(geometry.steps)
    steps[level - 1] = step
    return replace(geometry, zoom_factor=tuple(s.factor for s in steps), focus=tuple(s.focus for s in steps))


def improve(estimates: Tensor, geometry: ZoomGeometry, asked: ZoomGeometry, level: int, search: Search) -> ZoomGeometry:
    """One sweep of coordinate steps, from a pixel and a half down to half a pixel."""
    best = disagreement(estimates, geometry, level)[0]
    start = asked.steps[level - 1]
    for pixels in (1.5, 0.5):
        move, zoom = pixels / SIZE, 1 + pixels / SIZE
        for dx, dy, dz in ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1)):
            step = geometry.steps[level - 1]
            x, y, factor = step.focus[0] + dx * move, step.focus[1] + dy * move, step.factor * zoom**dz
            within = max(abs(x - start.focus[0]), abs(y - start.focus[1])) <= search.shift
            if not within or abs(math.log(factor / start.factor)) > math.log(1 + search.scale):
                continue
            candidate = with_step(geometry, level, Step(factor, (x, y)))
            value = disagreement(estimates, candidate, level)[0]
            if value < 0.99 * best:
                best, geometry = value, candidate
    return geometry


@torch.no_grad()
def sample(denoise: Denoise, asked: ZoomGeometry, steps: int, seed: int, search: Search, moving: bool) -> Run:
    """One aligned run with the paper's stochastic step; the rectangles move if ``moving``."""
    generator = torch.Generator().manual_seed(seed)
    shape = asked.levels, 3, asked.height, asked.width
    white: Callable[[], Tensor] = lambda: torch.randn(shape, generator=generator, dtype=torch.float64)  # noqa: E731
    ladder = aligned_ladder(asked, 80.0, 0.005, steps)
    ratios = torch.tensor(ladder.ratios, dtype=torch.float64).view(-1, 1, 1, 1)
    geometry, joint = asked, JointStep(asked, "laplacian")
    z = ratios * ladder.sigmas[0] * render_noise(white(), geometry)
    raw = torch.zeros(shape, dtype=torch.float64)
    gaps: list[tuple[float, float]] = []
    for sigma, sigma_next in zip(ladder.sigmas, ladder.sigmas[1:], strict=False):
        active, own = ladder.active(sigma), ratios * sigma
        chosen = rows_of(active)
        raw[chosen] = denoise(z[chosen], own[chosen].flatten(), torch.tensor(active))
        before = geometry
        for level in active[1:]:
            progress = math.log(ladder.sigma_max / float(own[level])) / ladder.rung / (steps - 1)
            if moving and search.start <= progress <= search.end:
                geometry = improve(raw, geometry, asked, level, search)
            elif progress > search.end:
                gaps.append(disagreement(raw, geometry, level))
        joint.geometry = geometry
        denoised = joint(raw[chosen].clone(), active)
        if geometry != before:
            z = denoised + own * render_noise((z - denoised) / own, geometry)
        z = ancestral_step(z, denoised, sigma, sigma_next, 1.0, ratios * render_noise(white(), geometry))
    relative, absolute = (sum(values) / len(gaps) for values in zip(*gaps, strict=True))
    return Run(denoised, geometry, relative, absolute)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journey", choices=JOURNEYS, default="planet")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--focus", type=float, nargs=2, default=(0.5, 0.5), help="where every step is asked to go")
    options = parser.parse_args()
    prompts = list(JOURNEYS[options.journey])
    network, search = DemoNetwork(prompts), Search()
    asked = ZoomGeometry(len(prompts), SIZE, SIZE, focus=tuple(options.focus))
    for seed in range(options.seeds):
        fixed = sample(network, asked, options.steps, seed, search, moving=False)
        found = sample(network, asked, options.steps, seed, search, moving=True)
        again = sample(network, found.geometry, options.steps, seed, search, moving=False)
        moves = [
            (
                *(round(SIZE * (now - then), 1) for now, then in zip(s.focus, options.focus, strict=True)),
                round(s.factor, 3),
            )
            for s in found.geometry.steps
        ]
        for name, run in (("fixed", fixed), ("found", found), ("found, from the start", again)):
            seam = float(seam_ratio(run.images, run.geometry).nanmean())
            spread = float(run.images.std((-1, -2)).mean())
            numbers = {"relative": run.relative, "absolute": run.absolute, "seam": seam, "spread": spread}
            print(json.dumps({"seed": seed, "run": name, **numbers}))
        print(json.dumps({"seed": seed, "moves (x, y in pixels; factor)": moves}), flush=True)


if __name__ == "__main__":
    main()
