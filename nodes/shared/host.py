"""What the nodes ask of the host beside comfy_api."""

from pathlib import Path

import comfy.model_management
import folder_paths
import torch
from comfy.cli_args import args


def check_interrupted() -> None:
    """Raises the host's exception if the user has stopped the run."""
    comfy.model_management.throw_exception_if_processing_interrupted()


def temporary_file(name: str) -> Path:
    """Where a file goes that the host may delete when it starts again."""
    return Path(folder_paths.get_temp_directory()) / name


def keeps_metadata() -> bool:
    """Whether the workflow is to be kept in the files that are saved."""
    return not args.disable_metadata


def device_with_room(size: int) -> torch.device:
    """The device that the host computes on, with ``size`` bytes made free there where that is possible."""
    device = comfy.model_management.get_torch_device()
    comfy.model_management.free_memory(size, device)
    return device
