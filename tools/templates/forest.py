"""The workflow *forest to leaf*: the embedded model with a LoRA that knows another world."""

from __future__ import annotations

from typing import Any

from .pieces import DEMO_SIZE, DEMO_VIDEO_SIZE, FOREST_LORA, FOREST_SAMPLING, demo_source, sample_and_save
from .workflow import Workflow

DEMO_NOTE = """\
## From a forest to the veins of a leaf

This workflow runs as it is: the **Demo Model** knows a universe, and its LoRA *forest* makes it draw a forest in its \
place, as LoRAs of yours do with your checkpoint.

1. Press **Run**.
2. Change the season in all prompts: *green* to *red* or *golden*.
3. For pictures of your own, open the template *ZoomStack 1 galaxy*, which uses a checkpoint.
"""

DEMO_PROMPTS = """\
the coast of a green forest
a green forest near the coast
a green forest seen from above
green tree tops seen from above
a few green trees seen from above
the crown of a green tree
the foliage of a green tree
green leaves, close up
a green leaf
the veins of a green leaf"""


def demo(definitions: dict[str, Any]) -> Workflow:
    """With the embedded model."""
    workflow = Workflow("3d7be0a4-6c1f-4b58-9e02-8f5a1c6d2b97", definitions)
    workflow.group("1. Model")
    workflow.note(DEMO_NOTE, 320)
    source = demo_source(workflow, FOREST_LORA)
    workflow.group("2. Prompts")
    prompts = workflow.node("ZoomPromptSchedule", room=560, clip=source.clip, prompts=DEMO_PROMPTS)
    sampling = {"seed": 1, **FOREST_SAMPLING}
    sample_and_save(workflow, source, prompts, DEMO_SIZE, "forest_to_leaf_demo", DEMO_VIDEO_SIZE, **sampling)
    return workflow
