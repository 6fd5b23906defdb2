"""What came in, short enough for an error message."""

from __future__ import annotations

from typing import Any


def short(value: Any, most: int = 80) -> str:
    """``repr(value)`` in at most ``most`` characters; the middle of what is longer is left out.

    >>> short("a" * 200, most=20)
    "'aaaaaaaa … aaaaaaa'"
    """
    if isinstance(value, int) and value.bit_length() > 1000:  # Python refuses to write numbers of 4300 digits and more
        value = float("inf") if value > 0 else float("-inf")
    text = repr(value if not isinstance(value, str) or len(value) <= most else value[:most] + value[-most:])
    return middle_out(text, most)


def middle_out(text: str, most: int) -> str:
    """``text`` in at most ``most`` characters; the middle of what is longer is left out.

    >>> middle_out("a long way home", 9)
    'a l … ome'
    """
    if len(text) <= most:
        return text
    head = (most - 3) // 2 + (most - 3) % 2
    return f"{text[:head]} … {text[len(text) - (most - 3 - head) :]}"
