"""A zoom sampled with a toy denoiser: python docs/examples/sample_with_a_toy_denoiser.py [--out FOLDER]

It needs zoomstack_core and PyTorch; Pillow as well to write the levels as pictures.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from torch import Tensor

from zoomstack_core import ZoomGeometry, consistency_error, render_images, sample_joint, seam_ratio

SIZE, PICTURES = 32, 16


def training_pictures(level: int) -> Tensor:
    """[PICTURES, 3, SIZE, SIZE] in -1 … 1: waves of every direction, in a color that changes with the level."""
    place = (torch.arange(SIZE) + 0.5) / SIZE
    color = torch.cos(level / 4 + torch.tensor([0.0, 2.1, 4.2])).view(1, 3, 1, 1)
    angles = torch.arange(PICTURES).view(-1, 1, 1, 1) * 2 * math.pi / PICTURES
    along = torch.cos(angles) * place + torch.sin(angles) * place[:, None]
    return 0.6 * torch.sin(4 * math.pi * along) + 0.4 * color


class ToyDenoiser:
    """The best denoiser for pictures that are drawn from a few known ones: their mean, each weighed by how likely the
    noisy picture shows it. A diffusion model learns the like from many."""

    def __init__(self, levels: int) -> None:
        self.known = torch.stack([training_pictures(level) for level in range(levels)])

    def __call__(self, z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        """Noisy pictures [n, 3, SIZE, SIZE], their sigmas [n] and their levels [n] → clean estimates."""
        known = self.known[levels]
        distances = (z[:, None] - known).square().sum((2, 3, 4))
        weights = torch.softmax(-distances / (2 * sigma[:, None] ** 2), dim=1)
        return torch.einsum("nk,nkchw->nchw", weights, known)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--levels", type=int, default=4)
    parser.add_argument("--zoom-factor", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a folder for the levels as PNG files")
    args = parser.parse_args()

    geometry = ZoomGeometry(args.levels, SIZE, SIZE, args.zoom_factor)
    sigmas = torch.cat([torch.logspace(1, -2, 20), torch.zeros(1)])
    generator = torch.Generator().manual_seed(args.seed)
    layers = sample_joint(ToyDenoiser(args.levels), geometry, sigmas, channels=3, generator=generator, sigma_data=0.6)
    images = render_images(layers, geometry)
    seams = ", ".join(f"{float(ratio):.2f}" for ratio in seam_ratio(images, geometry))
    print(f"consistency error {float(consistency_error(images, geometry)):.1e} (0: the levels agree)")
    print(f"seam ratios {seams} (1: a border does not show)")
    if args.out:
        write_pictures(images, args.out)


def write_pictures(images: Tensor, folder: Path) -> None:
    """[N, 3, H, W] in -1 … 1 as level_0.png, level_1.png, …"""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    pixels = ((images / 2 + 0.5).clamp(0, 1) * 255).round().byte().movedim(1, -1).contiguous()
    for level, picture in enumerate(pixels):
        size = picture.shape[1], picture.shape[0]
        Image.frombytes("RGB", size, bytes(picture.flatten().tolist())).save(folder / f"level_{level}.png")
        print(folder / f"level_{level}.png")


if __name__ == "__main__":
    main()
