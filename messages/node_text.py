"""What a running node says on itself: what the user should know, and how far it is."""

from __future__ import annotations

import logging

from server import PromptServer

logger = logging.getLogger("zoomstack")


def clock(seconds: float) -> str:
    """A time as people read it: 0:07, 12:30, 1:02:30."""
    whole = round(max(0.0, seconds))
    hours = f"{whole // 3600}:{whole // 60 % 60:02d}" if whole >= 3600 else f"{whole // 60}"
    return f"{hours}:{whole % 60:02d}"


class NodeText:
    """The lines of text that ComfyUI's front end shows below a node's widgets, made anew by every run.

    Args:
        node_id: of the node, as the host gives it to its execution (hidden input unique_id); None shows nothing.
        name: the node's display name, for the log.
    """

    def __init__(self, node_id: str | None, name: str) -> None:
        self._node_id, self._name = node_id, name
        self._lasting: list[str] = []

    def notice(self, text: str) -> None:
        """Something that should not be missed, though the run goes on: on the node to its end, and in the log."""
        logger.warning("%s: %s", self._name, text)
        self._lasting.append(text)
        self._show(*self._lasting)

    def state(self, text: str) -> None:
        """What this run does: on the node to its end, but nothing that the log warns of."""
        self._lasting.append(text)
        self._show(*self._lasting)

    def progress(self, text: str) -> None:
        """How far the run is, below the notices, in place of what was said before."""
        self._show(*self._lasting, text)

    def _show(self, *lines: str) -> None:
        if self._node_id is not None:
            PromptServer.instance.send_progress_text("\n".join(lines), self._node_id)
