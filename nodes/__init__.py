"""The pack's nodes, thin: schema, unpack, one call, output. One file per node family."""

from comfy_api.latest import io

from .prompt_schedule import ZoomPromptSchedule
from .zoom_stack import ZoomStackNode

NODES: list[type[io.ComfyNode]] = [ZoomPromptSchedule, ZoomStackNode]
