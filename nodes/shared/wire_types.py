"""What the nodes share: the wire types between them, and how they are found in the node search."""

from comfy_api.latest import io

from ...zoomstack_core.nesting import Nesting

ZoomAnchorsType = io.Custom("ZOOM_ANCHORS")  # a tuple of sampling.agreement.photos.Photo
ZoomBlendType = io.Custom("ZOOM_BLEND")  # a sampling.agreement.blend_options.BlendOptions
ZoomGeometryType = io.Custom("ZOOM_GEOMETRY")  # a zoomstack_core.nesting.Nesting
ZoomStackType = io.Custom("ZOOM_STACK")  # a zoomstack_core.method.stack.ZoomStack

CATEGORY = "ZoomStack"
SEARCH_ALIASES = ["infinite zoom", "powers of ten", "zoom video"]


def zoom_factor_input(hint: str = "") -> io.Float.Input:
    """One factor for all steps; ``hint`` is a further sentence of the tooltip."""
    tooltip = f"How much larger every level shows the middle of the level before it. {hint}".rstrip()
    return io.Float.Input("zoom_factor", default=2.0, min=1.01, max=64.0, step=0.01, tooltip=tooltip)


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


def geometry_input() -> io.Input:
    """A factor and a focus for every step, in place of one of each."""
    return ZoomGeometryType.Input(
        "geometry",
        optional=True,
        tooltip="From a sampler before this node: what it used. Or from Zoom Geometry: a zoom factor and a focus for "
        "every step. Takes the place of zoom_factor and of the focus here.",
    )


def blend_options_input() -> io.Input:
    """More about blending than its mode."""
    return ZoomBlendType.Input(
        "blend_options",
        optional=True,
        tooltip="From Zoom Multi-Res Blend: where and when the levels are blended. Takes the place of blend here.",
    )


def anchors_input() -> io.Input:
    """Photographs of some levels."""
    return ZoomAnchorsType.Input(
        "anchors", optional=True, tooltip="From Zoom Photo Anchor: photos that some of the levels show."
    )


def choose_nesting(geometry: Nesting | None, zoom_factor: float, focus_x: float, focus_y: float) -> Nesting:
    """What a node's ``geometry`` says where it is linked, else what its widgets say."""
    return geometry or Nesting((zoom_factor,), ((focus_x, focus_y),))
