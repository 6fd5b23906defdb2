"""ZoomGuider: joint sampling of zoom levels in the host's own sampling nodes."""

from typing import Any

from comfy_api.latest import io

from ..messages.node_text import NodeText
from ..sampling.agreement.blend_options import blending_notice
from ..sampling.zoom_guider import joint_guider
from .shared.checked import checked
from .shared.sampler_inputs import geometry_output, zoom_inputs, zoom_options, zoom_settings
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
            ],
            outputs=[
                io.Guider.Output(
                    display_name="guider",
                    tooltip="For SamplerCustomAdvanced. Its sigmas are those of one level; with alignment above 0 "
                    "their first and last sigma and their number count.",
                ),
                geometry_output(),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    @checked()
    def execute(cls, guider: Any, held: dict[str, Any] | None = None, **zoom: Any) -> io.NodeOutput:
        settings = zoom_settings(NAME, **zoom)
        joint = joint_guider(guider, settings, held)
        notice = blending_notice(settings.blend, joint.model_patcher.get_model_object("latent_format"))
        if notice:
            NodeText(cls.hidden.unique_id, NAME).notice(notice)
        return io.NodeOutput(joint, settings.nesting)
