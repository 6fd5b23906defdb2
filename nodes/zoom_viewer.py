"""ZoomViewer: explore a stack in the node, and save it as one HTML page."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io, ui
from PIL import Image

from ..zoomstack_core.geometry import ZoomGeometry
from ..zoomstack_core.html_export import explorer_page, geometry_for_browser, images_of
from ..zoomstack_core.prompts import parse_prompts
from ..zoomstack_core.quoting import short
from ..zoomstack_core.stack import ZoomStack
from ..zoomstack_core.whole_file import whole_file
from .node_text import NodeText
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
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        stack: ZoomStack,
        prompts: str | None = None,
        export_html: bool = False,
        filename_prefix: str = DEFAULT_PREFIX,
    ) -> io.NodeOutput:
        images = stack.images.movedim(1, -1)
        captions = _captions(prompts, stack.geometry.levels, NodeText(cls.hidden.unique_id, "Zoom Viewer"))
        shown: dict[str, Any] = {"geometry": geometry_for_browser(stack.geometry), "prompts": captions}
        if export_html:
            shown["page"] = save_page(images_of(stack.images), stack.geometry, captions, filename_prefix)
        saved = ui.PreviewImage(images, cls=cls).values
        return io.NodeOutput(images, ui={"images": saved, "zoom": [shown]})


def _captions(prompts: str | None, levels: int, text: NodeText) -> list[str]:
    """As many captions as can be read, at most one per level: a finished zoom is shown whatever they are."""
    if not prompts or not prompts.strip():
        return []
    try:
        captions = parse_prompts(prompts)
    except ValueError as error:
        text.notice(f"The levels have no captions: prompts cannot be read. {error}")
        return []
    if len(captions) != levels:
        text.notice(f"prompts has {len(captions)} captions for {levels} levels. Expected one line per level.")
    return captions[:levels]


def save_page(
    images: Sequence[Image.Image], geometry: ZoomGeometry, prompts: Sequence[str], prefix: str
) -> dict[str, str]:
    """Save the explorer under a name that is free in the output folder; the file, as the host names saved files.

    Raises:
        ValueError: if ``prefix`` leads out of the output folder, or there is not one image per level.
        OSError: if the page cannot be written.
    """
    output = folder_paths.get_output_directory()
    if not folder_paths.is_within_directory(output, str(Path(output, os.path.normpath(prefix)).parent)):
        raise ValueError(
            f"Zoom Viewer: filename_prefix is {short(prefix)}, which is outside the output folder. Give a name, and "
            "before it, if you like, folders inside the output folder."
        )
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(
        prefix, output, geometry.width, geometry.height
    )
    page = explorer_page(images, geometry, prompts, title=name)
    while (path := Path(folder) / f"{name}_{counter:05}_.html").exists():
        counter += 1
    with whole_file(path) as part:
        part.write_text(page, encoding="utf-8")
    return {"filename": path.name, "subfolder": subfolder, "type": "output"}
