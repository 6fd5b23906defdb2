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
from zoomstack_core.explorer_page import explorer_page, framed_page, images_of
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
