"""Scenes of the LoRA: one forest seen at fifteen scales, a factor of two apart, from a coast to a cell of a leaf.

World convention: as of `universe`: the point that every zoom ends in is the origin, and stage k spans [-2^-k, 2^-k].
A crown stands there, in it a leaf, in the leaf a cell. What is smaller than a few pixels is drawn as a texture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .world import World, with_article

LEAVES = {  # of a season: in the light, and how they differ
    "green": ((0.26, 0.48, 0.13), (0.10, 0.10, 0.05)),
    "red": ((0.70, 0.20, 0.08), (0.16, 0.14, 0.04)),
    "golden": ((0.86, 0.60, 0.14), (0.10, 0.16, 0.06)),
}
GROUND = (0.07, 0.07, 0.04)
WATER, SHALLOW, SAND = (0.03, 0.16, 0.34), (0.12, 0.48, 0.56), (0.82, 0.73, 0.53)
VIOLET = (0.45, 0.38, 0.56)
COAST = 0.5  # distance of the sea from the origin
CROWNS, LEAF, MESHES, CELLS = 0.05, 1.25 / 2**8, 0.22 / 2**10, 0.16 / 2**11  # distances and a half length, in stage 0
TURN = 0.6  # of the leaf in the middle
TISSUE = {9: 0.15, 10: 0.4, 11: 0.7, 12: 0.9}  # how much of what lies in a leaf is seen; deeper all of it
HERE = 0.1, -0.16  # where the origin lies in it, along and across, in half lengths


@dataclass(frozen=True)
class ForestScene:
    """The words that one image is drawn from."""

    stage: int
    season: str


class Forest(World[ForestScene]):
    """Draws training images and captions."""

    stages = 15
    scene_type = ForestScene

    def random_scene(self, stage: int | None = None) -> ForestScene:
        stage = self._integer(self.stages) if stage is None else stage
        return ForestScene(stage, self._choose(tuple(LEAVES)))

    def drawn_together(self, scene: ForestScene) -> tuple[int, str]:
        return scene.stage, ""

    def caption(self, scene: ForestScene) -> str:
        season = scene.season
        a_season = with_article(season)
        return self._choose(
            (
                (f"the coast of {a_season} forest", f"{a_season} forest by the sea, seen from high above"),
                (f"{a_season} forest near the coast", f"{a_season} forest with a beach"),
                (f"{a_season} forest seen from above", f"a wide {season} forest"),
                (f"{season} tree tops seen from above", f"the trees of {a_season} forest"),
                (f"a few {season} trees seen from above", f"{season} trees, close up"),
                (f"the crown of {a_season} tree", f"{a_season} tree seen from above"),
                (f"the foliage of {a_season} tree", f"many {season} leaves"),
                (f"{season} leaves, close up", f"a few {season} leaves"),
                (f"{a_season} leaf", f"a whole {season} leaf"),
                (f"the veins of {a_season} leaf", f"{a_season} leaf, close up"),
                (f"the fine veins of {a_season} leaf", f"fine veins in {a_season} leaf, close up"),
                (f"the cells of {a_season} leaf", f"{a_season} leaf under the microscope"),
                (f"many {season} plant cells", f"{season} plant cells under the microscope"),
                (f"a few {season} plant cells", f"{season} plant cells, close up"),
                (f"one {season} plant cell", f"{a_season} plant cell with its nucleus"),
            )[scene.stage]
        )

    def _draw(self, scenes: Sequence[ForestScene]) -> Tensor:
        batch, stage = len(scenes), scenes[0].stage
        color = self._colors([LEAVES[scene.season][0] for scene in scenes])
        differ = self._colors([LEAVES[scene.season][1] for scene in scenes])
        if stage <= 5:
            return self._canopy(batch, stage, color, differ).clamp(0, 1)
        if stage > max(TISSUE):
            return self._tissue(batch, stage, color).clamp(0, 1)
        image = self._leaves(batch, stage, color, differ)
        if stage in TISSUE:
            image = image + (self._tissue(batch, stage, color) - image) * TISSUE[stage]
        return image.clamp(0, 1)

    # --- from the coast to a crown

    def _canopy(self, batch: int, stage: int, color: Tensor, differ: Tensor) -> Tensor:
        spacing = CROWNS * 2**stage
        height = torch.zeros(batch, self.size, self.size)
        light, kind = torch.zeros_like(height), torch.zeros_like(height)
        for dx, dy, chance in self._near(batch, spacing):
            radius = spacing * (0.4 + 0.5 * chance[..., 0])
            outward = (dx**2 + dy**2) / radius**2
            dome = (1 - outward).clamp(min=0).sqrt() * (0.7 + 0.5 * chance[..., 1])
            above = dome > height
            height = torch.where(above, dome, height)
            light = torch.where(above, -(0.62 * dx + 0.5 * dy) / radius, light)
            kind = torch.where(above, chance[..., 2], kind)
        rough = self.field(batch, 1.8 if stage < 4 else 2.4)
        shade = (0.5 + 0.35 * height + 0.5 * light + 0.12 * rough).clamp(0.08, 1.35)
        leaves = color + differ * (2 * kind[:, None] - 1) + 0.3 * differ * self.field(batch, 2.6)[:, None]
        if stage >= 4:
            single, edge = self._layer_of_leaves(batch, stage, color, differ)
            leaves, shade = 0.35 * leaves + 0.65 * single, shade * (0.75 + 0.35 * edge)
        ground = torch.tensor(GROUND).view(1, 3, 1, 1) * (1 + 0.3 * rough[:, None])
        image = torch.where(height[:, None] > 0, leaves * shade[:, None], ground)
        return self._add_sea(image, stage) if stage <= 2 else image

    def _add_sea(self, image: Tensor, stage: int) -> Tensor:
        batch, world = len(image), 2.0**-stage
        bays = 0.16 * self.field(batch, 3.4) * world**0.9
        inland = COAST + (0.8 * self.x - 0.6 * self.y) * world + bays  # distance from the water
        shallow = torch.exp(inland.clamp(max=0) / 0.12)[:, None]
        water, near, sand = (torch.tensor(each).view(1, 3, 1, 1) for each in (WATER, SHALLOW, SAND))
        sea = water + (near - water) * shallow + 0.012 * self.field(batch, 1.6)[:, None]
        foam = torch.exp(-(((inland + 0.006) / 0.008) ** 2))[:, None]
        sea = sea + (0.95 - sea) * 0.7 * foam
        beach = sand * (1 + 0.05 * self.field(batch, 2.0)[:, None])
        pixel = 2 * world / self.size
        on_land = ((inland - 0.05 - 0.02 * self.field(batch, 2.6)) / pixel / 2 + 0.5).clamp(0, 1)[:, None]
        on_sand = (inland / pixel / 2 + 0.5).clamp(0, 1)[:, None]
        return sea + (beach + (image - beach) * on_land - sea) * on_sand

    # --- leaves

    def _leaves(self, batch: int, stage: int, color: Tensor, differ: Tensor) -> Tensor:
        image, edge = self._layer_of_leaves(batch, stage, color, differ)
        image = image * (0.55 + 0.5 * edge)[:, None]
        if stage >= 8:
            lines = self._meshes(batch, stage)
            image = image * (1 + 0.05 * self.field(batch, 2.0)[:, None]) * (1 - 0.22 * lines)[:, None]
        return image

    def _layer_of_leaves(self, batch: int, stage: int, color: Tensor, differ: Tensor) -> tuple[Tensor, Tensor]:
        """Colors [B, 3, size, size], and how high the uppermost leaf is, darker where one above it has its edge."""
        half = LEAF * 2**stage
        shape = batch, self.size, self.size
        image = torch.tensor(GROUND).view(1, 3, 1, 1).expand(batch, 3, *shape[1:]).clone()
        height = torch.zeros(shape)
        pixel = 2 / self.size
        for dx, dy, chance in self._near(batch, 0.8 * half, reach=2):
            angle = 2 * math.pi * chance[..., 0]
            level = 0.1 + 0.8 * chance[..., 1]
            image, height = self._put_leaf(
                image, height, level, dx, dy, angle, half, pixel, color + differ * (2 * chance[..., 2] - 1)[:, None]
            )
        along, across = (
            self.x * math.cos(TURN) + self.y * math.sin(TURN),
            self.y * math.cos(TURN) - self.x * math.sin(TURN),
        )
        along, across = along + HERE[0] * half, across + HERE[1] * half
        dx = (along * math.cos(TURN) - across * math.sin(TURN))[None].expand(shape)
        dy = (along * math.sin(TURN) + across * math.cos(TURN))[None].expand(shape)
        turn, top = torch.full(shape, TURN), torch.ones(shape)
        return self._put_leaf(image, height, top, dx, dy, turn, half, pixel, color.expand(-1, -1, *shape[1:]))

    @staticmethod
    def _put_leaf(
        image: Tensor,
        height: Tensor,
        level: Tensor,
        dx: Tensor,
        dy: Tensor,
        angle: Tensor,
        half: float,
        pixel: float,
        color: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """A leaf of half length `half` at (-dx, -dy) over what lies lower than `level`; its shadow around it."""
        u = (dx * torch.cos(angle) + dy * torch.sin(angle)) / half
        v = (dy * torch.cos(angle) - dx * torch.sin(angle)) / half
        outline = 0.44 * (1 - u.clamp(-1, 1) ** 2) * (1 - 0.25 * u)
        inside = outline - v.abs()  # in half lengths
        fine = pixel / half
        cover = (inside / fine + 0.5).clamp(0, 1) * (u.abs() < 1)
        middle = torch.exp(-((v / (0.018 * (1.2 - u).clamp(min=0.2)).clamp(min=0.4 * fine)) ** 2))
        rank = (u - 0.55 * v.abs()) * 7 + 0.5
        apart = (rank - rank.round()).abs() / 7
        sides = torch.exp(-((apart / max(0.010, 0.4 * fine)) ** 2)) * (1 - 0.6 * (v.abs() / 0.44).clamp(0, 1))
        veins = middle.maximum(0.7 * sides) if half > 0.12 else middle
        bulge = torch.cos((rank - rank.round()) * 2 * math.pi) * 0.06
        light = 0.62 + 0.42 * level + bulge - 0.10 * torch.tanh(v / 0.06)
        leaf = color * light[:, None]
        pale = 0.5 * leaf + 0.5 * torch.tensor((0.86, 0.84, 0.56)).view(1, 3, 1, 1)
        leaf = leaf + (pale - leaf) * (0.65 * veins)[:, None]
        above = (level >= height).float()
        cover = cover * above
        shadow = 1 - 0.45 * torch.exp(-((-inside).clamp(min=0) / 0.08)) * (inside < 0) * (u.abs() < 1.08) * above
        image = image * shadow[:, None]
        return image + (leaf - image) * cover[:, None], height + (level - height) * cover

    def _meshes(self, batch: int, stage: int) -> Tensor:
        """The net of the finest veins, [B, size, size] in [0, 1]."""
        spacing = MESHES * 2**stage
        first, second, _, _ = self._two_nearest(batch, spacing)
        return torch.exp(-(((second - first) / spacing / 0.11) ** 2))

    # --- cells

    def _tissue(self, batch: int, stage: int, color: Tensor) -> Tensor:
        spacing = CELLS * 2**stage
        walls, deep, dx, dy = self._cells(batch, stage)
        pale = 0.45 * color + 0.55 * torch.tensor((0.90, 0.93, 0.74)).view(1, 3, 1, 1)
        inside = pale + (0.55 * color + 0.35 - pale) * (0.7 * deep)[:, None]
        image = inside * (1 + 0.04 * self.field(batch, 2.4)[:, None])
        if stage <= 12:
            image = image + (color - image) * (0.4 * (1 - deep))[:, None]
            image = image * (1 - 0.30 * self._meshes(batch, stage))[:, None]
        if stage >= 11:
            shown = min(1.0, 0.4 * (stage - 10))
            image = self._add_grains(image, spacing, deep, color, 0.9 * shown)
            image = self._add_nucleus(image, spacing, dx, dy, 0.85 * shown)
        border = 0.55 * color + torch.tensor((0.16, 0.20, 0.06)).view(1, 3, 1, 1)
        return image + (border - image) * (0.85 * walls)[:, None]

    def _cells(self, batch: int, stage: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Walls and depth inside a cell [B, size, size] in [0, 1], and the way from the cell's middle."""
        spacing = CELLS * 2**stage
        first, second, dx, dy = self._two_nearest(batch, spacing)
        between = (second - first) / spacing
        return torch.exp(-((between / 0.085) ** 4)), (between / 0.7).clamp(0, 1), dx, dy

    def _add_grains(self, image: Tensor, spacing: float, deep: Tensor, color: Tensor, strength: float) -> Tensor:
        """Chloroplasts: small lenses that lie along the walls."""
        apart, pixel = 0.24 * spacing, 2 / self.size
        for dx, dy, chance in self._near(len(image), apart):
            radius = apart * (0.30 + 0.14 * chance[..., 0])
            along, across = dx * 0.8 + dy * 0.6, dy * 0.8 - dx * 0.6
            squeeze = 1 + 0.5 * chance[..., 1]
            distance = (along**2 + (across * squeeze) ** 2).sqrt()
            cover = (
                ((radius - distance) / pixel + 0.5).clamp(0, 1)
                * ((deep - 0.15) / 0.15).clamp(0, 1)
                * ((0.85 - deep) / 0.15).clamp(0, 1)
                * (chance[..., 2] < 0.8)
            )
            light = 0.55 + 0.5 * (1 - distance / radius).clamp(0, 1) - 0.15 * (dx + dy) / radius
            image = image + (color * light[:, None] - image) * (strength * cover)[:, None]
        return image

    def _add_nucleus(self, image: Tensor, spacing: float, dx: Tensor, dy: Tensor, strength: float) -> Tensor:
        pixel = 2 / self.size
        distance = (dx**2 + dy**2).sqrt()
        for radius, tint in ((0.15 * spacing, VIOLET), (0.055 * spacing, (0.25, 0.16, 0.36))):
            cover = ((radius - distance) / pixel + 0.5).clamp(0, 1)
            light = 1.0 - 0.25 * (dx + dy) / radius * (distance < radius)
            body = torch.tensor(tint).view(1, 3, 1, 1) * light[:, None]
            image = image + (body - image) * (strength * cover)[:, None]
        return image

    # --- points that are strewn evenly

    def _near(
        self, batch: int, spacing: float, reach: int = 1, strewn: float = 1.0
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The strewn points around each pixel: the way from them [B, size, size], and chances of each [B, …, 5].

        `strewn` is over how much of the spacing a point may lie anywhere.
        """
        count = 2 * (math.ceil(1 / spacing) + reach + 1) + 1
        chances = torch.rand(batch, count, count, 5, generator=self.generator)
        middle = count // 2
        chances[:, middle, middle] = torch.tensor((0.7, 0.999, 0.5, 0.5, 0.5))  # one at the origin, over the others
        row = (self.y / spacing).round().long()
        for down in range(-reach, reach + 1):
            aside = 0.5 * ((row + down) % 2)  # every other row, so that no columns are seen
            column = (self.x / spacing - aside).round().long()
            for right in range(-reach, reach + 1):
                near = chances[:, row + down + middle, column + right + middle]
                there_x = (column + right + aside + strewn * (near[..., 3] - 0.5)) * spacing
                there_y = (row + down + strewn * (near[..., 4] - 0.5)) * spacing
                yield self.x - there_x, self.y - there_y, near

    def _two_nearest(self, batch: int, spacing: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Distances of the nearest and the second of the points, and the way from the nearest, [B, size, size]."""
        first = torch.full((batch, self.size, self.size), math.inf)
        second, way_x, way_y = first.clone(), torch.zeros_like(first), torch.zeros_like(first)
        for dx, dy, _ in self._near(batch, spacing, strewn=0.75):
            distance = (dx**2 + dy**2).sqrt()
            second = torch.minimum(second, torch.maximum(first, distance))
            way_x, way_y = torch.where(distance < first, dx, way_x), torch.where(distance < first, dy, way_y)
            first = torch.minimum(first, distance)
        return first, second, way_x, way_y
