"""Files appear when they are complete, under a name of their own, whoever else looks for one."""

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zoomstack_core import whole_file as module
from zoomstack_core.whole_file import ABANDONED, first_free, numbered, remove_leftovers, whole_file

PACK = Path(__file__).resolve().parents[2]
# Saves files under numbered names from several threads at once: folder, name, threads.
SAVERS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zoomstack_core.whole_file import first_free, numbered
folder, name, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
def save(k):
    with first_free(numbered(folder, "zoom", ".txt", 1), folder / ".work") as new:
        new.part.write_text(f"{name} {k}")
with ThreadPoolExecutor(threads) as pool:
    list(pool.map(save, range(threads)))
"""
# Begins a file and is killed.
KILLED = """
import os, signal, sys
from pathlib import Path
from zoomstack_core.whole_file import first_free
with first_free([Path(sys.argv[1]) / "zoom.mp4"], Path(sys.argv[1]) / ".work") as new:
    new.part.write_text("half")
    print(new.part, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=PACK, stdout=subprocess.PIPE, text=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


@pytest.mark.parametrize("links", [True, False])
def test_forty_savers_at_once_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:

        def refuse(*names: object) -> None:
            raise PermissionError(errno.EPERM, "no links on this file system")

        monkeypatch.setattr(os, "link", refuse)

    def save(k: int) -> Path:
        with first_free(numbered(tmp_path, "zoom", ".txt", 1), tmp_path / ".work") as new:
            new.part.write_text(str(k))
        assert new.path
        return new.path

    with ThreadPoolExecutor(40) as pool:
        paths = list(pool.map(save, range(40)))
    assert [path.read_text() for path in paths] == [str(k) for k in range(40)]
    assert names(tmp_path) == sorted(path.name for path in paths)
    assert {path.name for path in paths} == {f"zoom_{k:05}_.txt" for k in range(1, 41)}


def test_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    running = [python(SAVERS, tmp_path, name, 20) for name in ("one", "two", "three")]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    texts = sorted(path.read_text() for path in tmp_path.iterdir())
    assert texts == sorted(f"{name} {k}" for name in ("one", "two", "three") for k in range(20))


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_came_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:
        monkeypatch.delattr(os, "link")
        monkeypatch.setattr(os, "link", lambda *names: (_ for _ in ()).throw(OSError(errno.EOPNOTSUPP, "")), False)
    path = tmp_path / "zoom.txt"
    with pytest.raises(FileExistsError, match=r"zoom\.txt exists"), whole_file(path) as part:
        part.write_text("new")
        path.write_text("old")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["zoom.txt"]


def test_only_what_is_asked_to_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "zoom.txt"
    path.write_text("old")
    with pytest.raises(FileExistsError), whole_file(path):
        raise AssertionError("it begins though the name is taken")
    with whole_file(path, replace=True) as part:
        part.write_text("new")
    assert path.read_text() == "new"
    assert names(tmp_path) == ["zoom.txt"]


@pytest.mark.parametrize("name", ["n" * 251, "名" * 83])
def test_every_name_that_the_file_system_takes_is_taken(tmp_path: Path, name: str) -> None:
    with whole_file(tmp_path / f"{name}.txt") as part:
        part.write_text("long")
    assert names(tmp_path) == [f"{name}.txt"]


@pytest.mark.parametrize("name", ["n" * 252, "名" * 84])
def test_a_longer_name_is_an_error_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match="too long") as caught, whole_file(tmp_path / f"{name}.txt"):
        raise AssertionError("it begins")
    assert caught.value.errno == errno.ENAMETOOLONG
    assert names(tmp_path) == []


def test_the_first_error_is_the_one_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner that holds the file, as on Windows, must not hide why it was to be removed."""

    def held(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "in use")

    with pytest.raises(ValueError, match="the reason"), whole_file(tmp_path / "zoom.txt") as part:
        part.write_text("half")
        monkeypatch.setattr(Path, "unlink", held)
        raise ValueError("the reason")
    monkeypatch.undo()


def test_a_scanner_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "name", "nt")
    tries = []

    def action() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise PermissionError(errno.EACCES, "in use")

    module._patiently(action, pause=0)
    assert len(tries) == 3
    with pytest.raises(PermissionError):
        module._patiently(lambda: (_ for _ in ()).throw(PermissionError("always")), tries=3, pause=0)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    killed = python(KILLED, tmp_path)
    assert killed.wait(60) == -signal.SIGKILL
    left = Path((killed.stdout.read() if killed.stdout else "").strip())
    assert left.read_text() == "half"
    work = left.parent
    own = work / "my.part.mp4"
    own.write_text("of the user")
    with first_free([tmp_path / "other.mp4"], work) as new:  # another one is at work
        new.part.write_text("on its way")
        assert remove_leftovers(work) == [left]
        assert new.part.read_text() == "on its way"
    assert names(tmp_path) == [".work", "my.part.mp4", "other.mp4"]


def test_another_machines_file_stays_for_a_day(tmp_path: Path) -> None:
    part = tmp_path / ".zoomstack-00000000-1-89abcdef.part.mp4"
    part.write_text("half")
    assert remove_leftovers(tmp_path) == []
    old = time.time() - ABANDONED - 1
    os.utime(part, (old, old))
    assert remove_leftovers(tmp_path) == [part]
    assert remove_leftovers(tmp_path / "none") == []


def test_the_folder_of_files_in_the_making_is_gone_afterwards(tmp_path: Path) -> None:
    with first_free([tmp_path / "zoom.txt"], tmp_path / ".work") as new:
        assert new.part.parent == tmp_path / ".work"
        assert new.path is None
        new.part.write_text("text")
    assert new.path == tmp_path / "zoom.txt"
    assert names(tmp_path) == ["zoom.txt"]


WORKSHOPS = ["a file", "a link to nothing", "a link to a file", "of another user", "never there", "on another disk"]


@pytest.mark.parametrize("kind", WORKSHOPS)
def test_a_folder_that_cannot_serve_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    work = tmp_path / ".work"
    if kind == "a file":
        work.write_text("mine")
    elif kind.startswith("a link"):
        if kind.endswith("file"):
            (tmp_path / "other").write_text("mine")
        work.symlink_to(tmp_path / "other")
    elif kind == "of another user":
        work.mkdir()
        create = os.open

        def refuse(path: Path, *rest: int) -> int:
            if work in path.parents:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return create(path, *rest)

        monkeypatch.setattr(module.os, "open", refuse)
    elif kind == "never there":
        monkeypatch.setattr(Path, "mkdir", lambda path: None)  # as if another one removed it every time
    else:
        stat = Path.stat

        def moved(path: Path, **how: bool) -> os.stat_result:
            found = stat(path, **how)
            values = list(found)
            values[2] += path.parent == work  # st_dev
            return os.stat_result(values)

        monkeypatch.setattr(Path, "stat", moved)
    before = names(tmp_path)
    with first_free([tmp_path / "zoom.txt"], work) as new:
        assert new.part.parent == tmp_path
        new.part.write_text("text")
    assert new.path == tmp_path / "zoom.txt"
    assert names(tmp_path) == sorted([*before, "zoom.txt"])


def test_a_folder_that_is_a_link_to_one_serves(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / ".work").symlink_to(tmp_path / "other")
    with first_free([tmp_path / "zoom.txt"], tmp_path / ".work") as new:
        assert new.part.parent == tmp_path / ".work"
        new.part.write_text("text")
    assert names(tmp_path) == [".work", "other", "zoom.txt"]
