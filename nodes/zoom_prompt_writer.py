"""ZoomPromptWriter: the instruction for a language model that is to write the prompts of all levels."""

from comfy_api.latest import io

from ..zoomstack_core.nesting import Nesting
from ..zoomstack_core.prompts.instruction import write_instruction
from .shared.checked import checked
from .shared.wire_types import CATEGORY, SEARCH_ALIASES, choose_nesting, geometry_input, zoom_factor_input


class ZoomPromptWriter(io.ComfyNode):
    """Writes text only; the host's own text nodes, or any others, run the language model."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomPromptWriter",
            display_name="Zoom Prompt Writer",
            category=CATEGORY,
            description="Asks a language model for one prompt per zoom level. Connect instruction to Generate Text or "
            "another text node, its answer to prompts of Zoom Prompt Schedule, and levels to expected_levels there.",
            search_aliases=[*SEARCH_ALIASES, "LLM", "prompt enhance", "instruction"],
            inputs=[
                io.String.Input(
                    "scene",
                    default="from a spiral galaxy to a pebble on the shore of a planet",
                    multiline=True,
                    dynamic_prompts=True,
                    placeholder="what the zoom shows, from the widest view to the deepest",
                    tooltip="What the zoom shows, in your words: where it begins, where it goes, what is there.",
                ),
                io.Int.Input("levels", default=9, min=1, max=256, tooltip="The number of zoom levels to write."),
                zoom_factor_input("As in Zoom KSampler."),
                io.String.Input(
                    "style",
                    optional=True,
                    default="",
                    dynamic_prompts=True,
                    tooltip="What all levels look like, such as watercolor or aerial photography.",
                ),
                geometry_input(),
            ],
            outputs=[
                io.String.Output(display_name="instruction", tooltip="For the prompt of a text generation node."),
                io.Int.Output(display_name="levels", tooltip="The number of levels, for expected_levels."),
            ],
        )

    @classmethod
    @checked()
    def execute(
        cls, scene: str, levels: int, zoom_factor: float, style: str = "", geometry: Nesting | None = None
    ) -> io.NodeOutput:
        nesting = choose_nesting(geometry, zoom_factor, 0.5, 0.5)
        return io.NodeOutput(write_instruction(scene, levels, nesting, style), levels)
