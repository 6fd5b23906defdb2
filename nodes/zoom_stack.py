"""ZoomStack: one image per zoom level, made one consistent stack."""

from comfy_api.latest import io
from torch import Tensor

from ..zoomstack_core.nesting import Nesting
from ..zoomstack_core.stack import ZoomStack
from .errors import checked
from .types import (
    CATEGORY,
    SEARCH_ALIASES,
    ZoomStackType,
    choose_nesting,
    focus_inputs,
    geometry_input,
    zoom_factor_input,
)


class ZoomStackNode(io.ComfyNode):
    """Every level gets the deeper ones pasted into its inner rectangle, so that the stack shows one scene."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomStack",
            display_name="Zoom Stack",
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
                zoom_factor_input("Use the zoom factor that the levels were sampled with."),
                *focus_inputs(),
                geometry_input(),
            ],
            outputs=[
                ZoomStackType.Output(display_name="stack", tooltip="The levels and their geometry, for Zoom Video."),
                io.Image.Output(display_name="images", tooltip="The consistent levels, the widest view first."),
            ],
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
    ) -> io.NodeOutput:
        layers = _without_alpha(images).movedim(-1, 1)
        levels, _, height, width = layers.shape
        nesting = choose_nesting(geometry, zoom_factor, focus_x, focus_y)
        stack = ZoomStack(layers, nesting.fit(levels, height, width, name="Zoom Stack: geometry"))
        return io.NodeOutput(stack, stack.images.movedim(1, -1))


def _without_alpha(images: Tensor) -> Tensor:
    """[N, H, W, 3]: colors multiplied by the alpha channel, if there is one, so that hidden colors do not show up."""
    if images.ndim != 4 or images.shape[-1] not in (3, 4):
        raise ValueError(
            f"Zoom Stack: images has the shape {tuple(images.shape)}; expected [levels, height, width, 3 or 4]."
        )
    return images if images.shape[-1] == 3 else images[..., :3] * images[..., 3:]
