"""What the nodes share: the wire type between them, and how they are found in the node search."""

from comfy_api.latest import io

ZoomStackType = io.Custom("ZOOM_STACK")  # a zoomstack_core.stack.ZoomStack

CATEGORY = "ZoomStack"
SEARCH_ALIASES = ["infinite zoom", "powers of ten", "zoom video"]


def focus_inputs() -> list[io.Float.Input]:
    """The point (x, y) that the zoom goes to, the middle by default."""
    sides = {"focus_x": "from the left (0) to the right (1)", "focus_y": "from the top (0) to the bottom (1)"}
    return [
        io.Float.Input(
            name,
            optional=True,
            advanced=True,
            default=0.5,
            min=0.0,
            max=1.0,
            step=0.01,
            tooltip=f"Where the zoom goes, {side} edge of the picture.",
        )
        for name, side in sides.items()
    ]
