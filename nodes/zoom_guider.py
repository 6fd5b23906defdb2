"""ZoomGuider: joint sampling of zoom levels in the host's own sampling nodes."""

from typing import Any

from comfy_api.latest import io

from ..sampling import joint_guider
from ..sampling.host_types import Guider, Latent
from .shared.checked import checked
from .shared.sampler_inputs import geometry_output, vae_input, zoom_inputs, zoom_options, zoom_settings
from .shared.wire_types import CATEGORY, SEARCH_ALIASES

NAME = "Zoom Guider"


class ZoomGuider(io.ComfyNode):
    """Makes a guider joint: all latents of a batch become levels of one zoom."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomGuider",
            display_name=NAME,
            category=CATEGORY,
            description="Makes any guider sample the zoom levels together, in SamplerCustomAdvanced with any sampler "
            "and sigmas. Each latent of the batch is a level, the widest first.",
            search_aliases=[*SEARCH_ALIASES, "joint sampling", "custom sampling"],
            inputs=[
                io.Guider.Input(
                    "guider",
                    tooltip="CFG Guider, Basic Guider or Dual CFG Guider, with the conditioning of Zoom Prompt "
                    "Schedule. A guider that runs a second model or samples in a way of its own cannot be used.",
                ),
                *zoom_inputs(),
                *zoom_options(),
                io.Latent.Input(
                    "held",
                    optional=True,
                    tooltip="From Zoom Hold Levels: finished levels that stay as they are. Connect an empty latent of "
                    "as many levels to latent_image of the sampler.",
                ),
                vae_input(),
            ],
            outputs=[
                io.Guider.Output(
                    display_name="guider",
                    tooltip="For SamplerCustomAdvanced. Its sigmas are those of one level; with alignment above 0 "
                    "their first and last sigma and their number count, and they must end in 0.",
                ),
                geometry_output(),
            ],
        )

    @classmethod
    @checked()
    def execute(cls, guider: Guider, held: Latent | None = None, **zoom: Any) -> io.NodeOutput:
        settings = zoom_settings(NAME, guider.original_conds.get("positive", []), **zoom)
        joint = joint_guider(guider, settings, held)
        return io.NodeOutput(joint, settings.nesting)
