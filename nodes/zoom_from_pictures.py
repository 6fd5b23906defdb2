"""ZoomFromPictures: pictures of one scene, in any order, as the levels of a zoom."""

from comfy_api.latest import io
from torch import Tensor

from ..messages.node_text import NodeText
from ..zoomstack_core.registration.colors import matched_colors
from ..zoomstack_core.registration.zoom import find_zoom
from .shared.checked import checked
from .shared.host import check_interrupted
from .shared.transparency import without_alpha
from .shared.wire_types import CATEGORY, SEARCH_ALIASES, ZoomGeometryType

NAME = "Zoom From Pictures"


class ZoomFromPictures(io.ComfyNode):
    """Finds what Zoom Stack needs to know of pictures that were not sampled here."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomFromPictures",
            display_name=NAME,
            category=CATEGORY,
            description="Pictures of one scene at different scales, such as outpainted steps or photographs, in any "
            "order: finds which lies where in which, and gives images and geometry for Zoom Stack.",
            search_aliases=[*SEARCH_ALIASES, "zoom out", "outpaint", "register", "align images", "midjourney"],
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="The pictures, all of one size, in any order. Each must lie wholly in the next wider one, "
                    "not turned. Transparent parts are put on black.",
                ),
                io.Boolean.Input(
                    "match_colors",
                    optional=True,
                    default=True,
                    tooltip="Every picture gets the brightness and the contrast of its place in the wider one, so that "
                    "no step shows in the video.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="images", tooltip="The pictures, the widest first, for Zoom Stack."),
                ZoomGeometryType.Output(
                    display_name="geometry", tooltip="Every step's zoom factor and focus, for Zoom Stack."
                ),
                io.String.Output(
                    display_name="report", tooltip="The order, every factor, focus and score (1 is the same place)."
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    @checked()
    def execute(cls, images: Tensor, match_colors: bool = True) -> io.NodeOutput:
        text = NodeText(cls.hidden.unique_id, NAME)

        def tell(done: int, count: int) -> None:
            check_interrupted()
            text.progress(f"searching in picture {done + 1} of {count}")

        pictures = without_alpha(images).movedim(-1, 1)
        zoom = find_zoom(pictures, tell)
        text.progress(str(zoom))
        levels = matched_colors(pictures, zoom) if match_colors else pictures[list(zoom.order)]
        return io.NodeOutput(levels.movedim(1, -1).contiguous(), zoom.nesting, str(zoom))
