"""ZoomFromPictures in real graphs: shuffled pictures in, a stack and a video out."""

import re
from typing import Any

import pytest
import torch
from harness import Host, NodeFailed, Prompt, call
from torch import Tensor
from torch.nn.functional import interpolate
from zoom_graphs import PATH_WIDGETS

FACTORS, FOCI = (2.0, 3.2), ((0.4, 0.55), (0.7, 0.3))


def pictures(host: Host, seed: int = 1, height: int = 192, width: int = 256) -> Tensor:
    """[3, H, W, 3], which nest exactly, the widest first."""
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(3, height, width, FACTORS, FOCI)
    chance = torch.Generator().manual_seed(seed)
    layers = sum(
        interpolate(torch.rand(3, 3, cells, cells, generator=chance), (height, width), mode="bicubic") * share
        for cells, share in ((9, 0.5), (41, 0.5))
    )
    rendered = host.module("zoomstack_core.method.render").render_images(layers.clamp(0, 1), geometry)
    return rendered.movedim(1, -1)


def graph(host: Host, images: Tensor, **inputs: Any) -> Prompt:
    return {
        "pictures": host.source(images),
        "found": call("ZoomFromPictures", images=["pictures", 0], **inputs),
        "stack": call("ZoomStack", images=["found", 0], geometry=["found", 1], zoom_factor=2.0),
    }


def test_shuffled_pictures_become_a_stack_that_nests(host: Host) -> None:
    images = pictures(host)
    prompt = graph(host, images[[2, 0, 1]], match_colors=False)
    ordered, geometry, report, stack = host.evaluate(prompt, *(["found", k] for k in range(3)), ["stack", 0])
    assert torch.equal(ordered, images)
    assert geometry.zoom_factors == pytest.approx(FACTORS, rel=0.003)
    for found, (x, y) in zip(geometry.focus, FOCI, strict=True):
        assert (found[0] * 256, found[1] * 192) == pytest.approx((x * 256, y * 192), abs=0.5)
    assert stack.geometry.factors == geometry.zoom_factors
    assert (stack.images.movedim(1, -1) - images).abs().mean() < 0.02
    assert report.splitlines()[0] == "1: picture 2, the widest"
    assert len(report.splitlines()) == 3


def test_the_node_shows_how_far_it_is_and_the_report(host: Host) -> None:
    prompt = graph(host, pictures(host).flip(0))
    (report,) = host.evaluate(prompt, ["found", 2])
    texts = host.texts("found")
    assert texts[0] == "searching in picture 1 of 3"
    assert texts[-1] == report
    host.evaluate(prompt, ["stack", 0])
    assert host.texts("stack") == []  # no notice: the levels show each other


def test_colors_are_matched_unless_that_is_switched_off(host: Host) -> None:
    images = 0.1 + 0.7 * pictures(host)
    changed = images.clone()
    changed[1] *= 0.85
    matched, kept = (host.evaluate(graph(host, changed, **inputs), ["found", 0])[0] for inputs in ({}, OFF))
    assert torch.equal(kept, changed)
    assert torch.equal(matched[0], changed[0])
    assert (matched[1] - images[1]).abs().mean() < 0.2 * (changed[1] - images[1]).abs().mean()


OFF = {"match_colors": False}


def test_a_video_comes_of_it(host: Host) -> None:
    prompt = graph(host, pictures(host)[[1, 2, 0]])
    path = {**PATH_WIDGETS, "fps": 8.0, "seconds_per_level": 0.5}
    prompt["video"] = call("ZoomVideo", stack=["stack", 0], **path)
    (video,) = host.evaluate(prompt, ["video", 0])
    assert video.get_dimensions()[0] > 0 and video.get_duration() == pytest.approx(1.0, abs=0.3)


def test_transparent_parts_are_put_on_black(host: Host) -> None:
    images = pictures(host)
    clear = torch.cat([images, torch.ones_like(images[..., :1])], -1)
    ordered, stack = host.evaluate(graph(host, clear.flip(0), **OFF), ["found", 0], ["stack", 0])
    assert torch.equal(ordered, images) and len(stack) == 3


def test_one_picture_is_a_zoom_of_one_level(host: Host) -> None:
    images = pictures(host)[:1]
    ordered, stack = host.evaluate(graph(host, images), ["found", 0], ["stack", 0])
    assert torch.equal(ordered, images) and stack.geometry.levels == 1


def test_an_unrelated_picture_is_named(host: Host) -> None:
    images = pictures(host)
    mixed = torch.stack([images[1], pictures(host, seed=5)[0], images[0]])
    said = r"Zoom From Pictures: images has picture 2, which does not show .*best score 0\.\d\d with picture \d"
    with pytest.raises(NodeFailed, match=said):
        host.evaluate(graph(host, mixed), ["found", 0])


def test_stop_ends_the_search(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    import comfy.model_management

    zoom = host.module("nodes.zoom_from_pictures")
    asked = []

    def interrupt() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise comfy.model_management.InterruptProcessingException

    monkeypatch.setattr(zoom, "check_interrupted", interrupt)
    with pytest.raises(NodeFailed) as failed:
        host.evaluate(graph(host, pictures(host)), ["found", 0])
    assert len(asked) == 2 and re.search("[Ii]nterrupt", str(failed.value))
