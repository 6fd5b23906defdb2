"""ZoomViewer: explore a stack in the node, and save it as one HTML page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io, ui
from PIL import Image

from ..zoomstack_core.geometry import ZoomGeometry
from ..zoomstack_core.html_export import explorer_page, geometry_for_browser, images_of
from ..zoomstack_core.prompts import parse_prompts
from ..zoomstack_core.stack import ZoomStack
from ..zoomstack_core.whole_file import whole_file
from .errors import checked
from .types import CATEGORY, SEARCH_ALIASES, ZoomStackType

DEFAULT_PREFIX = "zoomstack/explorer"


class ZoomViewer(io.ComfyNode):
    """The front end draws the explorer (js/viewer_node.js); without it the node previews the levels."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomViewer",
            display_name="Zoom Viewer",
            category=CATEGORY,
            description="Explore a zoom in the node: scroll or pinch to zoom, drag to move, press play. Click the "
            "picture first; until then the wheel belongs to the graph. Saves the explorer as one HTML page too.",
            search_aliases=[*SEARCH_ALIASES, "explorer", "preview zoom", "html export"],
            is_output_node=True,
            inputs=[
                ZoomStackType.Input("stack", tooltip="The levels to explore: from Zoom Stack."),
                io.String.Input(
                    "prompts",
                    optional=True,
                    force_input=True,
                    tooltip="What the levels show, one line per level, as captions: from Zoom Prompt Schedule.",
                ),
                io.Boolean.Input(
                    "export_html",
                    optional=True,
                    default=False,
                    tooltip="Save the explorer as one HTML page at every run. It holds the images, and opens in any "
                    "browser without a network. The button below the picture saves one at any time.",
                ),
                io.String.Input(
                    "filename_prefix",
                    optional=True,
                    default=DEFAULT_PREFIX,
                    tooltip="Name of the HTML pages in the output folder; a number is added, and none is overwritten.",
                ),
            ],
            outputs=[io.Image.Output(display_name="images", tooltip="The levels, the widest view first.")],
        )

    @classmethod
    @checked()
    def execute(
        cls,
        stack: ZoomStack,
        prompts: str | None = None,
        export_html: bool = False,
        filename_prefix: str = DEFAULT_PREFIX,
    ) -> io.NodeOutput:
        images = stack.images.movedim(1, -1)
        captions = parse_prompts(prompts) if prompts and prompts.strip() else []
        shown: dict[str, Any] = {"geometry": geometry_for_browser(stack.geometry), "prompts": captions}
        if export_html:
            shown["page"] = save_page(images_of(stack.images), stack.geometry, captions, filename_prefix)
        saved = ui.PreviewImage(images, cls=cls).values
        return io.NodeOutput(images, ui={"images": saved, "zoom": [shown]})


def save_page(
    images: Sequence[Image.Image], geometry: ZoomGeometry, prompts: Sequence[str], prefix: str
) -> dict[str, str]:
    """Save the explorer under a name that is free in the output folder; the file, as the host names saved files."""
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(
        prefix, folder_paths.get_output_directory(), geometry.width, geometry.height
    )
    page = explorer_page(images, geometry, prompts, title=name)
    while (path := Path(folder) / f"{name}_{counter:05}_.html").exists():
        counter += 1
    with whole_file(path) as part:
        part.write_text(page, encoding="utf-8")
    return {"filename": path.name, "subfolder": subfolder, "type": "output"}
