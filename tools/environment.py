"""The virtual environment that runs ComfyUI, and pip in it."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pins
import system_packages
from files import replace_folder, write_stamp
from report import Progress, ToolError, say

NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|connection broken|ProxyError|"
    r"Connection refused|Connection reset|Network is unreachable|Failed to establish|Max retries exceeded",
    re.IGNORECASE,
)
NO_SPACE = re.compile(r"No space left on device|not enough space on the disk|Errno 28|WinError 112|Disk quota exceeded")
# Debian and Ubuntu keep a part of Python's module venv in a package of its own, which that module names.
VENV_PACKAGE = re.compile(r"\bpython3[\d.]*-venv\b")
# What Python programs print is read as this, whatever the locale is; names that are no text stay what they are.
ENCODING = "utf-8:surrogateescape"
NO_MATCH = re.compile(r"No matching distribution found for (\S+)")


def environment() -> dict[str, str]:
    """This process's environment without what would redirect another Python's imports or installations."""
    kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX"}}
    return {**kept, "PIP_USER": "0", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": ENCODING}


def ask(python: Path, code: str) -> str | None:
    """What ``python`` prints when it runs ``code``, such as a path of any letters; None if it fails."""
    encoding, errors = ENCODING.split(":")
    command = [str(python), "-c", code]
    done = subprocess.run(command, capture_output=True, encoding=encoding, errors=errors, env=environment())
    return done.stdout.strip() if done.returncode == 0 else None


def require_answer(python: Path, code: str) -> str:
    """``ask`` of an environment that works; ToolError if it does not."""
    answer = ask(python, code)
    if answer is None:
        raise ToolError(f"{python} does not run. Delete the folder {python.parent.parent} and run this again.")
    return answer


def venv_python(venv: Path) -> Path:
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def venv_works(venv: Path) -> bool:
    """Whether ``venv`` is a whole environment of a supported Python (its base Python may be gone, or pip missing)."""
    python = venv_python(venv)
    if not python.exists():
        return False
    code = "import pip, sys; print(*sys.version_info[:2])"
    answer = ask(python, code)
    if answer is None:
        return False
    major, minor = map(int, answer.split())
    return pins.OLDEST_PYTHON <= (major, minor) <= pins.NEWEST_PYTHON


def make_venv(venv: Path, log: Path) -> None:
    """Make the environment anew with the running Python, and bring its pip to the pinned version."""
    if not pins.OLDEST_PYTHON <= sys.version_info[:2] <= pins.NEWEST_PYTHON:
        oldest, newest = (".".join(map(str, version)) for version in (pins.OLDEST_PYTHON, pins.NEWEST_PYTHON))
        raise ToolError(
            f"This is Python {sys.version.split()[0]}; ComfyUI needs {oldest} to {newest}. "
            f"Run this with such a Python, e.g.\n  python{newest} {' '.join(sys.argv)}"
        )
    status, output = _python_venv(venv)
    package = VENV_PACKAGE.search(output)
    if status != 0 and package and system_packages.can_install():
        say(f"      apt-get install {package[0]}")
        system_packages.install([package[0]], log)
        status, output = _python_venv(venv)
    if status != 0:
        if NO_SPACE.search(output):
            raise ToolError(explain("venv", output, log))
        hint = "\nOn Debian and Ubuntu: sudo apt install python3-venv" if sys.platform == "linux" else ""
        raise ToolError(f"Python could not make a virtual environment in {venv}:\n{output[-500:]}{hint}")


def _python_venv(venv: Path) -> tuple[int, str]:
    """The exit status and the output of the running Python's module venv."""
    command = [sys.executable, "-m", "venv", "--clear", str(venv)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", env=environment())
    return done.returncode, (done.stdout + done.stderr).strip()


def pip_version(python: Path) -> str:
    return f"pip=={require_answer(python, 'import pip; print(pip.__version__)')}"


def run_pip(python: Path, arguments: Sequence[str], log: Path, *, bars: bool = True) -> None:
    """Run pip with a progress line; its whole output goes to ``log``.

    Args:
        bars: whether to ask for download progress (needs pip 24.1 or newer, and a command that downloads).

    Raises:
        ToolError: if pip fails, saying why and what to do.
    """
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    if bars:
        command += ["--progress-bar", "raw"]
    output: list[str] = []
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("a", encoding="utf-8") as log_file,
        Progress() as progress,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        doing = "asking the package registry"
        progress.show(doing)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if bar := re.match(r"Progress (\d+) of (\d+)", line):
                    done, size = int(bar[1]), int(bar[2])
                    progress.show(f"{doing}: {done / 1e6:.0f} of {size / 1e6:.0f} MB")
                    continue
                log_file.write(line)
                output.append(line)
                if found := re.match(r"\s*Downloading (\S+?)(-\d\S*)? \(", line):
                    doing = f"downloading {found[1].rsplit('/', 1)[-1]}"
                elif line.startswith("Installing collected packages"):
                    doing = f"installing {line.count(',') + 1} packages"
                progress.show(doing)
        finally:
            if process.poll() is None:
                process.kill()
    if process.returncode != 0:
        raise ToolError(explain("pip", "".join(output), log))


def explain(program: str, output: str, log: Path) -> str:
    """Why ``program`` failed, from its output, and what the user can do."""
    if NO_SPACE.search(output):
        return (
            f"The disk is full. Free some space (about {pins.FREE_GB} GB in all) and run this again; "
            "it goes on where it stopped."
        )
    if NO_NETWORK.search(output):
        return (
            "The package registry cannot be reached. Check the network (and pip's own settings: pip config list) and\n"
            f"run this again; it goes on where it stopped. The whole output: {log}"
        )
    if missing := NO_MATCH.search(output):
        return (
            f"The package registry has no {missing[1]} for this Python ({sys.version.split()[0]}) on {sys.platform}. "
            "Use a ComfyUI of your own instead: set COMFYUI_PATH to its folder.\n"
            f"The whole output: {log}"
        )
    last = "\n".join(line[:300] for line in output.splitlines()[-8:] if line.strip())
    return f"{program} failed:\n{last}\nThe whole output: {log}"


def site_packages(python: Path) -> Path:
    return Path(require_answer(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))


def forget_broken_packages(packages: Path) -> list[str]:
    """Make pip install again what a cut-off run left half-installed; returns the names.

    pip takes a package for installed as soon as its metadata is there. A package with a file missing or of the wrong
    size loses its metadata here, so that the next ``pip install`` writes all of it again.
    """
    broken = []
    for metadata in packages.glob("*.dist-info"):
        record = metadata / "RECORD"
        if not record.is_file() or not all(_is_whole(packages, row) for row in _read_record(record)):
            broken.append(metadata.name.split("-")[0])
            shutil.rmtree(metadata)
    return broken


def _read_record(record: Path) -> Iterator[list[str]]:
    with record.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def _is_whole(packages: Path, row: list[str]) -> bool:
    """Whether the file of one row of a RECORD (path, hash, size) is there; only rows with a size are checked."""
    if len(row) != 3 or not row[2]:
        return True
    file = packages / row[0]
    return file.is_file() and file.stat().st_size == int(row[2])


def install_packages(python: Path, arguments: Sequence[str], log: Path) -> None:
    """``pip install`` that repairs what an earlier, cut-off run left."""
    if broken := forget_broken_packages(site_packages(python)):
        say(f"      installing again what was cut off: {', '.join(sorted(broken))}")
    run_pip(python, ["install", *arguments], log)


def install_aside(python: Path, requirement: str, folder: Path, log: Path) -> None:
    """Install one package without its dependencies into a folder of its own, outside every environment."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    run_pip(python, ["install", "--no-deps", "--target", str(partial), requirement], log)
    write_stamp(partial / "zoomstack.stamp", requirement)
    replace_folder(partial, folder)
