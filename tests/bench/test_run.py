"""The one command for all ratios: every row once, a failing part named, what needs ComfyUI left out without it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import joint_overhead, run
from benchmarks.run import Findings, Ratio


def outcome(monkeypatch: pytest.MonkeyPatch, folder: Path, **parts: run.Part) -> tuple[int, dict[str, list]]:
    monkeypatch.setattr(run, "PARTS", parts)
    monkeypatch.setattr(sys, "argv", ["run.py", "--out", str(folder)])
    return run.main(), json.loads((folder / "ratios.json").read_text())


def good(devices: list[str], found: Findings) -> None:
    found.rows.append(Ratio("ours / theirs", 0.5, "1 ms / 2 ms", "<= 1"))


def bad(devices: list[str], found: Findings) -> None:
    raise OSError("no such encoder")


def test_a_failing_part_is_named_and_the_others_are_reported(tmp_path, monkeypatch, capsys):
    status, data = outcome(monkeypatch, tmp_path, bad=bad, good=good)
    printed = capsys.readouterr()
    assert status == 1 and data["failures"] == ["FAILED: bad: OSError: no such encoder"]
    assert [row["name"] for row in data["ratios"]] == ["ours / theirs"]
    assert printed.out.count("ours / theirs") == 1 and data["failures"][0] in printed.out
    assert "Traceback" in printed.err and "in bad" in printed.err


def test_all_is_well(tmp_path, monkeypatch, capsys):
    status, data = outcome(monkeypatch, tmp_path, good=good)
    assert (status, data["failures"], data["left_out"]) == (0, [], []) and "FAILED" not in capsys.readouterr().out


def test_without_comfyui_one_line_says_what_is_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("COMFYUI_PATH", raising=False)
    monkeypatch.setattr(joint_overhead, "ROOT", tmp_path)
    assert not joint_overhead.has_host()
    status, data = outcome(monkeypatch, tmp_path, joint=run.overhead, good=good)
    assert status == 0 and len(data["ratios"]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "left out" in line]
    assert data["left_out"] == [line] and "joint / independent" in line and "COMFYUI_PATH" in line
