"""Where the nodes save files: names, places that are filled in, many at once, and folders that cannot be written."""

import asyncio
import errno
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import folder_paths
import pytest
import torch
from harness import Host, NodeFailed, Prompt, call
from PIL import Image
from zoom_graphs import PATH_WIDGETS

SAVERS = ("ZoomSaveVideo", "ZoomViewer")
PACK = Path(__file__).resolve().parents[2]


def graph(host: Host, prefix: str, saver: str, levels: int = 2, **widgets: Any) -> Prompt:
    """A stack of 80×64, a video of it of 96×48, and a node that saves the one or the other."""
    images = torch.rand(levels, 64, 80, 3, generator=torch.Generator().manual_seed(0))
    prompt: Prompt = {
        "images": host.source(images),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0),
    }
    if saver == "ZoomSaveVideo":
        size = {"width": 96, "height": 48}
        prompt["video"] = call("ZoomVideo", stack=["stack", 0], **{**PATH_WIDGETS, **size, **widgets})
        prompt["save"] = call(saver, video=["video", 0], filename_prefix=prefix)
    else:
        prompt["save"] = call(saver, stack=["stack", 0], export_html=True, filename_prefix=prefix)
    return prompt


def saved(host: Host, prompt: Prompt, **extra: Any) -> Path:
    output = host.run(prompt, **extra)["save"]
    file = (output.get("files") or output["images"])[0]
    assert file["type"] == "output"
    return host.base / "output" / file["subfolder"] / file["filename"]


def save_by_button(host: Host, prefix: str) -> tuple[int, Any]:
    prompt = graph(host, "unused", "ZoomViewer")
    prompt["save"]["inputs"]["export_html"] = False
    output = host.run(prompt)["save"]
    asked = {"images": output["images"], "zoom": output["zoom"][0], "filename_prefix": prefix}
    return host.post("/zoomstack/page", asked)


@pytest.mark.parametrize("saver", SAVERS)
def test_every_place_of_save_image_is_filled_in(host: Host, saver: str) -> None:
    """In a prompt that no front end has seen."""
    prefix = "by_%date:yyyy-MM-dd%/%year%.%month%.%day%_%date:hh:mm%_%width%x%height%_%ZoomStack.zoom_factor%"
    before = datetime.now()
    path = saved(host, graph(host, prefix, saver))
    size = "96x48" if saver == "ZoomSaveVideo" else "80x64"
    days = {moment.strftime("by_%Y-%m-%d/%Y.%m.%d_%H_%M") for moment in (before, datetime.now())}
    suffix = "mp4" if saver == "ZoomSaveVideo" else "html"
    assert path.relative_to(host.base / "output").as_posix() in {f"{day}_{size}_2.0_00001_.{suffix}" for day in days}
    assert path.is_file()


def test_the_button_fills_them_in_too(host: Host) -> None:
    status, page = save_by_button(host, "button_%date:yyyy%_%width%x%height%_%hour%%None.none%")
    assert status == 200, page
    assert re.fullmatch(r"button_\d{4}_80x64_\d\d%None\.none%_00001_\.html", page["filename"])
    assert (host.base / "output" / page["filename"]).is_file()


@pytest.mark.parametrize("saver", SAVERS)
def test_a_title_names_a_node(host: Host, saver: str) -> None:
    prompt = graph(host, "named/%My stack.zoom_factor%", saver)
    prompt["stack"]["_meta"] = {"title": "My stack"}
    assert saved(host, prompt).name.startswith("2.0_0000")


@pytest.mark.parametrize("saver", SAVERS)
def test_letters_that_windows_does_not_take_reach_no_file(host: Host, saver: str) -> None:
    path = saved(host, graph(host, 'odd\\a:b*c?"<>|d\n', saver))
    assert path.parent.name == "odd"
    assert path.name.startswith("a_b_c_____d_0000")


@pytest.mark.parametrize("saver", SAVERS)
@pytest.mark.parametrize("prefix", ["../out", "a/../../out", "..\\out", "/etc/out", "."])
def test_no_prefix_leads_out_of_the_output_folder(host: Host, saver: str, prefix: str) -> None:
    name = host.node(saver).GET_SCHEMA().display_name
    with pytest.raises(NodeFailed, match=rf"{name}: filename_prefix is .*, which is outside the output folder"):
        host.run(graph(host, prefix, saver))


@pytest.mark.parametrize("saver", SAVERS)
def test_an_empty_prefix_is_the_usual_one(host: Host, saver: str) -> None:
    assert saved(host, graph(host, "  ", saver)).parent.name in ("video", "zoomstack")


@pytest.mark.parametrize("saver", SAVERS)
@pytest.mark.parametrize("name", ["n" * 225, "名" * 70])
def test_long_names_are_taken(host: Host, saver: str, name: str) -> None:
    assert saved(host, graph(host, f"long/{name}", saver)).name.startswith(name)


@pytest.mark.parametrize("saver", SAVERS)
@pytest.mark.parametrize("prefix", ["n" * 250, "名" * 90, f"{'f' * 300}/zoom"])
def test_names_that_are_too_long_say_so(host: Host, saver: str, prefix: str) -> None:
    name = host.node(saver).GET_SCHEMA().display_name
    with pytest.raises(NodeFailed, match=rf"{name}: the file's name is too long .* Make filename_prefix shorter"):
        host.run(graph(host, prefix, saver))


@pytest.mark.parametrize("saver", SAVERS)
def test_a_file_in_the_way_of_the_folder_is_told(host: Host, saver: str) -> None:
    (host.base / "output").mkdir(exist_ok=True)
    (host.base / "output" / "in_the_way").write_text("a file")
    name = host.node(saver).GET_SCHEMA().display_name
    for prefix in ("in_the_way/zoom", "in_the_way/below/zoom"):
        with pytest.raises(
            NodeFailed, match=rf"{name}: the folder .*in_the_way.* a file is in its way\. Choose another"
        ):
            host.run(graph(host, prefix, saver))
    assert (host.base / "output" / "in_the_way").read_text() == "a file"


@pytest.mark.parametrize("kind", ["a file", "a link to nothing"])
def test_the_file_that_is_in_the_way_is_named(host: Host, kind: str) -> None:
    """Not the folder that was to be made, which may be far below it."""
    output = host.base / "output"
    output.mkdir(exist_ok=True)
    blocking = output / kind.replace(" ", "_")
    blocking.write_text("mine") if kind == "a file" else blocking.symlink_to(output / "nowhere")
    for prefix in ("zoom", "below/zoom", "below/and/below/zoom"):
        with pytest.raises(NodeFailed, match=rf"or move the file {re.escape(str(blocking))}\."):
            host.run(graph(host, f"{blocking.name}/{prefix}", "ZoomViewer"))
    blocking.unlink()


@pytest.mark.parametrize("saver", SAVERS)
@pytest.mark.parametrize("kind", ["a file", "a link to nothing"])
def test_something_with_the_name_of_the_workshop_stops_no_saving(host: Host, saver: str, kind: str) -> None:
    output = host.base / "output"
    output.mkdir(exist_ok=True)
    workshop = output / host.module("nodes.shared.saving").WORKSHOP
    workshop.write_text("mine") if kind == "a file" else workshop.symlink_to(output / "nowhere")
    try:
        assert saved(host, graph(host, "beside_it/zoom", saver)).is_file()
    finally:
        workshop.unlink()


@pytest.mark.parametrize("saver", SAVERS)
def test_a_folder_that_is_read_only_is_told(
    host: Host, saver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that is mounted so, as permissions do not stop those who may do everything."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not possible here")
    name = host.node(saver).GET_SCHEMA().display_name
    monkeypatch.setattr(folder_paths, "output_directory", str(folder))
    try:
        for prefix in ("zoom", "below/zoom"):
            with pytest.raises(
                NodeFailed, match=rf"{name}: ComfyUI may not write to the folder {folder}.* \(Read-only"
            ):
                host.run(graph(host, prefix, saver))
        if saver == "ZoomViewer":
            monkeypatch.setattr(folder_paths, "output_directory", str(folder))
            status, answer = save_by_button(host, "zoom")
            assert status == 500
            assert answer["error"].startswith("Zoom Viewer: ComfyUI may not write to the folder")
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_temporary_folder_that_is_read_only_is_told(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path / "file" / "temp"))
    with pytest.raises(NodeFailed, match=r"Zoom Video: the folder .*/temp cannot be made.*--temp-directory"):
        host.run(graph(host, "zoom", "ZoomSaveVideo", fps=11.0))


def test_a_folder_without_the_right_to_write_is_told(host: Host) -> None:
    """What the system says of one, as the tests may run with every right."""
    told = host.module("nodes.shared.saving").told
    message = (
        r"^Zoom Viewer: ComfyUI may not write to the folder /out \(Permission denied\)\. Choose another name or folder"
    )
    with pytest.raises(OSError, match=message), told("Zoom Viewer", Path("/out")):
        raise PermissionError(errno.EACCES, "Permission denied", "/out/zoom.html")


def test_the_saved_page_is_listed_among_the_files(host: Host) -> None:
    """As Save Text lists its file, so that clients of the API find it in the history."""
    output = host.run(graph(host, "listed/page", "ZoomViewer"))["save"]
    (file,) = output["files"]
    assert file == {"filename": "page_00001_.html", "subfolder": "listed", "type": "output"}
    assert output["zoom"][0]["page"] == file
    prompt = graph(host, "listed/page", "ZoomViewer")
    prompt["save"]["inputs"]["export_html"] = False
    assert "files" not in host.run(prompt)["save"]


def test_forty_pages_and_forty_videos_at_once(host: Host, tmp_path: Path) -> None:
    """All that a saver does for itself, at the same moment and for the same name."""
    saving = host.module("nodes.shared.saving")
    save_page = host.module("nodes.zoom_viewer").save_page
    copy = host.module("zoomstack_core.video.remux").write_copy
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(1, 16, 16)
    (video,) = host.evaluate(graph(host, "unused", "ZoomSaveVideo"), ["video", 0])
    source = Path(video.get_stream_source())

    def page(k: int) -> str:
        picture = Image.new("RGB", (16, 16), (k, 0, 0))
        return save_page([picture], geometry, [f"caption {k}"], "at_once/page")["filename"]

    def film(k: int) -> str:
        with saving.place("Save Zoom Video", "at_once/film", "zoom", 96, 48).new_file(".mp4") as new:
            copy(source, new.part, {"workflow": f"number {k}"})
        return new.path.name

    with ThreadPoolExecutor(80) as pool:
        pages, films = pool.map(page, range(40)), pool.map(film, range(40))
        pages, films = list(pages), list(films)
    folder = host.base / "output" / "at_once"
    for k in range(40):
        assert f'"caption {k}"' in (folder / pages[k]).read_text(encoding="utf-8")
        with av.open(str(folder / films[k])) as container:
            assert container.metadata["workflow"] == f"number {k}"
    assert sorted(path.name for path in folder.iterdir()) == sorted([*pages, *films])
    assert len({*pages, *films}) == 80


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_what_a_killed_server_left_is_removed_at_start(host: Host) -> None:
    """It is killed while it saves into a folder below the output folder."""
    output = host.base / "output"
    (output / "killed").mkdir(parents=True)
    script = """
import os, signal, sys
from pathlib import Path
from zoomstack_core.whole_file import first_free
output = Path(sys.argv[1])
with first_free([output / "killed" / "zoom_00001_.mp4"], output / sys.argv[2]) as new:
    new.part.write_bytes(bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    workshop = host.module("nodes.shared.saving").WORKSHOP
    command = [sys.executable, "-c", script, str(output), workshop]
    assert subprocess.run(command, cwd=PACK, check=False).returncode == -signal.SIGKILL
    assert len(list((output / workshop).iterdir())) == 1
    (output / workshop / "mine.txt").write_text("of the user")

    async def start() -> None:
        await (await host.pack.comfy_entrypoint()).on_load()

    asyncio.new_event_loop().run_until_complete(start())
    assert [path.name for path in (output / workshop).iterdir()] == ["mine.txt"]
    (output / workshop / "mine.txt").unlink()
