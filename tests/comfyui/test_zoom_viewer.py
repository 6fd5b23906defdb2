"""ZoomViewer in real graphs, and what it tells the front end."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from harness import Host, NodeFailed, Prompt, call
from PIL import Image


def graph(host: Host, levels: int = 3, factor: float = 2.0, **widgets: Any) -> Prompt:
    images = torch.linspace(0, 1, levels)[:, None, None, None].expand(levels, 32, 48, 3)
    return {
        "images": host.source(images),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=factor, focus_x=0.25),
        "viewer": call("ZoomViewer", stack=["stack", 0], **widgets),
    }


def pages(host: Host) -> list[Path]:
    return sorted((host.base / "output").rglob("*.html"))


def test_the_levels_and_their_geometry_reach_the_front_end(host: Host) -> None:
    output = host.run(graph(host, factor=4.0))["viewer"]
    images = [Image.open(host.base / "temp" / image["subfolder"] / image["filename"]) for image in output["images"]]
    assert [image.size for image in images] == [(48, 32)] * 3
    assert images[0].getpixel((47, 0)) == (0, 0, 0)
    assert images[2].getpixel((0, 0)) == (255, 255, 255)
    (zoom,) = output["zoom"]
    assert zoom["geometry"] == {"height": 32, "width": 48, "factors": [4.0, 4.0], "foci": [[0.25, 0.5]] * 2}
    assert zoom["prompts"] == []
    assert "page" not in zoom


def test_roll_and_drift_reach_the_front_end_and_the_page(host: Host) -> None:
    output = host.run(graph(host, export_html=True, roll=-20.0, drift=0.05, drift_seconds=9.0))["viewer"]
    motion = {"roll": -20.0, "drift": 0.05, "drift_seconds": 9.0}
    assert output["zoom"][0]["motion"] == motion
    assert f'"motion": {json.dumps(motion)}' in pages(host)[-1].read_text(encoding="utf-8")
    assert "motion" not in host.run(graph(host, roll=0.0, drift=0.0, drift_seconds=5.0))["viewer"]["zoom"][0]


def test_the_images_go_on(host: Host) -> None:
    prompt = graph(host)
    seen, stack = host.evaluate(prompt, ["viewer", 0], ["stack", 1])
    assert torch.equal(seen, stack)


def test_prompts_become_captions(host: Host) -> None:
    prompt = graph(host, prompts=["text", 0]) | {"text": call("PrimitiveStringMultiline", value="# sky\n1. a\n2. b")}
    assert host.run(prompt)["viewer"]["zoom"][0]["prompts"] == ["a", "b"]


def test_captions_of_a_schedule_are_not_read_again(host: Host) -> None:
    """Though each of them could be a part of a list, a table or an answer."""
    lines = ["1. a", "- b", "Here are the prompts:", "Negative prompt: c", "a --neg d", "```e```", "| f |", "[1, 2]"]
    prompt = graph(host, len(lines), prompts=["text", 0])
    prompt["text"] = call("PrimitiveStringMultiline", value="\n".join(lines))
    assert host.run(prompt)["viewer"]["zoom"][0]["prompts"] == lines


@pytest.mark.parametrize("levels", [3, 4])  # with another number the text is read once more
def test_captions_do_not_say_where_branches_begin(host: Host, levels: int) -> None:
    prompt = graph(host, levels, prompts=["text", 0])
    prompt["text"] = call("PrimitiveStringMultiline", value="a\nb\nfrom 1: c")
    assert host.run(prompt)["viewer"]["zoom"][0]["prompts"] == ["a", "b", "c"]


@pytest.fixture
def notices(host: Host, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the nodes show on themselves."""
    shown: list[str] = []
    server = host.module("messages.node_text").PromptServer.instance
    monkeypatch.setattr(server, "send_progress_text", lambda text, node_id: shown.append(f"{node_id}: {text}"))
    return shown


@pytest.mark.parametrize(
    ("captions", "shown", "notice"),
    [
        ("# x", [], "The levels have no captions: prompts cannot be read. expected at least one prompt"),
        ("[1, 2]", [], "The levels have no captions: prompts cannot be read. expected a list of strings"),
        ("{}", [], "The levels have no captions"),
        ("---", [], "The levels have no captions"),
        ("a\n" * 20_000, [], "The levels have no captions"),
        ("a\nb", ["a", "b"], "prompts has 2 captions for 3 levels"),
        ("a", ["a"], "prompts has 1 captions for 3 levels"),
        ("a\nb\nc\nd", ["a", "b", "c"], "prompts has 4 captions for 3 levels"),
        ("a\nb\nc", ["a", "b", "c"], None),
        (" \n", [], None),
        ("", [], None),
    ],
)
def test_captions_never_fail_a_finished_zoom(
    host: Host, notices: list[str], captions: str, shown: list[str], notice: str | None
) -> None:
    prompt = graph(host, prompts=["text", 0], export_html=True)
    prompt["text"] = call("PrimitiveStringMultiline", value=captions)
    (zoom,) = host.run(prompt)["viewer"]["zoom"]
    assert zoom["prompts"] == shown
    page = host.base / "output" / zoom["page"]["subfolder"] / zoom["page"]["filename"]
    assert json.dumps(shown) in page.read_text(encoding="utf-8")
    own = [text for text in notices if text.startswith("viewer: ")]
    assert len(own) == (notice is not None)
    assert not notice or own[0].startswith(f"viewer: {notice}")


def test_a_page_is_saved_when_asked_for_and_never_overwritten(host: Host) -> None:
    before = pages(host)
    found = [host.run(graph(host, levels, export_html=True))["viewer"]["zoom"][0]["page"] for levels in (1, 3)]
    assert found[0] != found[1]
    new = [path for path in pages(host) if path not in before]
    assert [path.name for path in new] == [page["filename"] for page in found]
    for path, levels in zip(new, (1, 3), strict=True):
        text = path.read_text(encoding="utf-8")
        assert text.count("data:image/webp;base64,") == levels
        assert not re.search(r"""(?:src|href)=["']|https?://(?!www\.w3\.org/2000/svg)""", text)


def test_a_prefix_outside_the_output_folder_is_refused(host: Host) -> None:
    with pytest.raises(
        NodeFailed, match="Zoom Viewer: filename_prefix is '../../page', which is outside the output folder"
    ):
        host.run(graph(host, export_html=True, filename_prefix="../../page"))


def test_every_input_says_what_it_does(host: Host) -> None:
    schema = host.node("ZoomViewer").GET_SCHEMA()
    assert all(entry.tooltip for entry in [*schema.inputs, *schema.outputs])
