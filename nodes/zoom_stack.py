"""ZoomStack: one image per zoom level, made one consistent stack."""

from comfy_api.latest import io
from torch import Tensor

from ..messages.node_text import NodeText
from ..zoomstack_core.geometry import ZoomGeometry
from ..zoomstack_core.method.blend import feather_levels
from ..zoomstack_core.method.mismatch import LARGEST_DISAGREEMENT, find_mismatch
from ..zoomstack_core.method.stack import ZoomStack
from ..zoomstack_core.nesting import Nesting
from .shared.checked import checked
from .shared.transparency import without_alpha
from .shared.wire_types import (
    CATEGORY,
    SEARCH_ALIASES,
    ZoomStackType,
    choose_nesting,
    focus_inputs,
    geometry_input,
    zoom_factor_input,
)

NAME = "Zoom Stack"
LARGEST_FEATHER = 1024
MOST_PAIRS = 3  # that a notice names


class ZoomStackNode(io.ComfyNode):
    """Every level gets the deeper ones pasted into its inner rectangle, so that the stack shows one scene."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomStack",
            display_name=NAME,
            category=CATEGORY,
            description="Turns one image per zoom level into a stack whose levels agree: the middle of every level "
            "shows the next level. For Zoom Video; also repairs the stack after an upscaler or an edit.",
            search_aliases=SEARCH_ALIASES,
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="One image per zoom level, all of one size, the widest view first. Transparent parts are "
                    "put on black.",
                ),
                zoom_factor_input("Use the zoom factor that the levels were sampled with, or connect geometry."),
                *focus_inputs(),
                geometry_input(),
                io.Int.Input(
                    "feather",
                    default=0,
                    min=0,
                    max=LARGEST_FEATHER,
                    optional=True,
                    tooltip="Pixels over which a level passes into the deeper one inside its border, where an upscaler "
                    "or an edit has made them differ: 16 after one of four times, 0 for a hard edge. Levels that agree "
                    "stay as they are.",
                ),
            ],
            outputs=[
                ZoomStackType.Output(display_name="stack", tooltip="The levels and their geometry, for Zoom Video."),
                io.Image.Output(display_name="images", tooltip="The consistent levels, the widest view first."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    @checked(layers="images")
    def execute(
        cls,
        images: Tensor,
        zoom_factor: float,
        focus_x: float = 0.5,
        focus_y: float = 0.5,
        geometry: Nesting | None = None,
        feather: int = 0,
    ) -> io.NodeOutput:
        layers = without_alpha(images).movedim(-1, 1)
        levels, _, height, width = layers.shape
        nesting = choose_nesting(geometry, zoom_factor, focus_x, focus_y)
        fitted = nesting.fit(levels, height, width, name=f"{NAME}: geometry")
        stack = ZoomStack(feather_levels(layers, fitted, feather) if feather else layers, fitted)
        notice = _notice(layers, fitted, linked=geometry is not None)
        if notice:
            NodeText(cls.hidden.unique_id, NAME).notice(notice)
        return io.NodeOutput(stack, stack.images.movedim(1, -1))


def _notice(layers: Tensor, geometry: ZoomGeometry, linked: bool) -> str:
    """What to say of levels that do not show each other: a stack is made of them all the same, as they may be edited.

    Args:
        linked: whether the geometry comes from another node.
    """
    mismatch = find_mismatch(layers, geometry)
    if mismatch is None:
        return ""
    pairs = [f"{wide + 1} and {deep + 1}" for wide, deep in mismatch.pairs]
    if len(pairs) > MOST_PAIRS:
        pairs[MOST_PAIRS - 1 :] = [f"and {len(pairs) - MOST_PAIRS + 1} more pairs"]
    factors = {geometry.step_into(deep).factor for _, deep in mismatch.pairs}
    at = f"zoom factor {factors.pop():g}" if len(factors) == 1 else "these zoom factors"
    if mismatch.reverse:
        remedy = "Give images in the order of the prompts, the widest view first."
    elif linked:
        remedy = "Connect geometry of the sampler that made these levels."
    else:
        remedy = "Connect geometry of Zoom KSampler to geometry here, or set zoom_factor and focus as there."
    said = (
        f"Levels {', '.join(pairs)} do not show the same place at {at}: they differ by "
        f"{max(mismatch.differences):.2f} of their spread, and levels of one zoom by less than "
        f"{LARGEST_DISAGREEMENT}."
    )
    return " ".join((said, mismatch.guess or "This is right if they were edited.", remedy))
