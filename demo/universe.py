"""The demo model's training images: one procedural universe seen at thirteen scales, a factor of two apart.

World convention: the point every zoom ends in is the origin. At stage k the view spans [-2^-k, 2^-k] in x and y
(y points down), so stage k+1 shows the middle half of stage k. Every object is a function of world position:
what is at the middle of one stage is what the next stage shows, which joint sampling needs (prompts that do not
share a geometry cannot be reconciled). Stars follow a Pareto flux law of slope 1, which looks the same after every
averaging by two; terrain is a power-law random field, which does too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

STAGES = 13
GALAXY_COLORS = {
    "blue": (0.30, 0.48, 1.0),
    "red": (1.0, 0.30, 0.22),
    "purple": (0.66, 0.30, 0.95),
    "golden": (1.0, 0.72, 0.25),
}
SUN_COLORS = {"yellow": (1.0, 0.86, 0.5), "red": (1.0, 0.42, 0.25), "blue": (0.65, 0.8, 1.0)}
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
KIND_WORDS = {
    "ocean": ("ocean", "ocean", "earth-like"),
    "desert": ("desert", "desert", "sandy"),
    "icy": ("icy", "icy", "frozen"),
    "volcanic": ("volcanic", "volcanic", "lava"),
}
SUN_POSITION = (-0.0375, -0.0219)  # world; seen at (-0.6, -0.35) by stage 4
SUN_RADIUS = 0.0042
PLANET_RADIUS = 0.62 / 64  # fills 0.62 of stage 6's half width
LIGHT = (-0.52, -0.34, 0.78)


@dataclass(frozen=True)
class Scene:
    """The words that one image is drawn from."""

    stage: int
    galaxy: str
    sun: str
    kind: str
    ringed: bool


class FieldBank:
    """Crops of periodic Gaussian random fields with spectrum f^-beta, zero mean and unit variance each.

    Args:
        size: height and width of the crops.
        generator: draws the fields, on its own device.
        choices: draws which crops are taken, on the CPU.
        count: fields of each spectrum.
    """

    def __init__(self, size: int, generator: torch.Generator, choices: torch.Generator, count: int = 48):
        self.size, self.generator, self.choices, self.count = size, generator, choices, count
        self.banks: dict[float, Tensor] = {}
        places = torch.arange(size * size, device="cpu").view(size, size)
        turned = [places.rot90(turn) for turn in range(4)]
        self.symmetries = torch.stack([each.flip(0) if flip else each for each in turned for flip in (0, 1)])
        self.symmetries = self.symmetries.to(generator.device)

    def __call__(self, batch: int, beta: float) -> Tensor:
        """Args: batch, beta >= 0. Returns [batch, size, size]."""
        if beta not in self.banks:
            self.banks[beta] = self._periodic(beta)
        n = 2 * self.size
        picks = self._draw(self.count, batch)
        top, left = self._draw(n, batch, 2).unbind(1)
        symmetry = self._draw(4, batch) * 2 + self._draw(2, batch)
        crop = self.symmetries[symmetry.flatten()]
        rows, columns = (top + crop // self.size) % n, (left + crop % self.size) % n
        fields = self.banks[beta].flatten()[(picks * n + rows) * n + columns]
        fields = fields - fields.mean((1, 2), keepdim=True)
        return fields / fields.std((1, 2), keepdim=True)

    def _draw(self, stop: int, batch: int, *each: int) -> Tensor:
        """Integers in [0, stop), [batch, *each, 1, 1]."""
        drawn = torch.randint(0, stop, (batch, *each), generator=self.choices, device="cpu")
        return drawn.to(self.generator.device)[..., None, None]

    def _periodic(self, beta: float) -> Tensor:
        n = 2 * self.size
        device = self.generator.device
        frequency = torch.fft.fftfreq(n, device=device)
        radius = (frequency[:, None] ** 2 + frequency[None] ** 2).sqrt()
        radius[0, 0] = 1.0
        amplitude = radius ** (-beta / 2)
        amplitude[0, 0] = 0.0
        white = torch.randn(self.count, n, n, generator=self.generator, device=device)
        return torch.fft.ifft2(torch.fft.fft2(white) * amplitude).real.contiguous()


class Universe:
    """Draws training images and captions.

    Args:
        size: height and width of the images in pixels.
        seed: all randomness comes from one generator seeded with it, or one for the CPU and one for the device.
        device: where the images are drawn and stay.
    """

    def __init__(self, size: int = 64, seed: int = 0, device: torch.device | str = "cpu"):
        self.size, self.device = size, torch.device(device)
        self.choices = torch.Generator()
        self.generator = self.choices if self.device.type == "cpu" else torch.Generator(self.device)
        self.reseed(seed)
        self.field = FieldBank(size, self.generator, self.choices)
        centers = (torch.arange(size, device=self.device) + 0.5) / size * 2 - 1
        self.y, self.x = torch.meshgrid(centers, centers, indexing="ij")

    def reseed(self, seed: int) -> None:
        self.choices.manual_seed(seed)
        self.generator.manual_seed(seed)

    def make_fields(self) -> None:
        """Draw all random fields now, so that they do not depend on which scene comes first."""
        for stage in range(STAGES):
            for kind in KINDS:
                self.draw([Scene(stage, "blue", "yellow", kind, ringed=False)])

    def batch(self, count: int) -> tuple[Tensor, list[str]]:
        """Draws `count` images of random stages. Returns images [count, 3, size, size] in [0, 1] and their captions."""
        scenes = self.scenes(count)
        return self.pictures(scenes), [self.caption(scene) for scene in scenes]

    def scenes(self, count: int) -> list[Scene]:
        """Random ones, sorted by stage and kind."""
        return sorted((self.random_scene() for _ in range(count)), key=_drawn_together)

    def pictures(self, scenes: Sequence[Scene]) -> Tensor:
        """Images [B, 3, size, size] in [0, 1] of any scenes; best sorted by stage and kind."""
        return torch.cat([self.draw(list(group)) for _, group in groupby(scenes, key=_drawn_together)])

    def random_scene(self, stage: int | None = None) -> Scene:
        return Scene(
            self._integer(STAGES) if stage is None else stage,
            self._choose(tuple(GALAXY_COLORS)),
            self._choose(tuple(SUN_COLORS)),
            self._choose(KINDS),
            self._integer(3) == 0,
        )

    def caption(self, scene: Scene) -> str:
        """One of several phrasings; each word that is left out means "any"."""
        kind = self._choose(KIND_WORDS[scene.kind])
        galaxy, sun, rings = scene.galaxy, scene.sun, " with rings" if scene.ringed else ""
        phrases = {
            0: (f"{with_article(galaxy)} spiral galaxy", f"{with_article(galaxy)} galaxy in deep space"),
            1: (f"the spiral arms of {with_article(galaxy)} galaxy", f"an arm of {with_article(galaxy)} galaxy"),
            2: (f"{with_article(galaxy)} nebula full of stars", f"{with_article(galaxy)} star cloud"),
            3: (f"a star field around a {sun} sun", f"a {sun} star in {with_article(galaxy)} star field"),
            4: (
                f"a planetary system with a {sun} sun and {with_article(kind)} planet",
                f"a {sun} sun and a small {kind} planet",
            ),
            5: (
                f"a distant {kind} planet{rings}",
                f"{with_article(kind)} planet{rings} seen from afar, near a {sun} sun",
            ),
            6: (f"{with_article(kind)} planet{rings}", f"a whole {kind} planet{rings} in space"),
            7: (f"{with_article(kind)} planet filling the view", f"a huge {kind} planet up close"),
            8: (
                f"the continents of {with_article(kind)} planet",
                f"the surface of {with_article(kind)} planet from orbit",
            ),
            9: (
                f"the highlands of {with_article(kind)} planet",
                f"{with_article(kind)} landscape seen from high above",
            ),
            10: (f"{kind} mountains seen from above", f"the mountains of {with_article(kind)} planet"),
            11: (f"{kind} hills and rocks seen from above", f"{kind} hills"),
            12: (f"{kind} ground, close up", f"rocky ground of {with_article(kind)} planet"),
        }[scene.stage]
        return self._choose(phrases)

    def draw(self, scenes: Sequence[Scene]) -> Tensor:
        """Images [B, 3, size, size] in [0, 1] of scenes that share one stage and one planet kind."""
        stage, kind = scenes[0].stage, scenes[0].kind
        if any(_drawn_together(scene) != (stage, kind) for scene in scenes):
            raise ValueError("draw takes scenes of one stage and one kind")
        with self.device:  # every constant is made there
            return self._draw(scenes)

    def _draw(self, scenes: Sequence[Scene]) -> Tensor:
        stage, kind = scenes[0].stage, scenes[0].kind
        if stage >= 8:
            return self._ground(len(scenes), stage, kind).clamp(0, 1)
        image = self._sky(scenes)
        if stage >= 2:
            image = self._add_sun(image, scenes)
        if stage >= 3:
            image = self._add_planet(image, scenes)
        return image.clamp(0, 1)

    # --- space

    def _sky(self, scenes: Sequence[Scene]) -> Tensor:
        batch, stage = len(scenes), scenes[0].stage
        hue = self._colors([GALAXY_COLORS[scene.galaxy] for scene in scenes])
        world = 2.0**-stage
        x, y = self.x * world, self.y * world
        if stage <= 1:
            light, core = self._galaxy(batch, x, y)
            warm = torch.tensor((1.0, 0.93, 0.80)).view(1, 3, 1, 1)
            image = light[:, None] * (0.85 * hue + 0.15) + core[:, None] * (0.35 * hue + 0.65 * warm)
        else:
            radius = (x**2 + y**2).sqrt()
            haze = 0.21 * (radius / 0.25).clamp(max=1.6) ** 0.75
            cloud = (1 + 0.75 * self.field(batch, 3.0)).clamp(min=0) * haze
            image = cloud[:, None] * hue
        return image + torch.tensor((0.008, 0.008, 0.018)).view(1, 3, 1, 1) + self._stars(batch)

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
        u = torch.rand(batch, 1, self.size, self.size, generator=self.generator).clamp(min=1e-4)
        flux = (density / u).clamp(max=2.2)
        bright = (flux - 0.25).clamp(min=0)
        kernel = torch.tensor([0.12, 0.76, 0.12])
        psf = (kernel[:, None] * kernel[None]).view(1, 1, 3, 3)
        spread = torch.nn.functional.conv2d(bright, psf, padding=1) + (flux - bright)
        tint = torch.rand(batch, 1, self.size // 4, self.size // 4, generator=self.generator)
        tint = torch.nn.functional.interpolate(tint, size=(self.size, self.size), mode="nearest")
        blue, orange = torch.tensor((0.75, 0.85, 1.0)).view(1, 3, 1, 1), torch.tensor((1.0, 0.85, 0.7)).view(1, 3, 1, 1)
        return spread * (blue + (orange - blue) * tint)

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

    # --- ground

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
        color = self._surface(batch, stage, kind)
        detail, shadow = self._detail(batch, stage, kind)
        color = color * (1 + 0.10 * detail[:, None]) if stage >= 10 else color
        strength = {8: 0.10, 9: 0.22, 10: 0.36, 11: 0.36, 12: 0.34}[stage]
        slope = slopes(shadow)
        light = (0.88 + strength * slope).clamp(0.12, 1.45)[:, None]
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
        height = self.field(batch, rough)
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

    # --- random choices, all from the one generator

    def _uniform(self, batch: int) -> Tensor:
        return torch.rand(batch, 1, 1, generator=self.generator)

    def _integer(self, stop: int) -> int:
        return int(torch.randint(0, stop, (1,), generator=self.choices, device="cpu"))

    def _choose(self, options: Sequence[str]) -> str:
        return options[self._integer(len(options))]

    @staticmethod
    def _colors(colors: Sequence[tuple[float, float, float]]) -> Tensor:
        return torch.tensor(colors).view(-1, 3, 1, 1)


def _drawn_together(scene: Scene) -> tuple[int, str]:
    return scene.stage, scene.kind


def with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def paint(height: Tensor, kind: str) -> Tensor:
    """Piecewise linear palette: heights [B, H, W] to colors [B, 3, H, W]."""
    stops = PALETTES[kind]
    color = torch.tensor(stops[0][1]).view(1, 3, 1, 1).expand(height.shape[0], 3, *height.shape[1:])
    for (low, _), (high, target) in zip(stops, stops[1:], strict=False):
        t = ((height - low) / (high - low)).clamp(0, 1)[:, None]
        color = color + (torch.tensor(target).view(1, 3, 1, 1) - color) * t
    return color


def slopes(height: Tensor) -> Tensor:
    """How much each point of a height field [B, H, W] faces the light from the upper left; unit variance."""
    padded = torch.nn.functional.pad(height[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    slope = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) * 0.8 + (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) * 0.6
    return slope / slope.std((1, 2), keepdim=True)
