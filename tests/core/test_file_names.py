"""Prefixes of file names, as people write them."""

import os
from datetime import datetime
from typing import Any

import pytest

from zoomstack_core.file_names import expand_prefix, portable

NOW = datetime(2026, 3, 9, 7, 5, 8)
PROMPT = {
    "1": {"class_type": "KSampler", "inputs": {"seed": 7, "cfg": 2.5, "model": ["2", 0]}, "_meta": {"title": "Deep"}},
    "2": {"class_type": "Loader", "inputs": {"name": "sd/xl: one?"}, "_meta": {"title": "My model"}},
    "3": {"class_type": "KSampler", "inputs": {"seed": 8}, "_meta": {"title": "KSampler"}},
}


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("zoom", "zoom"),
        ("%date:yyyy-MM-dd%/zoom", "2026-03-09/zoom"),
        ("%date:yy-M-d_h-m-s%", "26-3-9_7-5-8"),
        ("%date:hhmmss%_%date:yyyy%", "070508_2026"),
        ("%date:dd.MM.yyyy%", "09.03.2026"),
        ("%date:hh:mm%", "07:05"),
        ("%width%x%height%_%year%", "%width%x%height%_%year%"),
        ("%KSampler.seed%", "7"),
        ("%Deep.cfg%", "2.5"),
        ("%My model.name%", "sd_xl_ one_"),
        ("%KSampler.model%", "%KSampler.model%"),
        ("%KSampler.none% %None.seed% 100%", "%KSampler.none% %None.seed% 100%"),
        ("%date%", "%date%"),
    ],
)
def test_places_are_filled_in(prefix: str, expected: str) -> None:
    assert expand_prefix(prefix, NOW, PROMPT) == expected


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("video/zoom", "video/zoom"),
        ("video\\zoom", "video/zoom"),
        ('a:b*c?"<>|d', "a_b_c_____d"),
        ("07:05\n\t\0", "07_05___"),
        ("ends. /dots.../../x.", "ends/dots/../x."),
        (".../x", ".../x"),
        ("größer 名 100%", "größer 名 100%"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="drives")
def test_letters_that_no_file_has_on_windows_are_replaced(prefix: str, expected: str) -> None:
    assert portable(prefix) == expected


def test_nodes_without_inputs_and_titles_are_passed_by() -> None:
    """As some clients write them."""
    prompt: dict[str, Any] = {
        "1": {"class_type": "A", "inputs": None, "_meta": None},
        "2": {"class_type": "B", "inputs": {"x": 3}, "_meta": {"title": "C"}},
    }
    now = datetime(2026, 3, 9)
    assert expand_prefix("%A.x%_%B.x%_%C.x%_%D.x%", now, prompt) == "%A.x%_3_3_%D.x%"
