"""One stack per (setting, seed), sampled once: its numbers as JSON and its picture, kept in a folder."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from PIL import Image
from torch import Tensor

from benchmarks.ablations import ABLATIONS
from zoomstack_core.method.ladder import Front, aligned_ladder
from zoomstack_core.method.metrics import band_energy, consistency_error, seam_ratio
from zoomstack_core.method.noise import render_noise
from zoomstack_core.method.render import render_images
from zoomstack_core.method.sample import sample_joint, step_down

from .baselines import BASELINES
from .classifier import Accuracy, SceneClassifier, accuracy
from .network import DemoNetwork
from .overlap import AS_OFFERED, VariedOverlapStep
from .rows import GEOMETRY, PROMPTS, SCENES, SIGMA_DATA, SIZE, Row

SIGMA_MAX, SIGMA_MIN = 80.0, 0.01


@dataclass(frozen=True)
class Numbers:
    """What is measured of one stack.

    Attributes:
        consistency: `consistency_error`.
        seams: [N - 1], `seam_ratio`.
        energy: [N][3], `band_energy`.
        agreement: the classifier's answers about every level, against its prompt.
        seconds: CPU time.
    """

    consistency: float
    seams: list[float]
    energy: list[list[float]]
    agreement: Accuracy
    seconds: float


class Stacks:
    """Samples what is not kept yet.

    Args:
        folder: where numbers and pictures are kept.
        classifier: names what a level shows.
        fresh: forget what is there.
    """

    def __init__(self, folder: Path, classifier: SceneClassifier, fresh: bool = False) -> None:
        self.folder, self.classifier, self.fresh = folder, classifier, fresh
        self._sampled: set[Path] = set()
        self._networks: dict[float, DemoNetwork] = {}

    def numbers(self, row: Row, seed: int) -> Numbers:
        """Of the stack of one setting and seed; samples it if need be."""
        path = self._path(row, seed, ".json")
        if not path.exists() or (self.fresh and path not in self._sampled):
            self._sample(row, seed, path)
        kept = json.loads(path.read_text())["numbers"]
        return Numbers(**{**kept, "agreement": Accuracy(**kept["agreement"])})

    def picture(self, row: Row, seed: int) -> Image.Image:
        """All levels beside each other, the widest left."""
        with Image.open(self._path(row, seed, ".png")) as image:
            return image.copy()

    def _sample(self, row: Row, seed: int, path: Path) -> None:
        self._sampled.add(path)
        if row.guidance not in self._networks:
            self._networks[row.guidance] = DemoNetwork(list(PROMPTS), row.guidance)
        network = self._networks[row.guidance]
        start = time.process_time()
        images = sample(network, row, seed)
        numbers = measure(images, self.classifier, time.process_time() - start)
        beside = rearrange(images, "levels colors height width -> height (levels width) colors")
        pixels = (beside * 255).round().byte().numpy()
        Image.fromarray(pixels).save(path.with_suffix(".png"))
        path.write_text(json.dumps({"row": asdict(row), "seed": seed, "numbers": asdict(numbers)}))
        print(f"seed {seed}: {row.label}, {numbers.seconds:.0f} CPU s", flush=True)

    def _path(self, row: Row, seed: int, suffix: str) -> Path:
        return self.folder / f"{key(row)}-{seed}{suffix}"


def key(row: Row) -> str:
    """A name for everything that decides how a stack is sampled, but for the seed and the code."""
    setting: dict[str, Any] = {**asdict(row), "label": "", "prompts": PROMPTS}
    return f"{row.method}-{hashlib.sha256(repr(setting).encode()).hexdigest()[:8]}"


def sample(network: DemoNetwork, row: Row, seed: int) -> Tensor:
    """A finished stack [N, 3, H, W] in [0, 1]; the noise of the same seed is the same for every method."""
    generator = torch.Generator().manual_seed(seed)
    last = row.steps - 1
    sigmas = torch.tensor([*(SIGMA_MAX * (SIGMA_MIN / SIGMA_MAX) ** (n / last) for n in range(row.steps)), 0.0])
    noise = lambda: torch.randn(GEOMETRY.levels, 3, SIZE, SIZE, generator=generator)  # noqa: E731
    if row.method in BASELINES:
        images = BASELINES[row.method](network, GEOMETRY, sigmas, noise)
    elif row.method in ABLATIONS:
        images = ABLATIONS[row.method](network, GEOMETRY, sigmas, noise)
    elif row.overlap != AS_OFFERED:
        images = _overlap_once(network, row, sigmas, noise)
    else:
        overlap = network.overlap if row.method == "overlap_once" else None
        layers = sample_joint(
            network, GEOMETRY, sigmas, 3, None, row.method, row.alignment, overlap,
            churn=row.churn, order=row.order, sigma_data=SIGMA_DATA, noise=noise,
            wake_sigma=None if row.wake is None else row.wake / SIGMA_DATA,
        )  # fmt: skip
        images = layers if row.method == "independent" else render_images(layers, GEOMETRY)
    return (images / 2 + 0.5).clamp(0, 1)


@torch.no_grad()
def _overlap_once(network: DemoNetwork, row: Row, sigmas: Tensor, noise: Callable[[], Tensor]) -> Tensor:
    """`sample_joint` with method "overlap_once", for a variant that it does not offer."""

    def overlap(crop: Tensor, sigma: Tensor, level: int) -> Tensor:
        return network.overlap(crop, sigma, level, row.overlap)

    joiner = VariedOverlapStep(GEOMETRY, overlap, row.overlap, SIGMA_DATA)

    def joint(z: Tensor, sigma: Tensor, front: Front) -> Tensor:
        return joiner.joined(network(z, sigma, torch.tensor(front.active)), z, sigma, front)

    ladder = aligned_ladder(GEOMETRY, float(sigmas[0]), float(sigmas[-2]), row.steps, row.alignment)
    layers = step_down(joint, ladder, sigmas, lambda: render_noise(noise(), GEOMETRY), row.churn, row.order)
    return render_images(layers, GEOMETRY)


def measure(images: Tensor, classifier: SceneClassifier, seconds: float) -> Numbers:
    """Args: a finished stack [N, 3, H, W], who names its levels, and the CPU time that it took."""
    return Numbers(
        float(consistency_error(images, GEOMETRY)),
        seam_ratio(images, GEOMETRY).tolist(),
        band_energy(images).tolist(),
        accuracy(classifier, images, SCENES),
        seconds,
    )
