"""ZoomViewer: explore a stack in the node, and save it as one HTML page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from comfy_api.latest import io, ui
from PIL import Image

from ..messages.node_text import NodeText
from ..zoomstack_core.explorer_page import (
    STILL,
    Motion,
    check_images,
    explorer_page,
    geometry_for_browser,
    images_of,
    level_places,
    motion_for_browser,
    webp,
)
from ..zoomstack_core.geometry import ZoomGeometry
from ..zoomstack_core.method.stack import ZoomStack
from ..zoomstack_core.prompts.branches import split_branch
from ..zoomstack_core.prompts.schedule import parse_prompts
from .shared.checked import checked
from .shared.saving import PREFIX_HINT, place
from .shared.turn_inputs import turn_inputs
from .shared.wire_types import CATEGORY, SEARCH_ALIASES, ZoomStackType

NAME = "Zoom Viewer"
DEFAULT_PREFIX = "zoomstack/explorer"


class ZoomViewer(io.ComfyNode):
    """The front end draws the explorer (js/viewer_node.js); without it the node previews the levels."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomViewer",
            display_name=NAME,
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
                    tooltip="Name of the HTML pages in the output folder; a number is added, and none is overwritten. "
                    + PREFIX_HINT,
                ),
                *turn_inputs(),
            ],
            outputs=[io.Image.Output(display_name="images", tooltip="The levels, the widest view first.")],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
        )

    @classmethod
    @checked()
    def execute(
        cls,
        stack: ZoomStack,
        prompts: str | None = None,
        export_html: bool = False,
        filename_prefix: str = DEFAULT_PREFIX,
        roll: float = 0.0,
        drift: float = 0.0,
        drift_seconds: float = 12.0,
    ) -> io.NodeOutput:
        images = stack.images.movedim(1, -1)
        captions = _captions(prompts, stack.geometry.levels, NodeText(cls.hidden.unique_id, NAME))
        motion = Motion(roll, drift, drift_seconds)
        shown: dict[str, Any] = {"geometry": geometry_for_browser(stack.geometry), "prompts": captions}
        shown.update(motion_for_browser(motion))
        if export_html:
            pictures, prompt = images_of(stack.images), cls.hidden.prompt
            shown["page"] = save_page(pictures, stack.geometry, captions, filename_prefix, prompt, motion)
        saved = ui.PreviewImage(images, cls=cls).values
        output: dict[str, Any] = {"images": saved, "zoom": [shown]}
        if export_html:
            output["files"] = [shown["page"]]  # where clients look for what Save Text and its like have saved
        return io.NodeOutput(images, ui=output)


def _captions(prompts: str | None, levels: int, text: NodeText) -> list[str]:
    """As many captions as can be read, at most one per level: a finished zoom is shown whatever they are."""
    if not prompts or not prompts.strip():
        return []
    lines = [line.strip() for line in prompts.splitlines() if line.strip()]
    if len(lines) == levels and not any(line.startswith(("#", "//")) for line in lines):
        return [split_branch(line)[1] for line in lines]  # as Zoom Prompt Schedule gives them, which has read them
    try:
        captions = parse_prompts(prompts)
    except ValueError as error:
        text.notice(f"The levels have no captions: prompts cannot be read. {error}")
        return []
    if len(captions) != levels:
        text.notice(f"prompts has {len(captions)} captions for {levels} levels. Expected one line per level.")
    return captions[:levels]


def save_page(
    images: Sequence[Image.Image],
    geometry: ZoomGeometry,
    prompts: Sequence[str],
    prefix: str,
    prompt: Mapping[str, Any] | None = None,
    motion: Motion = STILL,
) -> dict[str, str]:
    """Save the explorer under a name that is free in the output folder; the file, as the host names saved files.

    Args:
        images, geometry, prompts, motion: see ``explorer_page``.
        prefix: of the name, see ``saving.place``.
        prompt: of the run, in API format.

    Raises:
        ValueError: if ``prefix`` leads out of the output folder, or there is not one image per level.
        OSError: if the page cannot be written.
    """
    target = place(NAME, prefix, DEFAULT_PREFIX, geometry.width, geometry.height, prompt)
    page = explorer_page(images, geometry, prompts, target.name, motion).encode()
    with target.new_file(".html") as new:
        new.part.write_bytes(page)
        if new.part.read_bytes() != page:
            raise OSError(f"only a part of {target.name} was written")
    return target.saved(new)


def save_levels(
    images: Sequence[Image.Image], geometry: ZoomGeometry, prompts: Sequence[str], prefix: str
) -> dict[str, str]:
    """Save the levels as images and a JSON file of `level_places` beside them; that file, as the host names files.

    Args, errors: as of `save_page`. Where it fails no image stays.
    """
    check_images(images, geometry)
    target = place(NAME, prefix, DEFAULT_PREFIX, geometry.width, geometry.height)
    levels = replace(target, name=f"{target.name}_level", number=1)
    made: list[Path] = []
    try:
        for level in range(geometry.levels):
            with levels.new_file(".webp") as new:
                new.part.write_bytes(webp(images[level]))
            assert new.path is not None
            made.append(new.path)
        places = level_places(geometry, [path.name for path in made], prompts)
        with target.new_file(".json") as new:
            new.part.write_text(json.dumps({"tileSources": places}, indent=1) + "\n", encoding="utf-8")
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    return target.saved(new)
