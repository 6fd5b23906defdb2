"""ZoomPromptSchedule: schedule text, one prompt per zoom level, to per-level conditioning."""

from comfy_api.latest import io

from ..messages.node_text import NodeText
from ..sampling.host_types import CLIP
from ..sampling.network.level_marks import Conditioning, mark_level
from ..zoomstack_core.geometry import Parents
from ..zoomstack_core.nesting import MOST_ZOOM, Nesting
from ..zoomstack_core.prompts.directions import Directions, with_directions
from ..zoomstack_core.prompts.schedule import Schedule, is_broken_list, join_prompt, parse_schedule
from ..zoomstack_core.quoting import short
from .shared.checked import checked
from .shared.wire_types import CATEGORY, SEARCH_ALIASES, ZoomGeometryType

_GALAXY_TO_GROUND = """\
a blue spiral galaxy
the spiral arms of a blue galaxy
a blue nebula full of stars
a star field around a yellow sun
a yellow sun and a small ocean planet
a distant ocean planet
a whole ocean planet in space
a huge ocean planet up close
the continents of an ocean planet
the highlands of an ocean planet
ocean mountains seen from above
ocean hills and rocks seen from above
ocean ground, close up"""  # a factor of two apart


# An error shows so many prompts, and so many characters of each.
SHOWN_PROMPTS, SHOWN_PROMPT = 10, 50


class ZoomPromptSchedule(io.ComfyNode):
    """One CONDITIONING for all levels; see ``sampling/marks.py`` for how its entries name their level."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomPromptSchedule",
            display_name="Zoom Prompt Schedule",
            category=CATEGORY,
            description="One prompt per zoom level, from the widest view to the deepest. Connect the outputs to Zoom "
            "KSampler, directly or through any conditioning node, which then applies to every level.",
            search_aliases=[*SEARCH_ALIASES, "prompt schedule", "prompt travel"],
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder for the prompts."),
                io.String.Input(
                    "prefix",
                    optional=True,
                    default="",
                    dynamic_prompts=True,
                    tooltip="Put in front of every prompt, with a comma between, unless it ends in punctuation.",
                ),
                io.String.Input(
                    "suffix",
                    optional=True,
                    default="",
                    dynamic_prompts=True,
                    tooltip="Put behind every prompt, with a comma between. Good for the style that all levels share.",
                ),
                io.String.Input(
                    "negative",
                    optional=True,
                    default="",
                    multiline=True,
                    dynamic_prompts=True,
                    placeholder="negative prompt: one line for all levels, or one line per level",
                    tooltip="What to avoid. One line counts for every level; several lines are one per level, and then "
                    "there must be as many as prompts.",
                ),
                io.Int.Input(
                    "expected_levels",
                    optional=True,
                    advanced=True,
                    default=0,
                    min=0,
                    max=4096,
                    tooltip="How many prompts there must be, such as the levels of Zoom Prompt Writer: another number "
                    "is an error. 0: any number.",
                ),
                # The last widget, so that the row editor of the front end stands right below the text that it edits.
                # Optional in the schema only because the host shows optional inputs after the required ones.
                io.String.Input(
                    "prompts",
                    optional=True,
                    default=_GALAXY_TO_GROUND,
                    multiline=True,
                    dynamic_prompts=True,
                    placeholder="one prompt per zoom level, the widest view first",
                    tooltip="One prompt per line, the widest view first; the number of lines is the number of zoom "
                    "levels. A line that begins with from 3: starts a branch, which lies in level 3. Blank lines and "
                    "lines that start with # or // are skipped. Numbered or bulleted lists, "
                    "keyframes, tables and JSON lists, as language models and other tools write them, are fine, also "
                    "with talk around them.",
                ),
                ZoomGeometryType.Input(
                    "geometry",
                    optional=True,
                    tooltip="From the sampler of a draft, or from Zoom Geometry: the focus and the factor of steps for "
                    "which prompts bring none, and which level lies in which where they name no branch. Without it the "
                    "middle, and a factor of 2.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive", tooltip="The prompts of all levels, each for its own."),
                io.Conditioning.Output(display_name="negative", tooltip="What to avoid, for all levels or for each."),
                io.Int.Output(
                    display_name="levels", tooltip="The number of zoom levels. Fits the batch size of an empty latent."
                ),
                io.String.Output(
                    display_name="prompts",
                    tooltip="The prompts as they were read, one per line, with their branches. For Zoom Viewer.",
                ),
                ZoomGeometryType.Output(
                    display_name="geometry",
                    tooltip="The geometry with the focus and the factors that the prompts bring, as a model that saw a "
                    "draft writes them. For Zoom KSampler.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    @checked()
    def execute(
        cls,
        clip: CLIP,
        prefix: str = "",
        suffix: str = "",
        negative: str = "",
        expected_levels: int = 0,
        prompts: str = "",
        geometry: Nesting | None = None,
    ) -> io.NodeOutput:
        schedule = _parse("prompts", prompts)
        levels, avoided = schedule.prompts, schedule.negatives
        text = NodeText(cls.hidden.unique_id, "Zoom Prompt Schedule")
        if is_broken_list(prompts):
            lines = "its one line is a prompt" if len(levels) == 1 else f"{len(levels)} prompts are read of it"
            text.notice(
                f"prompts begins as JSON does, but cannot be read as JSON: {lines}. Look for a bracket, a quote or a "
                "comma that is missing."
            )
        if avoided and negative.strip():
            text.notice("The prompts bring negative prompts of their own, which do not count: negative does.")
        elif avoided:
            text.notice("The prompts bring negative prompts of their own, which count because negative is empty.")
        if expected_levels not in (0, len(levels)):
            raise ValueError(
                f"Zoom Prompt Schedule: prompts has {len(levels)} levels, expected_levels is {expected_levels}. If a "
                "language model wrote them, run it again with another seed; or set expected_levels to 0. Read were:\n"
                + "\n".join(_listed(levels))
            )
        directed = with_directions(geometry or Nesting(), schedule.directions, len(levels), schedule.parents)
        schedule = schedule._replace(parents=directed.parents)
        if geometry:
            _tell_directions(text, schedule.directions, directed, len(levels))
        positive = [join_prompt(prefix, prompt, suffix) for prompt in levels]
        own = avoided if len(set(avoided)) > 1 else avoided[:1] or [""]
        negatives = _parse("negative", negative).prompts if negative.strip() else own
        return io.NodeOutput(
            _encode_levels(clip, positive, schedule.parents),
            _encode_negative(clip, negatives, schedule),
            len(levels),
            "\n".join(schedule.lines),
            directed,
        )


def _encode_levels(clip: CLIP, lines: list[str], parents: Parents | None) -> Conditioning:
    """A line per level, marked with its level and where that lies."""
    marked: Conditioning = []
    for level, line in enumerate(lines):
        marked += mark_level(_encode(clip, line), level, parents[level] if parents else None)
    return marked


def _encode_negative(clip: CLIP, lines: list[str], schedule: Schedule) -> Conditioning:
    """One unmarked entry list for every level when there is one line, else one per level."""
    if len(lines) == 1:
        return _encode(clip, lines[0])
    if len(lines) != len(schedule.prompts):
        raise ValueError(
            f"Zoom Prompt Schedule: negative has {len(lines)} lines for {len(schedule.prompts)} prompts; expected one "
            "line for all levels, or one line per level."
        )
    return _encode_levels(clip, lines, schedule.parents)


def _parse(name: str, text: str) -> Schedule:
    try:
        return parse_schedule(text)
    except ValueError as error:
        raise ValueError(f"Zoom Prompt Schedule: {name}: {error}") from None


def _tell_directions(text: NodeText, directions: Directions, directed: Nesting, levels: int) -> None:
    """How many steps of a linked geometry the prompts have a word on, and which words could not be read."""
    steps = levels - 1 + directed.closed
    unread = [f"level {level}: {what}" for level, what in enumerate(directions.unread[:steps], 1) if what]
    if unread:
        text.notice(
            f"Where the zoom goes on could not be read of {'; '.join(unread[:SHOWN_PROMPTS])}. Expected a focus x, y "
            f"and a factor above 1 and at most {MOST_ZOOM:g}; there geometry counts."
        )
    given = [
        f"{sum(value is not None for value in values[:steps])} a {what}"
        for what, values in (("focus", directions.focus), ("factor", directions.factors))
    ]
    text.progress(f"of {steps} steps the prompts give {' and '.join(given)}; geometry gives the rest")


def _listed(prompts: list[str]) -> list[str]:
    """The prompts as numbered lines for an error: what is too much for one is left out of the middle."""
    lines = [f"{number}. {short(prompt, SHOWN_PROMPT)[1:-1]}" for number, prompt in enumerate(prompts, 1)]
    if len(lines) <= SHOWN_PROMPTS:
        return lines
    return [*lines[: SHOWN_PROMPTS // 2], "…", *lines[-SHOWN_PROMPTS // 2 :]]


def _encode(clip: CLIP, text: str) -> Conditioning:
    """What the host's CLIPTextEncode gives for ``text``."""
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))
