"""What is sampled: seven prompts from a galaxy to the ground, and the tables of methods and settings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from demo.canvas import Scene
from zoomstack_core.geometry import ZoomGeometry

PROMPTS = (
    "a blue spiral galaxy",
    "a blue nebula full of stars",
    "a yellow sun and a small ocean planet",
    "a whole ocean planet in space",
    "the continents of an ocean planet",
    "ocean mountains seen from above",
    "ocean ground, close up",
)
STAGES, ZOOM, SIZE = range(0, 13, 2), 4.0, 256
CHANNELS, GRAIN = 16, 8  # of the latents; pixels that one is wide
PICTURES = ZoomGeometry(len(PROMPTS), SIZE, SIZE, ZOOM)
LATENTS = PICTURES.resized(SIZE // GRAIN, SIZE // GRAIN)
SCENES = [Scene(stage, "blue", "yellow", "ocean", False) for stage in STAGES]


@dataclass(frozen=True)
class Row:
    """A method: its label in tables, and how it samples.

    Attributes:
        method: "independent", "paper", a mode of `blend_levels`, or one of the ablations and baselines.
        alignment, churn, order: as of `sample_joint`; ablations and baselines have 0, 1 and 1.
        steps: network evaluations per level.
        guidance: cfg.
        space: whether the levels agree as "pixels", through the VAE, or as "latent".
        few_steps: with the LoRA for few evaluations.
        wake: the own sigma at which levels below the widest wake, None for all at once.
    """

    label: str
    method: str
    alignment: float = 0.0
    churn: float = 1.0
    order: int = 1
    steps: int = 20
    guidance: float = 3.0
    space: str = "pixels"
    few_steps: bool = False
    wake: float | None = None


_ALONE = Row("independent", "independent", 0.0, 0.0, 2)
_BORDER = Row("ours: border", "border", 1.0, 0.0, 2)
_AVERAGE = Row("laplacian, aligned", "laplacian", 1.0, 0.0, 2)
_PAPER = Row("the paper", "paper")

_ONE_SIGMA = replace(_BORDER, label="border at one sigma", alignment=0.0)
_IN_LATENTS = replace(_BORDER, label="border in latents", space="latent")


def _few(row: Row, steps: int, churn: float) -> Row:
    noise = "noise anew" if churn == math.inf else "DDPM steps"
    label = f"{row.label}, {steps} evaluations, {noise}"
    return replace(row, label=label, steps=steps, churn=churn, order=1, guidance=1.0, few_steps=True)


TABLES: dict[str, tuple[Row, ...]] = {
    "ablations": (
        _ALONE,
        Row("independent, DDPM steps", "independent"),
        Row("one level at a time", "iterative"),
        Row("naive blending", "naive"),
        Row("random noise", "random_noise"),
        Row("mismatched pyramid", "mismatched"),
        Row("outpainting", "outpainting"),
        Row("super-resolution", "super_resolution"),
        _PAPER,
        _AVERAGE,
        _IN_LATENTS,
        _BORDER,
    ),
    "methods": (_ALONE, _PAPER, _AVERAGE, _IN_LATENTS, _ONE_SIGMA, _BORDER),
    "few_steps": tuple(
        _few(row, steps, churn) for churn in (math.inf, 1.0) for steps in (8, 4) for row in (_ALONE, _BORDER)
    ),
    "alignment": tuple(
        replace(_BORDER, label=f"border, alignment {alignment:g}", alignment=alignment)
        for alignment in (0.0, 0.25, 0.5, 0.75, 1.0)
    ),
    "churn": tuple(
        replace(_BORDER, label=f"border, order {order}, churn {churn:g}", churn=churn, order=order)
        for order, churns in ((2, (0.0, 0.5, 1.0)), (1, (0.5, 1.0)))
        for churn in churns
    ),
    "steps": tuple(
        replace(row, label=f"{row.label}, {steps} steps", steps=steps)
        for row in (_ALONE, _BORDER, _PAPER)
        for steps in (10, 20, 40)
    ),
    "wake": tuple(
        replace(_BORDER, label=f"border, wakes at {wake or 80:g}", wake=wake) for wake in (None, 48.0, 24.0, 12.0, 6.0)
    ),
}
