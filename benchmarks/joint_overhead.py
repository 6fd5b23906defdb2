"""python -m benchmarks.joint_overhead: what sampling all levels jointly costs beside the network itself.

A joint run (Zoom KSampler) over a run of the same number of pictures in one batch (KSampler), both through ComfyUI's
executor, on networks of real size with random weights: SD1.5 at 512² on one CPU thread, and, where CUDA is there, SDXL
at 1024². The two take turns. Beside that, the time of what is added to every step: blending and rendering. About five
minutes on one CPU core; --short samples at 256² there, in about two.

Needs ComfyUI, as the tests do: COMFYUI_PATH, or what ``python tools/host.py`` has got.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks import networks
from benchmarks.networks import Network
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.joint_step import JointStep

ROOT = Path(__file__).resolve().parents[1]
LIMIT_SECONDS = 3600


class Line(NamedTuple):
    """A measured ratio or time, with how it came about."""

    name: str
    value: float
    detail: str
    target: str = ""


class Case(NamedTuple):
    """A network of real size, and what it samples."""

    name: str
    device: str
    network: Network
    latent: int  # height and width
    levels: int
    steps: int
    pairs: int


SD15 = Case("SD1.5, 512²", "cpu", networks.SD15, 64, levels=2, steps=2, pairs=1)
SHORT = SD15._replace(name="SD1.5, 256²", latent=32, pairs=3)  # the same network
SDXL = Case("SDXL, 1024²", "cuda", networks.SDXL, 128, levels=4, steps=8, pairs=5)


def measure(short: bool = False) -> list[Line]:
    """All lines, measured in processes of their own, which boot ComfyUI.

    Args:
        short: smaller pictures on the CPU.

    Raises:
        subprocess.CalledProcessError: if one fails; its output is on the terminal.
    """
    comfyui = tools_host().ensure_host()
    environment = {**os.environ, "COMFYUI_PATH": str(comfyui.comfyui), "OMP_NUM_THREADS": "1"}
    lines = []
    for device in ("cpu", *(("cuda",) if torch.cuda.is_available() else ())):
        command = [str(comfyui.python), "-m", "benchmarks.joint_overhead", "--json", "--device", device]
        command += ["--short"] if short else []
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS)
        if run.returncode:
            sys.stderr.write(run.stderr)
        run.check_returncode()
        lines += [Line(*line) for line in json.loads(run.stdout.splitlines()[-1])]
    return lines


def has_host() -> bool:
    """Whether there is a ComfyUI, so that none would have to be got from the network first."""
    host = tools_host()
    return host.find_comfyui(ROOT, os.environ) is not None or host.is_comfyui(ROOT / ".host" / "ComfyUI")


def tools_host() -> Any:
    """The module that finds ComfyUI, or installs it."""
    if str(ROOT / "tools") not in sys.path:
        sys.path.insert(0, str(ROOT / "tools"))
    return importlib.import_module("host")  # a script beside others, not a package


def measure_here(device: str, short: bool = False) -> list[Line]:
    """The lines of one device, in this process."""
    case = SDXL if device != "cpu" else SHORT if short else SD15
    sys.path.insert(0, str(ROOT / "tests" / "comfyui"))
    from harness import Host, prepare  # type: ignore[import-not-found]

    host = Host(prepare(gpu=device != "cpu"))
    return [*_overhead(host, case), *_added_per_step(device)]


def _overhead(host: Any, case: Case) -> list[Line]:
    from zoom_graphs import sampling  # type: ignore[import-not-found]

    model = random_model(case)
    positive, negative = case.network.prompt(0), case.network.prompt(1)
    inputs = {"steps": case.steps, "alignment": 0.0, "cfg": 5.0}

    def seconds(node: str, size: int) -> float:
        latent = {"samples": torch.zeros(case.levels, 4, size, size)}
        graph = sampling(host, model, positive, negative, latent, **inputs)
        return _timed(lambda: host.evaluate(graph, [node, 0]), case.device)

    for node in ("stock", "zoom"):
        seconds(node, 8)
    stock, joint = [], []
    for pair in range(case.pairs):
        order = ("stock", "zoom") if pair % 2 == 0 else ("zoom", "stock")
        taken = {node: seconds(node, case.latent) for node in order}
        stock.append(taken["stock"])
        joint.append(taken["zoom"])
    ratio = statistics.median(ours / theirs for ours, theirs in zip(joint, stock, strict=True))
    clock = "CPU seconds" if case.device == "cpu" else "seconds"
    detail = (
        f"{statistics.median(joint):.2f} / {statistics.median(stock):.2f} {clock}, {case.levels} levels, "
        f"{case.steps} steps, {case.pairs} pair(s)"
    )
    return [Line(f"joint / independent sampling, {case.name}, {case.device}", ratio, detail, "<= 1.02")]


def random_model(case: Case) -> Any:
    """MODEL with a network of real size."""
    dtype = torch.float32 if case.device == "cpu" else torch.float16
    return networks.random_model(case.network, dtype)


def _added_per_step(device: str) -> list[Line]:
    """Blending and rendering of one step, which is all that a joint step adds to the network."""
    lines = []
    for levels, channels, size in ((4, 4, 64), (8, 4, 128), (4, 3, 512)):
        geometry = ZoomGeometry(levels, size, size)
        estimates = torch.randn(levels, channels, size, size).to(device)
        joint = JointStep(geometry)
        name = f"blend and render, {levels} levels of {channels} × {size}², {device}"
        lines.append(Line(name, _milliseconds(joint, estimates, device), "ms per step"))
    return lines


def _milliseconds(joint: JointStep, estimates: Tensor, device: str) -> float:
    for _ in range(3):
        joint(estimates)
    times = [_timed(lambda: [joint(estimates) for _ in range(10)], device) for _ in range(7)]
    return statistics.median(times) * 100  # of ten calls, in ms


def _timed(work: Callable[[], Any], device: str) -> float:
    """Seconds; on the CPU those of this process alone, so that others on the machine do not count."""
    if device == "cpu":
        start = time.process_time()
        work()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.joint_overhead", description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), help="measure this one here, in this process")
    parser.add_argument("--short", action="store_true", help="smaller pictures on the CPU")
    parser.add_argument("--json", action="store_true", help="the lines as JSON, the last line printed")
    args = parser.parse_args()
    if args.device:
        torch.set_num_threads(1)
        lines = measure_here(args.device, args.short)
    else:
        lines = measure(args.short)
    for line in lines:
        print(f"{line.name:60s} {line.value:9.3f}  {line.target:8s} {line.detail}")
    if args.json:
        print(json.dumps(lines))


if __name__ == "__main__":
    main()
