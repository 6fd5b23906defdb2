"""Distill a trained demo model to few steps without guidance. Resumable: run it again with the same --out to go on.

    python demo/distill.py --comfyui PATH --out FOLDER --teacher demo_model.safetensors                        pixels
    python demo/distill.py … --teacher demo_model.safetensors --vae demo_vae.safetensors --latents CACHE       latents

Latent consistency distillation (Luo et al. 2023, after Song et al. 2023): the student's estimate at a noise level is to
be that of its own average one step of the guided teacher further down. So it learns the end of the teacher's way, which
samplers that draw all noise anew (lcm) reach in 4 to 8 evaluations, at cfg 1. The text encoder stays the teacher's.
Writes the files of train.py; the student is demo_few_steps.safetensors.
"""

from __future__ import annotations

import argparse
import copy
import math
from pathlib import Path

import torch
from torch import Tensor
from train import ModelTrainer, parse_options
from training import half_precision, import_host

HUBER = 0.03  # below this difference the loss is a square
TARGET = 0.95  # what the target keeps at a step


def main() -> None:
    options = parse_options(__doc__, teacher_options)
    import_host(options)
    DistillTrainer(options).run()


def teacher_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--teacher", type=Path, required=True, metavar="FILE", help="what train.py wrote")
    parser.add_argument("--guidance", type=float, default=3.0, help="of the teacher, which the student learns")
    parser.add_argument("--grid", type=int, default=30, help="steps of the teacher's whole way")


class DistillTrainer(ModelTrainer):
    exported = "demo_few_steps.safetensors"

    def __init__(self, options: argparse.Namespace):
        options.init = options.init or options.teacher
        super().__init__(options)
        self._load_weights(self.frozen, options.teacher)
        self.frozen.requires_grad_(False).to(self.device)
        self.target = copy.deepcopy(self.unet).requires_grad_(False)
        self.target.load_state_dict({k[5:]: v for k, v in self.average.items() if k.startswith("unet.")})

    def prepare(self, model: torch.nn.ModuleDict) -> None:
        self.frozen = copy.deepcopy(model)
        model["text"].requires_grad_(False)

    def step(self) -> Tensor:
        x, captions = self.source.batch(self.options.batch)
        grid = self.options.grid
        place = torch.randint(0, grid, (len(x),), device=self.device)
        t, s = (place + 1) / grid, place / grid
        z = _mixed(x, torch.randn_like(x), t)
        with half_precision(self.device):
            with torch.no_grad():
                told, free = self.encode(captions), self.encode([""] * len(captions))
                v, v_free = (self.frozen["unet"](z, t, context=c).float() for c in (told, free))
                v = v_free + self.options.guidance * (v - v_free)
                ahead = _mixed(self.source.clamp(_image(z, v, t)), _noise(z, v, t), s)
                goal = _image(ahead, self.target(ahead, s, context=told).float(), s)
            estimate = _image(z, self.unet(z, t, context=told).float(), t)
        loss = ((estimate - goal).square() + HUBER**2).sqrt().mean() - HUBER
        taken = self.descend(loss, len(x))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.target.parameters()), list(self.unet.parameters()), 1 - TARGET)
        return taken

    def write_sheet(self, guidance: float = 1.0) -> None:
        """As the teacher's, in four evaluations with the noise drawn anew."""
        self._sheet(self._few_steps)

    def _few_steps(self, shape: tuple[int, ...], context: Tensor, empty: Tensor) -> Tensor:
        noise = torch.randn(shape, device=self.device)
        made, times = torch.zeros_like(noise), (1.0, 0.75, 0.5, 0.25)
        for time in times:
            when = torch.full((len(noise),), time, device=self.device)
            z = _mixed(made, torch.randn_like(noise), when)
            made = self.source.clamp(_image(z, self.unet(z, when, context=context).float(), when))
        return made


def _angles(t: Tensor) -> tuple[Tensor, Tensor]:
    angle = (t * math.pi / 2).view(-1, 1, 1, 1)
    return torch.cos(angle), torch.sin(angle)


def _mixed(x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    alpha, sigma = _angles(t)
    return alpha * x + sigma * noise


def _image(z: Tensor, v: Tensor, t: Tensor) -> Tensor:
    alpha, sigma = _angles(t)
    return alpha * z - sigma * v


def _noise(z: Tensor, v: Tensor, t: Tensor) -> Tensor:
    alpha, sigma = _angles(t)
    return sigma * z + alpha * v


if __name__ == "__main__":
    main()
