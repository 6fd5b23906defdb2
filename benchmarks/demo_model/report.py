"""Tables over seeds, and the picture grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .stacks import Numbers


@dataclass(frozen=True)
class Mean:
    """Of one number over the seeds, with its standard error, which takes two seeds at least."""

    value: float
    error: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """The mean of plain numbers."""
        numbers = torch.tensor(values, dtype=torch.float64)
        error = float(numbers.std() / len(numbers) ** 0.5) if len(numbers) > 1 else None
        return cls(float(numbers.mean()), error)

    @classmethod
    def of_ratios(cls, logarithms: Tensor) -> Mean:
        """The geometric mean of ratios, from their logarithms [seeds]."""
        mean = cls.of(logarithms.tolist())
        value = math.exp(mean.value)
        return cls(value, None if mean.error is None else value * mean.error)

    def __str__(self) -> str:
        return f"{self.value:.2f}" if self.error is None else f"{self.value:.2f} ± {self.error:.2f}"


@dataclass(frozen=True)
class Summary:
    """A method over its seeds.

    Attributes:
        consistency: the largest `consistency_error` of any seed.
        seam: geometric mean of the seam ratios over borders and seeds.
        worst_seam: that of the border that is farthest from 1, geometric mean over the seeds.
        bands: low, middle and high energy over that of independent samples of the same order and steps, geometric mean
            over levels and seeds; None where there are none to compare with.
        real_bands: the same over that of the training images of the same scenes.
        stage, near_stage, kind, color: shares of right answers of the classifier.
        seconds: CPU time of a stack.
    """

    consistency: float
    seam: Mean
    worst_seam: float
    bands: list[float] | None
    real_bands: list[Mean]
    stage: Mean
    near_stage: Mean
    kind: Mean
    color: Mean
    seconds: float


def summarize(stacks: Sequence[Numbers], real: Tensor, alone: Sequence[Numbers] | None = None) -> Summary:
    """Args: one method's numbers, one per seed; mean logarithm of the band energy of training images [N, 3];
    independent samples of the same steps."""
    seams = torch.tensor([each.seams for each in stacks]).clamp(min=1e-6).log()
    per_border = seams.mean(0)
    energy = _log_energy(stacks)
    over_real = (energy - real).mean(1)
    agreement = {
        name: Mean.of([getattr(each.agreement, name) for each in stacks])
        for name in ("stage", "near_stage", "kind", "color")
    }
    return Summary(
        max(each.consistency for each in stacks),
        Mean.of_ratios(seams.mean(1)),
        float(per_border[per_border.abs().argmax()].exp()),
        None if alone is None else (energy.mean(0) - _log_energy(alone).mean(0)).mean(0).exp().tolist(),
        [Mean.of_ratios(over_real[:, band]) for band in range(over_real.shape[1])],
        **agreement,
        seconds=sum(each.seconds for each in stacks) / len(stacks),
    )


def _log_energy(stacks: Sequence[Numbers]) -> Tensor:
    """[seeds, N, 3]"""
    return torch.tensor([each.energy for each in stacks]).log()


COLUMNS: dict[str, Callable[[Summary], str]] = {
    "largest consistency error": lambda s: f"{s.consistency:.4f}",
    "seam ratio, geometric mean (worst border)": lambda s: f"{s.seam} ({s.worst_seam:.2f})",
    "energy over independent": lambda s: " / ".join(f"{band:.2f}" for band in s.bands or ()),
    "energy over training images": lambda s: " / ".join(str(band) for band in s.real_bands),
    "stage named right": lambda s: str(s.stage),
    "within one stage": lambda s: f"{s.near_stage.value:.2f}",
    "planet, galaxy named right": lambda s: f"{s.kind.value:.2f}, {s.color.value:.2f}",
    "CPU s": lambda s: f"{s.seconds:.0f}",
}


def table(summaries: dict[str, Summary]) -> str:
    """Markdown; means with their standard errors over the seeds. Columns without any content are left out."""
    cells = {column: [text(summary) for summary in summaries.values()] for column, text in COLUMNS.items()}
    kept = {column: texts for column, texts in cells.items() if any(texts)}
    lines = ["| method | " + " | ".join(kept) + " |", "|---" * (len(kept) + 1) + "|"]
    for n, name in enumerate(summaries):
        lines.append(f"| {name} | " + " | ".join(texts[n] for texts in kept.values()) + " |")
    return "\n".join(lines)


def save_grid(path: Path, rows: Sequence[tuple[str, Image.Image]], size: int = 144, gap: int = 4) -> None:
    """A grid of labeled rows.

    Args:
        rows: labels, and square levels beside each other in one picture, all of the same size.
        size: of a level in the grid, in pixels.
    """
    font = ImageFont.load_default(14)
    label = 16 + max(int(font.getlength(name)) for name, _ in rows)
    levels = rows[0][1].width // rows[0][1].height
    tile = size + gap
    image = Image.new("RGB", (label + tile * levels, tile * len(rows)), "white")
    pen = ImageDraw.Draw(image)
    for y, (name, strip) in enumerate(rows):
        pen.text((6, y * tile + size // 2), name, "#222222", font, anchor="lm")
        for x in range(levels):
            level = strip.crop((x * strip.height, 0, (x + 1) * strip.height, strip.height))
            image.paste(level.resize((size, size), Image.Resampling.BOX), (label + x * tile, y * tile))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=90)
