"""Kept levels as a file: safetensors in the output folder, with the fingerprints as its metadata."""

from __future__ import annotations

import json
from pathlib import Path

import folder_paths
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ...zoomstack_core.errors import ArgumentError
from ...zoomstack_core.quoting import short
from .store import KeptRun

LEVELS, FINGERPRINTS = "levels", "zoomstack_fingerprints"
EXPECTED = (
    "the name of a file in the output folder that Save the levels made, such as zoomstack/levels_00001_.safetensors, "
    "or nothing"
)


def write_levels(run: KeptRun, path: Path) -> None:
    """Writes a run's levels [N, C, …] to a file."""
    stacked = torch.stack(run.latents).contiguous()
    save_file({LEVELS: stacked}, path, metadata={FINGERPRINTS: json.dumps(run.fingerprints)})


def read_levels(name: str) -> KeptRun:
    """The levels in a file of the output folder.

    Raises:
        ArgumentError: of kept_file, where there is no such file, or it is none of `write_levels`.
    """
    folder = Path(folder_paths.get_output_directory()).resolve()
    try:
        path = (folder / name.strip()).resolve()
        found = path.is_relative_to(folder) and path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        found = False
    if not found:
        raise ArgumentError("kept_file", f"is {short(name)}, which is no file in the output folder", EXPECTED)
    try:
        with safe_open(path, "pt") as file:
            prints = json.loads((file.metadata() or {})[FINGERPRINTS])
            levels = file.get_tensor(LEVELS)
    except (SafetensorError, KeyError, ValueError):
        raise ArgumentError("kept_file", f"is {short(name)}, which holds no kept levels", EXPECTED) from None
    if not isinstance(prints, list) or len(prints) != len(levels):
        raise ArgumentError("kept_file", f"is {short(name)}, whose levels and fingerprints do not fit", EXPECTED)
    return KeptRun(tuple(map(str, prints)), tuple(levels))
