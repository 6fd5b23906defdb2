"""The demo's files that the host's own nodes load: Load Upscale Model and the LoRA loaders list them."""

from __future__ import annotations

from pathlib import Path

import folder_paths

KINDS = ("upscale_models", "loras")
UPSCALER = "zoomstack_demo_4x.safetensors"
FEW_STEPS = "zoomstack_demo_few_steps.safetensors"
FOREST = "zoomstack_demo_forest.safetensors"


def add_model_folders() -> None:
    """Add the folders of this one that have the names of the host's; what the user has there comes first."""
    for kind in KINDS:
        folder_paths.add_model_folder_path(kind, str(Path(__file__).with_name(kind)))
