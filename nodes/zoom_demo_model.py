"""ZoomDemoModel: the embedded model, so that every workflow can be tried without a download."""

from comfy_api.latest import io

from ..demo.loader import load_demo_model
from .shared.checked import checked
from .shared.wire_types import CATEGORY, SEARCH_ALIASES


class ZoomDemoModel(io.ComfyNode):
    """In place of a checkpoint loader: the same three outputs."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomDemoModel",
            display_name="Zoom Demo Model",
            category=CATEGORY,
            description="A small model that comes with ZoomStack: one procedural universe from spiral galaxies to "
            "rocky ground, at 256 × 256 pixels, on any machine. Put a checkpoint loader in its place for real "
            "pictures.",
            search_aliases=[*SEARCH_ALIASES, "test model"],
            inputs=[],
            outputs=[
                io.Model.Output(
                    tooltip="The denoising model; it works on latents of 16 channels, an eighth as wide as pictures."
                ),
                io.Clip.Output(
                    tooltip="Its text encoder. It knows galaxies, nebulae, suns and ocean, desert, icy and "
                    "volcanic planets, down to their ground and dark pools in it, which mirror a galaxy."
                ),
                io.Vae.Output(tooltip="From latents to images and back. Connect it to the sampler, too."),
            ],
        )

    @classmethod
    @checked()
    def execute(cls) -> io.NodeOutput:
        return io.NodeOutput(*load_demo_model())
