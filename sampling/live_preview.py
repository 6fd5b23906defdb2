"""Live previews with the levels' numbers, also for those who have not said whether they want any."""

from __future__ import annotations

import sys
from typing import Any

import comfy.utils
import latent_preview
from comfy.cli_args import LatentPreviewMethod
from comfy_execution.utils import get_executing_context
from server import PromptServer
from torch import Tensor

from .host_types import ModelPatcher
from .previews import labelled
from .progress import Labels, Report


def prepare_report(model: ModelPatcher, steps: int) -> Report:
    """The host's progress bar and live preview, as of its own samplers, with a label on every level.

    The host shows no preview until somebody chooses a method. Where nobody has, the person who watches the run in the
    front end gets the one that needs no files and takes milliseconds.
    """
    previewer, bar = _previewer(model), comfy.utils.ProgressBar(steps)

    def report(step: int, x0: Tensor, x: Tensor, total: int, labels: Labels) -> None:
        preview = previewer.decode_latent_to_preview_image("JPEG", x0) if previewer else None
        if preview is not None and (texts := labels()):  # None of a previewer of another pack, which shows them itself
            kind, picture, size = preview
            preview = kind, labelled(picture, texts, size), size
        bar.update_absolute(step + 1, total, preview)

    return report


def _previewer(model: ModelPatcher) -> Any:
    """The host's, or None."""
    about = model.load_device, model.model.latent_format
    if not _nobody_chose():
        return latent_preview.get_previewer(*about)
    latent_preview.set_preview_method("latent2rgb")
    try:
        return latent_preview.get_previewer(*about)
    finally:
        latent_preview.set_preview_method()  # the server's own, as it was for this run


def _nobody_chose() -> bool:
    """Whether this run comes from the front end, and neither its settings nor the server's command line name a method.

    A run through the API stays as it was asked for.
    """
    named_at_start = any(argument.startswith("--preview-m") for argument in sys.argv)
    if named_at_start or latent_preview.default_preview_method != LatentPreviewMethod.NoPreviews:
        return False
    asked = _extra_data()
    from_front_end = asked.get("comfy_usage_source") == "comfyui-frontend"
    return from_front_end and asked.get("preview_method") in (None, "default")


def _extra_data() -> dict[str, Any]:
    """What came with the prompt that is running; empty where it did not come through the server."""
    context = get_executing_context()
    running, _ = PromptServer.instance.prompt_queue.get_current_queue_volatile()
    found = (extra for _, prompt_id, _, extra, *_ in running if context and prompt_id == context.prompt_id)
    return next(found, {})
