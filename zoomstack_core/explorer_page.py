"""The explorer as one HTML page: the front end's own modules and the images, in a file that needs no network."""

from __future__ import annotations

import base64
import html
import io
import itertools
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from einops import rearrange
from PIL import Image
from torch import Tensor

from .camera.turn import LONGEST_DRIFT, MOST_DRIFT, MOST_ROLL
from .geometry import Parents, ZoomGeometry

FRONT_END = Path(__file__).resolve().parents[1] / "js"
# Each needs only those before it.
MODULES = (
    "dom",
    "zoom_tree",
    "zoom_roll",
    "zoom_math",
    "zoom_moves",
    "zoom_turns",
    "zoom_tour",
    "magnification",
    "frame_detail",
    "level_painter",
    "gestures",
    "viewer_captions",
    "viewer_controls",
    "viewer_map",
    "viewer_hand",
    "viewer_input",
    "viewer",
)
QUALITY = 95
MOST_LEVELS_OF_TREE = 1000  # all children of a level are compared with each other
LOSSLESS_PIXELS = 256 * 256  # WebP halves the resolution of colors, which shows in small images

_IMPORT = re.compile(
    r'^import (?:\{ (?P<names>[\w, ]+) \}|\* as (?P<all>\w+)) from "\./(?P<module>\w+)\.js";$', re.MULTILINE
)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const|let)) (\w+)", re.MULTILINE)

# What a page may do: show the images that it holds, and run the scripts that it holds. It reaches no address, sends no
# form, and opens nothing.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="ZoomStack">
<meta http-equiv="Content-Security-Policy" content="{policy}">
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

# Where the zoom of a page stands in it, in all versions.
_DATA_BEFORE, _DATA_AFTER = "\nexplorer.show(", ");\n</script>"
_DATA_URL = re.compile(r"data:image/webp;base64,[A-Za-z0-9+/]+={0,2}")

_FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
html, body, iframe {{ display: block; width: 100%; height: 100%; margin: 0; border: 0; background: #111; }}
</style>
</head>
<body><iframe sandbox="allow-scripts" allow="fullscreen" title="{title}" srcdoc="{page}"></iframe></body>
</html>
"""


class Motion(NamedTuple):
    """How the explorer's camera moves beside the zoom: degrees that the picture turns from level to level (see
    `Journey.roll`), and while it plays, how far it sways, in widths of the view, and the seconds of one sway."""

    roll: float = 0.0
    drift: float = 0.0
    drift_seconds: float = 12.0


STILL = Motion()
MOST = Motion(MOST_ROLL, MOST_DRIFT, LONGEST_DRIFT)


def explorer_page(
    images: Sequence[Image.Image],
    geometry: ZoomGeometry,
    prompts: Sequence[str] = (),
    title: str = "Zoom",
    motion: Motion = STILL,
) -> str:
    """An HTML page with the explorer and everything that it shows.

    Args:
        images: one per level of ``geometry``, the widest view first.
        prompts: what the levels show; may be fewer than levels, or none.
        title: of the page.
        motion: of its camera.

    Returns:
        The page's text. Images are WebP: of quality 95, small ones without loss.

    Raises:
        ValueError: if there is not one image per level.
    """
    check_images(images, geometry)
    return _page([_data_url(image) for image in images], geometry, prompts, title, motion)


def rebuilt_page(page: str, title: str) -> str:
    """A saved page made anew: its images, geometry, prompts and motion in a page of our own, and nothing else of it.

    Args:
        page: HTML that `explorer_page` made, in this version or an earlier one; or anything else.
        title: of the page.

    Raises:
        ValueError: if the zoom of such a page is not found in it.
    """
    found = page.rpartition(_DATA_BEFORE)[2].partition(_DATA_AFTER)[0] if _DATA_BEFORE in page else ""
    try:
        stack = json.loads(found)
        urls, prompts = stack["urls"], stack["prompts"]
        geometry, motion = geometry_from_browser(stack["geometry"], len(urls)), motion_from_browser(stack.get("motion"))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError("the page holds no zoom that Zoom Viewer has saved") from error
    if not all(isinstance(url, str) and _DATA_URL.fullmatch(url) for url in urls):
        raise ValueError("the page holds images that Zoom Viewer has not saved")
    if not isinstance(prompts, list) or not all(isinstance(prompt, str) for prompt in prompts):
        raise ValueError("the page holds prompts that Zoom Viewer has not saved")
    return _page(urls, geometry, prompts, title, motion)


def framed_page(page: str, title: str) -> str:
    """A page around another page, whose scripts then share nothing with the server: neither its origin, with the
    cookies and the storage of it, nor any address, by the content security policy that a frame takes over.

    Args:
        page: HTML.
        title: of the page around it.

    Returns:
        HTML with ``page`` in a sandboxed frame, which has an origin of its own.
    """
    return _FRAME.format(title=html.escape(title), page=html.escape(page), policy=CONTENT_SECURITY_POLICY)


def _page(urls: Sequence[str], geometry: ZoomGeometry, prompts: Sequence[str], title: str, motion: Motion) -> str:
    shown = {"geometry": geometry_for_browser(geometry), "prompts": list(prompts), **motion_for_browser(motion)}
    told = json.dumps(shown)
    images = ", ".join(f'"{url}"' for url in urls)
    return _PAGE.format(
        title=html.escape(title),
        policy=CONTENT_SECURITY_POLICY,
        style=(FRONT_END / "zoomstack.css").read_text(encoding="utf-8"),
        script="\n".join(bundled(module) for module in MODULES),
        # no "</script>" in a prompt ends the script
        stack=f'{told[:-1]}, "urls": [{images}]}}'.replace("<", "\\u003c"),
    )


def level_places(geometry: ZoomGeometry, urls: Sequence[str], prompts: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Where the levels lie, as the `tileSources` of OpenSeadragon: one picture for each level in one scene.

    Args:
        urls: of the levels' images.
        prompts: see `explorer_page`.

    Returns:
        Per level the image; its left edge x, its upper edge y and its width, all in widths of the widest level; and its
        prompt, where there is one. Of a ring it is one round.

    Raises:
        ValueError: if there is not one image per level.
    """
    check_images(urls, geometry)
    found = []
    for level, (url, prompt) in enumerate(zip(urls, [*prompts, *[""] * geometry.levels], strict=False)):
        top, left, _, width = (edge / geometry.width for edge in geometry.rect(0, level))
        place = {"tileSource": {"type": "image", "url": url}, "x": left, "y": top, "width": width}
        found.append({**place, "prompt": prompt} if prompt else place)
    return found


def check_images(images: Sequence[Any], geometry: ZoomGeometry) -> None:
    """Raises ValueError unless there is one image, or its address, per level."""
    if len(images) != geometry.levels:
        raise ValueError(f"expected one image per level, {geometry.levels}, got {len(images)}")


def geometry_for_browser(geometry: ZoomGeometry) -> dict[str, Any]:
    """What js/zoom_math.js calls a Geometry. Only what is no chain has "parents", see `ZoomGeometry`."""
    told = {
        "height": geometry.height,
        "width": geometry.width,
        "factors": list(geometry.factors),
        "foci": [list(step.focus) for step in geometry.steps],
    }
    assert geometry.parents is not None, "made in __post_init__"
    return told if geometry.is_chain else {**told, "parents": list(geometry.parents)}


def geometry_from_browser(given: Any, levels: int) -> ZoomGeometry:
    """The geometry that `geometry_for_browser` told, which may have come from anywhere since.

    Raises:
        ValueError: if it is no geometry of as many levels.
    """
    try:
        factors, foci = tuple(given["factors"]), tuple(tuple(focus) for focus in given["foci"])
        if not all(isinstance(number, (int, float)) for number in (*factors, *itertools.chain(*foci))):
            raise TypeError
        parents = _parents_from_browser(given["parents"], levels) if "parents" in given else None
        steps = levels - 1 + (parents is not None and parents[0] is not None)
        if not len(factors) == len(foci) == steps:
            raise ValueError(f"the geometry has {len(factors)} factors and {len(foci)} foci for {levels} levels")
        size = given["height"], given["width"]
        geometry = ZoomGeometry(levels, *size, factors or 2.0, foci or (0.5, 0.5), parents=parents)
        finite = math.isfinite(max(geometry.magnifications))
    except KeyError as error:
        raise ValueError(f"the geometry has no {error.args[0]}") from error
    except (TypeError, OverflowError) as error:
        raise ValueError("the geometry holds something else than numbers, or larger ones than can be") from error
    if not finite:
        raise ValueError("the geometry's factors are larger than can be")
    return geometry


def motion_for_browser(motion: Motion) -> dict[str, Any]:
    """What the explorer is told of it: nothing if nothing moves beside the zoom."""
    return {"motion": motion._asdict()} if motion.roll or motion.drift else {}


def motion_from_browser(given: Any) -> Motion:
    """The motion that `motion_for_browser` told, which may have come from anywhere since; None is none.

    Raises:
        ValueError: for anything else, and numbers out of range.
    """
    if given is None:
        return STILL
    if not isinstance(given, dict) or given.keys() != STILL._asdict().keys():
        raise ValueError("the motion has not the numbers roll, drift and drift_seconds")
    if not all(isinstance(value, (int, float)) and abs(value) <= getattr(MOST, key) for key, value in given.items()):
        raise ValueError("the motion holds something else than numbers, or larger ones than can be")
    if given["drift"] < 0 or given["drift_seconds"] <= 0:
        raise ValueError("the motion's drift goes back in time")
    return Motion(**given)


def _parents_from_browser(given: Any, levels: int) -> Parents:
    """What is left for `ZoomGeometry` to check is which levels the parents are."""
    if not isinstance(given, list) or len(given) != levels or levels > MOST_LEVELS_OF_TREE:
        raise ValueError(f"the geometry has no parents for {levels} levels, at most {MOST_LEVELS_OF_TREE}")
    if None in given[1:]:
        raise ValueError("the geometry has levels besides the first that lie in no other")
    return tuple(given)


def images_of(layers: Tensor) -> list[Image.Image]:
    """[N, 3, H, W] in [0, 1] → N pictures."""
    pixels = rearrange(layers.detach(), "levels colors height width -> levels height width colors")
    return [Image.fromarray(level) for level in (pixels.float().clamp(0, 1) * 255).round().byte().cpu().numpy()]


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


def webp(image: Image.Image) -> bytes:
    """The file of a picture: of quality 95, a small one without loss."""
    data = io.BytesIO()
    lossless = image.width * image.height <= LOSSLESS_PIXELS
    image.convert("RGB").save(data, "WEBP", quality=QUALITY, lossless=lossless)
    return data.getvalue()


def _data_url(image: Image.Image) -> str:
    return "data:image/webp;base64," + base64.b64encode(webp(image)).decode("ascii")
