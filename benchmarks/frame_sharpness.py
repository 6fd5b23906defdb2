"""python -m benchmarks.frame_sharpness LEVEL …: does the inner square of a frame between two levels stand out?

LEVELs are the saved images of one zoom, the widest first, whose middle is the focus of every step. Half way between two
of them the frame is drawn at --size, where the inner square is the deeper level's. Its high band (differences from the
mean of 3 × 3 pixels) in a strip along the border, inside over outside, is 1 where both are as sharp; a frame whose
picture is another one inside, such as a planet before the sky, need not have 1. Seams are those of the levels.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from kornia.filters import box_blur
from torch import Tensor

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.metrics import seam_ratio
from zoomstack_core.method.stack import ZoomStack
from zoomstack_core.video.draw_frame import render_frame

from .pictures import read_picture

MARGIN, STRIP = 1 / 64, 1 / 12  # of the frame: what is left out beside the border, and the width of a strip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frame_sharpness", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("levels", type=Path, nargs="+")
    parser.add_argument("--zoom-factor", type=float, default=2.0)
    parser.add_argument("--size", type=int, default=512, help="of the frame in pixels")
    args = parser.parse_args()
    images = torch.stack([read_picture(path) for path in args.levels])
    geometry = ZoomGeometry(len(images), *images.shape[-2:], args.zoom_factor)
    ratios = [sharpness_ratio(images, geometry, step, args.size) for step in range(len(images) - 1)]
    print(table(ratios, seam_ratio(images, geometry).tolist()))


def table(ratios: Sequence[float], seams: Sequence[float]) -> str:
    rows = [
        f"| {step + 1} → {step + 2} | {both[0]:.2f} | {both[1]:.2f} |"
        for step, both in enumerate(zip(ratios, seams, strict=True))
    ]
    means = [float(np.exp(np.mean(np.log(each)))) for each in (ratios, seams)]
    head = ["| step | high band inside over outside | seam |", "|---|---|---|"]
    return "\n".join([*head, *rows, f"| geometric mean | {means[0]:.2f} | {means[1]:.2f} |"])


def sharpness_ratio(images: Tensor, geometry: ZoomGeometry, step: int, size: int) -> float:
    """Amplitude of the high band inside the deeper level's square over that around it, half way through a step.

    Args:
        images: levels [N, 3, H, W] whose focus is the middle.
        step: from this level to the next, from 0.
        size: height and width of the frame in pixels.
    """
    frame = render_frame(ZoomStack(images, geometry), step + 0.5, size, size)[None]
    energy = (frame - box_blur(frame, (3, 3))).square().mean((0, 1))
    half = float(geometry.zoom_factor) ** -0.5 / 2  # of the square, in the frame's size
    centers = (torch.arange(size) + 0.5) / size - 0.5
    away = torch.maximum(centers.abs()[:, None], centers.abs()) - half
    inside, outside = ((way > MARGIN) & (way < MARGIN + STRIP) for way in (-away, away))
    return float((energy[inside].mean() / energy[outside].mean()).sqrt())


if __name__ == "__main__":
    main()
