from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import environment
import pytest
from report import ToolError

LOG = Path("install.log")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
            "The disk is full",
        ),
        ("OSError: [WinError 112] There is not enough space on the disk\n", "The disk is full"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError': Failed to establish a "
            "new connection: [Errno -3] Temporary failure in name resolution')': /simple/torch/\n"
            "ERROR: No matching distribution found for torch==2.11.0\n",
            "The package registry cannot be reached",
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement torch==2.11.0 (from versions: 2.2.2)\n"
            "ERROR: No matching distribution found for torch==2.11.0\n",
            "The package registry has no torch==2.11.0 for this Python",
        ),
        ("ERROR: something new\n", "pip failed:\nERROR: something new\nThe whole output: install.log"),
    ],
)
def test_explain(output: str, message: str) -> None:
    assert environment.explain("pip", output, LOG).startswith(message)


def test_variables_that_redirect_installations_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "1")
    found = environment.environment()
    assert not {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX"} & found.keys()
    assert found["PIP_USER"] == "0" and found["PIP_INDEX_URL"] == "1"


@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "latin-1"}])
def test_paths_of_any_letters_are_read_from_other_pythons(
    monkeypatch: pytest.MonkeyPatch, locale: dict[str, str]
) -> None:
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    path = r"C:\Użytkownicy\Zoé\日本"
    assert environment.ask(Path(sys.executable), f"print({path!a})") == path
    assert environment.ask(Path(sys.executable), "import os; print(os.fsdecode(b'\\xff'))") == os.fsdecode(b"\xff")
    assert environment.ask(Path(sys.executable), "raise SystemExit(1)") is None


def test_pip_that_fails_is_reported_with_its_last_lines(tmp_path: Path, raw_pip: None) -> None:
    with pytest.raises(ToolError, match=r"(?s)pip failed:.*no-such-file.*The whole output: .*install\.log"):
        environment.run_pip(Path(sys.executable), ["install", "-r", str(tmp_path / "no-such-file")], tmp_path / LOG)
    assert "no-such-file" in (tmp_path / LOG).read_text()


class TestVenv:
    def test_a_cut_off_one_is_recognized_and_made_anew(self, tmp_path: Path) -> None:
        venv = tmp_path / "venv"
        assert not environment.venv_works(venv)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        (venv / "left over").touch()
        assert not environment.venv_works(venv)
        environment.make_venv(venv, tmp_path / LOG)
        assert environment.venv_works(venv) and not (venv / "left over").exists()
        assert environment.site_packages(environment.venv_python(venv)).is_relative_to(venv)
        assert environment.pip_version(environment.venv_python(venv)).startswith("pip==")

    @pytest.mark.parametrize("version", [(3, 9, 18), (3, 15, 0)])
    def test_a_python_that_comfyui_does_not_run_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int]
    ) -> None:
        monkeypatch.setattr(sys, "version_info", version)
        with pytest.raises(ToolError, match=r"ComfyUI needs 3\.10 to 3\.14"):
            environment.make_venv(tmp_path / "venv", tmp_path / LOG)
        assert not (tmp_path / "venv").exists()

    @pytest.mark.skipif(os.name != "posix", reason="the machine is made of shell scripts")
    @pytest.mark.parametrize("root", [True, False])
    def test_the_part_that_debian_keeps_apart_is_installed_by_root(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: bool
    ) -> None:
        installed, programs = tmp_path / "installed", tmp_path / "programs"
        programs.mkdir()
        says = "ensurepip is not available. On Debian/Ubuntu systems, run: apt install python3.11-venv"
        scripts = {
            "python": f"[ -e {installed} ] || {{ echo '{says}'; exit 1; }}",
            "apt-get": f"for package; do :; done; [ $1 = update ] || echo $package > {installed}",
        }
        for name, script in scripts.items():
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(programs))
        monkeypatch.setattr(sys, "executable", str(programs / "python"))
        monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
        if root:
            environment.make_venv(tmp_path / "venv", tmp_path / LOG)
            assert installed.read_text() == "python3.11-venv\n"
        else:
            with pytest.raises(ToolError, match="(?s)ensurepip is not available.*sudo apt install python3-venv"):
                environment.make_venv(tmp_path / "venv", tmp_path / LOG)

    def test_no_venv_module_is_a_clear_message(self, tmp_path: Path) -> None:
        (tmp_path / "venv").write_text("a file where the folder should be")
        with pytest.raises(ToolError, match="could not make a virtual environment"):
            environment.make_venv(tmp_path / "venv", tmp_path / LOG)


class TestForgetBrokenPackages:
    @pytest.fixture
    def packages(self, tmp_path: Path) -> Path:
        for name in ("whole", "cut"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_bytes(b"x = 1\n")
            metadata = tmp_path / f"{name}-1.0.dist-info"
            metadata.mkdir()
            (metadata / "METADATA").write_bytes(b"")
            rows = [
                f"{name}/__init__.py,sha256=abc,6",
                f"{name}/__pycache__/x.pyc,,",
                f'"{name}-1.0.dist-info/RECORD",,',
            ]
            (metadata / "RECORD").write_text("\n".join(rows) + "\n")
        return tmp_path

    def test_whole_packages_stay(self, packages: Path) -> None:
        assert environment.forget_broken_packages(packages) == []
        assert (packages / "cut-1.0.dist-info").is_dir()

    @pytest.mark.parametrize("damage", ["no record", "no file", "file cut off"])
    def test_broken_ones_lose_their_metadata(self, packages: Path, damage: str) -> None:
        if damage == "no record":
            (packages / "cut-1.0.dist-info" / "RECORD").unlink()
        elif damage == "no file":
            (packages / "cut" / "__init__.py").unlink()
        else:
            (packages / "cut" / "__init__.py").write_bytes(b"x")
        assert environment.forget_broken_packages(packages) == ["cut"]
        assert not (packages / "cut-1.0.dist-info").exists() and (packages / "whole-1.0.dist-info").is_dir()
