"""Prompts in JSON, as language models write it: lists of strings or of objects, with or without talk around."""

from __future__ import annotations

import ast
import json
import re
import warnings

_FIRST_LINE = re.compile(r"^[ \t]*(?=[\[{])", re.MULTILINE)
_LAST_LINE = re.compile(r"[\]}][ \t]*$", re.MULTILINE)
_LEVEL_KEY = re.compile(r"[a-z\s_-]*\d{1,3}", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# Fields of an object that hold its prompt, the clearest name first.
_PROMPT_KEYS = ("prompt", "positive", "text", "caption", "description", "view", "scene", "content")


def read_json_prompts(body: str) -> list[str] | None:
    """The prompts of a JSON or Python literal: a list, or an object around one, or an object of levels.

    A literal that begins and ends on lines of its own may have other text around it; then it must hold two prompts at
    least. None when there is no such literal.

    Raises:
        ValueError: if the whole of ``body`` is a literal that holds anything but prompts.
    """
    if re.match(r'"[^"]*"\s*:', body):
        body = "{" + body + "}"  # ComfyUI's dynamic prompts take an object's braces for a wildcard choice
    value = _entries(_read_literal(body))
    if value is not None:
        return [_prompt_of(entry) for entry in value]
    first, ends = _FIRST_LINE.search(body), list(_LAST_LINE.finditer(body))
    if first is None or not ends or ends[-1].start() <= first.end():
        return None
    inner = _entries(_read_literal(body[first.end() : ends[-1].start() + 1]))
    try:
        prompts = [_prompt_of(entry) for entry in inner or []]
    except ValueError:
        return None
    return prompts if len(prompts) > 1 else None


def _entries(value: object) -> list[object] | None:
    """One entry per level, or None where ``value`` is no list and no object."""
    if not isinstance(value, dict):
        return value if isinstance(value, list) else None
    levels = [entry for key, entry in value.items() if _LEVEL_KEY.fullmatch(str(key))]
    inner = [entry for entry in value.values() if isinstance(entry, (list, dict))]
    return levels if len(levels) > 1 else _entries(inner[0]) if len(inner) == 1 else list(value.values())


def _prompt_of(entry: object) -> str:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, dict):
        texts = [(_words(key), text) for key, text in entry.items() if isinstance(text, str)]
        for name in _PROMPT_KEYS:
            for words, text in texts:
                if name in words and "negative" not in words:
                    return text
        if len(texts) == 1:
            return texts[0][1]
    shown = repr(entry)
    raise ValueError(
        "expected a list of strings, one per level, or of objects that each have a prompt; got "
        f"{shown if len(shown) <= 60 else shown[:57] + '...'} in the list"
    )


def _words(key: object) -> list[str]:
    """The words of a field's name: of "image_prompt" or "imagePrompt", "image" and "prompt"."""
    return [word.lower() for word in _WORD.findall(str(key))]


def _read_literal(body: str) -> object:
    """Any JSON or Python literal in brackets; None for anything else.

    Python's rules allow single quotes and a trailing comma, as language models write lists.
    """
    if body[:1] + body[-1:] not in ("[]", "{}"):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # "\(" is a prompt's escaped parenthesis
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return ast.literal_eval(body)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None
