"""The explorer as one HTML page: the front end's own modules and the images, in a file that needs no network."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from .geometry import ZoomGeometry

FRONT_END = Path(__file__).resolve().parents[1] / "js"
# Each needs only those before it.
MODULES = ("zoom_math", "frame_detail", "level_painter", "gestures", "viewer_controls", "viewer")
QUALITY = 95
LOSSLESS_PIXELS = 256 * 256  # WebP halves the resolution of colors, which shows in small images

_IMPORT = re.compile(
    r'^import (?:\{ (?P<names>[\w, ]+) \}|\* as (?P<all>\w+)) from "\./(?P<module>\w+)\.js";$', re.MULTILINE
)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const|let)) (\w+)", re.MULTILINE)

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="ZoomStack">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}
html, body {{ height: 100%; margin: 0; background: #111; }}
body {{ padding: 8px; box-sizing: border-box; }}
</style>
</head>
<body>
<noscript style="color: #ddd">This page needs JavaScript to zoom.</noscript>
<script>
"use strict";
{script}
const explorer = new viewer.ZoomViewer();
document.body.append(explorer.root);
explorer.root.focus();
explorer.show({stack});
</script>
</body>
</html>
"""

_FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
html, body, iframe {{ display: block; width: 100%; height: 100%; margin: 0; border: 0; background: #111; }}
</style>
</head>
<body><iframe sandbox="allow-scripts" allow="fullscreen" title="{title}" srcdoc="{page}"></iframe></body>
</html>
"""


def explorer_page(
    images: Sequence[Image.Image], geometry: ZoomGeometry, prompts: Sequence[str] = (), title: str = "Zoom"
) -> str:
    """An HTML page with the explorer and everything that it shows.

    Args:
        images: one per level of ``geometry``, the widest view first.
        prompts: what the levels show; may be fewer than levels, or none.
        title: of the page.

    Returns:
        The page's text. Images are WebP: of quality 95, small ones without loss.

    Raises:
        ValueError: if there is not one image per level.
    """
    if len(images) != geometry.levels:
        raise ValueError(f"expected one image per level, {geometry.levels}, got {len(images)}")
    stack = {
        "geometry": geometry_for_browser(geometry),
        "urls": [_data_url(image) for image in images],
        "prompts": list(prompts),
    }
    return _PAGE.format(
        title=html.escape(title),
        style=(FRONT_END / "zoomstack.css").read_text(encoding="utf-8"),
        script="\n".join(bundled(module) for module in MODULES),
        stack=json.dumps(stack).replace("<", "\\u003c"),  # no "</script>" in a prompt ends the script
    )


def framed_page(page: str, title: str) -> str:
    """A page around any other page whose scripts can then reach nothing: no address of its server, no cookie.

    Args:
        page: HTML; may come from anywhere.
        title: of the page around it.

    Returns:
        HTML with ``page`` in a sandboxed frame, which has an origin of its own.
    """
    return _FRAME.format(title=html.escape(title), page=html.escape(page))


def geometry_for_browser(geometry: ZoomGeometry) -> dict[str, Any]:
    """What js/zoom_math.js calls a Geometry."""
    return {
        "height": geometry.height,
        "width": geometry.width,
        "factors": list(geometry.factors),
        "foci": [list(step.focus) for step in geometry.steps],
    }


def images_of(layers: Tensor) -> list[Image.Image]:
    """[N, 3, H, W] in [0, 1] → N pictures."""
    pixels = (layers.detach().float().clamp(0, 1) * 255).round().byte().movedim(1, -1).cpu().numpy()
    return [Image.fromarray(level) for level in pixels]


def bundled(module: str) -> str:
    """A module of js/ as a statement that defines an object of its exports, named after the module.

    Raises:
        ValueError: if it imports or exports in a way that this cannot express.
    """
    text = (FRONT_END / f"{module}.js").read_text(encoding="utf-8")
    names = ", ".join(name for _, name in _EXPORT.findall(text))
    text = _EXPORT.sub(r"\1 \2", text)
    text = _IMPORT.sub(lambda found: f"const {found['all'] or '{ ' + found['names'] + ' }'} = {found['module']};", text)
    if left := re.search(r"^(?:import|export)\b.*", text, re.MULTILINE):
        raise ValueError(f"cannot bundle {module}.js because of the line: {left[0]}")
    return f"const {module} = (() => {{\n{text}\nreturn {{ {names} }};\n}})();"


def _data_url(image: Image.Image) -> str:
    data = io.BytesIO()
    lossless = image.width * image.height <= LOSSLESS_PIXELS
    image.convert("RGB").save(data, "WEBP", quality=QUALITY, lossless=lossless)
    return "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode("ascii")
