"""Other versions of ComfyUI, for the tests: ``python tools/test.py --host 0.27.0 [pytest arguments]``.

Each lives in a folder of its own, ``.host/0.27.0``, beside ComfyUI's pinned version. Its environment holds only what
its requirements name in another version, its front end above all; the rest, PyTorch with its 6 GB too, it sees in the
environment of the pinned version.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import environment
import files
import pins
from host import CHECKOUT, PACK_NAME, Host, Step, install_host, locked, requirements_step, run_steps, source_step
from report import ToolError

OPTION = "--host"


def take_version(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The version that ``--host VERSION`` or ``--host=VERSION`` names (None without it), and all other arguments.

    Raises:
        ToolError: if it is none of the versions that can be had.
    """
    rest = list(arguments)
    for i, argument in enumerate(rest):
        name, _, value = argument.partition("=")
        if name == OPTION:
            version = value or (rest.pop(i + 1) if i + 1 < len(rest) else "")
            del rest[i]
            if version not in pins.SDISTS:
                raise ToolError(f"{OPTION} takes one of {', '.join(pins.SDISTS)}, not {version!r}.")
            return version, rest
    return None, rest


def install_version(version: str, checkout: Path = CHECKOUT) -> Host:
    """ComfyUI ``version`` with the test tools, below ``checkout``; installed where it is not there or not whole."""
    pinned = install_host(checkout, test_requirements=True)
    if version == pins.COMFYUI_VERSION:
        return pinned
    state = pinned.state / version
    state.mkdir(exist_ok=True)
    base = state / "base"
    host = Host(
        comfyui=state / "ComfyUI",
        python=environment.venv_python(state / "venv"),
        base=base,
        pack=base / "custom_nodes" / PACK_NAME,
        state=state,
    )
    with locked(state / "lock"):
        run_steps([shared_environment_step(host, pinned), source_step(host, version)], 0, 3)
        run_steps([requirements_step(host)], 2, 3)
    files.link_folder(host.pack, checkout.resolve())
    return host


def shared_environment_step(host: Host, pinned: Host) -> Step:
    """An environment that sees every package of ``pinned``'s, but prefers its own."""
    venv = host.python.parent.parent

    def make() -> None:
        command = [str(pinned.python), "-m", "venv", "--clear", "--without-pip", str(venv)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment.environment())
        if done.returncode != 0:
            raise ToolError(f"Python could not make an environment in {venv}:\n{(done.stdout + done.stderr)[-500:]}")
        own, shared = environment.site_packages(host.python), environment.site_packages(pinned.python)
        # Relative, so that the checkout may move, and may lie in a folder whose name is not ASCII.
        (own / "zoomstack.pth").write_text(os.path.relpath(shared, own) + "\n", encoding="utf-8")

    return Step(
        f"environment in {venv}, which shares the packages of {pinned.python.parent.parent}",
        venv / "zoomstack-venv.stamp",
        pins.PIP,
        make,
        works=lambda: environment.venv_works(venv),
    )
