"""What a prefix of a file name means: places in it that stand for something, and letters that no file may have."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

_PLACE = re.compile(r"%([^%]+)%")
_DATE = re.compile(r"dd?|MM?|hh?|mm?|ss?|yyy?y?")
# Windows takes none of these, and files are copied there; a backslash parts folders there.
_ILLEGAL = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
_ILLEGAL_IN_VALUE = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')


def expand_prefix(prefix: str, now: datetime, prompt: Mapping[str, Any] | None = None) -> str:
    """A prefix with what ComfyUI's front end puts into the prefixes of its own nodes, for prompts that have not been
    through it: %date:yyyy-MM-dd%, and %node.input%, the value of another node's input.

    Places that stand for something else, or for nothing, stay as they are, so that the server can fill in its own.

    Args:
        prefix: as the user wrote it.
        now: the time to write.
        prompt: nodes by their ids, in API format. A node is found by its type, or by its title.

    Example:
        >>> expand_prefix("zoom_%date:yyyy-MM-dd%_%width%", datetime(2026, 3, 9))
        'zoom_2026-03-09_%width%'
    """

    def value(found: re.Match[str]) -> str:
        place = found[1]
        if place.startswith("date:"):
            return _DATE.sub(lambda part: _date_part(part[0], now), place.removeprefix("date:"))
        given = _input(prompt or {}, *place.rsplit(".", 1)) if "." in place else None
        return found[0] if given is None else _ILLEGAL_IN_VALUE.sub("_", str(given))

    return _PLACE.sub(value, prefix)


def portable(prefix: str) -> str:
    """A prefix that every file system takes: "_" for letters that no file may have on Windows, "/" for "\\\\"."""
    drive, rest = os.path.splitdrive(prefix)
    folders = _ILLEGAL.sub("_", rest).replace("\\", "/").split("/")
    # a dot or blank at the end of a folder's name is lost on Windows
    folders[:-1] = [folder.rstrip(" .") or folder for folder in folders[:-1]]
    return drive + "/".join(folders)


def _date_part(part: str, now: datetime) -> str:
    if part == "yy":
        return f"{now.year % 100:02}"
    numbers = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}
    if part[0] in numbers:
        return f"{numbers[part[0]]:0{len(part)}}"
    return str(now.year) if part == "yyyy" else part


def _input(prompt: Mapping[str, Any], node: str, name: str) -> str | int | float | bool | None:
    """An input that is no link, of the first node of this type or title; None if there is none."""
    for label in (lambda entry: entry.get("class_type"), lambda entry: (entry.get("_meta") or {}).get("title")):
        for entry in prompt.values():
            given = (entry.get("inputs") or {}).get(name) if label(entry) == node else None
            if isinstance(given, (str, int, float)):
                return given
    return None
