"""The exported page: complete, without a network, and safe whatever the prompts say."""

import base64
import html
import io
import json
import re

import pytest
import torch
from PIL import Image

from zoomstack_core import explorer_page as page_module
from zoomstack_core.explorer_page import (
    Motion,
    explorer_page,
    framed_page,
    geometry_for_browser,
    geometry_from_browser,
    images_of,
    level_places,
    motion_from_browser,
    rebuilt_page,
)
from zoomstack_core.geometry import ZoomGeometry

GEOMETRY = ZoomGeometry(2, 24, 32, 4.0, (0.2, 0.5))
IMAGES = images_of(torch.rand(2, 3, 24, 32, generator=torch.Generator().manual_seed(1)))


def stack_in(page: str) -> dict[str, object]:
    found = re.search(r"^explorer\.show\((.*)\);$", page, re.MULTILINE)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


def test_the_page_holds_the_images_and_the_geometry() -> None:
    stack = stack_in(explorer_page(IMAGES, GEOMETRY, ["sky", "sun"]))
    assert stack["geometry"] == {"height": 24, "width": 32, "factors": [4.0], "foci": [[0.2, 0.5]]}
    assert stack["prompts"] == ["sky", "sun"]
    urls = stack["urls"]
    assert isinstance(urls, list)
    for url, image in zip(urls, IMAGES, strict=True):
        data = base64.b64decode(url.removeprefix("data:image/webp;base64,"))
        assert Image.open(io.BytesIO(data)).convert("RGB").tobytes() == image.tobytes()


def test_every_level_has_its_place_in_the_widest_one() -> None:
    tree = ZoomGeometry(4, 24, 32, (4, 4, 2), ((0.25, 0.25), (0.75, 0.75), (1.0, 0.0)), parents=(None, 0, 0, 2))
    found = level_places(tree, ["a", "b", "c", "d"], ["sky", ""])
    assert [(entry["x"], entry["y"], entry["width"]) for entry in found] == [
        (0, 0, 1),
        (0.125, 0.125 * 24 / 32, 0.25),
        (0.625, 0.625 * 24 / 32, 0.25),
        (0.75, 0.625 * 24 / 32, 0.125),
    ]
    assert found[1]["tileSource"] == {"type": "image", "url": "b"}
    assert [entry.get("prompt") for entry in found] == ["sky", None, None, None]
    ring = ZoomGeometry(3, 32, 32, (2, 4, 8), parents=(2, 0, 1))
    assert [entry["width"] for entry in level_places(ring, "abc")] == [1, 1 / 2, 1 / 8]
    for count in (3, 5):
        with pytest.raises(ValueError, match=f"expected one image per level, 4, got {count}"):
            level_places(tree, ["a"] * count)


def test_large_images_are_compressed() -> None:
    large = images_of(torch.linspace(0, 1, 600).expand(1, 3, 600, 600))
    page = explorer_page(large, ZoomGeometry(1, 600, 600))
    assert len(page) < 120_000


def test_nothing_in_a_prompt_or_title_becomes_code() -> None:
    evil = "</script><script>alert(1)</script>"
    page = explorer_page(IMAGES, GEOMETRY, [evil], title=evil)
    assert page.count("</script>") == 1
    assert stack_in(page)["prompts"] == [evil]


def test_a_framed_page_cannot_leave_its_frame() -> None:
    page = 'x"></iframe><script>alert("&amp;")</script>'
    framed = framed_page(page, '</title>"')
    assert "<script>" not in framed
    assert framed.count("</title>") == 1
    (held,) = re.findall(r'<iframe sandbox="allow-scripts" allow="fullscreen" title="[^"]*" srcdoc="([^"]*)">', framed)
    assert html.unescape(held) == page


def test_the_images_must_fit() -> None:
    with pytest.raises(ValueError, match="one image per level, 2, got 1"):
        explorer_page(IMAGES[:1], GEOMETRY)


def test_what_cannot_be_bundled_is_an_error(tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = page_module.Path(str(tmp_path))
    (folder / "odd.js").write_text('import odd from "elsewhere";\n')
    monkeypatch.setattr(page_module, "FRONT_END", folder)
    with pytest.raises(ValueError, match=r"cannot bundle odd\.js"):
        page_module.bundled("odd")


SHAPES = [
    GEOMETRY,
    ZoomGeometry(1, 8, 8),
    ZoomGeometry(4, 24, 32, (3.0, 2.0, 2.0), ((0.3, 0.5), (0.2, 0.2), (0.8, 0.7)), parents=(None, 0, 1, 1)),
    ZoomGeometry(3, 24, 32, (3.0, 2.0, 4.0), (0.3, 0.4), parents=(2, 0, 1)),
]


@pytest.mark.parametrize("geometry", SHAPES, ids=lambda g: str(g.parents))
def test_a_geometry_survives_the_way_to_the_browser_and_back(geometry: ZoomGeometry) -> None:
    told = json.loads(json.dumps(geometry_for_browser(geometry)))
    assert geometry_from_browser(told, geometry.levels) == geometry
    assert ("parents" in told) != geometry.is_chain


def test_a_page_of_a_tree_can_be_made_anew() -> None:
    tree = SHAPES[2]
    images = images_of(torch.rand(4, 3, 24, 32, generator=torch.Generator().manual_seed(1)))
    page = explorer_page(images, tree, ["a"])
    assert stack_in(page)["geometry"]["parents"] == [None, 0, 1, 1]  # type: ignore[index]
    assert stack_in(rebuilt_page(page, "x")) == stack_in(page)


NAN = float("nan")


def test_a_page_keeps_its_motion_and_one_that_stands_still_has_none() -> None:
    motion = Motion(-30.0, 0.05, 8.0)
    page = explorer_page(IMAGES, GEOMETRY, motion=motion)
    assert stack_in(page)["motion"] == {"roll": -30.0, "drift": 0.05, "drift_seconds": 8.0}
    assert stack_in(rebuilt_page(page, "x")) == stack_in(page)
    still = explorer_page(IMAGES, GEOMETRY)
    assert "motion" not in stack_in(still)
    assert "motion" not in stack_in(rebuilt_page(still, "x"))
    assert explorer_page(IMAGES, GEOMETRY, motion=Motion(drift_seconds=3.0)) == still


@pytest.mark.parametrize(
    "changed",
    [
        *({"roll": value} for value in (NAN, 361, -361, "3", None, [], 10**400)),
        *({"drift": value} for value in (NAN, -0.1, 0.3, "x")),
        *({"drift_seconds": value} for value in (0, -1, 601, NAN)),
        {"more": 1.0},
    ],
    ids=str,
)
def test_a_motion_that_is_none_is_refused(changed: dict[str, object]) -> None:
    told = {"roll": 10.0, "drift": 0.1, "drift_seconds": 5.0}
    assert motion_from_browser(told) == Motion(10.0, 0.1, 5.0)
    assert motion_from_browser(None) == Motion()
    with pytest.raises(ValueError, match="motion"):
        motion_from_browser({**told, **changed})
    for other in (3, [], "x", {}):
        with pytest.raises(ValueError, match="motion"):
            motion_from_browser(other)


@pytest.mark.parametrize(
    "changed",
    [
        *({"parents": parents} for parents in (None, 0, "None", {}, [], [None, 0], [None, 0, 0, 0, 0])),
        *({"parents": [None, *parents]} for parents in ([1, 1, 1], [0, 3, 1], [0, 2, 1], [0, 1, -1], [0, 1, 4])),
        *({"parents": [None, *parents]} for parents in ([0, 1, None], [0, 1, True], [0, 1, 1.0], [0, 1, "1"])),
        *({"parents": [None, *parents]} for parents in ([0, 1, [1]], [0, 1, {}], [0, 1, NAN], [0, 1, 10**400])),
        {"parents": [3, 0, 1, 1]},  # a ring has one more step
        {"parents": ["3", 0, 1, 1]},
        {"parents": [None, 0, 0, 0]},  # these lie over each other
        {"foci": [[0.3, 0.5], [0.5, 0.5], [0.5, 0.5]]},
        {"factors": [3.0, 1.2, 1.2]},
        {"factors": [3.0, 2.0]},
        {"factors": [1e308, 1e308, 2.0]},
        {"factors": [3.0, 2.0, 2.0, 2.0], "foci": [[0.3, 0.5]] * 4},
    ],
    ids=lambda changed: str(changed)[:60],
)
def test_a_tree_that_is_none_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        geometry_from_browser({**geometry_for_browser(SHAPES[2]), **changed}, 4)


def test_a_tree_of_very_many_levels_is_refused_at_once() -> None:
    many = 100_000
    told = {
        "height": 8,
        "width": 8,
        "factors": [2.0] * many,
        "foci": [[0.5, 0.5]] * many,
        "parents": [None, *[0] * many],
    }
    with pytest.raises(ValueError, match="at most 1000"):
        geometry_from_browser(told, many + 1)
