"""Files that appear only when they are complete."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

# The disk is full, the user's share of it is, or the file is larger than a file may be.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a name beside ``path``, with the same extension, to write to. When the block ends the file is called
    ``path``, in place of any other file of that name; if the block raises, what was written is removed.

    Raises:
        OSError: if the file cannot be written; where there is no room for it, the message says so.
    """
    part = path.with_name(f"{path.stem}.{uuid4().hex}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        if error.errno in NO_ROOM:
            message = f"there is no room for {path.name}: the disk is full. Make room in {path.parent} and run again"
            raise OSError(error.errno, message) from error
        raise
    finally:
        part.unlink(missing_ok=True)
