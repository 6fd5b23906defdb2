"""ZoomSaveVideo: a video into the output folder, in the format that it has."""

import json
from pathlib import Path
from typing import Any

import av
from comfy_api.latest import Input, InputImpl, io, ui

from ..zoomstack_core.video.facts import BrokenVideo, VideoFacts, read_facts
from ..zoomstack_core.video.remux import write_copy
from .shared.checked import checked
from .shared.host import check_interrupted, keeps_metadata
from .shared.saving import PREFIX_HINT, place
from .shared.wire_types import CATEGORY, SEARCH_ALIASES

NAME = "Save Zoom Video"
DEFAULT_PREFIX = "video/zoom"
SUFFIXES = (".mp4", ".mov", ".webm", ".gif", ".webp")


class ZoomSaveVideo(io.ComfyNode):
    """The host's Save Video knows MP4 only."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomSaveVideo",
            display_name=NAME,
            category=CATEGORY,
            description="Saves a video to the output folder in the format that Zoom Video made (MP4, WebM, MOV, GIF or "
            "WebP), without encoding it again. Other videos are saved as MP4. The workflow is kept in the file.",
            search_aliases=[*SEARCH_ALIASES, "save gif", "save webp", "save webm", "save prores"],
            inputs=[
                io.Video.Input("video", tooltip="The video to save."),
                io.String.Input(
                    "filename_prefix",
                    default=DEFAULT_PREFIX,
                    tooltip="The beginning of the file's name, and its folder inside the output folder; a number "
                    f"follows. {PREFIX_HINT}",
                ),
            ],
            outputs=[],
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_output_node=True,
        )

    @classmethod
    @checked()
    def execute(cls, video: Input.Video, filename_prefix: str) -> io.NodeOutput:
        source = _file_of(video)
        facts = _facts(source)
        width, height = (facts.width, facts.height) if facts else _size(video)
        suffix = source.suffix.lower() if source else ".mp4"
        target = place(NAME, filename_prefix, DEFAULT_PREFIX, width, height, cls.hidden.prompt)
        metadata = {**(cls.hidden.extra_pnginfo or {}), "prompt": cls.hidden.prompt} if keeps_metadata() else {}
        with target.new_file(suffix) as new:
            if source:
                texts = {key: json.dumps(value) for key, value in metadata.items() if value}
                _copy(source, new.part, texts, facts)
            else:
                _encode(video, new.part, metadata)
        return io.NodeOutput(ui=ui.PreviewVideo([target.saved(new)]))


def _file_of(video: Input.Video) -> Path | None:
    """The file that shows the whole video in a format that can be copied."""
    if not isinstance(video, InputImpl.VideoFromFile):
        return None
    source = video.get_stream_source()
    if not isinstance(source, str):
        return None
    if not Path(source).is_file():
        raise ValueError(
            f"{NAME}: the file of the video, {Path(source).name}, is no longer there. Run the workflow again; if that "
            "does not help, change an input of the node that made the video."
        )
    if any(video.get_active_trim_window()) or Path(source).suffix.lower() not in SUFFIXES:
        return None
    return Path(source)


def _facts(source: Path | None) -> VideoFacts | None:
    """What is to be known of a file that can be copied."""
    if not source:
        return None
    try:
        return read_facts(source, check_interrupted)
    except BrokenVideo as error:
        raise ValueError(f"{NAME}: {error}. Make the video anew.") from error
    except (av.FFmpegError, ValueError) as error:
        raise ValueError(f"{NAME}: the video cannot be read: {_reason(error)}. Make it anew.") from error


def _size(video: Input.Video) -> tuple[int, int]:
    """(width, height) of a video, which must be one that can be read."""
    try:
        return video.get_dimensions()
    except (av.FFmpegError, ValueError) as error:
        raise ValueError(f"{NAME}: the video cannot be read: {_reason(error)}. Make it anew.") from error


def _copy(source: Path, target: Path, texts: dict[str, str], facts: VideoFacts | None) -> None:
    try:
        write_copy(source, target, texts, check_interrupted, facts)
    except BrokenVideo as error:
        raise ValueError(f"{NAME}: nothing is saved, as {error}.") from error


def _encode(video: Input.Video, target: Path, metadata: dict[str, Any]) -> None:
    """By the host, as MP4."""
    try:
        video.save_to(str(target), metadata=metadata)
        facts = read_facts(target, check_interrupted)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, OSError):
            raise
        raise ValueError(
            f"{NAME}: nothing is saved, as the video cannot be written as MP4: {_reason(error)}. Sides must be even."
        ) from error
    if isinstance(video, InputImpl.VideoFromComponents) and facts.frames != video.get_frame_count():
        raise ValueError(f"{NAME}: nothing is saved, as only {facts.frames} of {video.get_frame_count()} frames were.")


def _reason(error: Exception) -> str:
    """Without the number and the function that FFmpeg's errors have."""
    return str(error.strerror if isinstance(error, av.FFmpegError) else error)
