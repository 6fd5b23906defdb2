"""What a user should know who samples with few steps, as distilled models want it."""

from __future__ import annotations

from .host_types import Sampler
from .noise.samplers import looks_back, sampler_id
from .noise.sigmas import LevelSigmas

DISTILLED_STEPS = 12  # at most, and without guidance
FEWEST_STEPS = 4  # with aligned noise


def few_steps_notices(sampler: Sampler, sigmas: LevelSigmas, steps: int | None, cfg: float | None) -> list[str]:
    """What to say of a run; nothing where it has steps enough.

    Args:
        sampler: the host's SAMPLER.
        sigmas: of the run.
        steps: of the whole schedule, of which the run may be the end; None where nobody knows.
        cfg: guidance, where the run has one.
    """
    notices = []
    if cfg == 1 and steps is not None and 0 < steps <= DISTILLED_STEPS and looks_back(sampler):
        notices.append(
            f"cfg 1 and {_counted(steps)} are for a distilled model, and {sampler_id(sampler)} extrapolates from "
            "earlier steps, which makes the levels of such a model too strong. Use the sampler that the model's own "
            "workflow has; if that is this one and the pictures look burnt, use lcm."
        )
    if sigmas.aligned and sigmas.steps < FEWEST_STEPS:
        notices.append(
            f"Every level has {_counted(sigmas.steps)} only; with alignment above 0 the edges of the inner levels may "
            f"show. Use at least {FEWEST_STEPS} steps, or set alignment to 0."
        )
    return notices


def _counted(steps: int) -> str:
    return f"{steps} step{'s' * (steps != 1)}"
