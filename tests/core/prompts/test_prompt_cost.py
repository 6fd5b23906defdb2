"""Reading takes time in proportion to a text's length, whatever it holds: a request decides what is read.

Each text repeats one piece. Sixteen times as much of it may take much more than sixteen times as long only where both
take next to nothing; going back over the text for each piece would take 256 times as long.
"""

import itertools
import time
from contextlib import suppress

import pytest

from zoomstack_core.prompts.schedule import parse_prompts

# All signs that the patterns of the parsers name, one per class, and the words that begin their alternatives.
SIGNS = list(" \t\n\r*-–_#`~\"'“”‘«[]{}()<>:.,;|/\\=+0a1x１一、：①•第层\ufe0f\u20e3\ud800\x00")
WORDS = [
    "level 1",
    "zoom",
    "prompt:",
    "image",
    "negative",
    "--neg",
    "</think>",
    "if you",
    "sure",
    "max_f",
    "0x",
    "from 1: ",
    "from ",
    "focus",
    "factor: 2 ",
    "focus: 0.5, 0.5 ",
]
LISTS = [
    '[{"a": 1}, ',
    '{"prompt": "a"},\n',
    '["a",',
    '{"a":',
    "0:'a',",
    "\n[",
    "\n{",
    "\n“",
    "('",
    '\\"',
    "\\u",
    "prompts=[",
    "\nprompts=[",
    "//",
    "\n#1",
]
LINES = [
    "1. a\n",
    "a\n",
    "- a\n",
    "Prompt: a\n",
    "Level 1\n",
    "|a|b|\n",
    "|-|\n",
    '"\n',
    "```\n",
    "\n\n1. a\n",
    "from 1:\n",
    "from 1: a\n",
    "Focus: 1, 2\n",
    "Seen: a\nFocus: 1, 2\n",
    "x: 1\n",
]
BEFORE = [
    "",
    "**",
    '{"a":[',
    "level,prompt\n",
    "|a|b|\n|-|-|\n",
    "Prompt: a\nPrompt: b\n",
    "a focus: ",
    '[{"prompt": "a", "focus": "',
]
OF_TWO = ["**", " ", "\n", "[", "{", '"', "\\", "(", "a", "1", "|", ":"]
TEXTS = [
    *itertools.product(BEFORE, [*SIGNS, *WORDS, *LISTS, *LINES]),
    *(("", first + second) for first, second in itertools.permutations(OF_TWO, 2)),
    *(("**", piece) for piece in ("a **", "**a ", " **")),
    *itertools.product(
        ("1. ", "level 1", "level 1 (", "1. a\n2. b\n", "```\n", "a\nfrom 1"), (" ", "a\n", "(", "**", "[", "'")
    ),
]
SHORT, LONG = 4_000, 64_000
NOTHING = 0.25  # seconds of the processor


def seconds(before: str, piece: str, size: int) -> float:
    text = before + piece * (size // len(piece))
    start = time.thread_time()
    with suppress(ValueError):
        parse_prompts(text)
    return time.thread_time() - start


@pytest.mark.parametrize("before", sorted({before for before, _ in TEXTS}))
def test_no_text_takes_long(before: str) -> None:
    for piece in [piece for start, piece in TEXTS if start == before]:
        size = SHORT
        while size < LONG:  # in steps, so that a pattern that goes back is found in seconds
            size *= 4
            if seconds(before, piece, size) > NOTHING:
                growth = min(seconds(before, piece, size) / seconds(before, piece, size // 16) for _ in range(2))
                assert growth < 64, f"{before!r} and then {piece!r} again and again"
