"""Marks before the prompts of a list: bullets, numbers, and labels such as "Level 3:", in the scripts of the world.

A strong mark is one that no prompt begins with, so it is read on any line. A weak one could be a prompt's own, as the
"1 -" of "1 - a galaxy": it counts only where several lines have it and their numbers count up from 0 or 1.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .branches import branch_in_label, join_branch

_CJK_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2, "兩": 2}
_CJK = "〇零一二三四五六七八九十百两兩"
_LETTER = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # of scripts that set no blank behind a number
_ENGLISH = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen"
    "|nineteen|twenty"
)
_WORDS = (
    "zoom level|zoom|level|prompt|layer|scene|step|image|frame|keyframe|key frame|stage|shot|panel|picture|view"
    "|zoomstufe|ebene|stufe|bild|szene|schritt|ansicht"  # German
    "|niveau|étape|scène|calque|vue"  # French
    "|nivel|escena|paso|imagen|capa|etapa"  # Spanish
    "|nível|cena|passo|imagem|camada"  # Portuguese
    "|livello|passaggio|immagine|strato"  # Italian
    "|stap|beeld|laag|poziom|krok|scena|obraz|nivå|steg|nivå|trin|taso|seviye|adım|sahne|úroveň|snímek|szint|tingkat"
    "|cấp|mức|cảnh|уровень|шаг|сцена|кадр|этап|рівень|кадр|επίπεδο|المستوى|מستوى|مستوى|שלב|स्तर"
    "|レベル|階層|段階|ステップ|シーン|フレーム|プロンプト|画像|層级|层级|层次|层|層|级别|級別|等级|提示词|提示詞|步骤|步驟|场景|場景"
    "|画面|图像|图|圖|레벨|단계|장면|프롬프트|층|이미지"
)
_COUNTERS = "层層级級段階番幅张張枚步帧景图圖"
_END = r"(?:[:：](?!\d)|[.)）、．。](?=\s|$)|[–—－-](?=\s|$))\s*"

_BULLET = re.compile(r"(?:[-*+–—>](?:\s+|$)|[•◦‣▪▫●○◉◆◇■□▶►➤➢∙⁃・※]\s*)(?:\[[ xX✓]\]\s+)?")
# The blank after the mark keeps "1.5 km of ice", "3:4 portrait" and "2 suns" whole; two digits keep "1920. A street".
# A tab alone is what a copy from a spreadsheet has between its columns. "2、3人" is "two or three".
_NUMBER = re.compile(
    rf"\(?(\d{{1,2}})(?:[.):]{{1,2}}(?:\s+|$)|[.):](?={_LETTER})|\t\s*)"
    rf"|[（(]?(\d{{1,3}})[）、．。：]\s*(?![\d{_CJK}])"
    rf"|[（(]([{_CJK}]{{1,4}})[）)]\s*|([{_CJK}]{{1,4}})[、．。：:]\s*(?![\d{_CJK}])"
)
_CIRCLED = re.compile(r"([⓪①-⒛❶-➓⓵-⓾㉑-㉟㊀-㊉㊱-㊿])\s*[.:、]?\s*")
_LABEL = re.compile(
    rf"(?:{_WORDS})[\s_-]{{0,3}}(?:#|no\.\s?|nr\.\s?|№\s?)?(\d{{1,4}}|[{_CJK}]{{1,4}}|(?:{_ENGLISH})\b)"
    rf"\s{{0,3}}[{_COUNTERS}]?(?:\s*(?:/|of|von|sur|de|из)\s*\d{{1,4}})?(?:\s*[(（\[](?P<aside>[^()（）\[\]]{{0,80}})[)）\]])?\s*{_END}",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    rf"(?:第\s?(\d{{1,4}}|[{_CJK}]{{1,4}})\s?|(\d{{1,4}})\s?(?=[层層级級段階步단계번]))"
    rf"[{_COUNTERS}목단계층장번째目]{{1,3}}(?:\s*[(（](?P<aside>[^()（）]{{0,80}})[)）])?\s*(?:[:：]|、|[.．–—-](?=\s|$))\s*"
)
# "0": "a cat", as animation tools write it: the prompt is in quotes, and so may be the number.
_KEYFRAME = re.compile(r"[\"'“‘`]?(\d{1,9})[\"'”’`]?\s{0,9}(?::|=>|->|=|,)\s{0,9}(?=[\"'“‘`«])")
_QUOTED = re.compile(r"\"[^\"]*\"|'.*'|“[^“”]*”|‘.*’|`[^`]*`|«[^«»]*»", re.DOTALL)
_ALONE = re.compile(rf"(?:(?:{_WORDS})[\s_-]{{0,3}}#?|第\s?)?(\d{{1,4}})\s?[{_COUNTERS}]?", re.IGNORECASE)


_ROMAN = ((100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


class Mark(NamedTuple):
    """What stands behind a mark, and the mark's number if it has one."""

    rest: str
    number: int | None


class _Weak(NamedTuple):
    """A kind of weak mark."""

    pattern: re.Pattern[str]
    number: Callable[[str], int | None]
    gaps: bool  # whether numbers may be left out


def _digits(text: str) -> int:
    return int(text)


def _cjk(text: str) -> int:
    """The value of a number below 1000 as China and Japan write it: 十二, 二十, 一〇."""
    total, digit = 0, -1
    for sign in text:
        if sign in "十百":
            total += max(digit, 1) * (10 if sign == "十" else 100) if digit else 0
            digit = -1
        else:
            digit = _CJK_DIGITS[sign] + (digit * 10 if digit > 0 else 0)
    return total + max(digit, 0)


def _keycap(text: str) -> int:
    return 10 if text == "🔟" else int(text[0])


def _letter(text: str) -> int:
    return ord(text.lower()) - ord("a") + 1


def _roman(text: str) -> int | None:
    """The value of a Roman numeral below 400, None where it is none."""
    values = [{"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}[sign] for sign in text.lower()]
    total = sum(-this if this < after else this for this, after in zip(values, [*values[1:], 0], strict=True))
    written, left = "", total
    for value, sign in _ROMAN:
        written += sign * (left // value)
        left %= value
    return total if written == text.lower() else None


_WEAK = (
    _Weak(re.compile(r"[\[<{【［〔]\s?(\d{1,3})\s?[\]>}】］〕][:.)]?\s*"), _digits, False),  # [1] a galaxy
    _Weak(re.compile(r"(\d\ufe0f?\u20e3|🔟)\s?[.:)]?\s*"), _keycap, False),  # an emoji
    _Weak(re.compile(r"(\d{1,3})\s{0,3}(?:[-–—|/>=\]→⇒]{1,2}|\.-)\s+"), _digits, False),  # 1 - a galaxy
    _Weak(re.compile(r"(?:no|nr|n°|nº|№)\s?\.?\s?(\d{1,3})[.:)]?\s+", re.IGNORECASE), _digits, False),  # No. 1 a galaxy
    _Weak(re.compile(r"(\d{1,9})[.:)](?=[^\W\d]|[(\[{])\s*"), _digits, True),  # 0:a cat
    _Weak(re.compile(r"(\d{1,9})[.:)](?:\s+|$)"), _digits, True),  # 500: a cat
    _Weak(re.compile(r"(0\d{1,2}|\d{2,3})\s+"), _digits, False),  # 01 a galaxy
    _Weak(re.compile(r"\(?([a-zA-Z])[.):]\s+"), _letter, False),  # a) a galaxy
    _Weak(re.compile(r"\(?([ivxlcIVXLC]{1,8})[.):]\s+"), _roman, False),  # IV. a galaxy
    # 10x: a galaxy
    _Weak(re.compile(r"(?:[x×]\s?(\d{1,9})|(\d{1,9})\s?[x×])\s{0,3}[:：)–—-]\s+", re.IGNORECASE), _digits, True),
)


def without_bullet(text: str) -> str:
    found = _BULLET.match(text)
    return text[found.end() :] if found else text


def strong_mark(text: str) -> Mark | None:
    """A number or a label that no prompt begins with, and both where a label follows a number."""
    if (found := _KEYFRAME.match(text)) and _QUOTED.fullmatch(text[found.end() :].rstrip(" \t,;")):
        return Mark(text[found.end() :], int(found[1]))
    number = None
    for pattern in (_NUMBER, _CIRCLED):
        if found := pattern.match(text):
            number, text = _value(_group(found)), text[found.end() :]
            break
    for pattern in (_LABEL, _ORDINAL):
        if found := pattern.match(text):
            rest, branch = text[found.end() :], branch_in_label(found["aside"] or "")
            return Mark(rest if branch is None else join_branch(branch, rest), _value(_group(found)))
    return None if number is None else Mark(text, number)


def is_label(text: str) -> bool:
    """Whether a line is a label with its number and nothing else, such as "Level 3"."""
    return _ALONE.fullmatch(text) is not None and not text[0].isdigit()


def weak_marks(lines: Sequence[str]) -> Mapping[int, Mark]:
    """The marks of the lines that have one of the first kind of which several lines count up, by the lines' places."""
    for pattern, value, gaps in _WEAK:
        found = [(place, match) for place, line in enumerate(lines) if (match := pattern.match(line))]
        numbers = [value(_group(match)) for _, match in found]
        if _counts_up(numbers, gaps):
            return {
                place: Mark(lines[place][match.end() :], number)
                for (place, match), number in zip(found, numbers, strict=True)
            }
    return _lines_above(lines)


def _lines_above(lines: Sequence[str]) -> Mapping[int, Mark]:
    """Numbers and labels that stand alone on the line above their prompt."""
    found = {place: int(match[1]) for place, line in enumerate(lines) if (match := _ALONE.fullmatch(line))}
    apart = all(place + 1 < len(lines) and place + 1 not in found for place in found)
    if not apart or not _counts_up([*found.values()]):
        return {}
    return {place: Mark("", number) for place, number in found.items()}


def _counts_up(numbers: Sequence[int | None], gaps: bool = False) -> bool:
    """Whether ``numbers`` go on from 0 or 1, by one each; or upwards in any steps, if the first is no step by one."""
    if len(numbers) < 2 or numbers[0] not in (0, 1):
        return False
    start = numbers[0]
    if numbers == list(range(start, start + len(numbers))):
        return True
    known = [number for number in numbers if number is not None]
    steps = [after - before for before, after in zip(known, known[1:], strict=False)]
    return gaps and len(known) == len(numbers) and steps[0] > 1 and min(steps) > 0


def _group(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None)


def _value(text: str) -> int:
    """The number that a mark's ``text`` stands for."""
    if text.isdecimal():
        return int(text)
    words = _ENGLISH.split("|")
    if text.lower() in words:
        return words.index(text.lower()) + 1
    return _cjk(text) if text[0] in _CJK else int(unicodedata.numeric(text))
