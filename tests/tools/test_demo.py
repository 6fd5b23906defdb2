"""The demo tool against a server that answers like ComfyUI; test_comfy_server.py has the real one."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from comfy_server import KEPT_MEMORY
from fakes import load_script
from report import ToolError

demo = load_script("demo")


def save(file: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": "Save", "inputs": {"file": file, "steps": 4, **inputs}}


def heed_interrupts() -> None:
    """A shell's background job, which the tests may be, is started with SIGINT ignored, and its children inherit it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Tool:
    """``python tools/demo.py`` of a checkout, with a ComfyUI and a torch that are a few lines each."""

    def __init__(self, checkout: Path, comfyui: Path, folder: Path) -> None:
        self.checkout, self.comfyui = checkout, comfyui
        torch = "class _No:\n    @staticmethod\n    def is_available():\n        return False\n"
        torch += "cuda = _No\nclass backends:\n    mps = _No\n"
        (folder / "stubs").mkdir()
        (folder / "stubs" / "torch.py").write_text(torch)
        paths = {"COMFYUI_PATH": str(comfyui), "COMFYUI_PYTHON": sys.executable, "PYTHONPATH": str(folder / "stubs")}
        self.environ = {**os.environ, **paths, "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
        self.output = checkout / ".host" / "base" / "output"

    def start(self, prompt: object, *arguments: str) -> subprocess.Popen[str]:
        workflow = self.checkout / "workflow.json"
        workflow.write_text(prompt if isinstance(prompt, str) else json.dumps(prompt))
        command = [sys.executable, str(self.checkout / "tools" / "demo.py"), "--workflow", str(workflow), *arguments]
        return subprocess.Popen(
            command,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            preexec_fn=heed_interrupts if os.name == "posix" else None,
        )

    def run(self, prompt: object, *arguments: str) -> tuple[int, str, str]:
        with self.start(prompt, *arguments) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err


@pytest.fixture
def tool(checkout: Path, comfyui: Path, tmp_path: Path) -> Tool:
    return Tool(checkout, comfyui, tmp_path)


def test_says_where_the_video_and_the_images_are(tool: Tool) -> None:
    prompt = {"7": save("zoom/zoom_00001_.mp4", seed=1), "8": save("level_00001_.png"), "9": save("level_00002_.png")}
    status, out, err = tool.run(prompt, "--seed", "5")
    assert (status, err) == (0, "")
    video, images = tool.output / "zoom" / "zoom_00001_.mp4", [tool.output / f"level_0000{i}_.png" for i in (1, 2)]
    assert f"Video:\n  {video}\nImages:\n  {images[0]}\n  {images[1]}\nDone in " in out
    assert video.read_text() == "5" and "preview.png" not in out
    log = (tool.checkout / ".host" / "comfyui.log").read_text()
    assert "--cpu" in log and "'--whitelist-custom-nodes', 'ZoomStack'" in log and "--base-directory" in log


@pytest.mark.parametrize("accelerator", [False, True])
def test_freed_memory_is_kept_on_a_cpu_but_where_the_user_says_how(
    tool: Tool, tmp_path: Path, accelerator: bool
) -> None:
    stub = tmp_path / "stubs" / "torch.py"
    stub.write_text(stub.read_text().replace("False", str(accelerator)))
    tool.environ = {name: value for name, value in tool.environ.items() if name not in KEPT_MEMORY}
    tool.environ["MALLOC_TOP_PAD_"] = "1"
    assert tool.run({"1": save("a.png")})[0] == 0
    log = (tool.checkout / ".host" / "comfyui.log").read_text()
    for name in KEPT_MEMORY.keys() - {"MALLOC_TOP_PAD_"}:
        assert (name in log) != accelerator
    assert "'MALLOC_TOP_PAD_': '1'" in log


def test_in_a_users_comfyui_the_output_is_there(tool: Tool) -> None:
    tool.checkout = tool.checkout.rename(tool.comfyui / "custom_nodes" / "zoomstack")
    del tool.environ["COMFYUI_PATH"]
    status, out, err = tool.run({"1": save("a.png")})
    assert (status, err) == (0, "")
    assert f"Images:\n  {tool.comfyui / 'output' / 'a.png'}\n" in out
    log = (tool.checkout / ".host" / "comfyui.log").read_text()
    assert "--base-directory" not in log and "'zoomstack'" in log


@pytest.mark.parametrize(
    ("prompt", "messages"),
    [
        ({"3": {"class_type": "Fail", "inputs": {}}}, ["Node 3 (Fail) failed: ValueError: expected 3 levels, got 2\n"]),
        ({"4": {"class_type": "ZoomX", "inputs": {}}}, ["Node 'ZoomX' not found.", "Node ID '#4'"]),
        ({"5": {"class_type": "Exit", "inputs": {}}}, ["ComfyUI ", "OutOfMemoryError: as a real log would say"]),
        ({"6": save("gone.png", lost=True)}, ["left no files\n  ", "gone.png is missing"]),
        ({"nodes": [], "links": []}, ["is not a workflow in API format"]),
        ("{", ["is not JSON"]),
    ],
)
def test_failures_are_messages(tool: Tool, prompt: object, messages: list[str]) -> None:
    status, _, err = tool.run(prompt)
    assert status == 1 and err.startswith("error: ") and "Traceback" not in err
    for message in messages:
        assert message in err
    if messages[0].startswith("Node"):
        assert str(tool.checkout / ".host" / "comfyui.log") in err


def test_a_server_that_does_not_start_shows_its_log(tool: Tool) -> None:
    (tool.comfyui / "broken").touch()
    status, _, err = tool.run({"1": save("a.png")})
    assert status == 1 and "ended by itself with status 1" in err and "ImportError: as a real log would say" in err


def test_a_port_in_use_is_refused(tool: Tool) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, _, err = tool.run({"1": save("a.png")}, "--port", str(port))
    assert status == 1 and f"Port {port} is in use" in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no way to send these signals to one process")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_server_ends_with_the_tool(tool: Tool, name: str) -> None:
    with tool.start({"1": {"class_type": "Sleep", "inputs": {}}}) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None
        with socket.create_connection(("127.0.0.1", int(found[1])), 5):
            pass
        process.send_signal(getattr(signal, name))
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and err.startswith("stopped")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(found[1])), 5)


class TestSeed:
    def test_only_widgets_get_it(self) -> None:
        prompt = {
            "1": {"class_type": "A", "inputs": {"seed": 1, "steps": 2}},
            "2": {"class_type": "B", "inputs": {"seed": ["9", 0], "noise_seed": 3}},
        }
        demo.set_seed(prompt, 7)
        assert prompt["1"]["inputs"] == {"seed": 7, "steps": 2}
        assert prompt["2"]["inputs"] == {"seed": ["9", 0], "noise_seed": 7}

    def test_without_a_seed_to_set(self) -> None:
        with pytest.raises(ToolError, match="no node of this workflow has a seed"):
            demo.set_seed({"1": {"class_type": "A", "inputs": {}}}, 7)


def test_the_newest_progress_bar_is_read_from_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 1000 + b"\r 5%| | 2/40 [00:01<00:20]\r 40%|\xe2\x96\x88 | 16/40 [00:10<00:12, 2.1it/s]")
    assert demo.steps_in_log(log) == ", step 16 of 40"
    log.write_bytes(b"nothing")
    assert demo.steps_in_log(log) == ""


def test_a_workflow_is_found_by_its_name(tmp_path: Path) -> None:
    """Or else the names that there are, are listed."""
    own = tmp_path / "own.json"
    own.write_text("{}")
    assert demo.find_workflow(own) == own
    for name in ("photo_zoom_demo", "photo_zoom_demo.json"):
        assert demo.find_workflow(Path(name)) == demo.WORKFLOWS / "photo_zoom_demo.json"
    with pytest.raises(ToolError, match=r"(?s)no workflow nothing\.json.* has:\n.*photo_zoom_demo\.json"):
        demo.find_workflow(Path("nothing.json"))
