"""Draw docs/images/architecture.svg from the pack's imports: ``python tools/make_architecture.py``.

A box is a folder, with the names of its files. It stands above every box that it imports, and arrows show these
imports, but for those that follow from others. So an import that runs upwards, or in a circle, cannot be drawn, and is
an error.
The files beside a folder's subfolders are one box if they import them, and a second one if they do not.
"""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

from host import CHECKOUT
from pack_imports import Edges, Imports
from report import ToolError, run, say

PICTURE = CHECKOUT / "docs" / "images" / "architecture.svg"
ROOT = "the pack"
SHARED = " (shared)"  # after a folder: its files that its subfolders import
RUN_OF_DEMO = {"demo", "demo.architecture", "demo.folders", "demo.loader", "demo.notice"}  # the rest trains the model

LINE, TITLE, PAD, GAP, ROW_GAP = 15, 22, 10, 26, 54
LETTER = 7.5  # width of a letter of a file's name
COLORS = {
    "nodes": "#dbeafe",
    "sampling": "#dcfce7",
    "messages": "#fef3c7",
    "demo": "#fae8ff",
    "zoomstack_core": "#ffedd5",
    ROOT: "#e5e7eb",
}


def drawn(root: Path = CHECKOUT) -> tuple[dict[str, Path], Edges]:
    """The files of the modules that the pack runs, and which of these imports which others."""
    read = Imports(root)
    found = {name: file for name, file in read.files.items() if not name.startswith("demo") or name in RUN_OF_DEMO}
    return found, {name: read.own[name] & found.keys() for name in found}


def boxes(found: dict[str, Path], edges: Edges) -> dict[str, str]:
    """The box of every module that is no ``__init__``."""
    folders = {name for name, file in found.items() if file.name == "__init__.py"}
    names = [name for name in found if name not in folders]
    box = {name: name.rpartition(".")[0] or ROOT for name in names}

    def reaches(name: str, folder: str, seen: set[str]) -> bool:
        seen.add(name)
        return any(
            target.startswith(f"{folder}.") and (target.count(".") > folder.count(".") + 1 or target in folders)
            for target in edges[name]
        ) or any(
            box.get(target) == folder and target not in seen and reaches(target, folder, seen) for target in edges[name]
        )

    for name in names:
        folder = box[name]
        has_inner = any(other.startswith(f"{folder}.") for other in folders)
        if has_inner and not reaches(name, folder, set()):
            box[name] = folder + SHARED
    above = set(box.values())
    alone = {place for place in above if place.endswith(SHARED) and place.removesuffix(SHARED) not in above}
    return {name: place.removesuffix(SHARED) if place in alone else place for name, place in box.items()}


def box_edges(found: dict[str, Path], edges: Edges) -> Edges:
    """Which box imports which, without what follows from other imports.

    Raises:
        ToolError: for boxes that import each other in a circle.
    """
    box = boxes(found, edges)
    between: Edges = {name: set() for name in sorted(set(box.values()))}
    for name, targets in edges.items():
        for target in targets:
            if name in box and target in box and box[name] != box[target]:
                between[box[name]].add(box[target])
    heights = floors(between)
    return {
        name: {t for t in targets if not any(_reaches(between, other, t) for other in targets if other != t)}
        for name, targets in sorted(between.items(), key=lambda item: heights[item[0]])
    }


def floors(edges: Edges) -> dict[str, int]:
    """How many boxes stand below each one, at most."""
    known: dict[str, int] = {}

    def height(name: str, above: tuple[str, ...]) -> int:
        if name in above:
            raise ToolError(f"These import each other in a circle: {' → '.join([*above[above.index(name) :], name])}")
        if name not in known:
            known[name] = max((height(target, (*above, name)) + 1 for target in edges[name]), default=0)
        return known[name]

    return {name: height(name, ()) for name in edges}


def _reaches(edges: Edges, start: str, end: str) -> bool:
    return end in edges[start] or any(_reaches(edges, target, end) for target in edges[start])


class Drawing:
    """Rows of boxes from the top floor down; an arrow that passes a row has a place of its own in it."""

    def __init__(self, files: dict[str, list[str]], edges: Edges) -> None:
        self._files, self._floors = files, floors(edges)
        self._chains = [self._chain(a, b) for a, targets in edges.items() for b in sorted(targets)]
        self._rows = self._ordered()

    def _chain(self, a: str, b: str) -> list[str]:
        return [a, *(f"{a}→{b}@{floor}" for floor in range(self._floors[a] - 1, self._floors[b], -1)), b]

    def _ordered(self) -> list[list[str]]:
        rows: list[list[str]] = [[] for _ in range(max(self._floors.values()) + 1)]
        for name in sorted(self._files):
            rows[self._floors[name]].append(name)
        for chain in self._chains:
            for place in chain[1:-1]:
                rows[int(place.rpartition("@")[2])].append(place)
        rows.reverse()
        beside: dict[str, set[str]] = {}
        for chain in self._chains:
            for one, other in pairwise(chain):
                beside.setdefault(one, set()).add(other)
                beside.setdefault(other, set()).add(one)
        for _ in range(30):  # every place moves to the middle of what it is joined to, row by row
            at = {name: self._centers(row)[name] for row in rows for name in row}
            rows = [
                sorted(
                    row, key=lambda name: sum(at[o] for o in beside.get(name, [name])) / len(beside.get(name, [name]))
                )
                for row in rows
            ]
        return rows

    def _size(self, name: str) -> tuple[float, float]:
        if name not in self._files:
            return 6, 0
        columns = self._columns(name)
        width = sum(max(map(len, column)) * LETTER + PAD for column in columns) + PAD
        return max(width, len(name) * 8 + 2 * PAD), TITLE + PAD + LINE * max(map(len, columns))

    def _columns(self, name: str) -> list[list[str]]:
        files = self._files[name]
        count = -(-len(files) // 6)
        tall = -(-len(files) // count)
        return [files[k : k + tall] for k in range(0, len(files), tall)]

    def _centers(self, row: list[str]) -> dict[str, float]:
        widths = [self._size(name)[0] for name in row]
        left = -(sum(widths) + GAP * (len(row) - 1)) / 2
        centers = {}
        for name, width in zip(row, widths, strict=True):
            centers[name] = left + width / 2
            left += width + GAP
        return centers

    def svg(self) -> str:
        """The picture."""
        centers = {name: x for row in self._rows for name, x in self._centers(row).items()}
        half = max(abs(x) + self._size(name)[0] / 2 for name, x in centers.items()) + GAP
        tops, y = [], float(GAP)
        for row in self._rows:
            tops.append(y)
            y += max(self._size(name)[1] for name in row) + ROW_GAP
        top = {name: tops[k] for k, row in enumerate(self._rows) for name in row}
        tall = {name: max(self._size(other)[1] for other in row) for row in self._rows for name in row}
        parts = [self._path(chain, centers, top, tall, half) for chain in self._chains]
        parts += [self._box(name, centers[name] + half, top[name]) for name in sorted(self._files)]
        size = f'width="{2 * half:.0f}" height="{y - ROW_GAP + GAP:.0f}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
                '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
                'orient="auto"><path d="M0 0 8 4 0 8z" fill="#64748b"/></marker></defs>',
                '<rect width="100%" height="100%" fill="#ffffff"/>',
                *parts,
                "</svg>",
                "",
            ]
        )

    def _path(
        self, chain: list[str], x: dict[str, float], top: dict[str, float], tall: dict[str, float], half: float
    ) -> str:
        at, y = x[chain[0]] + half, top[chain[0]] + self._size(chain[0])[1]
        d = f"M{at:.0f} {y:.0f}V{top[chain[0]] + tall[chain[0]]:.0f}"
        y = top[chain[0]] + tall[chain[0]]
        for name in chain[1:]:
            to = x[name] + half
            d += f"C{at:.0f} {y + ROW_GAP * 0.6:.0f} {to:.0f} {top[name] - ROW_GAP * 0.6:.0f} {to:.0f} {top[name]:.0f}"
            at, y = to, top[name]
            if name != chain[-1]:
                y += tall[name]
                d += f"V{y:.0f}"
        return f'<path d="{d}" fill="none" stroke="#64748b" marker-end="url(#end)"/>'

    def _box(self, name: str, x: float, y: float) -> str:
        width, height = self._size(name)
        left = x - width / 2
        color = COLORS.get(re.split(r"\.| \(", name)[0], COLORS[ROOT])
        title = name if name == ROOT else name.replace(".", "/").replace(" (", "/ (") + "/" * ("(" not in name)
        texts = [f'<text x="{x:.0f}" y="{y + 16:.0f}" text-anchor="middle" font-weight="bold">{escape(title)}</text>']
        left_of = left + PAD
        for column in self._columns(name):
            for k, file in enumerate(column):
                texts.append(f'<text x="{left_of:.0f}" y="{y + TITLE + PAD + LINE * k + 5:.0f}">{escape(file)}</text>')
            left_of += max(map(len, column)) * LETTER + PAD
        frame = f'x="{left:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="6"'
        return f'<rect {frame} fill="{color}" stroke="#94a3b8"/>' + "".join(texts)


def picture(root: Path = CHECKOUT) -> str:
    """The SVG of the pack in ``root``."""
    found, edges = drawn(root)
    files: dict[str, list[str]] = {}
    for name, box in boxes(found, edges).items():
        files.setdefault(box, []).append(name.rpartition(".")[2])
    return Drawing(files, box_edges(found, edges)).svg()


def main() -> int:
    """Write the picture."""
    PICTURE.write_text(picture(), encoding="utf-8")
    say(f"Written: {PICTURE.relative_to(CHECKOUT)}")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
