"""What the front end asks the server for while no workflow runs.

All work is done in threads: the server answers others meanwhile. Whatever goes wrong is told as JSON, with a text.
"""

import asyncio
import errno
import functools
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import folder_paths
from aiohttp import web
from PIL import Image, UnidentifiedImageError
from server import PromptServer

from .messages.errors import of_file
from .nodes.shared.saved_levels import save_kept_levels
from .nodes.zoom_viewer import DEFAULT_PREFIX, save_levels, save_page
from .zoomstack_core.explorer_page import (
    CONTENT_SECURITY_POLICY,
    framed_page,
    geometry_from_browser,
    motion_from_browser,
    rebuilt_page,
)
from .zoomstack_core.geometry import ZoomGeometry
from .zoomstack_core.prompts.schedule import parse_schedule
from .zoomstack_core.quoting import middle_out, short
from .zoomstack_core.whole_file import NO_ROOM

logger = logging.getLogger("zoomstack")

Route = Callable[[web.Request], Awaitable[web.Response]]

MOST_TEXT = 2**20  # bytes of a request with a text
MOST_ASKED = 2**22  # bytes of a request with the images and the prompts of a zoom
MOST_LEVELS = 1000
MOST_TOLD = 600  # characters of an error


class _Refused(Exception):
    """A request that is answered with a text and a status of its own."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(middle_out(text, MOST_TOLD))
        self.status = status


def _told(work: Route) -> Route:
    """A route whose failures are JSON."""

    @functools.wraps(work)
    async def answer(request: web.Request) -> web.Response:
        try:
            return await work(request)
        except _Refused as refusal:
            return web.json_response({"error": str(refusal)}, status=refusal.status)
        except OSError as error:
            status = 507 if error.errno in NO_ROOM else 400 if error.errno == errno.ENAMETOOLONG else 500
            return web.json_response({"error": of_file(error)}, status=status)
        except web.HTTPException:
            raise
        except Exception as error:
            logger.exception("%s %s", request.method, request.path)
            text = f"ZoomStack failed: {type(error).__name__}. The server's log says where."
            return web.json_response({"error": text}, status=500)

    return answer


@PromptServer.instance.routes.post("/zoomstack/prompts")
@_told
async def read_prompts(request: web.Request) -> web.Response:
    """The prompts in a text, for the rows of Zoom Prompt Schedule."""
    asked = await _asked(request, MOST_TEXT)
    if not isinstance(asked, dict) or not isinstance(asked.get("text"), str):
        raise _Refused("no prompts can be read in this text: expected an object with a text in text")
    try:
        schedule = await asyncio.to_thread(parse_schedule, asked["text"])
    except ValueError as error:
        raise _Refused(f"no prompts can be read in this text: {error}") from None
    avoided = schedule.negatives or [""] * len(schedule.prompts)
    lines = [f"{line} --neg {n}" if n else line for line, n in zip(schedule.lines, avoided, strict=True)]
    return web.json_response({"prompts": lines})


@PromptServer.instance.routes.post("/zoomstack/page")
@_told
async def save_page_of_result(request: web.Request) -> web.Response:
    """The viewer's button: save a page from the temporary images of the node's last result."""
    asked = await _asked(request, MOST_ASKED)
    return web.json_response(await asyncio.to_thread(_save, asked, page=True))


@PromptServer.instance.routes.post("/zoomstack/levels")
@_told
async def save_levels_of_result(request: web.Request) -> web.Response:
    """The same of the levels as images with their places, for other viewers."""
    asked = await _asked(request, MOST_ASKED)
    return web.json_response(await asyncio.to_thread(_save, asked, page=False))


@PromptServer.instance.routes.get("/zoomstack/page")
@_told
async def open_saved_page(request: web.Request) -> web.Response:
    """A saved page, to be looked at. The host lets the browser only download HTML, since HTML could use the host in the
    user's name. So what is shown is a page of our own, with the images and the prompts of the saved one; in a frame
    without the server's origin, and with a policy that gives it no address."""
    page = await asyncio.to_thread(_opened, request.query)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return web.Response(body=page, content_type="text/html", charset="utf-8", headers=headers)


@PromptServer.instance.routes.post("/zoomstack/kept_levels")
@_told
async def save_kept_levels_of_node(request: web.Request) -> web.Response:
    """Zoom KSampler's menu: save the levels of a node's last run, so that they survive a restart."""
    asked = await _asked(request, MOST_TEXT)
    return web.json_response(await asyncio.to_thread(_save_kept_levels, asked))


async def _asked(request: web.Request, most: int) -> Any:
    """The JSON of a request of at most so many bytes."""
    body = bytearray()
    try:
        async for part in request.content.iter_any():
            body += part
            if len(body) > most:
                raise _Refused(f"the request is longer than {most:,} bytes, the most that is read", 413)
    except web.RequestPayloadError:
        raise _Refused("the request is not packed as its Content-Encoding says") from None
    return await asyncio.to_thread(_read_json, body)


def _read_json(body: bytearray) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except RecursionError:
        raise _Refused("the request is no JSON that can be read: too many brackets in each other") from None
    except ValueError as error:
        raise _Refused(f"the request is no JSON that can be read: {short(str(error), 200)[1:-1]}") from None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _save(asked: Any, page: bool) -> dict[str, str]:
    try:
        files, shown = asked["images"], asked["zoom"]
        given, prompts, moved = shown["geometry"], shown["prompts"], shown.get("motion")
        prefix = asked.get("filename_prefix") or DEFAULT_PREFIX
    except KeyError as error:
        raise _Refused(f"the request does not describe a zoom: it has no {error.args[0]}") from None
    except (AttributeError, TypeError):
        raise _Refused("the request does not describe a zoom: expected an object with images and zoom") from None
    if not _are(files, dict) or not 0 < len(files) <= MOST_LEVELS:
        raise _Refused(f"the request does not describe a zoom: images must be a list of 1 to {MOST_LEVELS} files")
    if not _are(prompts, str):
        raise _Refused("the request does not describe a zoom: prompts must be a list of texts")
    if not isinstance(prefix, str) or "\0" in prefix:
        raise _Refused("filename_prefix must be a name that a file can have")
    try:
        geometry = geometry_from_browser(given, len(files))
        motion = motion_from_browser(moved)
        pictures = _Pictures(files, geometry)
        if page:
            return save_page(pictures, geometry, prompts, prefix, motion=motion)
        return save_levels(pictures, geometry, prompts, prefix)
    except (ValueError, SyntaxError) as error:  # the second one is Pillow's, of a broken PNG file
        raise _Refused(str(error)) from None


def _save_kept_levels(asked: Any) -> dict[str, Any]:
    node = asked.get("node") if isinstance(asked, dict) else None
    if not isinstance(node, str):
        raise _Refused("the request does not name a node: expected an object with its id in node")
    saved = save_kept_levels(node)
    if saved is None:
        raise _Refused("no levels of this node are in memory; run the workflow, then save them.", 404)
    return saved


def _are(values: Any, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


class _Pictures(Sequence[Image.Image]):
    """The images of a result, each opened when it is asked for: a process may not have very many files open."""

    def __init__(self, files: Sequence[Mapping[str, Any]], geometry: ZoomGeometry) -> None:
        folder = folder_paths.get_temp_directory()
        paths = [_inside(folder, file) if file.get("type") == "temp" else None for file in files]
        self._paths = [path for path in paths if path is not None]
        if len(self._paths) < len(paths):
            raise _Refused("the images are no longer there; run the workflow again.", 404)
        self._size = (geometry.width, geometry.height)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, level: Any) -> Any:
        path = self._paths[level]
        try:
            # what the host's previews are: other formats have decoders that run programs or raise anything
            image = Image.open(path, formats=["PNG"])
        except (UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise _Refused(f"{short(path.name)} is no image that can be read: {short(str(error))}") from None
        if image.size != self._size:
            raise _Refused(f"{short(path.name)} has another size than the zoom; run the workflow again.")
        return image


def _opened(query: Mapping[str, Any]) -> bytes:
    path = _inside(folder_paths.get_output_directory(), query)
    if path is None or path.suffix != ".html":
        raise _Refused("there is no such page in the output folder.", 404)
    try:
        return framed_page(rebuilt_page(path.read_text(encoding="utf-8"), path.stem), path.stem).encode()
    except ValueError as error:  # other files, and other encodings
        raise _Refused(
            f"{short(path.name)} is not opened: {error}. Only pages of Zoom Viewer are; download it to look at it.", 415
        ) from None


def _inside(folder: str, file: Mapping[str, Any]) -> Path | None:
    """A file in a folder of the host, as the host names saved files; None for anything else."""
    subfolder, name = file.get("subfolder", ""), file.get("filename")
    if not isinstance(subfolder, str) or not isinstance(name, str) or "\0" in subfolder + name:
        return None
    inside = Path(folder).resolve()
    try:
        path = (inside / subfolder / name).resolve()
        return path if inside in path.parents and path.is_file() else None
    except OSError:  # a name that the file system cannot have
        return None
