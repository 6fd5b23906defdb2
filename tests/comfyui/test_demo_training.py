"""The training script: it trains, resumes where it was, and writes the file that Zoom Demo Model loads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PACK, Host
from PIL import Image
from safetensors.torch import load_file

pytestmark = pytest.mark.slow


def train(folder: Path, images: int) -> str:
    command = [sys.executable, str(PACK / "demo" / "train.py"), "--out", str(folder), "--images", str(images)]
    quickly = ["--batch", "4", "--threads", "1", "--sheet-steps", "1"]
    environ = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run([*command, *quickly], capture_output=True, text=True, timeout=300, check=False, env=environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_training_resumes_and_exports_what_the_node_loads(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "resumed" not in train(tmp_path, 8)
    first = load_file(tmp_path / "demo_model.safetensors")
    out = train(tmp_path, 16)
    assert "resumed at 8 images" in out and "done: 16 images" in out
    second = load_file(tmp_path / "demo_model.safetensors")
    assert first.keys() == second.keys() == load_file(PACK / "demo" / "demo_model.safetensors").keys()
    assert any((first[key] != second[key]).any() for key in first)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (13 * 64, 4 * 64)
    monkeypatch.setattr(host.module("demo.loader"), "WEIGHTS", tmp_path / "demo_model.safetensors")
    model, clip, _ = host.module("demo.loader").load_demo_model()
    assert model.model.diffusion_model is not None
    assert clip.encode_from_tokens_scheduled(clip.tokenize("an icy planet"))[0][0].shape == (1, 77, 128)
