"""What every part of the universe is drawn with: scenes, a grid of pixels, random fields and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scene:
    """The words that one image is drawn from."""

    stage: int
    galaxy: str
    sun: str
    kind: str
    ringed: bool
    pool: bool = False  # in the ground, from stage 11 on


class FieldBank:
    """Crops of periodic Gaussian random fields with spectrum f^-beta, zero mean and unit variance each.

    Args:
        size: height and width of the crops.
        generator: draws the fields, on its own device.
        choices: draws which crops are taken, on the CPU.
        native: the width whose averages are to look like fields of that width: finer detail adds no variance to what
            can be seen there. The size itself by default.
    """

    def __init__(self, size: int, generator: torch.Generator, choices: torch.Generator, native: int | None = None):
        self.size, self.generator, self.choices, self.native = size, generator, choices, native or size
        self.count = min(48, max(8, 48 * 256 // size))  # of each spectrum; large ones take memory
        self.banks: dict[tuple[float, float], Tensor] = {}
        places = torch.arange(size * size, device="cpu").view(size, size)
        turned = [places.rot90(turn) for turn in range(4)]
        self.symmetries = torch.stack([each.flip(0) if flip else each for each in turned for flip in (0, 1)])
        self.symmetries = self.symmetries.to(generator.device)

    def __call__(self, batch: int, beta: float, finer: float = 2.0) -> Tensor:
        """[batch, size, size]; beyond the native width's frequencies the larger of beta >= 0 and `finer` counts."""
        spectrum = beta, beta if self.native == self.size else max(beta, finer)
        if spectrum not in self.banks:
            self.banks[spectrum] = self._periodic(*spectrum)
        n = 2 * self.size
        picks = self._draw(self.count, batch)
        top, left = self._draw(n, batch, 2).unbind(1)
        symmetry = self._draw(4, batch) * 2 + self._draw(2, batch)
        crop = self.symmetries[symmetry.flatten()]
        rows, columns = (top + crop // self.size) % n, (left + crop % self.size) % n
        fields = self.banks[spectrum].flatten()[(picks * n + rows) * n + columns]
        fields = fields - fields.mean((1, 2), keepdim=True)
        return fields / self.deviation(fields)

    def deviation(self, fields: Tensor) -> Tensor:
        """Of what can be seen of fields [batch, size, size] at the native width, [batch, 1, 1]."""
        return torch.nn.functional.avg_pool2d(fields, self.size // self.native).std((1, 2), keepdim=True)

    def _draw(self, stop: int, batch: int, *each: int) -> Tensor:
        """Integers in [0, stop), [batch, *each, 1, 1]."""
        drawn = torch.randint(0, stop, (batch, *each), generator=self.choices, device="cpu")
        return drawn.to(self.generator.device)[..., None, None]

    def _periodic(self, beta: float, finer: float) -> Tensor:
        n = 2 * self.size
        device = self.generator.device
        frequency = torch.fft.fftfreq(n, device=device)
        radius = (frequency[:, None] ** 2 + frequency[None] ** 2).sqrt()
        radius[0, 0] = 1.0
        highest = frequency.abs()[:, None].maximum(frequency.abs()) * 2 * self.size / self.native
        amplitude = radius ** (-beta / 2) * highest.clamp(min=1) ** ((beta - finer) / 2)
        amplitude[0, 0] = 0.0
        white = torch.randn(self.count, n, n, generator=self.generator, device=device)
        return torch.fft.ifft2(torch.fft.fft2(white) * amplitude).real.contiguous()


class Canvas:
    """Pixels, and the two generators that all randomness comes from.

    Args:
        size: height and width of the images in pixels.
        seed: of both generators.
        device: where the images are drawn and stay.
        native: the size whose scenes these are; below its pixels larger images go on as the next stages do.

    Attributes:
        x, y: of the pixels' centers [size, size], from -1 to 1.
        choices: draws scenes and words, on the CPU.
        generator: draws pixels; the same one on the CPU.
        field: random fields.
    """

    def __init__(self, size: int = 64, seed: int = 0, device: torch.device | str = "cpu", native: int | None = None):
        self.size, self.device = size, torch.device(device)
        self.choices = torch.Generator()
        self.generator = self.choices if self.device.type == "cpu" else torch.Generator(self.device)
        self.reseed(seed)
        self.field = FieldBank(size, self.generator, self.choices, native)
        centers = (torch.arange(size, device=self.device) + 0.5) / size * 2 - 1
        self.y, self.x = torch.meshgrid(centers, centers, indexing="ij")

    def reseed(self, seed: int) -> None:
        self.choices.manual_seed(seed)
        self.generator.manual_seed(seed)

    def _uniform(self, batch: int) -> Tensor:
        return torch.rand(batch, 1, 1, generator=self.generator)

    @staticmethod
    def _colors(colors: Sequence[tuple[float, float, float]]) -> Tensor:
        return torch.tensor(colors).view(-1, 3, 1, 1)
