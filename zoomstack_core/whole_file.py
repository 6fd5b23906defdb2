"""Files that appear only when they are complete, and never in place of another."""

from __future__ import annotations

import errno
import logging
import os
import platform
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Lock
from uuid import uuid4

logger = logging.getLogger("zoomstack")

# The disk is full, the user's share of it is, or the file is larger than a file may be.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# A file in the making says who makes it: the machine, the process, and a number of its own. What remains of a process
# that was killed is known by that, also where several machines share a folder. The name is short: file systems take
# 255 bytes, and the user's own name may need them all.
_MACHINE = f"{zlib.crc32(platform.node().encode()):08x}"
_PART = re.compile(r"\.zoomstack-(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}\.part(?:\.\w+)?")
# Seconds after which nobody is still at work on a file, wherever it was begun.
ABANDONED = 24 * 3600.0
# To make a folder that others remove as soon as it is empty, and a file in it.
TRIES = 100

_in_work: set[Path] = set()
_lock = Lock()


class NewFile:
    """A file in the making.

    Attributes:
        part: where to write it.
        path: where it is, once it is complete.
    """

    def __init__(self, part: Path) -> None:
        self.part = part
        self.path: Path | None = None


@contextmanager
def whole_file(path: Path, replace: bool = False) -> Iterator[Path]:
    """Gives a name beside ``path``, with the same extension, to write to. When the block ends the file is called
    ``path``; if the block raises, what was written is removed.

    Args:
        path: of the file.
        replace: take the place of a file of that name.

    Raises:
        FileExistsError: if there is such a file, and it is not to be replaced.
        OSError: if the file cannot be written; where there is no room for it, the message says so.
    """
    if replace:
        with _in_the_making(path) as part:
            yield part
            _patiently(lambda: part.replace(path))
        return
    with first_free([path]) as new:
        yield new.part


@contextmanager
def first_free(paths: Iterable[Path], workshop: Path | None = None) -> Iterator[NewFile]:
    """A new file under the first of several names that is free when it is complete, whoever else looks for one.

    Args:
        paths: names in one folder, with the same extension, in the order of choice.
        workshop: folder for the file in the making; that of the names by default. It is made if it is not there, and
            removed when it is empty. Where it cannot serve, it is not used: on another file system than the names,
            where another user has made it, and where something else has its name.

    Raises:
        FileExistsError: if no name is free.
        OSError: if the file cannot be written; where there is no room for it, the message says so.
    """
    names = iter(paths)
    path = _next_free(names, None)
    with _in_the_making(path, workshop) as part:
        new = NewFile(part)
        yield new
        while True:
            try:
                _claim(part, path)
                break
            except FileExistsError:
                path = _next_free(names, path)
        new.path = path


def numbered(folder: Path, name: str, suffix: str, first: int) -> Iterator[Path]:
    """Names as the host's nodes number their files: name_00001_.suffix, and so on without end."""
    return (folder / f"{name}_{number:05}_{suffix}" for number in count(first))


def remove_leftovers(folder: Path) -> list[Path]:
    """Removes what processes that were killed have left in a folder, and the paths of it; files that a process may
    still be writing stay, as does everything that ``first_free`` has not made."""
    removed = []
    for entry in os.scandir(folder) if folder.is_dir() else ():
        path, found = Path(entry.path), _PART.fullmatch(entry.name)
        if found and _abandoned(path, found["machine"], int(found["process"])) and _remove(path):
            removed.append(path)
    return removed


def _next_free(names: Iterator[Path], taken: Path | None) -> Path:
    for path in names:
        if not _exists(path):
            return path
        taken = path
    raise FileExistsError(errno.EEXIST, f"{taken} exists")


def _exists(path: Path) -> bool:
    """Like ``Path.exists``, but a name that the file system cannot take is an error: before anything is written."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _in_the_making(path: Path, workshop: Path | None = None) -> Iterator[Path]:
    """A name to write to that is taken for good, and gone when the block ends."""
    name = f".zoomstack-{_MACHINE}-{os.getpid()}-{uuid4().hex[:8]}.part{path.suffix}"
    places = [folder / name for folder in (workshop, path.parent) if folder]
    part = places[0]
    with _lock:
        _in_work.update(places)
    try:
        if part.parent == path.parent or not _created_in_workshop(part, path.parent):
            part = places[-1]
            _create(part)
        yield part
    except OSError as error:
        if error.errno in NO_ROOM:
            message = f"there is no room for {path.name}: the disk is full. Make room in {path.parent} and run again"
            raise OSError(error.errno, message) from error
        raise
    finally:
        if part.exists():
            _remove(part)
        if part.parent != path.parent:
            _remove_if_empty(part.parent)
        with _lock:
            _in_work.difference_update(places)


def _created_in_workshop(part: Path, folder: Path) -> bool:
    """Whether an empty file is now in its workshop, and can be called by a name in the folder."""
    workshop = part.parent
    for _ in range(TRIES):
        try:
            with suppress(FileExistsError):
                workshop.mkdir()
            _create(part)
        except FileNotFoundError:  # another process has just removed the workshop because it was empty
            continue
        except OSError as error:
            logger.debug("%s is not used: %s", workshop, error)
            return False
        if part.stat().st_dev == folder.stat().st_dev:
            return True
        _remove(part)
        _remove_if_empty(workshop)
        break
    return False


def _create(part: Path) -> None:
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def _claim(part: Path, path: Path) -> None:
    """Calls a complete file by its name; FileExistsError if that is taken."""
    if os.name == "nt":
        _patiently(lambda: part.rename(path))  # which on Windows replaces nothing
        return
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # no links here, as on FAT and many shares; if it is something else, this fails as well
        _create(path)
        try:
            part.replace(path)
        except BaseException:
            _remove(path)
            raise


def _patiently(action: Callable[[], object], tries: int = 20, pause: float = 0.1) -> None:
    """On Windows a virus scanner may hold a new file for a moment; nothing can be done with it until then."""
    for left in reversed(range(tries)):
        try:
            action()
            return
        except PermissionError:
            if os.name != "nt" or not left:
                raise
            time.sleep(pause)


def _remove(path: Path) -> bool:
    """Whether that worked. It does not raise: what is removed is so because of an error, which is the one to tell."""
    try:
        _patiently(path.unlink)
    except OSError as error:
        logger.warning("%s could not be removed: %s", path, error)
        return False
    return True


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # it stays if it is not empty, a link, or not ours
        folder.rmdir()


def _abandoned(path: Path, machine: str, process: int) -> bool:
    with _lock:
        if path in _in_work:
            return False
    try:
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    if age > ABANDONED:
        return True
    return machine == _MACHINE and (process == os.getpid() or not _running(process))


def _running(process: int) -> bool:
    if os.name == "nt":
        return False  # a file that is still open cannot be removed there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
