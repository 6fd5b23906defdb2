"""A small network that names the scale, the world and the galaxy of an image, trained on the procedural universe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from demo.canvas import Scene
from demo.universe import GALAXY_COLORS, KINDS, STAGES, Universe

SIZE = 64  # of the pictures that it looks at
COLORS = tuple(GALAXY_COLORS)
FIRST_PLANET, LAST_PLANET, LAST_GALAXY = 6, 13, 3  # stages that show the kind of the planet, the color of the galaxy


@dataclass(frozen=True)
class Accuracy:
    """Shares of correct answers: stage of all images, stage off by at most one, kind and color where they show."""

    stage: float
    near_stage: float
    kind: float
    color: float


class SceneClassifier(nn.Module):
    """Images [B, 3, SIZE, SIZE] in [0, 1] to logits [B, stages + kinds + colors]."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, 128)
        layers: list[nn.Module] = []
        for before, after in zip(widths, widths[1:], strict=False):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3))
        self.head = nn.Linear(128 * 16, STAGES + len(KINDS) + len(COLORS))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits = self.head(self.features(images * 2 - 1))
        stage, kind, color = logits.split([STAGES, len(KINDS), len(COLORS)], 1)
        return stage, kind, color


def train(steps: int = 1200, batch: int = 48, pool: int = 4000, size: int = 256, seed: int = 0) -> SceneClassifier:
    """On area averages of ``pool`` pictures of the size that will be judged; some minutes on one CPU core.

    Drawn at `SIZE` the ground would have finer grain than an average has.
    """
    torch.manual_seed(seed)
    universe = Universe(size, seed)
    parts: list[Tensor] = []
    shown: list[Scene] = []
    for start in range(0, pool, 500):  # larger ones would fill the memory
        pictures, scenes = draw(universe, min(500, pool - start))
        parts.append(_reduced(pictures))
        shown += scenes
    drawn, labels, network = torch.cat(parts), _labels(shown), SceneClassifier()
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(steps):
        chosen = torch.randint(0, pool, (batch,))
        images = drawn[chosen].flip(-1) if torch.rand(()) < 0.5 else drawn[chosen]
        images = images + 0.03 * torch.rand(batch, 1, 1, 1) * torch.randn_like(images)
        stage, kind, color = (label[chosen] for label in labels)
        said = network(images)
        loss = F.cross_entropy(said[0], stage)
        for logits, label in zip(said[1:], (kind, color), strict=True):
            if (label >= 0).any():
                loss = loss + F.cross_entropy(logits, label, ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def load_or_train(path: Path) -> SceneClassifier:
    """The network kept in ``path``, or a new one, which is kept there then."""
    if not path.exists():
        save_file(train().state_dict(), path)
    network = SceneClassifier()
    network.load_state_dict(load_file(path))
    return network.eval()


def draw(universe: Universe, count: int) -> tuple[Tensor, list[Scene]]:
    """Images [count, 3, size, size] and what they show; like `Universe.batch`, which gives captions instead."""
    scenes = universe.scenes(count)
    return universe.pictures(scenes), scenes


@torch.no_grad()
def accuracy(network: SceneClassifier, images: Tensor, scenes: Sequence[Scene]) -> Accuracy:
    """How many images [B, 3, H, W] show what the scenes say; larger ones are area-averaged to the network's size."""
    truth = _labels(scenes)
    stage, kind, color = (logits.argmax(1) for logits in network(_reduced(images)))
    shares = [_share(said == label, label >= 0) for said, label in zip((stage, kind, color), truth, strict=True)]
    return Accuracy(shares[0], _share((stage - truth[0]).abs() <= 1, truth[0] >= 0), shares[1], shares[2])


def _reduced(images: Tensor) -> Tensor:
    return F.interpolate(images, (SIZE, SIZE), mode="area")


def _share(correct: Tensor, counted: Tensor) -> float:
    return float(correct[counted].float().mean())


def _labels(scenes: Sequence[Scene]) -> tuple[Tensor, Tensor, Tensor]:
    """Class numbers; -1 where the image does not show it."""
    stage = torch.tensor([scene.stage for scene in scenes])
    kind = torch.tensor([KINDS.index(s.kind) if FIRST_PLANET <= s.stage <= LAST_PLANET else -1 for s in scenes])
    color = torch.tensor([COLORS.index(s.galaxy) if s.stage <= LAST_GALAXY else -1 for s in scenes])
    return stage, kind, color
