"""The planet's surface at any scale, from its clouds to the ground, in four kinds."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .canvas import Canvas

KINDS = ("ocean", "desert", "icy", "volcanic")

# height -> color, from the lowest to the highest ground; zero is the coast line
PALETTES = {
    "ocean": (
        (-1.6, (0.02, 0.08, 0.28)),
        (-0.5, (0.04, 0.22, 0.46)),
        (-0.02, (0.10, 0.46, 0.58)),
        (0.06, (0.66, 0.60, 0.40)),
        (0.25, (0.20, 0.43, 0.16)),
        (0.9, (0.36, 0.40, 0.18)),
        (1.5, (0.48, 0.39, 0.27)),
        (2.4, (0.90, 0.90, 0.88)),
    ),
    "desert": (
        (-1.6, (0.30, 0.12, 0.07)),
        (-0.5, (0.52, 0.24, 0.11)),
        (0.2, (0.76, 0.46, 0.23)),
        (1.0, (0.87, 0.64, 0.38)),
        (2.2, (0.96, 0.84, 0.62)),
    ),
    "icy": (
        (-1.6, (0.16, 0.36, 0.58)),
        (-0.5, (0.40, 0.64, 0.82)),
        (0.2, (0.74, 0.87, 0.95)),
        (1.0, (0.90, 0.95, 0.98)),
        (2.2, (1.0, 1.0, 1.0)),
    ),
    "volcanic": (
        (-1.6, (1.0, 0.72, 0.18)),
        (-0.9, (0.98, 0.36, 0.06)),
        (-0.5, (0.55, 0.09, 0.03)),
        (-0.2, (0.15, 0.08, 0.08)),
        (0.8, (0.23, 0.19, 0.19)),
        (2.2, (0.44, 0.39, 0.38)),
    ),
}
CLOUDS = {  # color, cover
    "ocean": ((1.0, 1.0, 1.0), 0.85),
    "desert": ((0.93, 0.80, 0.62), 0.35),
    "icy": ((0.97, 0.98, 1.0), 0.45),
    "volcanic": ((0.36, 0.33, 0.33), 0.55),
}


RELIEF = {8: 0.10, 9: 0.22, 10: 0.36, 11: 0.36, 12: 0.34}  # of the stages: how strongly slopes are lit


class Ground(Canvas):
    """Stages 8 and deeper."""

    def _surface(self, batch: int, stage: int, kind: str) -> Tensor:
        """The planet's color [B, 3, size, size] at any stage, unlit, with its clouds."""
        relief = self.field(batch, 3.3)
        offset = 0.35 * torch.randn(batch, 1, 1, generator=self.generator)
        spread = {8: 0.95, 9: 0.8, 10: 0.6, 11: 0.45, 12: 0.35}.get(stage, 1.0)
        lift = {8: 0.1, 9: 0.35, 10: 0.6, 11: 0.7, 12: 0.7}.get(stage, 0.0)
        if kind == "volcanic":
            lift = lift * 0.6
        color = paint(relief * spread + offset * (1 if stage >= 8 else 0.6) + lift, kind)
        if stage >= 9:
            return color
        tint, cover = CLOUDS[kind]
        r = (self.x**2 + self.y**2).sqrt() * 2.0**-stage
        clear = 1 - torch.exp(-((r / (0.55 / 256)) ** 2))
        cloud = ((self.field(batch, 2.7) - 0.35) * 0.8).clamp(0, 1) * cover * clear
        return color + (torch.tensor(tint).view(1, 3, 1, 1) - color) * cloud[:, None]

    def _ground(self, batch: int, stage: int, kind: str) -> Tensor:
        stage = min(stage, 12)  # deeper ground looks the same
        color = self._surface(batch, stage, kind)
        detail, shadow = self._detail(batch, stage, kind)
        color = color * (1 + 0.10 * detail[:, None]) if stage >= 10 else color
        slope = slopes(shadow)
        light = (0.88 + RELIEF[stage] * (slope / self.field.deviation(slope))).clamp(0.12, 1.45)[:, None]
        if kind == "volcanic":
            vein = self._veins(batch, stage)
            glow = torch.tensor((1.0, 0.42, 0.07)).view(1, 3, 1, 1)
            lava = (color[:, :1] - color[:, 2:]).clamp(min=0) * 1.2
            light = light + (1 - light) * lava.clamp(max=1)
            return color * light + (glow - color * light) * vein[:, None]
        if kind == "icy" and stage >= 10:
            crack = self._veins(batch, stage)
            return (
                color * light
                + (torch.tensor((0.20, 0.45, 0.68)).view(1, 3, 1, 1) - color * light) * crack[:, None] * 0.8
            )
        return color * light

    def _detail(self, batch: int, stage: int, kind: str) -> tuple[Tensor, Tensor]:
        """Fine color variation and the height field whose slopes are lit, [B, size, size] each."""
        rough = {8: 3.2, 9: 3.0, 10: 2.9, 11: 2.7, 12: 2.5}[stage]
        # the next two stages' slopes: octaves of equal energy, as strong as their light makes them
        growth = math.log2(RELIEF[min(stage + 2, 12)] / RELIEF[stage])
        height = self.field(batch, rough, 4 - growth)
        if stage <= 10:
            height = height + 0.8 * (1 - self.field(batch, 3.0).abs())  # ridges
        elif kind == "desert":  # dunes
            phase = self._uniform(batch) * 0.8 + 0.9
            waves = (self.x[None] * torch.cos(phase) + self.y[None] * torch.sin(phase)) * (14 if stage == 11 else 9)
            height = 0.45 * height + 1.1 * torch.sin(waves + 1.1 * self.field(batch, 3.6))
        return self.field(batch, 1.6), height

    def _veins(self, batch: int, stage: int) -> Tensor:
        """Thin cracks [B, size, size] in [0, 1] along the zero lines of a smooth field."""
        if stage < 9:
            return torch.zeros(batch, self.size, self.size)
        width = {9: 0.07, 10: 0.10, 11: 0.14, 12: 0.18}[stage]
        return torch.exp(-((self.field(batch, 4.4).abs() / width) ** 2))


def paint(height: Tensor, kind: str) -> Tensor:
    """Piecewise linear palette: heights [B, H, W] to colors [B, 3, H, W]."""
    stops = PALETTES[kind]
    color = torch.tensor(stops[0][1]).view(1, 3, 1, 1).expand(height.shape[0], 3, *height.shape[1:])
    for (low, _), (high, target) in zip(stops, stops[1:], strict=False):
        t = ((height - low) / (high - low)).clamp(0, 1)[:, None]
        color = color + (torch.tensor(target).view(1, 3, 1, 1) - color) * t
    return color


def slopes(height: Tensor) -> Tensor:
    """How much each point of a height field [B, H, W] faces the light from the upper left."""
    padded = torch.nn.functional.pad(height[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    return (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) * 0.8 + (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) * 0.6
