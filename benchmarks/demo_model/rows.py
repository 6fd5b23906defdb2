"""What is sampled: seven prompts from a galaxy to the ground, the methods of the ablation table, and the sweeps."""

from __future__ import annotations

from dataclasses import dataclass, replace

from demo.canvas import Scene
from zoomstack_core.geometry import ZoomGeometry

from .overlap import AS_OFFERED, Overlap

PROMPTS = (
    "a blue spiral galaxy",
    "a blue nebula full of stars",
    "a yellow sun and a small ocean planet",
    "a whole ocean planet in space",
    "the continents of an ocean planet",
    "ocean mountains seen from above",
    "ocean ground, close up",
)
STAGES, ZOOM, SIZE = range(0, 13, 2), 4.0, 64
GEOMETRY = ZoomGeometry(len(PROMPTS), SIZE, SIZE, ZOOM)
SIGMA_DATA = 0.5  # of pictures from -1 to 1
SCENES = [Scene(stage, "blue", "yellow", "ocean", False) for stage in STAGES]


@dataclass(frozen=True)
class Row:
    """A method: its label in tables, and options of `sample_joint` where it is one of that.

    Attributes:
        steps: network evaluations per level.
        guidance: cfg.
        overlap: for overlap once, how the overlap is evaluated and used.
        wake: the own sigma at which levels below the widest wake, None for all at once.
    """

    label: str
    method: str
    alignment: float = 0.0
    churn: float = 1.0
    order: int = 1
    steps: int = 20
    guidance: float = 3.0
    overlap: Overlap = AS_OFFERED
    wake: float | None = None


ROWS = (
    Row("independent", "independent"),
    Row("independent, our steps", "independent", 0.0, 0.5, 2),
    Row("one level at a time", "iterative"),
    Row("naive blending", "naive"),
    Row("random noise", "random_noise"),
    Row("mismatched pyramid", "mismatched"),
    Row("outpainting", "outpainting"),
    Row("super-resolution", "super_resolution"),
    Row("the paper", "paper"),
    Row("laplacian, aligned", "laplacian", 1.0),
    Row("ours: border", "border", 1.0, 0.5, 2),
    Row("ours: overlap once", "overlap_once", 1.0, 0.5, 2),
)

_BORDER = Row("border", "border", 1.0, 0.5, 2)
_AVERAGE = Row("laplacian", "laplacian", 1.0, 0.5, 2)
_ONCE = Row("overlap once", "overlap_once", 1.0, 0.5, 2)
_ALONE = Row("independent", "independent", 0.0, 0.5, 2)


def _once(label: str, **options: object) -> Row:
    return replace(_ONCE, label=f"overlap once, {label}", overlap=Overlap(**options))  # type: ignore[arg-type]


SWEEPS: dict[str, tuple[Row, ...]] = {
    "alignment": tuple(
        replace(row, label=f"{row.label}, alignment {alignment:g}", alignment=alignment)
        for row, alignments in ((_BORDER, (0.0, 0.25, 0.5, 0.75, 1.0)), (_AVERAGE, (0.0, 0.5, 1.0)))
        for alignment in alignments
    ),
    "churn": tuple(
        replace(_BORDER, label=f"border, order {order}, churn {churn:g}", churn=churn, order=order)
        for order, churns in ((2, (0.0, 0.5, 1.0)), (1, (0.5, 1.0)))
        for churn in churns
    ),
    "steps": tuple(
        replace(row, label=f"{row.label}, {steps} steps", steps=steps)
        for row in (_ALONE, _BORDER, Row("the paper", "paper"))
        for steps in (10, 20, 40)
    ),
    "wake": tuple(
        replace(_BORDER, label=f"border, churn 0, wakes at {wake or 80:g}", churn=0.0, wake=wake)
        for wake in (None, 24.0, 18.0, 12.0, 6.0, 3.0)
    ),
    "blend": (_ALONE, _AVERAGE, _BORDER, _ONCE),
    "overlap": (
        replace(_ONCE, label="overlap once, the wider level's prompt"),
        _once("the deeper level's prompt", prompt="deeper"),
        _once("no prompt", prompt="none"),
        _once("cfg 1 inside the overlap", guidance=1.0),
        _once("correction at most 0.5", limit=0.5),
        _once("correction at most 0.2", limit=0.2),
        _once("below sigma 1, border above", below=1.0),
        _once("above sigma 1, border below", above=1.0),
        _BORDER,
    ),
}
