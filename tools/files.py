"""Files and folders as the installation needs them: stamps, whole folders, links that Windows allows.

A step of the installation leaves a *stamp*, a file that holds what was installed, inside the folder that it made, and
writes it last. What a cut-off run left behind is recognized by the missing stamp.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

from report import Stopwatch, ToolError

# Seconds for which ``patiently`` tries. Elsewhere than on Windows nothing that is refused is allowed later.
PATIENCE = 20.0 if sys.platform == "win32" else 0.0


def read_stamp(stamp: Path) -> str | None:
    return stamp.read_text(encoding="utf-8") if stamp.is_file() else None


def write_stamp(stamp: Path, content: str) -> None:
    partial = stamp.with_name(stamp.name + ".partial")
    partial.write_text(content, encoding="utf-8")
    rename(partial, stamp)


def replace_folder(new: Path, old: Path) -> None:
    if old.exists():
        patiently(f"{old} could not be removed", lambda: shutil.rmtree(old))
    rename(new, old)


def rename(new: Path, old: Path) -> None:
    """Give ``new`` the name ``old``; a file of that name is replaced."""
    patiently(f"{new} could not be renamed to {old.name}", lambda: new.replace(old))


def patiently(failure: str, do: Callable[[], object]) -> None:
    """Do what Windows refuses while another program, such as a virus scanner, looks into a freshly written file.

    Raises:
        ToolError: if it refuses for longer than ``PATIENCE`` seconds, beginning with ``failure``.
    """
    watch = Stopwatch()
    while True:
        try:
            do()
            return
        except PermissionError as error:
            if watch.seconds >= PATIENCE:
                raise ToolError(
                    f"{failure}: {error.strerror}.\nIf another program has it open, such as an editor, a terminal or a "
                    "virus scanner, close that and run this again."
                ) from error
        time.sleep(0.2)


def require_space(folder: Path, gigabytes: float) -> None:
    """Raise ToolError if the disk of ``folder`` has less than ``gigabytes`` (10⁹ bytes) free."""
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        raise ToolError(
            f"The disk of {folder} has {free:.1f} GB free; the installation needs about {gigabytes:g} GB.\n"
            "Free some space, or put the checkout on another disk, and run this again."
        )


def is_link(path: Path) -> bool:
    """Whether ``path`` is a symbolic link or a Windows junction (which ``Path.is_symlink`` does not see)."""
    if path.is_symlink():
        return True
    if sys.platform == "win32" and os.path.lexists(path):
        return bool(path.lstat().st_file_attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT)
    return False


def link_folder(link: Path, target: Path) -> None:
    """Make ``link`` lead to the folder ``target``; a link that leads elsewhere is replaced.

    Windows gets a junction, since symbolic links need a privilege there.

    Raises:
        ToolError: if a real folder or file is in the way, or the disk cannot hold a link.
    """
    if is_link(link):
        if link.exists() and link.samefile(target):
            return
        if link.is_symlink():
            link.unlink()
        else:
            link.rmdir()
    elif link.exists():
        raise ToolError(f"{link} is in the way: it should be a link to {target}. Move it elsewhere and run this again.")
    link.parent.mkdir(parents=True, exist_ok=True)
    try:
        _make_link(link, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ToolError(
            f"{link} could not be made a link to {target}: {error.strerror}.\n"
            "Network drives and some USB sticks cannot hold links. Put this checkout on a disk of this computer, or\n"
            "into ComfyUI's custom_nodes folder, and run this again."
        ) from error


def _make_link(link: Path, target: Path) -> None:
    if sys.platform == "win32":
        import _winapi

        _winapi.CreateJunction(str(target), str(link))
    else:
        link.symlink_to(target, target_is_directory=True)
