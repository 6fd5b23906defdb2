"""The archive of the registry, alone in a clean ComfyUI: it loads and runs the demo."""

import os
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import host as tools_host
import pytest
from archive import write_archive
from comfy_server import ComfyServer
from fakes import load_script
from PIL import Image

demo = load_script("demo")  # the name is also that of the folder of the model
NAME = "zoomstack"  # the folder that the manager makes: the project's name


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyServer]:
    base = tmp_path_factory.mktemp("clean host")
    pack = base / "custom_nodes" / NAME
    with zipfile.ZipFile(write_archive(base)) as archive:
        archive.extractall(pack)
    comfyui, python = Path(os.environ["COMFYUI_PATH"]), Path(os.environ["COMFYUI_PYTHON"])
    with ComfyServer(tools_host.Host(comfyui, python, base, pack, base), start_limit=180) as running:
        yield running


def test_the_archive_alone_runs_the_demo(server: ComfyServer) -> None:
    pack, output = server.host.pack, server.host.base / "output"
    prompt = demo.read_prompt(pack / "workflows" / "api" / "galaxy_to_planet_demo.json")
    # the whole graph, but the demo's size, its eight steps and two seconds per level show no more and take a minute
    shorter = {"ZoomKSampler": {"steps": 4}, "ZoomVideo": {"seconds_per_level": 0.2}}
    shorter["EmptyLatentImage"] = {"width": 128, "height": 128}
    for node in prompt.values():
        node["inputs"].update(shorter.get(node["class_type"], {}))
    entry = demo.wait(server, demo.submit(server, prompt))
    files = list(demo.saved_files(entry, output))
    images = [file for file in files if file.suffix == ".png"]
    assert len(images) == 13 and any(file.suffix == ".mp4" and file.stat().st_size > 10_000 for file in files)
    with Image.open(images[0]) as widest:
        assert widest.size == (512, 512) and all(high - low > 50 for low, high in widest.getextrema())


def test_the_archive_brings_pages_scripts_and_templates(server: ComfyServer) -> None:
    assert "Traceback" not in server.log.read_text(encoding="utf-8", errors="replace")
    assert "ZoomStack 1 galaxy demo, infinite zoom" in server.get("/workflow_templates")[NAME]
    for path in ("zoomstack.js", "docs/ZoomKSampler.md"):
        with urllib.request.urlopen(f"{server.url}/extensions/{NAME}/{path}") as answer:
            assert len(answer.read()) > 100
    nodes = [name for name, node in server.get("/object_info").items() if node["python_module"].endswith(f".{NAME}")]
    assert "ZoomKSampler" in nodes and len(nodes) > 10
