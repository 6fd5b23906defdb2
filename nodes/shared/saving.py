"""Where the pack's nodes save files: names in the output folder, and what is said when that fails."""

import errno
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import folder_paths

from ...messages.errors import may_not_write, names_a_node, of_file, of_the_same_kind
from ...zoomstack_core.file_names import expand_prefix, portable
from ...zoomstack_core.quoting import short
from ...zoomstack_core.whole_file import NO_ROOM, NewFile, first_free, numbered, remove_leftovers

logger = logging.getLogger("zoomstack")

# What to do where a folder cannot be written.
PREFIX = "Choose another name or folder in filename_prefix"
TEMPORARY = "Start ComfyUI with another folder for temporary files (--temp-directory)"
# For tooltips.
PREFIX_HINT = (
    "May contain what Save Image takes: %date:yyyy-MM-dd%, %year% to %second%, %width% and %height% of the picture, "
    "and %node.input% for the value of another node."
)
# Of the output folder: files in the making, so that what a killed server has left there is found again.
WORKSHOP = ".zoomstack"
# ERROR_INVALID_NAME and ERROR_FILENAME_EXCED_RANGE
_TOO_LONG_ON_WINDOWS = (123, 206)


@dataclass(frozen=True)
class Place:
    """A folder and a name for new files; ``number`` is the first that may be free, ``subfolder`` the host's."""

    node: str
    folder: Path
    name: str
    number: int
    subfolder: str

    @contextmanager
    def new_file(self, suffix: str) -> Iterator[NewFile]:
        """A file to write, which appears under a number of its own when it is complete."""
        names = numbered(self.folder, self.name, suffix, self.number)
        with told(self.node, self.folder), first_free(names, _workshop()) as new:
            yield new


def place(
    node: str, prefix: str, default: str, width: int, height: int, prompt: Mapping[str, Any] | None = None
) -> Place:
    """What a prefix means.

    Args:
        node: display name of the node that saves, for errors.
        prefix: as the user wrote it, with all places that the host's Save Image fills in.
        default: what an empty prefix means.
        width, height: of the pictures.
        prompt: of the run, in API format.

    Raises:
        ValueError: if it leads out of the output folder.
        OSError: if the folder cannot be used.
    """
    output = folder_paths.get_output_directory()
    expanded = portable(expand_prefix(prefix.strip() or default, datetime.now(), prompt))
    parent = Path(output, os.path.normpath(expanded)).parent
    # As the host's is_within_directory, which ComfyUI 0.24.1 does not have: a link must not lead out either.
    if not Path(os.path.realpath(parent)).is_relative_to(os.path.realpath(output)):
        raise ValueError(
            f"{node}: filename_prefix is {short(prefix)}, which is outside the output folder. Give a name, and before "
            "it, if you like, folders inside the output folder."
        )
    with told(node, parent):
        Path(output).mkdir(parents=True, exist_ok=True)
        folder, name, number, subfolder, _ = folder_paths.get_save_image_path(expanded, output, width, height)
    return Place(node, Path(folder), name, number, subfolder)


@contextmanager
def told(node: str, folder: Path, choice: str = PREFIX) -> Iterator[None]:
    """Says which node could not write where, and what to do about it; ``choice`` is how to write elsewhere."""
    try:
        yield
    except OSError as error:
        if names_a_node(str(error)):
            raise
        raise of_the_same_kind(error, f"{node}: {_reason(error, folder, choice)}") from error


def remove_unfinished() -> None:
    """Removes what a killed server has left of files that it was saving; that it cannot is no reason not to start."""
    try:
        remove_leftovers(_workshop())
    except OSError as error:
        logger.warning("files that were left unfinished could not be removed: %s", error)


def _reason(error: OSError, folder: Path, choice: str) -> str:
    if error.errno in NO_ROOM:
        return of_file(error)
    if error.errno == errno.ENAMETOOLONG or getattr(error, "winerror", None) in _TOO_LONG_ON_WINDOWS:
        return f"the file's name is too long for the folder {folder}. Make filename_prefix shorter."
    if blocking := _in_the_way(folder):
        return f"the folder {folder} cannot be made: a file is in its way. {choice}, or move the file {blocking}."
    if may_not_write(error):
        return f"ComfyUI may not write to the folder {folder} ({error.strerror}). {choice}, or let ComfyUI write there."
    return f"nothing can be saved in the folder {folder}: {of_file(error)}. {choice}."


def _in_the_way(folder: Path) -> Path | None:
    """What has the name of this folder, or of one that it is in, and is no folder: a file, or a link to nothing."""
    for path in (folder, *folder.parents):
        if os.path.lexists(path):
            return None if path.is_dir() else path
    return None


def _workshop() -> Path:
    return Path(folder_paths.get_output_directory()) / WORKSHOP
