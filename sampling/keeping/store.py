"""What nodes made in their last runs, in the memory of this process: for levels that need not be made again."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_NODES = 4  # the last ones that ran
MOST_RUNS = 16  # of each: so many steps can be undone for nothing


@dataclass(frozen=True, eq=False)
class KeptRun:
    """The levels of one run: the fingerprint of each, and its finished latents [C, …], on the CPU.

    They are as the whole run left them, deeper levels pasted in. So they nest, and a run with the same fingerprints is
    this one, bit for bit.
    """

    fingerprints: tuple[str, ...]
    latents: tuple[Tensor, ...]

    def matching(self, fingerprints: Sequence[str]) -> dict[int, Tensor]:
        """The latents of those levels, as ``fingerprints`` number them, that are here."""
        own = dict(zip(self.fingerprints, self.latents, strict=True))
        return {level: own[print_] for level, print_ in enumerate(fingerprints) if print_ in own}


def best_match(runs: Sequence[KeptRun], fingerprints: Sequence[str]) -> dict[int, Tensor]:
    """The levels that need not be made again, by number. All are of one run, since only those nest.

    Of several runs it is the one with most of these levels, then with the fewest others (what was shown by a level that
    is no more is still in the picture it lay in), then the last.

    Args:
        runs: the last one first.
    """
    matches = [(run.matching(fingerprints), len(run.fingerprints)) for run in runs]
    best = max(matches, key=lambda match: (len(match[0]), -match[1]), default=({}, 0))
    return best[0]


class KeptRuns:
    """The last runs of the last nodes. Levels that are the same in several runs are in memory once."""

    def __init__(self) -> None:
        self._nodes: OrderedDict[str, deque[KeptRun]] = OrderedDict()

    def of(self, node_id: str) -> list[KeptRun]:
        """The runs of a node, the last one first."""
        return list(self._nodes.get(node_id, ()))

    def add(self, node_id: str, fingerprints: tuple[str, ...], levels: Tensor) -> None:
        """Remembers the finished ``levels`` [N, C, …] of a run as the last one."""
        runs = self.of(node_id)
        known = [tensor for run in runs for tensor in run.latents]
        rows = [row.clone() for row in levels.detach().to("cpu")]
        shared = tuple(next((old for old in known if _same(old, row)), row) for row in rows)
        others = [run for run in runs if run.fingerprints != fingerprints]
        self._nodes[node_id] = deque([KeptRun(fingerprints, shared), *others][:MOST_RUNS])
        self._nodes.move_to_end(node_id)
        while len(self._nodes) > MOST_NODES:
            self._nodes.popitem(last=False)

    def clear(self) -> None:
        """Forgets everything."""
        self._nodes.clear()


def _same(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(one, other)


KEPT = KeptRuns()
