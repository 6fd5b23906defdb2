"""Type check of the pack: ``python tools/python_types.py`` runs mypy over what ComfyUI loads of this checkout.

The pack is a package, whose modules import each other by relative names, and mypy names a package by its folder; that
of a checkout may have any name. So the checkout is shown to mypy by a link, in ``.host/types``. The host's modules are
not read: their types are in ``sampling/host_types.py``, and the check says the same for every version of ComfyUI.
"""

from __future__ import annotations

import os
import subprocess
import sys

from files import link_folder
from host import CHECKOUT, PACK_NAME
from report import run

# zoomstack_core needs no host and no package around it: tools/test.py checks it beside the tools.
PARTS = ("demo", "messages", "nodes", "sampling")
MODULES = ("host_version", "routes")


def main() -> int:
    link = CHECKOUT / ".host" / "types" / PACK_NAME
    link_folder(link, CHECKOUT.resolve())
    packages = [word for part in PARTS for word in ("-p", f"{PACK_NAME}.{part}")]
    modules = [word for module in (PACK_NAME, *(f"{PACK_NAME}.{name}" for name in MODULES)) for word in ("-m", module)]
    environ = {**os.environ, "MYPYPATH": str(link.parent)}
    return subprocess.run([sys.executable, "-m", "mypy", *packages, *modules], cwd=CHECKOUT, env=environ).returncode


if __name__ == "__main__":
    sys.exit(run(main))
