"""What the front end asks the server for while no workflow runs."""

from pathlib import Path

import folder_paths
from aiohttp import web
from PIL import Image
from server import PromptServer

from ..zoomstack_core.geometry import ZoomGeometry
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


def _temporary(file: dict[str, str]) -> Path:
    """A file of the folder for temporary files; FileNotFoundError for anything else."""
    folder = Path(folder_paths.get_temp_directory()).resolve()
    path = (folder / file.get("subfolder", "") / file["filename"]).resolve()
    if file.get("type") != "temp" or folder not in path.parents or not path.is_file():
        raise FileNotFoundError(path)
    return path
