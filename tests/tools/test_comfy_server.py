"""The server tool and the demo tool on the real ComfyUI."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from comfy_server import ComfyServer
from fakes import load_script
from host import PACK_NAME, ensure_host
from report import ToolError

demo = load_script("demo")

PROMPT = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 32, "height": 16, "batch_size": 5, "color": 255}},
    "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 10.0}},
    "3": {
        "class_type": "SaveVideo",
        "inputs": {"video": ["2", 0], "filename_prefix": "video/zoom", "format": "mp4", "codec": "h264"},
    },
    "4": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "level"}},
}


@pytest.mark.slow
@pytest.mark.skipif("COMFYUI_PATH" not in os.environ, reason="needs a ComfyUI in COMFYUI_PATH")
def test_a_real_comfyui_refuses_a_wrong_prompt_and_runs_a_right_one(tmp_path: Path) -> None:
    found = ensure_host()
    # A base directory of the test's own, and an empty pack, so that this fails only if the tools do.
    pack = tmp_path / "base" / "custom_nodes" / PACK_NAME
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n")
    host = dataclasses.replace(found, base=tmp_path / "base", pack=pack, state=tmp_path)

    wrong = {**PROMPT, "4": {"class_type": "SaveImage", "inputs": {"filename_prefix": "level"}}}
    with ComfyServer(host) as server:
        with pytest.raises(ToolError, match=r"node 4 \(SaveImage\): Required input is missing: images"):
            demo.submit(server, wrong)
        files = list(demo.saved_files(demo.wait(server, demo.submit(server, PROMPT)), host.base / "output"))
    names = ["video/zoom_00001_.mp4", *(f"level_0000{i}_.png" for i in range(1, 6))]
    assert sorted(files) == sorted(tmp_path / "base" / "output" / name for name in names)
    assert all(file.stat().st_size > 50 for file in files)
    assert f"custom_nodes/{PACK_NAME}" in (tmp_path / "comfyui.log").read_text().replace("\\", "/")
