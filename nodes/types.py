"""What the nodes share: the wire type between them, and how they are found in the node search."""

from comfy_api.latest import io

ZoomStackType = io.Custom("ZOOM_STACK")  # a zoomstack_core.stack.ZoomStack

CATEGORY = "ZoomStack"
SEARCH_ALIASES = ["infinite zoom", "powers of ten", "zoom video"]
