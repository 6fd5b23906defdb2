"""ZoomPromptWriter: the instruction for a language model that is to write the prompts of all levels, or better ones."""

from comfy_api.latest import io
from torch import Tensor

from ..zoomstack_core.nesting import Nesting
from ..zoomstack_core.prompts.instruction import Draft, write_draft_instruction, write_instruction
from ..zoomstack_core.prompts.schedule import Schedule, parse_schedule
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
            "another text node, its answer to prompts of Zoom Prompt Schedule, and levels to expected_levels there. "
            "With the pictures and the prompts of a draft it asks for better prompts, and for where the zoom is to go.",
            search_aliases=[*SEARCH_ALIASES, "LLM", "prompt enhance", "instruction", "vision", "VLM"],
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
                io.Image.Input(
                    "images",
                    optional=True,
                    tooltip="The levels of a draft, the widest first: the model is asked what they show, for prompts "
                    "that fit them, and for where the zoom goes on. Connect the same images to image of Generate Text. "
                    "Their number takes the place of levels.",
                ),
                io.String.Input(
                    "prompts",
                    optional=True,
                    force_input=True,
                    tooltip="The prompts of the draft, from Zoom Prompt Schedule: those that fit stay, the others are "
                    "rewritten. Their number takes the place of levels.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="instruction", tooltip="For the prompt of a text generation node."),
                io.Int.Output(display_name="levels", tooltip="The number of levels, for expected_levels."),
            ],
        )

    @classmethod
    @checked()
    def execute(
        cls,
        scene: str,
        levels: int,
        zoom_factor: float,
        style: str = "",
        geometry: Nesting | None = None,
        images: Tensor | None = None,
        prompts: str | None = None,
    ) -> io.NodeOutput:
        nesting = choose_nesting(geometry, zoom_factor, 0.5, 0.5)
        if images is None and prompts is None:
            return io.NodeOutput(write_instruction(scene, levels, nesting, style), levels)
        schedule = Schedule([], []) if prompts is None else _parse(prompts)
        draft = Draft(schedule.prompts, schedule.parents, 0 if images is None else len(images))
        return io.NodeOutput(write_draft_instruction(scene, draft, nesting, style), draft.levels)


def _parse(prompts: str) -> Schedule:
    try:
        return parse_schedule(prompts)
    except ValueError as error:
        raise ValueError(f"Zoom Prompt Writer: prompts: {error}") from None
