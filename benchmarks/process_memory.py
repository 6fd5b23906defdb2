"""How far this process, or the GPU, rises above what it holds."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

STATUS = Path("/proc/self/status")  # Linux has it


def peak_of(work: Callable[[], Any], device: str = "cpu") -> float:
    """Bytes at the peak of ``work`` beyond those before it: of the process, or what PyTorch allocates on a GPU.

    Of the process, pages that the allocator keeps from earlier work do not count. NaN where the system tells nothing.
    """
    if device != "cpu":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        work()
        return torch.cuda.max_memory_allocated() - before
    if not STATUS.exists():
        work()
        return float("nan")
    ctypes.CDLL(None).malloc_trim(0)
    (STATUS.parent / "clear_refs").write_text("5")  # the peak begins anew
    held = _status("VmRSS")
    work()
    return _status("VmHWM") - held


def _status(name: str) -> int:
    """Bytes that Linux gives for this process."""
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
