"""ZoomSaveVideo: a video into the output folder, in the format that it has."""

import json
from pathlib import Path

import folder_paths
from comfy.cli_args import args
from comfy_api.latest import Input, InputImpl, io, ui

from ..zoomstack_core.remux import copy_video
from ..zoomstack_core.whole_file import whole_file
from .errors import checked
from .types import CATEGORY, SEARCH_ALIASES

FORMATS = (".mp4", ".mov", ".webm", ".gif", ".webp")


class ZoomSaveVideo(io.ComfyNode):
    """The host's Save Video knows MP4 only."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomSaveVideo",
            display_name="Save Zoom Video",
            category=CATEGORY,
            description="Saves a video to the output folder in the format that Zoom Video made (MP4, WebM, MOV, GIF or "
            "WebP), without encoding it again. Other videos are saved as MP4. The workflow is kept in the file.",
            search_aliases=[*SEARCH_ALIASES, "save gif", "save webp", "save webm", "save prores"],
            inputs=[
                io.Video.Input("video", tooltip="The video to save."),
                io.String.Input(
                    "filename_prefix",
                    default="video/zoom",
                    tooltip="The beginning of the file's name, and its folder inside the output folder; a number "
                    "follows. May contain %date:yyyy-MM-dd% and the like, as in Save Image.",
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
        suffix = source.suffix.lower() if source else ".mp4"
        folder, name, number, subfolder, _ = folder_paths.get_save_image_path(
            filename_prefix, folder_paths.get_output_directory()
        )
        while (target := Path(folder) / f"{name}_{number:05}_{suffix}").exists():
            number += 1
        metadata = {} if args.disable_metadata else {**(cls.hidden.extra_pnginfo or {}), "prompt": cls.hidden.prompt}
        if source:
            copy_video(source, target, {key: json.dumps(value) for key, value in metadata.items() if value})
        else:
            with whole_file(target) as part:
                video.save_to(str(part), metadata=metadata)
        saved = ui.SavedResult(target.name, subfolder, io.FolderType.output)
        return io.NodeOutput(ui=ui.PreviewVideo([saved]))


def _file_of(video: Input.Video) -> Path | None:
    """The file that shows the whole video in a format that can be copied."""
    if not isinstance(video, InputImpl.VideoFromFile) or any(video.get_active_trim_window()):
        return None
    source = video.get_stream_source()
    return Path(source) if isinstance(source, str) and Path(source).suffix.lower() in FORMATS else None
