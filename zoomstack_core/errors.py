"""Errors that know which argument they are about, so that a user interface can call it what its users call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from .quoting import short


class ArgumentError(ValueError):
    """An argument that cannot be used: "start is 7; expected a zoom from 0 to 3".

    Args:
        argument: its name.
        finding: what is wrong with it, to be read after its name: "is 7", "holds NaN"; in a few words, see `shown`.
        expected: what to give instead. Names of other arguments stand in backquotes.

    >>> print(ArgumentError("end", "is 1", "a zoom above `start`").told({"end": "end_zoom", "start": "start_zoom"}))
    end_zoom is 1; expected a zoom above start_zoom
    """

    def __init__(self, argument: str, finding: str, expected: str) -> None:
        self.argument, self.finding, self.expected = argument, finding, expected
        super().__init__(self.told({}))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.argument, self.finding, self.expected)

    def told(self, names: Mapping[str, str]) -> str:
        """The message, with arguments called by other ``names`` where these have one."""
        parts = self.expected.split("`")
        parts[1::2] = (names.get(part, part) for part in parts[1::2])
        return f"{names.get(self.argument, self.argument)} {self.finding}; expected {''.join(parts)}"


def shown(value: Any) -> str:
    """``value`` as the finding of an `ArgumentError`: "is 2.0", "has the shape [1, 2]"."""
    if isinstance(value, Tensor):
        return f"is a tensor of shape {list(value.shape)} and type {str(value.dtype).removeprefix('torch.')}"
    if value is None or isinstance(value, (bool, int, float, str)):
        return f"is {short(value)}"
    return f"is {short(value)} ({type(value).__name__})"
