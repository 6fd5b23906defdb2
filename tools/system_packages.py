"""Packages of the system, where this process may install them: as root, on Debian and Ubuntu."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from commands import run_logged

QUIETLY = {"DEBIAN_FRONTEND": "noninteractive"}
UPDATE_SECONDS, INSTALL_SECONDS = 300.0, 600.0
# Another run of apt may be at work, as on a machine that has just started.
WAIT_FOR_OTHERS = ["-o", "DPkg::Lock::Timeout=120"]


def can_install() -> bool:
    """Whether ``install`` can do anything here."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str], log: Path) -> None:
    """Install ``packages``, and nothing that they only recommend.

    Raises:
        ToolError: one line: if apt-get fails or is not done in time.
    """
    apt = shutil.which("apt-get") or "apt-get"
    names = " ".join(packages)
    run_logged([apt, "update", "-qq"], "apt-get update", log, UPDATE_SECONDS, QUIETLY)
    command = [apt, "install", "-y", "-qq", "--no-install-recommends", *WAIT_FOR_OTHERS, *packages]
    run_logged(command, f"apt-get install {names}", log, INSTALL_SECONDS, QUIETLY)
