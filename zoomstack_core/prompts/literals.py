"""Lists and objects as people and language models write them: JSON, Python, JavaScript and what lies between.

Beyond JSON it takes single and typographic quotes, trailing and missing commas, comments, names and numbers without
quotes as keys, and objects without their braces. Every text is read from left to right, without going back.
"""

from __future__ import annotations

import json
import re

from .words import QUOTES

_DEEPEST = 24
_MOST_VALUES = 50_000
_BLANKS = re.compile(r"[\s\ufeff]+")
_ENDS = {quote: re.compile(rf"[\\{end}]") for quote, end in QUOTES.items()}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\s\S])")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"} | {mark: mark for mark in "\"'`/\\“”‘’«»"}
_NAME = re.compile(r"[\w$][\w$ +*/.()-]{0,60}(?=\s{0,9}:)")
_WORD = re.compile(r"(?:true|false|null|none|undefined|nan|[-+]?[\d.][\w.+-]{0,40})(?![\w(])", re.IGNORECASE)
_NUMBER_KEY = re.compile(r"\d{1,9}\s{0,9}:(?!\d)")
_LINE_START = re.compile(r"^[ \t]*(?=[\[{A-Za-z_])", re.MULTILINE)
_ASSIGNED = re.compile(r"(?:(?:const|let|var)\s+)?[A-Za-z_][\w.]{0,60}\s{0,9}=\s*(?=[\[{(])")


class Pairs(list[tuple[str, object]]):
    """The members of an object, in their order; a name may occur twice."""


def read_literals(text: str) -> list[object] | None:
    """All of ``text`` as literals one after the other, or None where it is anything else.

    A literal is a list or an object, perhaps assigned to a name; an object may lack its braces, but then its keys are
    quoted or numbers. Strings inside are str, objects `Pairs`, numbers and words float or None.
    """
    text = text.strip()
    if text[:1] + text[-1:] in ("[]", "{}"):
        try:
            return [json.loads(text, object_pairs_hook=Pairs)]
        except (ValueError, RecursionError):
            pass
    reader = _Reader(text)
    try:
        if text[:1] in QUOTES or _NUMBER_KEY.match(text):
            return [reader.pairs("")] if reader.pairs_ahead() else None
        return reader.literals()
    except _NoLiteral:
        return None


def whole_objects(text: str) -> list[object]:
    """The objects at the beginning of ``text``, up to one that is cut off, or to anything else."""
    return _Reader(text).objects()


def find_literals(text: str) -> list[object]:
    """The first literals in ``text`` that begin and end on lines of their own, with anything around; or none."""
    reader = _Reader(text)
    for line in _LINE_START.finditer(text):
        if line.end() < reader.place:
            continue  # inside of what was no literal
        found: list[object] = []
        reader.place = line.end()
        try:
            while reader.starts_literal():
                value = reader.literal()
                if not reader.at_line_end():
                    break
                found.append(value)
        except _NoLiteral:
            pass
        if found:
            return found
    return []


class _NoLiteral(Exception):
    """What stands here is no literal."""


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self.place = text, 0
        self._values = 0
        self._unclosed: set[str] = set()  # quotes without an end from some place on

    def literals(self) -> list[object]:
        found = []
        while self._ahead(",;"):
            found.append(self.literal())
        return found

    def objects(self) -> list[object]:
        """Objects up to one that is cut off, or to anything else."""
        found = []
        try:
            while self._ahead(",") == "{":
                found.append(self.literal())
        except _NoLiteral:
            pass
        return found

    def starts_literal(self) -> bool:
        """Whether a list or an object comes next, perhaps with a name that it is assigned to."""
        ahead = self._ahead(",;")
        return ahead in ("[", "{") if ahead in tuple("[{(") else _ASSIGNED.match(self._text, self.place) is not None

    def literal(self) -> object:
        if assigned := _ASSIGNED.match(self._text, self.place):
            self.place = assigned.end()
        if self._ahead() not in tuple("[{("):
            raise _NoLiteral
        return self._value(0)

    def at_line_end(self) -> bool:
        """Whether nothing but a comma or semicolon stands before the end of the line."""
        end = self._text.find("\n", self.place)
        return not self._text[self.place : end if end >= 0 else None].strip(" \t\r,;")

    def pairs_ahead(self) -> bool:
        place = self.place
        self._key()
        colon = self._ahead() == ":"
        self.place = place
        return colon

    def pairs(self, closing: str, depth: int = 0) -> Pairs:
        """The members of an object up to its ``closing`` brace, or to the end of the text."""
        found = Pairs()
        while self._ahead(",") != closing:
            key = self._key()
            if self._ahead() != ":":
                raise _NoLiteral
            self.place += 1
            found.append((key, self._value(depth + 1)))
        self.place += len(closing)
        return found

    def _value(self, depth: int) -> object:
        ahead = self._ahead()
        self._values += 1
        if self._values > _MOST_VALUES:
            self.place = len(self._text)
            raise _NoLiteral
        if depth > _DEEPEST or not ahead:
            raise _NoLiteral
        if ahead in QUOTES:
            return self._string()
        if ahead == "[":
            self.place += 1
            return self._list("]", depth)
        if ahead == "(":
            self.place += 1
            return self._group(depth)
        if ahead == "{":
            self.place += 1
            return self.pairs("}", depth)
        word = _WORD.match(self._text, self.place)
        if not word:
            raise _NoLiteral
        self.place = word.end()
        try:
            return float(word[0])
        except ValueError:
            return None

    def _list(self, closing: str, depth: int) -> list[object]:
        found = []
        while self._ahead(",") != closing:
            found.append(self._value(depth + 1))
        self.place += 1
        return found

    def _group(self, depth: int) -> object:
        """What Python has in parentheses: a list, or one string in several parts."""
        found = []
        commas = 0
        while self._ahead() != ")":
            if self._ahead() == ",":
                commas += 1
                self.place += 1
            else:
                found.append(self._value(depth + 1))
        self.place += 1
        parts = [value for value in found if isinstance(value, str)]
        return "".join(parts) if parts and not commas and len(parts) == len(found) else found

    def _key(self) -> str:
        if self._ahead() in QUOTES:
            return self._string()
        name = _NAME.match(self._text, self.place)
        if not name:
            raise _NoLiteral
        self.place = name.end()
        return name[0].strip()

    def _string(self) -> str:
        quote = self._text[self.place]
        start = place = self.place + 1
        while quote not in self._unclosed and (found := _ENDS[quote].search(self._text, place)):
            place = found.end()
            if found[0] != "\\":
                self.place = place
                return _ESCAPE.sub(_unescaped, self._text[start : found.start()])
            place += 1
        self._unclosed.add(quote)
        raise _NoLiteral

    def _ahead(self, skipped: str = "") -> str:
        """The next character behind blanks, comments and separators; "" at the end."""
        while self.place < len(self._text):
            if blanks := _BLANKS.match(self._text, self.place):
                self.place = blanks.end()
            elif self._text[self.place] in skipped:
                self.place += 1
            elif self._text.startswith(("//", "#"), self.place):
                end = self._text.find("\n", self.place)
                self.place = end if end >= 0 else len(self._text)
            else:
                return self._text[self.place]
        return ""


def _unescaped(escape: re.Match[str]) -> str:
    mark = escape[1]
    if len(mark) > 1:
        return chr(int(mark[1:], 16))
    return _ESCAPED.get(mark, escape[0])  # "\(" is a prompt's own
