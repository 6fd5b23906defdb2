"""What the timings compare: the reference does the published work, and the table has every part."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.peers import Case, milliseconds
from benchmarks.reference import fits, reference_step
from zoomstack_core.geometry import ZoomGeometry

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_renders_and_keeps_the_variance_of_noise():
    geometry = ZoomGeometry(3, 32, 32, 2.0)
    flat = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 400, 32, 32).contiguous()
    images, noise = reference_step(flat, torch.randn(3, 400, 32, 32), geometry)
    assert torch.allclose(images[0, :, 8:24, 8:24].std(0), torch.zeros(16, 16), atol=1e-5)
    assert torch.equal(images[0, 0, 0], flat[0, 0, 0])
    assert (noise.var(1) - 1).abs().mean() < 0.08
    assert fits(geometry) and not fits(ZoomGeometry(2, 8, 8, 3.0)) and not fits(ZoomGeometry(2, 8, 8, 2.0, (0.4, 0.5)))


def test_a_time_is_that_of_the_work():
    matrix = torch.randn(100, 100)
    few, many = (milliseconds(lambda n=n: [matrix @ matrix for _ in range(n)], "cpu", 5) for n in (10, 1000))
    assert 0 < few < many
    assert Case(4, 32).geometry == ZoomGeometry(4, 32, 32, 2.0)


def test_the_command_writes_its_table(tmp_path):
    done = subprocess.run(
        [sys.executable, "benchmarks/run.py", "--only", "growth", "--out", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = [row["name"] for row in json.loads((tmp_path / "ratios.json").read_text())["ratios"]]
    assert any(name.startswith("16 / 8 levels") for name in names) and names[0] in done.stdout
    assert (tmp_path / "ratios.png").read_bytes().startswith(b"\x89PNG")
