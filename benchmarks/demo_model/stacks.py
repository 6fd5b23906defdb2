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
from zoomstack_core.method.sample import common_ladder, sample_joint, step_down

from .agree import ThroughVae, agreement, moment
from .baselines import BASELINES
from .classifier import Accuracy, SceneClassifier, accuracy
from .network import DemoNetwork
from .rows import CHANNELS, LATENTS, PICTURES, PROMPTS, SCENES, Row

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
        self._networks: dict[tuple[float, bool], DemoNetwork] = {}

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
        kind = row.guidance, row.few_steps
        if kind not in self._networks:
            self._networks[kind] = DemoNetwork(list(PROMPTS), *kind)
        network = self._networks[kind]
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


@torch.inference_mode()
def sample(network: DemoNetwork, row: Row, seed: int) -> Tensor:
    """A finished stack [N, 3, H, W] in [0, 1]; the noise of the same seed is the same for every method."""
    generator = torch.Generator().manual_seed(seed)
    last = row.steps - 1
    sigmas = torch.tensor([*(SIGMA_MAX * (SIGMA_MIN / SIGMA_MAX) ** (n / last) for n in range(row.steps)), 0.0])
    shape = LATENTS.levels, CHANNELS, LATENTS.height, LATENTS.width
    noise = lambda: torch.randn(shape, generator=generator)  # noqa: E731
    pictures = ThroughVae(network.vae)
    if row.method in BASELINES:
        latents = BASELINES[row.method](network, LATENTS, sigmas, noise, pictures)
    elif row.method in ABLATIONS:
        latents = ABLATIONS[row.method](network, LATENTS, sigmas, noise, pictures=pictures)
    elif row.method == "independent":
        latents = sample_joint(
            network, LATENTS, sigmas, CHANNELS, None, "independent", churn=row.churn, order=row.order, noise=noise
        )
    else:
        latents = _together(network, row, sigmas, noise)
    images = pictures.decode(latents)
    return images if row.method == "independent" else render_images(images, PICTURES).clamp(0, 1)


def _together(network: DemoNetwork, row: Row, sigmas: Tensor, noise: Callable[[], Tensor]) -> Tensor:
    """Latents [N, C, h, w] of levels that agree after every evaluation."""
    ladder = common_ladder(LATENTS, sigmas)
    if row.alignment > 0:
        ladder = aligned_ladder(LATENTS, SIGMA_MAX, SIGMA_MIN, row.steps, row.alignment, wake_sigma=row.wake)
    blend = "laplacian" if row.method == "paper" else row.method
    agree = agreement(row.space, blend, network.vae, LATENTS, PICTURES)
    left = iter(reversed(range(len(ladder.sigmas) - 1)))

    def joint(z: Tensor, sigma: Tensor, front: Front) -> Tensor:
        estimates = network(z, sigma, torch.tensor(front.active))
        return agree(estimates, front, moment(next(left), sigma))

    return step_down(joint, ladder, sigmas, lambda: render_noise(noise(), LATENTS), row.churn, row.order)


def measure(images: Tensor, classifier: SceneClassifier, seconds: float) -> Numbers:
    """Args: a finished stack [N, 3, H, W], who names its levels, and the CPU time that it took."""
    return Numbers(
        float(consistency_error(images, PICTURES)),
        seam_ratio(images, PICTURES).tolist(),
        band_energy(images).tolist(),
        accuracy(classifier, images, SCENES),
        seconds,
    )
