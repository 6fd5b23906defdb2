"""Progress of a node that renders frames: how many are done, how long it still takes, and how it looks."""

import math
import time
from fractions import Fraction

from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.utils import ProgressBar
from PIL import Image
from server import PromptServer

from ..zoomstack_core.frames import FrameRenderer
from ..zoomstack_core.stack import ZoomStack

PREVIEW_SIZE = 512  # pixels of the longer side
TEXT_EVERY = 1.0  # seconds


class FrameProgress:
    """To be called after every frame; stops the node there if the user wants it to.

    Args:
        stack: what is rendered.
        zooms: of every frame.
        rate: frames per second; one frame of every second is previewed.
        node_id: of the node that shows the text.
    """

    def __init__(self, stack: ZoomStack, zooms: list[float], rate: Fraction, node_id: str):
        geometry = stack.geometry
        scale = min(1.0, PREVIEW_SIZE / max(geometry.height, geometry.width))
        size = max(1, round(geometry.height * scale)), max(1, round(geometry.width * scale))
        self._zooms, self._preview_every, self._node_id = zooms, math.ceil(rate), node_id
        self._preview = FrameRenderer(stack, *size)
        self._bar = ProgressBar(len(zooms))
        self._begin = self._last_text = time.monotonic()

    def __call__(self, done: int) -> None:
        """Raises the host's exception if the run is interrupted."""
        throw_exception_if_processing_interrupted()
        preview = self._picture(done) if (done - 1) % self._preview_every == 0 else None
        self._bar.update_absolute(done, preview=preview)
        now = time.monotonic()
        if now - self._last_text >= TEXT_EVERY or done == len(self._zooms):
            self._last_text = now
            left = (now - self._begin) / done * (len(self._zooms) - done)
            text = f"frame {done} of {len(self._zooms)}, {left // 60:.0f}:{left % 60:02.0f} left"
            PromptServer.instance.send_progress_text(text, self._node_id)

    def _picture(self, done: int) -> tuple[str, Image.Image, int]:
        """What ComfyUI's progress bar takes: format, picture and the size of its longer side."""
        frame = self._preview(self._zooms[done - 1])
        pixels = (frame.float() * 255).round().byte().movedim(0, -1).cpu().numpy()
        return "JPEG", Image.fromarray(pixels), PREVIEW_SIZE
