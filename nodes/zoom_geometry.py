"""ZoomGeometry: another zoom factor and another focus for every step from a level to the next."""

from comfy_api.latest import io

from ..zoomstack_core.geometry import PREFILTERS
from ..zoomstack_core.nesting import Nesting, parse_focus, parse_zoom_factors
from .shared.checked import checked
from .shared.wire_types import CATEGORY, SEARCH_ALIASES, ZoomGeometryType


class ZoomGeometryNode(io.ComfyNode):
    """Its text is checked here; whether there are as many factors as steps, by the nodes that know the levels."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomGeometry",
            display_name="Zoom Geometry",
            category=CATEGORY,
            description="Where and how far each step of the zoom goes. Connect it to Zoom KSampler, and geometry "
            "of that to Zoom Stack; it takes the place of their own zoom_factor and focus.",
            search_aliases=[*SEARCH_ALIASES, "focus", "zoom factor", "off-center zoom"],
            inputs=[
                io.String.Input(
                    "zoom_factors",
                    default="2",
                    tooltip="How much larger each level shows a part of the level before it: one number for all steps, "
                    "or one per step, such as 2, 4, 4, 1.5 for five levels.",
                ),
                io.String.Input(
                    "focus",
                    default="0.5, 0.5",
                    multiline=True,
                    placeholder="x, y from 0 to 1; one line for all steps, or one line per step",
                    tooltip="The point that the zoom goes to: x from the left (0) to the right (1), y from the top (0) "
                    "to the bottom (1). One point for all steps, or one line per step. A level that would stick out "
                    "of the one before is moved inside.",
                ),
                io.Combo.Input(
                    "prefilter",
                    options=list(PREFILTERS),
                    optional=True,
                    advanced=True,
                    default=PREFILTERS[0],
                    tooltip="How a level is reduced to its place in the level before it: box takes the mean of the "
                    "pixels, gaussian weighs them as the paper does.",
                ),
                io.Boolean.Input(
                    "endless",
                    optional=True,
                    default=False,
                    tooltip="A ring: the last level shows the first one again, and the zoom never ends. Write prompts "
                    "whose end leads back to the beginning. There is one step more then, from the last level to the "
                    "first.",
                ),
            ],
            outputs=[
                ZoomGeometryType.Output(
                    display_name="geometry",
                    tooltip="All steps, for Zoom KSampler, which hands them on to Zoom Stack.",
                )
            ],
        )

    @classmethod
    @checked()
    def execute(
        cls, zoom_factors: str, focus: str, prefilter: str = PREFILTERS[0], endless: bool = False
    ) -> io.NodeOutput:
        nesting = Nesting(parse_zoom_factors(zoom_factors), parse_focus(focus), prefilter, closed=endless)
        return io.NodeOutput(nesting)
