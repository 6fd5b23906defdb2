"""Progress of a node that renders frames: how many are done, how long it still takes, and how it looks."""

import math
import time
from fractions import Fraction

from comfy.utils import ProgressBar
from PIL import Image

from ...messages.node_text import NodeText, clock
from ...zoomstack_core.camera.journey import Journey
from ...zoomstack_core.method.stack import ZoomStack
from ...zoomstack_core.video.draw_frame import FrameRenderer
from .host import check_interrupted

PREVIEW_SIZE = 512  # pixels of the longer side
TEXT_EVERY = 1.0  # seconds


class FrameProgress:
    """To be called after every frame; stops the node there if the user wants it to.

    Args:
        stack: what is rendered.
        journey: through its levels.
        zooms: of every frame.
        rate: frames per second; one frame of every second is previewed.
        text: of the node that renders.
    """

    def __init__(self, stack: ZoomStack, journey: Journey, zooms: list[float], rate: Fraction, text: NodeText):
        geometry = stack.geometry
        scale = min(1.0, PREVIEW_SIZE / max(geometry.height, geometry.width))
        size = max(1, round(geometry.height * scale)), max(1, round(geometry.width * scale))
        self._zooms, self._preview_every, self._text = zooms, math.ceil(rate), text
        self._preview = FrameRenderer(stack, *size, journey)
        self._bar = ProgressBar(len(zooms))
        self._begin = self._last_text = time.monotonic()

    def __call__(self, done: int) -> None:
        """Raises the host's exception if the run is interrupted."""
        check_interrupted()
        preview = self._picture(done) if (done - 1) % self._preview_every == 0 else None
        self._bar.update_absolute(done, preview=preview)
        now = time.monotonic()
        if done == len(self._zooms):
            self._text.progress(f"{done} {'frame' if done == 1 else 'frames'}, {clock(now - self._begin)}")
        elif now - self._last_text >= TEXT_EVERY:
            self._last_text = now
            left = (now - self._begin) / done * (len(self._zooms) - done)
            self._text.progress(f"frame {done} of {len(self._zooms)}, {clock(left)} left")

    def _picture(self, done: int) -> tuple[str, Image.Image, int]:
        """What ComfyUI's progress bar takes: format, picture and the size of its longer side."""
        frame = self._preview(self._zooms[done - 1])
        pixels = (frame.float() * 255).round().byte().movedim(0, -1).cpu().numpy()
        return "JPEG", Image.fromarray(pixels), PREVIEW_SIZE
