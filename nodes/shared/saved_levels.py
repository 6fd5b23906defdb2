"""Saving the levels of a sampler's last run, so that they survive a restart."""

from typing import Any

from ...sampling.keeping.file import write_levels
from ...sampling.keeping.store import KEPT
from .saving import place

PREFIX = "zoomstack/levels"  # in the output folder


def save_kept_levels(node_id: str) -> dict[str, Any] | None:
    """Writes what the node with this id made last to a new file; its name for kept_file, and how many levels it has.

    None where nothing of the node is in memory.

    Raises:
        OSError: if the file cannot be written.
    """
    runs = KEPT.of(node_id)
    if not runs:
        return None
    target = place("Zoom KSampler", PREFIX, PREFIX, 0, 0)
    with target.new_file(".safetensors") as new:
        write_levels(runs[0], new.part)
    saved = target.saved(new)
    return {"kept_file": f"{saved['subfolder']}/{saved['filename']}", "levels": len(runs[0].latents)}
