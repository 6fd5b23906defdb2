"""The wheel of zoomstack_core: what is in it, and that an environment that has PyTorch and nothing else can sample."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import zoomstack_core

ROOT = Path(zoomstack_core.__file__).resolve().parents[1]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "zoomstack_core")
LEAST_SETUPTOOLS = (70, 1)  # from then on it builds wheels by itself

pytestmark = pytest.mark.slow

# Hides from an environment what is installed beside PyTorch and what that needs.
HIDE = """\
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if path is None and name in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def distribution(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def needed_by(name: str) -> set[str]:
    """The installed distribution, and all that it requires here."""
    found, pending = set[str](), [name]
    while pending:
        name = pending.pop()
        if name not in found:
            try:
                required = importlib.metadata.requires(name) or []
            except importlib.metadata.PackageNotFoundError:
                continue  # for another system
            found.add(name)
            pending += [distribution(text) for text in required if "extra ==" not in text]
    return found


def modules_beside(names: set[str]) -> set[str]:
    """The top-level modules of all other distributions."""
    owners = importlib.metadata.packages_distributions()
    return {
        module
        for module, distributions in owners.items()
        if not {owner.lower().replace("_", "-") for owner in distributions} & names
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    installed = importlib.metadata.version("setuptools")
    if tuple(map(int, installed.split(".")[:2])) < LEAST_SETUPTOOLS:
        pytest.skip(f"setuptools {installed} builds no wheels; tools/test.py installs one that does")
    sources, folder = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:  # a build leaves files beside them
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, sources / name)  # type: ignore[operator]
    command = [sys.executable, "-m", "pip", "wheel", str(sources), "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run([*command, "--wheel-dir", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.iterdir()
    return built


def test_it_holds_the_core_and_nothing_else_of_the_pack(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {Path(name) for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    package = ROOT / "zoomstack_core"
    assert names == {path.relative_to(ROOT) for pattern in ("*.py", "py.typed") for path in package.rglob(pattern)}
    assert f"\nVersion: {zoomstack_core.__version__}\n" in metadata
    required = re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)
    assert 'torch; extra == "core"' in required
    assert all("extra ==" in text for text in required)  # or the registry installs it beside ComfyUI


def test_the_example_runs_where_there_is_only_torch(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=os.name != "nt")
    where = {"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")}
    scheme = "nt" if os.name == "nt" else "posix_prefix"
    packages = Path(sysconfig.get_path("purelib", scheme, where))
    python = Path(sysconfig.get_path("scripts", scheme, where)) / ("python.exe" if os.name == "nt" else "python")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(packages), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    (packages / "installed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    hidden = modules_beside(needed_by("torch") | {"zoomstack"})
    assert {"numpy", "einops", "PIL", "av", "pytest"} <= hidden and "torch" not in hidden
    (packages / "sitecustomize.py").write_text(HIDE.format(names=hidden), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        # far from the checkout, whose zoomstack_core would be found before the installed one
        return subprocess.run([python, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)

    example = tmp_path / "example.py"
    shutil.copy(ROOT / "docs" / "examples" / "sample_with_a_toy_denoiser.py", example)
    done = run(str(example))
    assert done.returncode == 0, done.stderr
    assert float(re.findall(r"consistency error (\S+)", done.stdout)[0]) < 1e-5
    where_from = run("-c", "import zoomstack_core; print(zoomstack_core.__file__)").stdout.strip()
    assert Path(where_from).is_relative_to(packages)
    without = run("-c", "from zoomstack_core import render_frame")
    assert without.returncode != 0 and "No module named 'numpy'" in without.stderr


def test_the_example_writes_pictures(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "docs" / "examples" / "sample_with_a_toy_denoiser.py"),
        "--out",
        str(tmp_path / "out"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"level_{level}.png" for level in range(4)]
