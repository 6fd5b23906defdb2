"""ZoomHeldLevels: finished levels that stay, while new ones join or others are made anew."""

from comfy_api.latest import io

from ..sampling.agreement.held import hold_levels, parse_levels
from ..sampling.host_types import Latent
from .shared.checked import checked
from .shared.wire_types import CATEGORY, SEARCH_ALIASES


class ZoomHeldLevels(io.ComfyNode):
    """Extends a finished stack, or re-rolls some of its levels."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema("ZoomHeldLevels", "Zoom Hold Levels", first=1)

    @classmethod
    @checked()
    def execute(cls, latent: Latent, levels: str, add_deeper: int, add_wider: int) -> io.NodeOutput:
        held = hold_levels(latent, parse_levels(levels, len(latent["samples"]), first=1), add_wider, add_deeper)
        return io.NodeOutput(held, len(held["samples"]))


class ZoomHoldLevels(io.ComfyNode):
    """The same with levels counted from 0, for workflows and prompts that were saved when all levels were."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema("ZoomHoldLevels", "Zoom Hold Levels (from 0)", first=0)

    @classmethod
    @checked()
    def execute(cls, latent: Latent, levels: str, add_deeper: int, add_wider: int) -> io.NodeOutput:
        held = hold_levels(latent, parse_levels(levels, len(latent["samples"]), first=0), add_wider, add_deeper)
        return io.NodeOutput(held, len(held["samples"]))


def _schema(node_id: str, name: str, first: int) -> io.Schema:
    """Of the node that calls the widest level ``first``."""
    return io.Schema(
        node_id=node_id,
        display_name=name,
        category=CATEGORY,
        is_deprecated=first == 0,
        description="Takes a finished stack of latents back into Zoom KSampler with some levels held: they stay "
        "as they are, but for their middle where a new deeper level shows more. Add deeper or wider levels, or "
        "leave some levels out to make them anew.",
        search_aliases=[*SEARCH_ALIASES, "extend zoom", "reroll", "freeze levels", "outpaint"],
        inputs=[
            io.Latent.Input("latent", tooltip="The finished levels, as Zoom KSampler gave them."),
            io.String.Input(
                "levels",
                default="all",
                tooltip=f"Which levels to hold, counted from {first}, the widest: all, or numbers and ranges such as "
                f"{first}-5, 8. Levels left out are sampled anew.",
            ),
            io.Int.Input(
                "add_deeper", default=0, min=0, max=4096, tooltip="How many new levels to add at the deep end."
            ),
            io.Int.Input(
                "add_wider", default=0, min=0, max=4096, tooltip="How many new levels to add before the widest."
            ),
        ],
        outputs=[
            io.Latent.Output(tooltip="For latent_image of Zoom KSampler, with denoise 1; or for held of Zoom Guider."),
            io.Int.Output(display_name="levels", tooltip="How many levels there are now; as many prompts needed."),
        ],
    )
