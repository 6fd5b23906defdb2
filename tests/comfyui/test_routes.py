"""What the front end asks the server for."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from harness import Host, Prompt, call


def graph(host: Host) -> Prompt:
    return {
        "images": host.source(torch.rand(3, 32, 48, 3)),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=2.0),
        "viewer": call("ZoomViewer", stack=["stack", 0]),
    }


def pages(host: Host) -> list[Path]:
    return sorted((host.base / "output").rglob("*.html"))


def test_the_button_saves_a_page_of_the_last_result(host: Host) -> None:
    output = host.run(graph(host))["viewer"]
    asked = {"images": output["images"], "zoom": output["zoom"][0], "filename_prefix": "zoomstack/button"}
    status, page = host.post("/zoomstack/page", asked)
    assert status == 200, page
    text = (host.base / "output" / page["subfolder"] / page["filename"]).read_text(encoding="utf-8")
    assert json.dumps(output["zoom"][0]["geometry"]) in text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"images": [{"filename": "gone.png", "subfolder": "", "type": "temp"}]}, 404),
        ({"images": [{"filename": "../../../../etc/passwd", "subfolder": "", "type": "temp"}]}, 404),
        ({"images": [{"filename": "x.png", "subfolder": "", "type": "output"}]}, 404),
        ({"images": []}, 400),
        ({"zoom": {}}, 400),
    ],
)
def test_the_button_takes_no_other_files(host: Host, change: dict[str, Any], status: int) -> None:
    output = host.run(graph(host))["viewer"]
    before = pages(host)
    asked = {"images": output["images"], "zoom": output["zoom"][0], **change}
    assert host.post("/zoomstack/page", asked)[0] == status
    assert pages(host) == before


def test_the_rows_learn_what_the_node_reads(host: Host) -> None:
    assert host.post("/zoomstack/prompts", {"text": "# x\n1. a\n2. b"}) == (200, {"prompts": ["a", "b"]})


@pytest.mark.parametrize("asked", [{"text": "# nothing"}, {}, {"text": 3}, []])
def test_a_text_without_prompts_is_an_error(host: Host, asked: Any) -> None:
    status, answer = host.post("/zoomstack/prompts", asked)
    assert status == 400
    assert answer["error"].startswith("no prompts can be read in this text")
