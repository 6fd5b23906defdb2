"""A procedural world: random scenes, their captions and pictures. What the demo's networks are trained on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from itertools import groupby
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from .canvas import Canvas


class AtStage(Protocol):
    """Of the words that an image is drawn from, the scale."""

    @property
    def stage(self) -> int: ...


SceneT = TypeVar("SceneT", bound=AtStage)


class World(Canvas, Generic[SceneT]):
    """What a world gives: its number of stages, its class of scenes, and the abstract methods.

    Args:
        size: height and width of the images in pixels.
        seed: all randomness comes from one generator seeded with it, or one for the CPU and one for the device.
        device: where the images are drawn and stay.
        native: the size whose scenes these are, a divisor of `size` and by default the same: averages of larger images
            look like images of that size, and their finer detail is what the next stages show.
    """

    stages: int
    scene_type: type[SceneT]

    @abstractmethod
    def random_scene(self, stage: int | None = None) -> SceneT:
        """Of any stage, or of this one."""

    @abstractmethod
    def caption(self, scene: SceneT) -> str:
        """One of several phrasings; each word that is left out means "any"."""

    @abstractmethod
    def drawn_together(self, scene: SceneT) -> tuple[int, Hashable]:
        """Equal for scenes that `draw` takes at once; the stage first."""

    @abstractmethod
    def _draw(self, scenes: Sequence[SceneT]) -> Tensor:
        """Images of scenes that are drawn together, [B, 3, size, size]."""

    def make_fields(self) -> None:
        """Draw all random fields now, so that they do not depend on which scene comes first."""
        for stage in range(self.stages):
            self.draw([self.random_scene(stage)])

    def batch(self, count: int) -> tuple[Tensor, list[str]]:
        """Draws `count` images of random stages. Returns images [count, 3, size, size] in [0, 1] and their captions."""
        scenes = self.scenes(count)
        return self.pictures(scenes), [self.caption(scene) for scene in scenes]

    def scenes(self, count: int) -> list[SceneT]:
        """Random ones, sorted by what is drawn together."""
        return sorted((self.random_scene() for _ in range(count)), key=self.drawn_together)

    def pictures(self, scenes: Sequence[SceneT]) -> Tensor:
        """Images [B, 3, size, size] in [0, 1] of any scenes; best sorted as `scenes` are."""
        return torch.cat([self.draw(list(group)) for _, group in groupby(scenes, key=self.drawn_together)])

    def draw(self, scenes: Sequence[SceneT]) -> Tensor:
        """Images [B, 3, size, size] in [0, 1] of scenes that are drawn together."""
        if len({self.drawn_together(scene) for scene in scenes}) != 1:
            raise ValueError("draw takes scenes of one stage and one kind")
        with self.device:  # every constant is made there
            return self._draw(scenes)

    def _integer(self, stop: int) -> int:
        return int(torch.randint(0, stop, (1,), generator=self.choices, device="cpu"))

    def _choose(self, options: Sequence[str]) -> str:
        return options[self._integer(len(options))]


def with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
