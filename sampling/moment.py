"""Where in its schedule a run is: what the noise levels tell and the agreement asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Moment(NamedTuple):
    """Where in the schedule an evaluation lies.

    ``progress`` is that of each active level in its own steps, 0 … 1; ``steps_left`` counts the steps of the whole
    run after this one; ``sigmas`` are those of the active levels in VE terms.
    """

    progress: Sequence[float]
    steps_left: int
    sigmas: Sequence[float]
