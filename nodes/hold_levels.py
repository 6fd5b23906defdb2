"""ZoomHoldLevels: finished levels that stay, while new ones join or others are made anew."""

from typing import Any

from comfy_api.latest import io

from .errors import checked
from .sampling.held import hold_levels
from .types import CATEGORY, SEARCH_ALIASES


class ZoomHoldLevels(io.ComfyNode):
    """Extends a finished stack, or re-rolls some of its levels."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomHoldLevels",
            display_name="Zoom Hold Levels",
            category=CATEGORY,
            description="Takes a finished stack of latents back into Zoom KSampler with some levels held: they stay "
            "as they are, but for their middle where a new deeper level shows more. Add deeper or wider levels, or "
            "leave some levels out to make them anew.",
            search_aliases=[*SEARCH_ALIASES, "extend zoom", "reroll", "freeze levels", "outpaint"],
            inputs=[
                io.Latent.Input("latent", tooltip="The finished levels, as Zoom KSampler gave them."),
                io.String.Input(
                    "levels",
                    default="all",
                    tooltip="Which levels to hold, counted from 0: all, or numbers and ranges such as 0-5, 8. Levels "
                    "left out are sampled anew.",
                ),
                io.Int.Input(
                    "add_deeper", default=0, min=0, max=4096, tooltip="How many new levels to add at the deep end."
                ),
                io.Int.Input(
                    "add_wider", default=0, min=0, max=4096, tooltip="How many new levels to add before the widest."
                ),
            ],
            outputs=[
                io.Latent.Output(
                    tooltip="For latent_image of Zoom KSampler, with denoise 1; or for held of Zoom Guider."
                ),
                io.Int.Output(display_name="levels", tooltip="How many levels there are now; as many prompts needed."),
            ],
        )

    @classmethod
    @checked()
    def execute(cls, latent: dict[str, Any], levels: str, add_deeper: int, add_wider: int) -> io.NodeOutput:
        held = hold_levels(latent, levels, add_wider, add_deeper)
        return io.NodeOutput(held, len(held["samples"]))
