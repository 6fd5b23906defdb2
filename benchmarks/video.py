"""python -m benchmarks.video: rendering and encoding a zoom, against the encoder alone.

A zoom through 8 levels, encoded while it is rendered, over the same frames encoded from memory at the same preset; and
the same with a roll. The two take turns. Both wall time and the processor time of the whole process are given, since
other work on the machine shows in the first. Beside that, the quality: PSNR of luma against frames rendered at three
times the size and averaged.

On Linux also the memory at 1920×1080: how far a new process rises above what it holds with the stack, at its peak.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.process_memory import STATUS, peak_of
from zoomstack_core.camera.journey import Journey
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.stack import ZoomStack
from zoomstack_core.video.ahead import work_ahead
from zoomstack_core.video.color import YUV420, Planes, to_planes
from zoomstack_core.video.draw_frame import FrameRenderer, PlaneRenderer
from zoomstack_core.video.encode import encode_video

PRESETS = ("veryfast", "medium")
LEVELS = 8
FPS = 30
ROLLS = {0.0: "<= 1.3", 30.0: "<= 2"}  # degrees per level, and the goal for render + encode / encode
SUPERSAMPLING = 3
ROOT = Path(__file__).resolve().parents[1]


class Line(NamedTuple):
    """One result, as ``benchmarks.run`` takes it."""

    name: str
    value: float
    detail: str
    target: str


def natural_stack(levels: int, size: int) -> ZoomStack:
    """Random pictures with the 1/f spectrum of natural ones."""
    generator = torch.Generator().manual_seed(0)
    frequency = torch.fft.fftfreq(size)
    radius = (frequency[:, None] ** 2 + frequency**2).sqrt().clamp_min(1 / size)
    white = torch.randn(levels, 3, size, size, generator=generator)
    pictures = torch.fft.ifft2(torch.fft.fft2(white) / radius).real
    pictures -= pictures.mean(dim=(2, 3), keepdim=True)
    pictures /= pictures.std(dim=(2, 3), keepdim=True)
    return ZoomStack((0.5 + 0.18 * pictures).clamp(0, 1), ZoomGeometry(levels, size, size, 2.0))


def measure(frames: int = 60, size: int = 1024, rounds: int = 2) -> list[Line]:
    """The ratio of wall times for every preset and roll, the median of the rounds; the quality, and the memory."""
    stack = natural_stack(LEVELS, size)
    zooms = [(LEVELS - 1) * k / (frames - 1) for k in range(frames)]
    result = []
    for roll, goal in ROLLS.items():
        renderer = PlaneRenderer(stack, size, size, YUV420, journey=_journey(stack, roll))
        ready = [renderer(zoom) for zoom in zooms]
        for preset in PRESETS:
            ratios = []
            for _ in range(rounds):
                alone = _time(ready, preset)
                with closing(work_ahead(renderer, zooms)) as rendered:
                    whole = _time(rendered, preset)
                ratios.append((whole[0] / alone[0], whole[1] / alone[1], whole[0], alone[0]))
            wall, processor, whole_seconds, alone_seconds = (
                statistics.median(column) for column in zip(*ratios, strict=True)
            )
            turning = f", {roll:g}° per level" if roll else ""
            name = f"video, {frames} frames {size}²{turning}, render + encode / encode, {preset}"
            detail = f"processor time {processor:.2f}; {whole_seconds:.1f} s / {alone_seconds:.1f} s of wall time"
            result.append(Line(name, wall, detail, goal))
    quality = f"against {SUPERSAMPLING}-fold supersampling"
    result.append(Line("video, PSNR of luma in dB", _quality(stack, size), quality, ">= 40"))
    result.append(Line("video with a roll, PSNR of luma in dB", _turned_quality(stack, size), quality, ">= 44"))
    return result + measure_memory()


def measure_memory(seconds: Sequence[float] = (10, 30)) -> list[Line]:
    """The peak for every length, each in a process of its own."""
    if not STATUS.exists():
        return []
    lines = []
    for length in seconds:
        command = [sys.executable, "-m", "benchmarks.video", "--peak-of", str(round(length * FPS))]
        output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        name = f"video, {length:g} s of 1920×1080, peak of memory beyond the stack in MB"
        lines.append(Line(name, float(output), f"{PRESETS[0]}, {os.cpu_count()} processor cores", "< 200"))
    return lines


def _peak(frames: int) -> float:
    """MB that this process needs at most, beyond what it has with a stack, to render and encode frames."""
    stack = natural_stack(LEVELS, 1024)
    zooms = [(LEVELS - 1) * k / (frames - 1) for k in range(frames)]
    with closing(work_ahead(PlaneRenderer(stack, 1080, 1920, YUV420), zooms)) as rendered:
        return peak_of(lambda: _time(rendered, PRESETS[0])) / 1e6


def _time(frames: Iterable[Planes], preset: str) -> tuple[float, float]:
    """Wall and processor seconds of an encoding."""
    with tempfile.TemporaryDirectory() as folder:
        wall, processor = time.perf_counter(), time.process_time()
        encode_video(Path(folder) / "zoom.mp4", frames, FPS, preset=preset)
        return time.perf_counter() - wall, time.process_time() - processor


def _quality(stack: ZoomStack, size: int) -> float:
    large = FrameRenderer(stack, SUPERSAMPLING * size, SUPERSAMPLING * size)
    renderer = PlaneRenderer(stack, size, size, YUV420)
    return min(_psnr(renderer(zoom).luma, _reduced(large(zoom))) for zoom in (0.3, 0.7))


def _turned_quality(stack: ZoomStack, size: int) -> float:
    """Frames with a roll. Larger ones are nearly as true: their errors are of a third of a pixel."""
    journey = _journey(stack, 30.0)
    large = FrameRenderer(stack, SUPERSAMPLING * size, SUPERSAMPLING * size, journey)
    renderer = PlaneRenderer(stack, size, size, YUV420, journey=journey)
    return min(_psnr(renderer(zoom).luma, _reduced(large(zoom))) for zoom in (0.3, 0.7, 2.3, 4.6))


def _journey(stack: ZoomStack, roll: float) -> Journey:
    return Journey(stack.geometry, Journey.of(stack.geometry).levels, roll=roll)


def _reduced(frame: Tensor) -> Tensor:
    return to_planes(torch.nn.functional.avg_pool2d(frame, SUPERSAMPLING), YUV420).luma


def _psnr(a: Tensor, b: Tensor) -> float:
    """Of two planes of luma, whose codes have a range of 219."""
    from kornia.metrics import psnr  # 0.3 s to import

    return float(psnr(a.double(), b.double(), 219.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=float, nargs="+", metavar="SECONDS", help="only the memory, for these lengths")
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak_of:
        print(_peak(arguments.peak_of))
        return
    print(f"{os.cpu_count()} processor cores, load {os.getloadavg()[0]:.1f}")
    lines = (
        measure_memory(arguments.memory)
        if arguments.memory
        else measure(arguments.frames, arguments.size, arguments.rounds)
    )
    for line in lines:
        print(f"{line.name}: {line.value:.2f} ({line.target}); {line.detail}")


if __name__ == "__main__":
    main()
