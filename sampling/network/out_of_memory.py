"""Calls over fewer levels, where all at once do not fit into memory or into the network."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import comfy.model_management
import torch
from torch import Tensor

logger = logging.getLogger("zoomstack")

# The levels of a call, and whether all their prompts (positive, negative, …) go into it -> one output per prompt.
Evaluate = Callable[[Sequence[int], bool], list[Tensor]]


class Portions:
    """Remembers, for one run, how much of a call fits.

    The host sizes its batches by an estimate of the memory that they need. Where that was too hopeful the call is
    done again over half as many levels, and in the end over one prompt of one level. A network that takes no batches
    (an attention mask for one picture, say) gets one level at a time at once. What did not fit is not tried again.
    """

    def __init__(self) -> None:
        self._levels: int | None = None  # in one call; None: all
        self._together = True

    def run(self, evaluate: Evaluate, active: Sequence[int]) -> list[Tensor]:
        """The outputs [len(active), …] of ``evaluate`` over all active levels, by as many calls as it takes.

        Raises:
            RuntimeError: what ``evaluate`` raised for a single prompt of a single level.
        """
        parts: list[list[Tensor]] = []
        start = 0
        while start < len(active):
            stop = len(active) if self._levels is None else min(start + self._levels, len(active))
            outputs = self._attempt(evaluate, active[start:stop])
            if outputs is not None:
                parts.append(outputs)
                start = stop
        return parts[0] if len(parts) == 1 else [torch.cat(outputs) for outputs in zip(*parts, strict=True)]

    def _attempt(self, evaluate: Evaluate, part: Sequence[int]) -> list[Tensor] | None:
        try:
            return evaluate(part, self._together)
        except RuntimeError as error:  # of torch: memory, and shapes that do not fit together
            self._take_less(error, len(part))
        comfy.model_management.soft_empty_cache()  # here, where the failed call's tensors are gone
        return None

    def _take_less(self, error: RuntimeError, levels: int) -> None:
        out_of_memory = comfy.model_management.is_oom(error)
        if levels > 1:
            self._levels = levels // 2 if out_of_memory else 1
        elif self._together:
            self._levels, self._together = 1, False
        else:
            raise error
        why = "out of memory" if out_of_memory else f"the model takes no batch of them: {error}"
        size = "one prompt of one level" if not self._together else f"{self._levels} of {levels} levels"
        logger.warning("Zoom levels: %s; going on with %s per call.", why, size)
