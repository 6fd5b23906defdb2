"""Space: the galaxy and its stars, the sun, the planet with its rings and orbits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from einops import rearrange
from kornia.filters import gaussian_blur2d
from torch import Tensor
from torch.nn.functional import one_hot

from .canvas import Scene
from .ground import Ground

GALAXY_COLORS = {
    "blue": (0.30, 0.48, 1.0),
    "red": (1.0, 0.30, 0.22),
    "purple": (0.66, 0.30, 0.95),
    "golden": (1.0, 0.72, 0.25),
}
SUN_COLORS = {"yellow": (1.0, 0.86, 0.5), "red": (1.0, 0.42, 0.25), "blue": (0.65, 0.8, 1.0)}
SUN_POSITION = (-0.0375, -0.0219)  # world; seen at (-0.6, -0.35) by stage 4
SUN_RADIUS = 0.0042
PLANET_RADIUS = 0.62 / 64  # fills 0.62 of stage 6's half width
BRIGHTEST = 2.2  # flux of a star, in a pixel
LIGHT = (-0.52, -0.34, 0.78)


class Sky(Ground):
    """Stages 0 to 7. The planet shows the ground from afar."""

    def _sky(self, scenes: Sequence[Scene]) -> Tensor:
        batch, stage = len(scenes), scenes[0].stage
        hue = self._colors([GALAXY_COLORS[scene.galaxy] for scene in scenes])
        world = 2.0**-stage
        x, y = self.x * world, self.y * world
        if stage <= 1:
            image = self._galaxy_light(batch, x, y, hue)
        else:
            radius = (x**2 + y**2).sqrt()
            haze = 0.21 * (radius / 0.25).clamp(max=1.6) ** 0.75
            cloud = (1 + 0.75 * self.field(batch, 3.0)).clamp(min=0) * haze
            image = cloud[:, None] * hue
        return image + self._night(batch)

    def _night(self, batch: int) -> Tensor:
        """Stars before black that is not quite black."""
        return torch.tensor((0.008, 0.008, 0.018)).view(1, 3, 1, 1) + self._stars(batch)

    def _galaxy_light(self, batch: int, x: Tensor, y: Tensor, hue: Tensor) -> Tensor:
        light, core = self._galaxy(batch, x, y)
        warm = torch.tensor((1.0, 0.93, 0.80)).view(1, 3, 1, 1)
        return light[:, None] * (0.85 * hue + 0.15) + core[:, None] * (0.35 * hue + 0.65 * warm)

    def _galaxy(self, batch: int, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Disk and core light [B, size, size]. The core lies up and left; the origin lies in a spiral arm."""
        jitter = 0.05 * (torch.rand(batch, 2, 1, 1, generator=self.generator) * 2 - 1)
        cx, cy = -0.36 + jitter[:, 0], -0.22 + jitter[:, 1]
        tilt = 1.15 + 0.5 * self._uniform(batch)
        twist = 3.6 + 1.2 * self._uniform(batch)

        def polar(px: Tensor, py: Tensor) -> tuple[Tensor, Tensor]:
            dx, dy = px - cx, (py - cy) * tilt
            return (dx**2 + dy**2).sqrt(), torch.atan2(dy, dx)

        radius, angle = polar(x[None], y[None])
        radius0, angle0 = polar(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))
        spiral = 2 * (angle - angle0) - twist * (torch.log(radius + 0.05) - torch.log(radius0 + 0.05))
        spiral = spiral + 0.35 * self.field(batch, 3.0)
        arms = (0.5 + 0.5 * torch.cos(spiral)) ** 2
        clumps = (1 + 0.35 * self.field(batch, 2.2)).clamp(min=0)
        disk = 1.25 * torch.exp(-radius / 0.36) * (0.16 + 1.05 * arms) * clumps
        core = 1.25 * torch.exp(-((radius / 0.085) ** 2)) + 0.45 * torch.exp(-radius / 0.10)
        return disk, core

    def _stars(self, batch: int, density: float = 0.0022) -> Tensor:
        """Point stars [B, 3, size, size] with N(flux > b) = density / b per pixel: the same law after averaging."""
        flux = self._fluxes(batch, self.size, density)
        bright = (flux - 0.25).clamp(min=0)
        kernel = torch.tensor([0.12, 0.76, 0.12])
        psf = (kernel[:, None] * kernel[None]).view(1, 1, 3, 3)
        spread = torch.nn.functional.conv2d(bright, psf, padding=1) + (flux - bright)
        if self.field.native < self.size:
            spread = spread + self._brighter_stars(batch, density)
        tint = torch.rand(batch, 1, self.size // 4, self.size // 4, generator=self.generator)
        tint = torch.nn.functional.interpolate(tint, size=(self.size, self.size), mode="nearest")
        blue, orange = torch.tensor((0.75, 0.85, 1.0)).view(1, 3, 1, 1), torch.tensor((1.0, 0.85, 0.7)).view(1, 3, 1, 1)
        return spread * (blue + (orange - blue) * tint)

    def _fluxes(self, batch: int, size: int, density: float) -> Tensor:
        """One star in each of [B, 1, size, size] pixels."""
        u = torch.rand(batch, 1, size, size, generator=self.generator).clamp(min=1e-4)
        return (density / u).clamp(max=BRIGHTEST)

    def _brighter_stars(self, batch: int, density: float) -> Tensor:
        """Those that are stars at the native size, and larger than a pixel here."""
        native, finer = self.field.native, self.size // self.field.native
        flux = self._fluxes(batch, native, density) * finer**2
        flux = flux * (flux > BRIGHTEST)
        places = torch.randint(0, finer**2, (batch, native, native), generator=self.generator)
        apart = rearrange(one_hot(places, finer**2) * flux[:, 0, ..., None], "b h w (y x) -> b 1 (h y) (w x)", y=finer)
        return gaussian_blur2d(apart, (9, 9), (0.3 * finer, 0.3 * finer))

    def _add_sun(self, image: Tensor, scenes: Sequence[Scene]) -> Tensor:
        world = 2.0 ** -scenes[0].stage
        color = self._colors([SUN_COLORS[scene.sun] for scene in scenes])
        distance = ((self.x * world - SUN_POSITION[0]) ** 2 + (self.y * world - SUN_POSITION[1]) ** 2).sqrt()
        distance = (distance / SUN_RADIUS)[None, None]
        pixel = world * 2 / self.size / SUN_RADIUS
        disk = ((1 - distance) / pixel + 0.5).clamp(0, 1) if pixel < 1 else torch.exp(-((distance / pixel) ** 2))
        glow = 0.9 / (1 + (distance.clamp(min=1.0) - 1) / 0.9) ** 1.6
        lit = 1 - (1 - image.clamp(0, 1)) * (1 - glow * color).clamp(min=0)
        return lit + disk * (1.15 * (0.35 * color + 0.65) - lit)

    def _add_planet(self, image: Tensor, scenes: Sequence[Scene]) -> Tensor:
        batch, stage, kind = len(scenes), scenes[0].stage, scenes[0].kind
        radius_view = PLANET_RADIUS * 2.0**stage
        image = self._add_orbits(image, stage)
        x, y = self.x / radius_view, self.y / radius_view
        r = (x**2 + y**2).sqrt()
        height = (1 - r**2).clamp(min=0).sqrt()
        facing = (height * LIGHT[2] + x * LIGHT[0] + y * LIGHT[1]).clamp(min=0)
        lit = (1.12 * facing + 0.03).clamp(max=1.15)[None, None]
        surface = self._surface(batch, stage, kind)
        if kind == "volcanic":  # lava glows on the night side too
            glow = (surface[:, :1] - surface[:, 2:]).clamp(min=0)
            surface = surface * lit.maximum(glow.clamp(max=1))
        else:
            surface = surface * lit
        rim = {
            "ocean": (0.35, 0.6, 1.0),
            "desert": (1.0, 0.6, 0.35),
            "icy": (0.7, 0.85, 1.0),
            "volcanic": (1.0, 0.3, 0.1),
        }
        air = torch.tensor(rim[kind]).view(1, 3, 1, 1)
        side = (0.35 + 0.65 * (-(x * 0.84 + y * 0.54) / r.clamp(min=1e-3))).clamp(min=0.05)
        halo = 0.55 * torch.exp(-(r - 1).clamp(min=0) * 11) * side
        image = 1 - (1 - image.clamp(0, 1)) * (1 - halo[None, None] * air)
        surface = surface + 0.35 * air * ((r**6) * side)[None, None].clamp(max=1)
        edge = 2 / self.size / radius_view
        inside = ((1 - r) / edge + 0.5).clamp(0, 1)[None, None]
        ringed = torch.tensor([float(scene.ringed) for scene in scenes]).view(-1, 1, 1, 1)
        if stage <= 6 and ringed.any():
            return self._add_rings(image, surface, inside, ringed, x, y)
        return image + (surface - image) * inside

    def _add_rings(
        self, image: Tensor, surface: Tensor, inside: Tensor, ringed: Tensor, x: Tensor, y: Tensor
    ) -> Tensor:
        """Rings from 1.35 to 2.1 planet radii, tilted; the lower half passes before the planet."""
        along, across = x * 0.95 + y * 0.30, -x * 0.30 + y * 0.95
        d = (along**2 + (across / 0.22) ** 2).sqrt()
        bands = 0.75 + 0.25 * torch.cos(d * 26)
        alpha = (((d - 1.35) / 0.08).clamp(0, 1) * ((2.1 - d) / 0.12).clamp(0, 1) * 0.85 * bands)[None, None] * ringed
        color = torch.tensor((0.86, 0.78, 0.64)).view(1, 3, 1, 1)
        behind = image + (color - image) * alpha
        planet = behind + (surface - behind) * inside
        front = (across > 0).float()[None, None] * alpha
        return planet + (color - planet) * front

    def _add_orbits(self, image: Tensor, stage: int) -> Tensor:
        strength = {3: 0.10, 4: 0.20, 5: 0.12}.get(stage, 0.0)
        if strength == 0.0:
            return image
        world = 2.0**-stage
        dx, dy = self.x * world - SUN_POSITION[0], (self.y * world - SUN_POSITION[1]) * 1.7
        rho = (dx**2 + dy**2).sqrt()
        rho0 = math.hypot(SUN_POSITION[0], SUN_POSITION[1] * 1.7)
        width = 1.3 * world * 2 / self.size
        lines = sum((torch.exp(-(((rho - rho0 * f) / width) ** 2)) for f in (0.62, 1.0, 1.5)), torch.zeros_like(rho))
        return image + strength * lines[None, None] * torch.tensor((0.6, 0.72, 1.0)).view(1, 3, 1, 1)
