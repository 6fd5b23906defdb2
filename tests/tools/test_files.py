from __future__ import annotations

import sys
from pathlib import Path

import files
import pytest
from report import ToolError


def test_stamp_is_read_back_and_absent_without_one(tmp_path: Path) -> None:
    stamp = tmp_path / "x.stamp"
    assert files.read_stamp(stamp) is None
    files.write_stamp(stamp, "torch==2.11.0")
    assert files.read_stamp(stamp) == "torch==2.11.0"
    assert list(tmp_path.iterdir()) == [stamp]


def test_replace_folder_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    for folder in (new, old):
        folder.mkdir()
        (folder / folder.name).touch()
    files.replace_folder(new, old)
    assert list(old.iterdir()) == [old / "new"] and not new.exists()


@pytest.fixture
def held_open(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A machine where a rename is refused as often as this list has entries, each time it is tried one less."""
    refusals = [0.0, 0.0, 0.0]
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if refusals:
            refusals.pop()
            raise PermissionError(13, "The process cannot access the file because it is being used", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    return refusals


@pytest.mark.parametrize("what", ["folder", "stamp"])
def test_what_a_virus_scanner_holds_for_a_moment_is_renamed_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_open: list[float], what: str
) -> None:
    monkeypatch.setattr(files, "PATIENCE", 20.0)
    if what == "folder":
        (tmp_path / "new").mkdir()
        files.replace_folder(tmp_path / "new", tmp_path / "old")
        assert (tmp_path / "old").is_dir()
    else:
        files.write_stamp(tmp_path / "x.stamp", "1")
        assert files.read_stamp(tmp_path / "x.stamp") == "1"
    assert held_open == []


def test_what_is_held_for_long_is_a_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_open: list[float]
) -> None:
    held_open += [0.0] * 1000
    monkeypatch.setattr(files, "PATIENCE", 0.5)
    (tmp_path / "new").mkdir()
    with pytest.raises(ToolError, match="new could not be renamed to old: The process cannot .*\n.*virus scanner"):
        files.replace_folder(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "new").is_dir()


def test_too_little_space_is_a_clear_message(tmp_path: Path) -> None:
    files.require_space(tmp_path, 1e-6)
    with pytest.raises(ToolError, match=r"GB free; the installation needs about 1e\+09 GB"):
        files.require_space(tmp_path, 1e9)


class TestLinkFolder:
    def test_leads_to_the_target_and_can_be_repeated(self, tmp_path: Path) -> None:
        target, link = tmp_path / "a target", tmp_path / "base" / "custom_nodes" / "ZoomStack"
        target.mkdir()
        (target / "__init__.py").write_text("x = 1")
        for _ in range(2):
            files.link_folder(link, target)
            assert (link / "__init__.py").read_text() == "x = 1"
        assert files.is_link(link) and not files.is_link(target)

    @pytest.mark.parametrize("old_target_exists", [True, False])
    def test_a_link_to_elsewhere_is_replaced(self, tmp_path: Path, old_target_exists: bool) -> None:
        before, now, link = tmp_path / "before", tmp_path / "now", tmp_path / "link"
        for folder in (before, now):
            folder.mkdir()
        (before / "kept").touch()
        files.link_folder(link, before)
        if not old_target_exists:
            before.rename(tmp_path / "moved")
        files.link_folder(link, now)
        assert link.samefile(now)
        assert (tmp_path / ("before" if old_target_exists else "moved") / "kept").exists()

    def test_a_real_folder_is_not_touched(self, tmp_path: Path) -> None:
        (tmp_path / "link").mkdir()
        (tmp_path / "link" / "work").touch()
        with pytest.raises(ToolError, match="is in the way"):
            files.link_folder(tmp_path / "link", tmp_path)
        assert (tmp_path / "link" / "work").exists()

    @pytest.mark.parametrize("refusal", [PermissionError(1, "not permitted"), OSError(22, "Incorrect function")])
    def test_a_disk_that_cannot_hold_one_is_a_clear_message(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: OSError
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise refusal

        monkeypatch.setattr(files, "_make_link", refuse)
        with pytest.raises(ToolError, match=f"could not be made a link to .*: {refusal.strerror}\\.\nNetwork drives"):
            files.link_folder(tmp_path / "base" / "link", tmp_path)

    @pytest.mark.skipif(sys.platform != "win32", reason="junctions are a thing of Windows")
    def test_windows_gets_a_junction(self, tmp_path: Path) -> None:
        files.link_folder(tmp_path / "link", tmp_path)
        assert not (tmp_path / "link").is_symlink() and files.is_link(tmp_path / "link")
