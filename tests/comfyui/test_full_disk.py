"""A disk that is really full: every node that writes a file says so, leaves nothing behind, and works once there is
room."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import folder_paths
import pytest
import torch
from harness import Host, NodeFailed, Prompt, call
from zoom_graphs import PATH_WIDGETS

PAGE = 4096
PATH = {**PATH_WIDGETS, "fps": 12.0, "easing": "none"}
FORMATS = ("h264", "h265", "av1", "vp9", "prores", "gif", "webp")
Disk = Callable[[int], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """disk(size): the folder of a file system in memory with room for that many bytes, and no more."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def resized(size: int) -> Path:
        option = f"{'remount,' if folder.is_mount() else ''}size={size}"
        try:
            subprocess.run(["mount", "-t", "tmpfs", "-o", option, "tmpfs", folder], check=True, capture_output=True)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            pytest.skip(f"mounting a small file system is not possible here: {getattr(error, 'stderr', error)!r}")
        return folder

    yield resized
    if folder.is_mount():
        subprocess.run(["umount", "-l", folder], check=True)


def zoom_graph(host: Host, form: str) -> Prompt:
    if form not in host.module("zoomstack_core.video.formats").available_formats():
        pytest.skip(f"no encoder for {form} in this build")
    levels = torch.rand(2, 64, 80, 3, generator=torch.Generator().manual_seed(0))
    return {
        "images": host.source(levels),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0),
        "video": call("ZoomVideo", stack=["stack", 0], format=form, crf=10.0, **PATH),
        "save": call("ZoomSaveVideo", video=["video", 0], filename_prefix="zoom"),
    }


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def too_small(size: int) -> list[int]:
    """Disks on which a file of this size begins to be written, gets half way, and lacks its last page."""
    pages = -(-size // PAGE)
    assert pages > 3
    return [PAGE, pages // 2 * PAGE, (pages - 1) * PAGE]


@pytest.mark.parametrize("form", FORMATS)
def test_zoom_video(host: Host, disk: Disk, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    prompt = zoom_graph(host, form)
    del prompt["save"]
    (video,) = host.evaluate(prompt, ["video", 0])
    size = Path(video.get_stream_source()).stat().st_size
    for room in too_small(size):
        monkeypatch.setattr(folder_paths, "temp_directory", str(disk(room)))
        prompt["video"]["inputs"]["crf"] -= 0.01  # or the host gives the video that it has
        with pytest.raises(
            NodeFailed, match=r"ZoomVideo: .*no room for ZoomVideo_\w+\.\w+: the disk is full\. Make room"
        ):
            host.evaluate(prompt, ["video", 0])
        assert files(disk(room)) == []
    monkeypatch.setattr(folder_paths, "temp_directory", str(disk(2 * size)))
    (video,) = host.evaluate(prompt, ["video", 0])
    assert files(disk(2 * size)) == [Path(video.get_stream_source())]


@pytest.mark.parametrize("form", FORMATS)
def test_save_zoom_video(host: Host, disk: Disk, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    prompt = zoom_graph(host, form)
    saved = host.run(prompt)["save"]["images"][0]
    size = (host.base / "output" / saved["filename"]).stat().st_size
    for room in too_small(size):
        monkeypatch.setattr(folder_paths, "output_directory", str(disk(room)))
        prompt["save"]["inputs"]["filename_prefix"] += "x"
        with pytest.raises(NodeFailed, match=r"ZoomSaveVideo: .*no room for zoomx+_00001_\.\w+: the disk is full"):
            host.run(prompt)
        assert files(disk(room)) == []
    monkeypatch.setattr(folder_paths, "output_directory", str(disk(2 * size)))
    saved = host.run(prompt)["save"]["images"][0]
    assert [path.name for path in files(disk(2 * size))] == [saved["filename"]]


def test_a_video_of_the_host(host: Host, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that Save Zoom Video does not copy, but has the host encode."""
    frames = torch.rand(12, 64, 80, 3, generator=torch.Generator().manual_seed(0))
    prompt: Prompt = {
        "frames": host.source(frames),
        "video": call("CreateVideo", images=["frames", 0], fps=12.0),
        "save": call("ZoomSaveVideo", video=["video", 0], filename_prefix="zoom"),
    }
    monkeypatch.setattr(folder_paths, "output_directory", str(disk(4 * PAGE)))
    with pytest.raises(NodeFailed, match=r"ZoomSaveVideo: .*no room for zoom_00001_\.mp4: the disk is full"):
        host.run(prompt)
    assert files(disk(4 * PAGE)) == []
    disk(1 << 20)
    saved = host.run(prompt)["save"]["images"][0]
    assert [path.name for path in files(disk(1 << 20))] == [saved["filename"]]


@pytest.mark.parametrize("button", [False, True])
def test_the_viewers_page(host: Host, disk: Disk, monkeypatch: pytest.MonkeyPatch, button: bool) -> None:
    prompt: Prompt = {
        "images": host.source(torch.rand(2, 64, 80, 3, generator=torch.Generator().manual_seed(0))),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0),
        "viewer": call("ZoomViewer", stack=["stack", 0]),
    }
    output = host.run(prompt)["viewer"]
    monkeypatch.setattr(folder_paths, "output_directory", str(disk(4 * PAGE)))
    message = r"no room for zoom_00001_\.html: the disk is full"
    if button:
        asked = {"images": output["images"], "zoom": output["zoom"][0], "filename_prefix": "zoom"}
        status, answer = host.post("/zoomstack/page", asked)
        assert status == 507
        assert message.replace("\\", "") in answer["error"]
    else:
        prompt["viewer"]["inputs"].update(export_html=True, filename_prefix="zoom")
        with pytest.raises(NodeFailed, match=f"ZoomViewer: .*{message}"):
            host.run(prompt)
    assert files(disk(4 * PAGE)) == []
