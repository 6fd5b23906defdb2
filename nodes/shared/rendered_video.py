"""A video that Zoom Video has made, as the host's nodes take it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comfy_api.latest import InputImpl, Types

from ...zoomstack_core.video.facts import read_facts
from ...zoomstack_core.video.formats import FORMATS, available_formats

SAVER = "SaveVideo"  # the host's node


class RenderedVideo(InputImpl.VideoFromFile):
    """A file of any format. The host writes MP4 only, and cannot read WebP; it says so in FFmpeg's words, or not."""

    def __init__(self, file: Path) -> None:
        super().__init__(str(file))
        self._path = file

    def get_dimensions(self) -> tuple[int, int]:
        """(width, height) of the frames."""
        if self._path.suffix != ".webp":
            return super().get_dimensions()
        facts = read_facts(self._path)
        return facts.width, facts.height

    def get_components(self) -> Any:
        """The frames as images.

        Raises:
            ValueError: of WebP.
        """
        if self._path.suffix == ".webp":
            raise ValueError(
                "Zoom Video: the frames of a webp cannot be read by ComfyUI. Choose another format, or take them from "
                "Zoom Frames."
            )
        return super().get_components()

    def save_to(
        self,
        path: Any,
        format: Any = Types.VideoContainer.AUTO,
        codec: Any = Types.VideoCodec.AUTO,
        *rest: Any,
        **options: Any,
    ) -> Any:
        """Writes the video into a file, as it is or encoded anew.

        Raises:
            ValueError: where the file is to be of another format, which the host cannot make of this one.
        """
        suffix, encodes = self._path.suffix, codec == Types.VideoCodec.H264
        kept = suffix == ".mp4" or not isinstance(path, (str, os.PathLike)) or Path(path).suffix.lower() == suffix
        if not kept and (suffix == ".webp" or not encodes):
            raise ValueError(f"Zoom Video: {cannot_keep(suffix.removeprefix('.'))}")
        return super().save_to(path, format, codec, *rest, **options)


def is_saved_by_host(prompt: Mapping[str, Any] | None, node_id: str | None) -> bool:
    """Whether a node's video goes to the host's Save Video.

    Args:
        prompt: of the run, in API format.
        node_id: of the node.
    """
    nodes = [node for node in (prompt or {}).values() if node.get("class_type") == SAVER]
    return any([node_id, 0] == value for node in nodes for value in (node.get("inputs") or {}).values())


def cannot_keep(form: str) -> str:
    """What to say where a video of this format, or extension of a file, goes to the host's Save Video."""
    kept = [name for name in available_formats() if FORMATS[name].extension == "mp4"]
    return (
        f"Save Video writes MP4 only, and cannot keep {form}. Connect Save Zoom Video in its place, or choose "
        f"{' or '.join(kept)} as format."
    )
