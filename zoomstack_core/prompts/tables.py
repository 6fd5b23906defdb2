"""Prompts in tables and records: Markdown tables, comma separated values with a header, and lines "Prompt: …"."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from .branches import branch_in_field
from .directions import FACTORS, FOCUS, FOCUS_X, FOCUS_Y, in_fields
from .json_text import Entry, PromptList, is_tree, with_root
from .list_marks import is_label, strong_mark, without_bullet
from .negatives import Avoided, by_level
from .words import BRANCHES, LEVELS, NEGATIVES, SENTENCE_ENDS, plain

_CELL_END = re.compile(r"(?<!\\)\|")
_RULE_SIGNS = set("|-: \t")
_FIELD = re.compile(
    r"[\"'*_]{0,2}([A-Za-z][A-Za-z0-9 _-]{0,30}?)(?:\s?\([^()]{0,20}\))?[\"'*_]{0,2}\s{0,3}[:：][*_]{0,2}\s*(?!/)"
)
# Names of columns and fields, without blanks; prompts first, the clearest name of all first.
_PROMPTS = (
    *("newprompt", "rewrittenprompt", "revisedprompt", "finalprompt", "improvedprompt", "updatedprompt"),
    *("prompt", "positiveprompt", "imageprompt", "visualprompt", "fullprompt", "textprompt", "prompttext", "positive"),
    *("imagedescription", "description", "caption", "text", "提示词", "プロンプト", "프롬프트"),
)
_RECORD_PROMPTS = [name for name in _PROMPTS if name not in ("text", "caption", "positive")]  # a prompt has these
_STEPS = {*FOCUS, *FOCUS_X, *FOCUS_Y, *FACTORS}
_OTHERS = {
    *("level", "levels", "lvl", "layer", "zoom", "zoomlevel", "scale", "factor", "zoomfactor", "magnification", "size"),
    *("index", "id", "no", "number", "nr", "n", "frame", "keyframe", "step", "scene", "stage", "shot", "title", "name"),
    *("subject", "view", "seen", "whatisseen", "whatsseen", "whatyousee", "visible", "observed", "observation"),
    *("originalprompt", "oldprompt", "draftprompt", "currentprompt", "reason", "change", "changes", "fits"),
    *("camera", "distance", "style", "notes", "note", "seed"),
    *BRANCHES,
    *_STEPS,
}
_WITH_PROMPTS = (NEGATIVES, LEVELS, BRANCHES)
_BLOCK = re.compile(r"[|>][+-]?")  # YAML: the value stands on the lines below


def read_table(lines: Sequence[str]) -> list[Entry] | None:
    """The prompts of a table, a row each; None where ``lines`` hold none."""
    return _markdown(lines) or _separated(lines)


def read_records(lines: Sequence[str]) -> PromptList | None:
    """What follows "Prompt:" in records of several fields each; None where ``lines`` are no records."""
    fields = [_field(line) for line in lines]
    names = [name for name, _ in fields]
    name = next((name for name in _RECORD_PROMPTS if names.count(name) > 1), None)
    if name is None:
        return None
    prompts: list[list[str]] = []
    negatives: list[tuple[list[str], int, bool]] = []
    steps: list[tuple[int, str, list[str]]] = []
    target: list[str] | None = None
    owners, gap = 0, False
    for line, (found, value) in zip(lines, fields, strict=True):
        if found:
            target = []
            if found == name:
                prompts.append(target)
                gap = False
            elif found in NEGATIVES:
                negatives.append((target, len(prompts) - 1, gap))
            elif found in _STEPS:
                steps.append((len(prompts) - 1, found, target))
            if not _BLOCK.fullmatch(value):
                target.append(value)
        elif not line:
            gap = True
            target = None if target and any(target) else target
        elif strong_mark(without_bullet(line)) or is_label(line):
            owners += 1
            target = None
        elif target is not None:
            target.append(line)
        elif not line.endswith(SENTENCE_ENDS):
            return None
    if owners not in (0, len(prompts)):
        return None
    own, shared = by_level(
        [Avoided(" ".join(text), owner, apart) for text, owner, apart in negatives], len(prompts) - 1
    )
    before = bool(steps) and steps[0][0] < 0  # each record says it above its prompt
    fields_of: dict[int, list[tuple[str, object]]] = {}
    for owner, field, text in steps:
        fields_of.setdefault(owner + before, []).append((field, " ".join(text)))
    entries = [
        Entry(" ".join(prompt), ", ".join(own.get(place, ())), directions=in_fields(fields_of.get(place, ())))
        for place, prompt in enumerate(prompts)
    ]
    return PromptList(entries, negative=", ".join(shared))


def _field(line: str) -> tuple[str, str]:
    """The plain name and the value of a line such as "Image prompt: a galaxy"; no name for any other line."""
    text = without_bullet(line)
    mark = strong_mark(text)
    text = mark.rest if mark and mark.rest else text
    found = _FIELD.match(text)
    name = plain(found[1]) if found else ""
    known = name in _RECORD_PROMPTS or name in NEGATIVES or name in _OTHERS
    return (name, text[found.end() :].strip()) if found and known else ("", "")


def _markdown(lines: Sequence[str]) -> list[Entry] | None:
    rule = next((i for i, line in enumerate(lines) if set(line) <= _RULE_SIGNS and {"|", "-"} <= set(line)), 0)
    if rule == 0 or "|" not in lines[rule - 1]:
        return None
    rows = [_cells(lines[rule - 1])]
    for line in lines[rule + 1 :]:
        if "|" not in line:
            break
        rows.append(_cells(line))
    return _columns(rows, "|")


def _cells(line: str) -> list[str]:
    inside = line.removeprefix("|").removesuffix("|")
    return [cell.replace("\\|", "|").strip() for cell in _CELL_END.split(inside)]


def _separated(lines: Sequence[str]) -> list[Entry] | None:
    """Values with one separator between, below a header in known words, one of which says where the prompts are."""
    rows = [line for line in lines if line]
    for separator in (",", ";", "\t", "|"):
        header = [plain(name) for name in rows[0].split(separator)] if rows else []
        known = all(name in _OTHERS or name in _PROMPTS or name in NEGATIVES for name in header)
        if len(rows) > 1 and known and not _OTHERS.isdisjoint(header) and not _OTHERS.issuperset(header):
            try:
                table = list(csv.reader(rows, delimiter=separator, skipinitialspace=True))
            except csv.Error:
                return None
            least = 2 if separator == "\t" else len(header)  # tabs at the end of a line are gone
            return _columns(table, separator) if all(len(row) >= least for row in table) else None
    return None


def _columns(rows: list[list[str]], separator: str) -> list[Entry] | None:
    names = [plain(name) for name in rows[0]]
    column = next((names.index(name) for name in _PROMPTS if name in names), None)
    if column is None and len(names) > 1 and separator == "|":  # a table of any words: the column with most text
        sizes = [sum(len(row[i]) for row in rows[1:] if i < len(row)) for i in range(len(names))]
        column = sizes.index(max(sizes))
    if column is None:
        return None
    others = [next((names.index(name) for name in kind if name in names), len(names)) for kind in _WITH_PROMPTS]
    entries = []
    for row in rows[1:]:
        if len(row) > len(names) and (column == len(names) - 1 or names[-1] in FOCUS):  # it has the separator in it
            row = [*row[: len(names) - 1], f"{separator} ".join(row[len(names) - 1 :])]
        if column < len(row):
            negative, level, branch = (row[other] if other < len(row) else "" for other in others)
            directions = in_fields([*zip(rows[0], row, strict=False)])
            entries.append(Entry(row[column], negative, branch_in_field(level), branch_in_field(branch), directions))
    entries = with_root(entries)
    if not is_tree(entries) and names[others[-1]] == "from":  # frames
        entries = [entry._replace(branch=None) for entry in entries]
    return entries or None
