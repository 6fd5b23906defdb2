"""A ComfyUI made of a few small files, and access to the scripts of tools/, for the tests beside this file."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

TOOLS = Path(__file__).resolve().parents[2] / "tools"
FAKE_COMFYUI = Path(__file__).with_name("fake_comfyui.py")


def load_script(name: str) -> ModuleType:
    """A script of tools/ whose name is also that of something else (``test`` is in the standard library)."""
    spec = importlib.util.spec_from_file_location(f"zoomstack_tools_{name}", TOOLS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def write_comfyui(folder: Path) -> Path:
    """A folder that looks like ComfyUI; its main.py is a server that answers as ComfyUI does."""
    (folder / "comfy").mkdir(parents=True)
    (folder / "custom_nodes").mkdir()
    (folder / "nodes.py").touch()
    (folder / "comfyui_version.py").write_text('__version__ = "0.30.0"\n')
    shutil.copy(FAKE_COMFYUI, folder / "main.py")
    return folder
