"""One step's work between the levels, timed: blend, render and noise against a straightforward implementation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.reference import reference_step
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.blend import blend_levels
from zoomstack_core.method.noise import render_noise
from zoomstack_core.method.render import render_images
from zoomstack_core.nesting import Nesting


@dataclass(frozen=True)
class Case:
    """A geometry and a device; all cases have four channels, as latents do.

    Attributes:
        tree: every level has two children, as far as there are levels, in place of one.
    """

    levels: int
    size: int = 64
    zoom: float = 2.0
    blend: str = "laplacian"
    device: str = "cpu"
    tree: bool = False

    @property
    def geometry(self) -> ZoomGeometry:
        parents = (None, *((level - 1) // 2 for level in range(1, self.levels))) if self.tree else None
        return Nesting((self.zoom,), parents=parents).fit(self.levels, self.size, self.size)


def time_step(case: Case) -> float:
    """Milliseconds of blending, rendering and step noise, of all levels."""
    geometry = case.geometry
    images = torch.randn(case.levels, 4, case.size, case.size, device=case.device)
    sigmas = [0.1 * magnification for magnification in geometry.magnifications]

    def step() -> None:
        render_images(blend_levels(images, geometry, case.blend, sigmas), geometry)
        render_noise(images, geometry)

    return milliseconds(step, case.device)


def time_reference(case: Case) -> float:
    """Milliseconds of the same work by `benchmarks.reference`."""
    images = torch.randn(case.levels, 4, case.size, case.size, device=case.device)
    return milliseconds(lambda: reference_step(images, images, case.geometry), case.device, repeats=7)


def milliseconds(work: Callable[[], object], device: str, repeats: int = 60) -> float:
    """The lowest decile of several runs, where other programs disturb the caches least: CPU time on a CPU, else wall
    time."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    times = []
    for n in range(repeats + 2):
        start = clock()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        if n >= 2:
            times.append(clock() - start)
    return 1000 * sorted(times)[len(times) // 10]
