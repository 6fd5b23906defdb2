"""Which ComfyUI the pack needs. An older one still loads it; the log says once what is missing."""

from __future__ import annotations

import logging
import re

OLDEST_COMFYUI = "0.24.1"


def warn_if_older() -> None:
    """Say in the log that this ComfyUI is older than the pack needs, where it is."""
    try:
        from comfyui_version import __version__ as version
    except ImportError:  # the oldest ones do not tell
        version = "an older one"
    if _numbers(version) < _numbers(OLDEST_COMFYUI):
        logging.getLogger(__name__).warning(
            "ZoomStack needs ComfyUI %s or newer, and this is %s: its nodes may be missing or fail. Update ComfyUI.",
            OLDEST_COMFYUI,
            version,
        )


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
