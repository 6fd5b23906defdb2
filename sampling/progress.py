"""How far a joint run is: the host's bar in the node's own steps, and a line of text on the node."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from torch import Tensor

from ..messages.node_text import NodeText, clock
from .guider import JointGuider
from .previews import mosaic

TEXT_EVERY = 0.2  # seconds

Labels = Callable[[], Sequence[str]]
"""Makes a label for every level; none for a level alone."""
Report = Callable[[int, Tensor, Tensor, int, Labels], None]
"""As the host's callbacks, and what a preview says of the levels: (step, x0, x, total, labels)."""


class LevelProgress:
    """The callback of one run, and a context manager around it. One level alone is the host's own business.

    With alignment the sampler steps down a ladder that is longer than the steps of a level. The bar counts the steps,
    as the node's ``steps`` does: it moves on with every rung, by parts of a step that are rounded up.

    Args:
        guider: the joint guider that samples; its plan says what there is to do.
        steps: of a level in this run.
        report: moves the host's bar and shows its previews.
        text: of the node that runs.
    """

    def __init__(self, guider: JointGuider, steps: int, report: Report, text: NodeText) -> None:
        self._guider, self._report, self._text = guider, report, text
        sigmas, self._levels = guider.plan.sigmas, guider.plan.geometry.levels
        # a rung costs as many evaluations of the network as it has levels to evaluate
        active = [guider.plan.front(sigma).active for sigma in sigmas.sigmas[:-1]]
        self._costs = [max(1, len(levels)) for levels in active]
        last = {level: rung for rung, levels in enumerate(active) for level in levels}
        self._last_rungs = [last.get(level, -1) for level in range(self._levels)]  # a held level's is before the first
        self._steps = max(1, steps)
        self._begin = self._first = self._told = time.monotonic()
        self._stopped = ""

    def __enter__(self) -> LevelProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._levels == 1:
            return
        if error is None:
            spent = clock(time.monotonic() - self._begin)
            self._text.progress(f"{self._levels} levels, {_count(self._guider.evaluations, 'evaluation')}, {spent}")
        elif self._stopped:
            self._text.progress(self._stopped)

    def __call__(self, step: int, x0: Tensor, x: Tensor, total: int) -> None:
        """As the host's callbacks: after ``step`` (from 0) of ``total``, with all levels' estimates and states."""
        if self._levels == 1:
            self._report(step, x0, x, total, tuple)
            return
        done = min(self._steps, -(-(step + 1) * self._steps // max(1, total)))
        self._tell(step, done, total)
        shown = mosaic(x0)
        self._report(done - 1, shown, x, self._steps, functools.partial(self._labels, step))
        # the host's node that samples keeps what it was shown last, and gives it away as the estimate
        shown.set_(x0)  # type: ignore[call-overload]  # PyTorch's types leave this form out

    def _tell(self, step: int, done: int, total: int) -> None:
        now = time.monotonic()
        if step == 0:
            self._first = now  # what was before is the loading of the model too
        at = f"step {done} of {self._steps}"
        levels = f"{self._guider.run.finished_levels} of {self._levels} levels done"
        aligned = self._guider.plan.sigmas.aligned  # else all are done at the end
        self._stopped = f"stopped at {at}" + (f", {levels}" if aligned else "")
        if step and step + 1 < total and now - self._told < TEXT_EVERY:
            return
        self._told = now
        left = self._left(step, len(self._costs) - 1)
        left = f", {left} left" if left else ""
        # lines of their own, which fit into a node of the usual width
        self._text.progress((f"{levels}\n" if aligned else f"{self._levels} levels, ") + at + left)

    def _labels(self, step: int) -> list[str]:
        """Of every level: its number, and how long it takes until it is done."""
        lefts = [self._left(step, last) if last > step else "done" for last in self._last_rungs]
        return [f"{level + 1}  {left}".rstrip() for level, left in enumerate(lefts)]

    def _left(self, step: int, last: int) -> str:
        """How long it takes until the end of a rung, from the end of another; "" where nobody knows yet."""
        behind, ahead = sum(self._costs[1 : step + 1]), sum(self._costs[step + 1 : last + 1])
        return clock((time.monotonic() - self._first) / behind * ahead) if behind and ahead else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
