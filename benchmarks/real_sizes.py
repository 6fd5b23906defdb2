"""python -m benchmarks.real_sizes: joint sampling with networks of real size, as tables for the documentation.

SDXL, Z-Image-Turbo and FLUX.2 klein 4B with random weights in bfloat16, 8 levels of 1024²: seconds and memory of Zoom
KSampler, in latents and through the VAE, over KSampler on the same levels, in one batch and one by one; the memory of a
call by its number of levels, beside the estimate by which ComfyUI sizes its calls; the time of rendering a video; and
what late waking saves at 20 steps (with few steps it leaves out nothing). What would begin after --seconds is left
out. For a GPU; on a CPU, for which all of this is too much, choose less:

    python -m benchmarks.real_sizes --networks sdxl --size 512 --levels 2 --steps 1 --parts memory speed
    python -m benchmarks.real_sizes --tiny      # the same way through the code, with networks that take no time

Needs ComfyUI, as the tests do: COMFYUI_PATH, or what ``python tools/host.py`` has got.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.joint_overhead import ROOT, tools_host
from benchmarks.networks import KLEIN, SDXL, Z_IMAGE, Network, random_model, random_vae
from benchmarks.process_memory import peak_of

NETWORKS = {"sdxl": SDXL, "z_image": Z_IMAGE, "klein": KLEIN}
LIMIT_SECONDS = 280
MOST_STEPS = 10  # ratios do not depend on it
WAKING_STEPS = 20  # fewer leave out nothing
PARTS = ("memory", "speed", "vae", "video", "waking")
FRAMES = 120
Table = list[list[str]]


class Size(NamedTuple):
    """What is sampled."""

    levels: int
    pixels: int
    steps: int | None = None  # None: as the model's template has it, at most MOST_STEPS


class Run(NamedTuple):
    """What a run took: bytes beyond what was held before; pictures of every call of the network."""

    seconds: float
    memory: float
    calls: list[int]


@dataclass
class Bench:
    """Measures on one device, until its time is over.

    Args:
        host: a booted ComfyUI.
        small: with networks that take no time.
        end: of time.monotonic(); what would begin later is left out.
        out: a file that has the report so far after every row, in case that the next one fails.
    """

    host: Any
    device: torch.device
    small: bool = False
    end: float = float("inf")
    out: Path | None = None
    speed: Table = field(default_factory=list)
    memory: Table = field(default_factory=list)
    video: Table = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def network(self, network: Network, size: Size, parts: Sequence[str] = PARTS) -> None:
        """The rows of a network: its memory first, as every shape is slower the first time."""
        if self._is_over(network.name):
            return
        sampler = Sampler(self, network, size, random_model(network, torch.bfloat16))
        if "memory" in parts:
            self._memory_of_calls(sampler)
        runs: dict[str, Callable[[], Run]] = {}
        if "speed" in parts:
            runs = {
                "KSampler, one batch": lambda: sampler.stock(size.levels),
                "KSampler, one by one": lambda: sampler.stock(size.levels, one_by_one=True),
                "Zoom KSampler, alignment 0": lambda: sampler.zoom(size.levels, alignment=0.0),
                "Zoom KSampler": lambda: sampler.zoom(size.levels),
            }
        if "vae" in parts:
            vae = random_vae(network, self.small)
            sampler.zoom(2, steps=1, space="pixels", vae=vae)
            runs["Zoom KSampler through the VAE"] = lambda: sampler.zoom(size.levels, space="pixels", vae=vae)
        self._compare(sampler, runs)

    def waking(self, network: Network, size: Size) -> None:
        """The rows of late waking, for a flow model: others begin below the sigma at which levels wake."""
        if self._is_over(f"{network.name}: late waking"):
            return
        size = size._replace(steps=WAKING_STEPS)
        sampler = Sampler(self, network, size, random_model(network, torch.bfloat16))
        sampler.zoom(size.levels, steps=1)
        runs = {
            "Zoom KSampler, late waking off": lambda: sampler.zoom(size.levels, wake_sigma=0.0),
            "Zoom KSampler": lambda: sampler.zoom(size.levels),
        }
        self._compare(sampler, runs)

    def _compare(self, sampler: Sampler, runs: dict[str, Callable[[], Run]]) -> None:
        """Rows of runs, over the first of them."""
        network, size = sampler.network, sampler.size
        first = None
        for name, run in runs.items():
            if self._is_over(f"{network.name}: {name}"):
                continue
            taken = run()
            first = first or taken.seconds
            self.speed.append(
                [
                    f"{network.name}, {size.levels} × {size.pixels}², {sampler.steps} steps",
                    name,
                    f"{taken.seconds:.2f} s",
                    f"{taken.seconds / first:.3f}",
                    _gigabytes(taken.memory),
                    str(max(taken.calls)),
                    str(sum(taken.calls)),
                ]
            )
            self._save()

    def _memory_of_calls(self, sampler: Sampler) -> None:
        network, levels = sampler.network, 1
        while levels <= sampler.size.levels and not self._is_over(f"{network.name}: memory of {levels} levels"):
            run = sampler.zoom(levels, steps=1, alignment=0.0)
            shape = network.shape(max(run.calls), sampler.size.pixels)
            row = [network.name, _gigabytes(sampler.weights), str(levels), str(max(run.calls)), _gigabytes(run.memory)]
            self.memory.append([*row, _gigabytes(sampler.model.model.memory_required(shape))])
            self._save()
            levels *= 2

    def rendering(self, size: int, levels: int = 8) -> None:
        """The rows of a video, drawn as Zoom Video draws it."""
        from benchmarks.video import FPS, PRESETS, natural_stack
        from zoomstack_core.video.ahead import work_ahead
        from zoomstack_core.video.color import YUV420
        from zoomstack_core.video.draw_frame import PlaneRenderer
        from zoomstack_core.video.encode import encode_video

        if self._is_over("video"):
            return
        stack = natural_stack(levels, size)
        frames = 4 if self.small else FRAMES
        zooms = [(levels - 1) * k / (frames - 1) for k in range(frames)]
        devices = ["cpu"] if self.device.type == "cpu" else ["cpu", "cuda"]
        for device in devices:
            renderer = PlaneRenderer(stack, size, size, YUV420, torch.device(device))
            renderer(zooms[0])
            drawn, _ = _timed(lambda draw=renderer: [draw(zoom) for zoom in zooms], device)
            with tempfile.TemporaryDirectory() as folder, closing(work_ahead(renderer, zooms)) as planes:
                file = Path(folder) / "zoom.mp4"
                whole, _ = _timed(lambda: encode_video(file, planes, FPS, preset=PRESETS[0]), device)  # noqa: B023
            name = f"{frames} frames of {size}², {levels} levels"
            self.video.append([name, device, f"{1000 * drawn / frames:.1f} ms a frame", f"{whole:.1f} s"])
            self._save()

    def report(self) -> str:
        """Everything so far, in Markdown."""
        tables = {
            "network | run | time | of the first's | GB beyond the weights | pictures a call | evaluations": self.speed,
            "network | weights, GB | levels | pictures a call | GB beyond the weights | ComfyUI's estimate, GB": (
                self.memory
            ),
            "video | drawn on | drawing alone | drawing and encoding": self.video,
        }
        parts = [f"{_machine(self.device)}, PyTorch {torch.__version__}."]
        parts += [markdown(title.split(" | "), rows) for title, rows in tables.items() if rows]
        if self.left_out:
            parts.append("Left out, as the time was over: " + "; ".join(self.left_out) + ".")
        return "\n\n".join(parts) + "\n"

    def _save(self) -> None:
        if self.out:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self.out.write_text(self.report(), encoding="utf-8")

    def _is_over(self, name: str) -> bool:
        over = time.monotonic() > self.end
        if over:
            self.left_out.append(name)
        return over


@dataclass
class Sampler:
    """Runs of one network."""

    bench: Bench
    network: Network
    size: Size
    model: Any

    @property
    def steps(self) -> int:
        return self.size.steps or min(self.network.steps, MOST_STEPS)

    @property
    def weights(self) -> int:
        """Bytes."""
        return sum(value.nbytes for value in self.model.model.diffusion_model.parameters())

    def stock(self, levels: int, one_by_one: bool = False) -> Run:
        """KSampler."""
        latents = [self._latent(1)] * levels if one_by_one else [self._latent(levels)]
        return self._run("stock", latents, {"steps": self.steps})

    def zoom(
        self, levels: int, steps: int | None = None, alignment: float = 1.0, space: str = "latent", **options: Any
    ) -> Run:
        """Zoom KSampler; ``options`` are those of `BlendOptions`."""
        blend = self.bench.host.module("sampling.agreement.blend_options").BlendOptions(space=space, **options)
        inputs = {"steps": steps or self.steps, "alignment": alignment, "blend_options": blend}
        return self._run("zoom", [self._latent(levels)], inputs)

    def _latent(self, levels: int) -> dict[str, Any]:
        return {"samples": torch.zeros(self.network.shape(levels, self.size.pixels))}

    def _run(self, node: str, latents: Sequence[dict[str, Any]], inputs: dict[str, Any]) -> Run:
        from zoom_graphs import sampling  # type: ignore[import-not-found]

        host, network = self.bench.host, self.network
        settings = {"cfg": network.cfg, "scheduler": network.scheduler, "sampler_name": "euler", **inputs}
        prompts = network.prompt(0), network.prompt(1)
        graphs = [sampling(host, self.model, *prompts, latent, **settings) for latent in latents]
        with _calls() as calls:
            seconds, memory = _timed(
                lambda: [host.evaluate(graph, [node, 0]) for graph in graphs], self.bench.device.type
            )
        return Run(seconds, memory, calls)


@contextmanager
def _calls() -> Iterator[list[int]]:
    """The number of pictures of every call of a network."""
    import comfy.model_base

    calls: list[int] = []
    original = comfy.model_base.BaseModel._apply_model

    def spy(self: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(len(x))
        return original(self, x, *args, **kwargs)

    comfy.model_base.BaseModel._apply_model = spy
    try:
        yield calls
    finally:
        comfy.model_base.BaseModel._apply_model = original


def _timed(work: Callable[[], Any], device: str) -> tuple[float, float]:
    """Seconds, on the CPU those of this process alone, and bytes at the peak beyond those before."""
    seconds, clock = 0.0, time.process_time if device == "cpu" else time.perf_counter

    def timed() -> None:
        nonlocal seconds
        start = clock()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        seconds = clock() - start

    memory = peak_of(timed, device)
    return seconds, memory


def markdown(header: list[str], rows: Table) -> str:
    """A table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows])


def _gigabytes(value: float) -> str:
    return f"{value / 2**30:.2f}"


def _machine(device: torch.device) -> str:
    return f"{os.cpu_count()} CPU cores, processor time" if device.type == "cpu" else torch.cuda.get_device_name()


def measure_here(args: argparse.Namespace) -> None:
    """In this process, which must be of ComfyUI's Python."""
    start = time.monotonic()
    gpu = torch.cuda.is_available() and not args.tiny
    sys.path.insert(0, str(ROOT / "tests" / "comfyui"))
    from harness import Host, prepare  # type: ignore[import-not-found]

    host = Host(prepare(gpu=gpu))
    torch.set_num_threads(1 if args.tiny else os.cpu_count() or 1)
    bench = Bench(host, torch.device("cuda" if gpu else "cpu"), args.tiny, start + args.seconds, args.out)
    size = Size(3, 64, 2) if args.tiny else Size(args.levels, args.size, args.steps)
    work = [partial(bench.network, _chosen(name, args.tiny), size, args.parts) for name in args.networks]
    if "video" in args.parts:
        work.append(partial(bench.rendering, size.pixels))
    if "waking" in args.parts:
        work.append(partial(bench.waking, _chosen("klein", args.tiny), size))
    for part in work:
        part()
    print(bench.report())


def _chosen(name: str, tiny: bool) -> Network:
    return NETWORKS[name].small if tiny else NETWORKS[name]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.real_sizes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--levels", type=int, default=8)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--steps", type=int, help=f"default: the model's, at most {MOST_STEPS}")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=LIMIT_SECONDS, help="default: %(default)s")
    parser.add_argument("--tiny", action="store_true", help="small networks, on the CPU")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "out" / "real_sizes.md")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        measure_here(args)
        return 0
    comfyui = tools_host().ensure_host()
    command = [str(comfyui.python), "-m", "benchmarks.real_sizes", "--here", *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, "COMFYUI_PATH": str(comfyui.comfyui)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
