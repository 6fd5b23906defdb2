"""The texts that people read: what merging two versions of them leaves behind."""

import re
from collections import Counter
from pathlib import Path

import pytest

PACK = Path(__file__).resolve().parents[2]
PAGES = sorted([PACK / "README.md", *PACK.glob("docs/*.md"), *PACK.glob("js/docs/*.md")])
SCRIPTS = sorted(PACK.glob("js/*.js"))
WORDS = 6  # by which a sentence that stands twice is known, though its end was changed


def comments(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line[3:] if line.startswith("// ") else "" for line in lines)


def prose(path: Path) -> str:
    """Without code and tables."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^\|.*", "", text, flags=re.MULTILINE)


def begins(text: str) -> Counter[str]:
    """The first words of all sentences."""
    found: Counter[str] = Counter()
    for paragraph in re.split(r"\n\s*\n|\n(?=- )", text):
        for sentence in re.split(r"(?<=[.!?:])\s+", " ".join(paragraph.split())):
            words = sentence.split()
            if len(words) >= WORDS:
                found[" ".join(words[:WORDS])] += 1
    return found


@pytest.mark.parametrize("path", [*PAGES, *SCRIPTS], ids=lambda path: path.name)
def test_nothing_is_said_twice(path: Path) -> None:
    counts = begins(prose(path) if path.suffix == ".md" else comments(path))
    assert [words for words, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_section_is_empty(path: Path) -> None:
    """A heading is followed by a text, or by a heading below it."""
    text = re.sub(r"^```.*?^```", "code", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in text.splitlines() if line.strip()]
    levels = [len(line) - len(line.lstrip("#")) if re.match(r"#+ ", line) else 0 for line in lines]
    empty = [
        lines[k] for k, level in enumerate(levels) if level and (k + 1 == len(lines) or 0 < levels[k + 1] <= level)
    ]
    assert empty == []
