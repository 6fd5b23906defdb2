"""How an error reaches the user: with the node's display name, the input's own name, and what to do."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..zoomstack_core.errors import ArgumentError
from ..zoomstack_core.quoting import middle_out, short
from ..zoomstack_core.whole_file import NO_ROOM

LONGEST = 900  # characters of an error; the middle of what is longer is left out

# "Zoom Photo Anchor: …" while Zoom KSampler runs: the input is a node's before it, and that is the one to name
_NAMES_A_NODE = re.compile(r"(?:Save )?Zoom [A-Z][\w ()-]{1,40}: ")


@contextmanager
def telling(node: str, **names: str) -> Iterator[None]:
    """Errors of the block begin with the display name ``node``, unless they name one already.

    Args:
        names: the inputs by the names of the core's arguments, where these differ: ``start="start_zoom"``.

    Raises:
        ValueError: for every ValueError of the block; an argument's is told of the input.
        OSError: for every OSError; of a file that may not be written it says what to do.
    """
    try:
        yield
    except ValueError as error:
        message = error.told(names) if isinstance(error, ArgumentError) else str(error)
        named = message if names_a_node(message) else f"{node}: {message}"
        raise ValueError(middle_out(named, LONGEST)) from error
    except OSError as error:
        if names_a_node(str(error)):
            raise
        raise of_the_same_kind(error, middle_out(f"{node}: {_what_to_do(error)}", LONGEST)) from error


def names_a_node(message: str) -> bool:
    """Whether an error's text begins with a node's display name, and so is ready for the user."""
    return _NAMES_A_NODE.match(message) is not None


def of_the_same_kind(error: OSError, message: str) -> OSError:
    """An error of the class and number of ``error`` whose text is ``message`` alone."""
    told = type(OSError(error.errno, ""))(message)
    told.errno = error.errno
    return told


def of_file(error: OSError) -> str:
    """What is wrong with which file: "Is a directory: 'zoom.mp4'"; a text without a number is left as it is."""
    if error.errno in NO_ROOM or not error.strerror:  # the first ones say what to do
        return error.strerror or str(error)
    return f"{error.strerror}: {short(str(error.filename), 200)}" if error.filename else error.strerror


def may_not_write(error: OSError) -> bool:
    """Whether it is for want of a right."""
    return error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)


def _what_to_do(error: OSError) -> str:
    if may_not_write(error):
        file = f" {short(str(error.filename), 200)}" if error.filename else ""
        return (
            f"the file or folder{file} cannot be written ({error.strerror}). Let ComfyUI write there, or start it with "
            "other folders: --output-directory, --temp-directory."
        )
    return of_file(error)
