"""Schedule text to level prompts, outermost level first.

The text is what a person types or pastes from a language model: one prompt per line, or a JSON list of strings.
Numbers, bullets, labels, quotes and code fences around the prompts are dropped; nothing inside a prompt is touched.
"""

import ast
import json
import re
import warnings

_FENCED = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"[-*_=]{3,}|```[\w-]*")
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_BULLET = re.compile(r"[-*–—](?:\s+|$)|[•◦‣▪]\s*")
# The blank after the mark keeps "1.5 km of ice", "3:4 portrait" and "2 suns" whole; two digits keep "1920. A street".
_NUMBER = re.compile(r"\(?\d{1,2}[.):](?:\s+|$)")
_LABEL = re.compile(
    r"(?:zoom\s+level|level|prompt|layer|scene|step)\s*#?\d{1,3}(?:\s*\([^()]*\))?\s*(?::|[.)–—-](?=\s|$))\s*",
    re.IGNORECASE,
)
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»"}


def parse_prompts(text: str) -> list[str]:
    """The level prompts in ``text``, outermost first.

    One prompt per line; blank lines and lines that start with ``#`` are skipped. Tolerated and removed around a prompt:
    ``1.``, ``1)``, ``1:``, ``-``, ``*``, ``•``, ``Level 3:``, Markdown bold, quotes. Also read: a JSON (or Python) list
    of strings, and an object that holds one such list or one string per level. When the text has a fenced code block,
    the talk around it is not read; a first line that ends in a colon and introduces a marked list is not read either.

    Args:
        text: schedule text, any line ending.

    Returns:
        At least one prompt; none is empty or holds a line break.

    Raises:
        ValueError: if there is no prompt, or a list holds anything but strings.
    """
    text = text.removeprefix("\ufeff")
    fenced = "\n".join(_FENCED.findall(text))
    body = fenced if fenced.strip() else text
    items = _read_list(body.strip())
    if items is None:
        lines = [line.strip() for line in body.splitlines()]
        items = _without_lead_in([line for line in lines if not line.startswith("#") and not _RULE.fullmatch(line)])
    prompts = [prompt for prompt in map(_unwrap, items) if prompt]
    if not prompts:
        raise ValueError(f"expected at least one prompt, one per line; got {_shorten(text)}")
    return prompts


def join_prompt(prefix: str, prompt: str, suffix: str) -> str:
    """``prefix, prompt, suffix``; empty parts are left out, and only the seams are touched.

    Parts are joined by a comma, or by a blank alone after a part that ends in punctuation, so that "A photo:",
    "masterpiece," and "A long sentence." read on as typed. A comma at the start of a later part is not doubled.
    """
    joined = ""
    for part in (prefix.strip(), prompt.strip(), suffix.strip()):
        if not joined:
            joined = part
        elif part := part.lstrip(", "):
            joined += (" " if joined[-1] in ",.;:!?" else ", ") + part
    return joined


def _read_list(body: str) -> list[str] | None:
    """The strings of a JSON or Python list (or of an object around one); None when ``body`` is not such a literal."""
    if re.match(r'"[^"]*"\s*:', body):
        body = "{" + body + "}"  # ComfyUI's dynamic prompts take an object's braces for a wildcard choice
    if body[:1] + body[-1:] not in ("[]", "{}"):
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = _read_python_literal(body)
    if isinstance(value, dict):
        values = list(value.values())
        value = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    if not isinstance(value, list):
        return None
    for item in value:
        if not isinstance(item, str):
            raise ValueError(f"expected a list of strings, one per level; got {_shorten(repr(item))} in the list")
    return value


def _read_python_literal(body: str) -> object:
    """Single quotes and a trailing comma, as language models write lists; None when ``body`` is no literal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # "\(" is a prompt's escaped parenthesis
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return ast.literal_eval(body)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None


def _without_lead_in(lines: list[str]) -> list[str]:
    """``lines`` without a first line such as "Here are the prompts:" above a list whose every line is marked."""
    lines = [line for line in lines if line]
    if len(lines) < 2 or not lines[0].endswith(":"):
        return lines
    first_marked, *rest_marked = (_unwrap(line) != line for line in lines)
    return lines[1:] if all(rest_marked) and not first_marked else lines


def _unwrap(item: str) -> str:
    """``item`` on one line, without the list marks and quotes around it."""
    prompt = _BOLD.sub(r"\1", " ".join(item.splitlines()).strip())
    for mark in (_BULLET, _NUMBER, _LABEL):
        if match := mark.match(prompt):
            prompt = prompt[match.end() :]
    quoted = prompt.removesuffix(",").rstrip()
    if len(quoted) > 1 and _QUOTES.get(quoted[0]) == quoted[-1]:
        inside = quoted[1:-1]
        if quoted[0] not in inside and quoted[-1] not in inside:  # else two quotes, as in '"red" and "blue"'
            return inside.strip()
    return prompt.strip()


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
