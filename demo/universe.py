"""The demo model's training images: one procedural universe seen at fifteen scales, a factor of two apart.

World convention: the point every zoom ends in is the origin. At stage k the view spans [-2^-k, 2^-k] in x and y
(y points down), so stage k+1 shows the middle half of stage k. Every object is a function of world position:
what is at the middle of one stage is what the next stage shows, which joint sampling needs (prompts that do not
share a geometry cannot be reconciled). Stars follow a Pareto flux law of slope 1, which looks the same after every
averaging by two; terrain is a power-law random field, which does too.

The ground of some scenes has a dark pool in the middle, from stage 11 on, that mirrors a galaxy: what would be stage
15 is stage 0, and the zoom never ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .canvas import Scene
from .ground import KINDS
from .sky import GALAXY_COLORS, SUN_COLORS, Sky
from .world import World, with_article

STAGES = 15
FIRST_POOL = 11
POOL_RADIUS = 1.25 * 2.0**-14  # more than half the width of stage 14, less than its diagonal
KIND_WORDS = {
    "ocean": ("ocean", "ocean", "earth-like"),
    "desert": ("desert", "desert", "sandy"),
    "icy": ("icy", "icy", "frozen"),
    "volcanic": ("volcanic", "volcanic", "lava"),
}


class Universe(Sky, World[Scene]):
    """Draws training images and captions."""

    stages = STAGES
    scene_type = Scene

    def make_fields(self) -> None:
        """Draw all random fields now, so that they do not depend on which scene comes first."""
        for stage in range(STAGES):
            for kind in KINDS:
                self.draw([Scene(stage, "blue", "yellow", kind, ringed=False)])

    def random_scene(self, stage: int | None = None) -> Scene:
        stage = self._integer(STAGES) if stage is None else stage
        return Scene(
            stage,
            self._choose(tuple(GALAXY_COLORS)),
            self._choose(tuple(SUN_COLORS)),
            self._choose(KINDS),
            ringed=self._integer(3) == 0,
            pool=stage > 12 or (stage >= FIRST_POOL and self._integer(3) == 0),
        )

    def drawn_together(self, scene: Scene) -> tuple[int, str]:
        return scene.stage, scene.kind

    def caption(self, scene: Scene) -> str:
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
            13: (f"a dark pool full of stars in {kind} ground", f"{kind} ground around a dark pool full of stars"),
            14: (
                f"{with_article(galaxy)} galaxy mirrored in a dark pool",
                f"a dark pool in {kind} ground mirrors {with_article(galaxy)} galaxy",
            ),
        }
        with_pool = {
            11: (f"{kind} hills and rocks around a dark pool", f"{kind} hills with a dark pool"),
            12: (f"{kind} ground with a dark pool, close up", f"a dark pool in {kind} ground"),
        }
        return self._choose((with_pool if scene.pool and scene.stage in with_pool else phrases)[scene.stage])

    def _draw(self, scenes: Sequence[Scene]) -> Tensor:
        stage, kind = scenes[0].stage, scenes[0].kind
        if stage >= 8:
            image = self._ground(len(scenes), stage, kind)
            return (self._add_pool(image, scenes) if stage >= FIRST_POOL else image).clamp(0, 1)
        image = self._sky(scenes)
        if stage >= 2:
            image = self._add_sun(image, scenes)
        if stage >= 3:
            image = self._add_planet(image, scenes)
        return image.clamp(0, 1)

    def _add_pool(self, image: Tensor, scenes: Sequence[Scene]) -> Tensor:
        """A dark pool in the middle of the ground, with stars and the galaxy of stage 0 in it."""
        batch, stage = len(scenes), scenes[0].stage
        lobes = torch.arange(2, 6, device=self.device).view(1, -1, 1, 1)
        phases = 2 * math.pi * torch.rand(batch, 4, 1, 1, generator=self.generator)
        waves = (torch.cos(lobes * torch.atan2(self.y, self.x) + phases) / lobes).sum(1)
        radius = POOL_RADIUS * 2.0**stage * (1 + 0.12 * waves)
        depth = 1 - (self.x**2 + self.y**2).sqrt() / radius  # 0 at the rim, 1 in the middle
        inside = (depth / 0.10).clamp(0, 1)[:, None]
        inside = inside**2 * (3 - 2 * inside)
        mirrored = self._mirrored_galaxy(scenes)
        wet = 1 - 0.55 * ((depth + 0.25) / 0.25).clamp(0, 1)[:, None]  # the ground gets darker towards the rim
        pool = torch.tensor([float(scene.pool) for scene in scenes]).view(-1, 1, 1, 1)
        filled = image * wet + (mirrored - image * wet) * inside
        return image + (filled - image) * pool

    def _mirrored_galaxy(self, scenes: Sequence[Scene]) -> Tensor:
        """The sky of stage 0, which would be stage `STAGES`, at the scale of the scenes."""
        hue = self._colors([GALAXY_COLORS[scene.galaxy] for scene in scenes])
        smaller = 2.0 ** (STAGES - scenes[0].stage)
        return self._galaxy_light(len(scenes), self.x * smaller, self.y * smaller, hue) + self._night(len(scenes))
