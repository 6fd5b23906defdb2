"""Seeds of single levels: a level that is named has noise of its own, whatever the seed of all is."""

from __future__ import annotations

import re
from collections.abc import Mapping

import comfy.sample
from torch import Tensor

from ...zoomstack_core.errors import ArgumentError
from ...zoomstack_core.quoting import short

LARGEST_SEED = 2**64 - 1


def parse_level_seeds(text: str, levels: int) -> dict[int, int]:
    """The seeds in text such as "7: 1234", one per line or with commas between, by level from 0.

    Args:
        text: what a person typed, with levels from 1, the widest.
        levels: how many there are.

    Raises:
        ArgumentError: for other text, a level that does not exist or comes twice, or a seed that is too large.
    """
    expected = f"a level from 1 to {levels} and its seed, such as 1: 1234, one pair per line or with commas between"
    seeds: dict[int, int] = {}
    for part in filter(None, (part.strip() for part in re.split(r"[\n,;]", text))):
        match = re.fullmatch(r"(\d{1,9})\s*[:=]\s*(\d{1,20})", part)
        if match is None or int(match[2]) > LARGEST_SEED:
            raise ArgumentError("level_seeds", f"has {short(part)}", expected)
        level = int(match[1]) - 1
        if not 0 <= level < levels:
            raise ArgumentError("level_seeds", f"has level {level + 1}, which the zoom has not", expected)
        if level in seeds:
            raise ArgumentError("level_seeds", f"has level {level + 1} twice", expected)
        seeds[level] = int(match[2])
    return seeds


def with_level_seeds(white: Tensor, like: Tensor, seeds: Mapping[int, int]) -> Tensor:
    """White noise of all levels [N, C, …], that of the levels in ``seeds`` drawn by their own, before it is rendered.

    Args:
        like: the latents, for the host's noise [N, C, …].
    """
    if seeds:
        white = white.clone()
    for level, seed in seeds.items():
        white[level] = comfy.sample.prepare_noise(like[level : level + 1], seed)[0].to(white)
    return white
