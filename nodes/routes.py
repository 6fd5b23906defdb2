"""What the front end asks the server for while no workflow runs."""

from collections.abc import Mapping
from pathlib import Path

import folder_paths
from aiohttp import web
from PIL import Image
from server import PromptServer

from ..zoomstack_core.geometry import ZoomGeometry
from ..zoomstack_core.html_export import framed_page
from ..zoomstack_core.prompts import parse_prompts
from .zoom_viewer import DEFAULT_PREFIX, save_page


@PromptServer.instance.routes.post("/zoomstack/prompts")
async def read_prompts(request: web.Request) -> web.Response:
    """The prompts in a text, for the rows of Zoom Prompt Schedule."""
    try:
        return web.json_response({"prompts": parse_prompts((await request.json())["text"])})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return web.json_response({"error": f"no prompts can be read in this text: {error}"}, status=400)


@PromptServer.instance.routes.post("/zoomstack/page")
async def save_page_of_result(request: web.Request) -> web.Response:
    """The viewer's button: save a page from the temporary images of the node's last result."""
    asked = await request.json()
    try:
        shown, images = asked["zoom"], [Image.open(_temporary(file)) for file in asked["images"]]
        given = shown["geometry"]
        foci = tuple(tuple(focus) for focus in given["foci"])
        geometry = ZoomGeometry(
            len(images), given["height"], given["width"], tuple(given["factors"]) or 2.0, foci or (0.5, 0.5)
        )
        page = save_page(images, geometry, shown["prompts"], asked.get("filename_prefix") or DEFAULT_PREFIX)
    except (KeyError, TypeError, ValueError) as error:
        return web.json_response({"error": f"the request does not describe a zoom: {error!r}"}, status=400)
    except FileNotFoundError:
        return web.json_response({"error": "the images are no longer there; run the workflow again."}, status=404)
    except OSError as error:
        return web.json_response({"error": str(error)}, status=507)
    return web.json_response(page)


@PromptServer.instance.routes.get("/zoomstack/page")
async def open_saved_page(request: web.Request) -> web.Response:
    """A saved page, to be looked at. The host lets the browser only download HTML, since HTML could use the host in the
    user's name; in a sandboxed frame it cannot."""
    try:
        path = _inside(folder_paths.get_output_directory(), request.query)
        if path.suffix != ".html":
            raise FileNotFoundError(path)
        page = framed_page(path.read_text(encoding="utf-8"), path.stem)
    except (KeyError, ValueError, FileNotFoundError):
        return web.json_response({"error": "there is no such page in the output folder."}, status=404)
    return web.Response(text=page, content_type="text/html", headers={"X-Content-Type-Options": "nosniff"})


def _inside(folder: str, file: Mapping[str, str]) -> Path:
    """A file in a folder of the host, as the host names saved files; FileNotFoundError for anything else."""
    inside = Path(folder).resolve()
    path = (inside / file.get("subfolder", "") / file["filename"]).resolve()
    if inside not in path.parents or not path.is_file():
        raise FileNotFoundError(path)
    return path


def _temporary(file: dict[str, str]) -> Path:
    """A file of the folder for temporary files; FileNotFoundError for anything else."""
    if file.get("type") != "temp":
        raise FileNotFoundError(file)
    return _inside(folder_paths.get_temp_directory(), file)
