"""Which modules the pack has and what each of them imports; their sources are only read."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from report import ToolError

PARTS = ("nodes", "sampling", "messages", "demo", "zoomstack_core")  # and the files beside these folders

Edges = dict[str, set[str]]


class Imports:
    """The imports of a pack's modules, those for types alone too.

    Args:
        pack: its folder.

    Attributes:
        files: module -> its file. A folder's ``__init__`` has the folder's name, and the pack's own is ``__init__``.
        own: module -> the pack's modules that it imports anywhere.
        at_import: module -> those that it imports when it is imported itself, not in functions.
        foreign: module -> the top names of everything else.

    Raises:
        ToolError: for a relative import that leads out of the pack.
    """

    def __init__(self, pack: Path) -> None:
        files = [*pack.glob("*.py"), *(file for part in PARTS for file in (pack / part).rglob("*.py"))]
        self.files = {_name(file, pack): file for file in sorted(files)}
        self.own: Edges = {}
        self.at_import: Edges = {}
        self.foreign: Edges = {}
        for name, file in self.files.items():
            tree = ast.parse(file.read_text(encoding="utf-8"))
            package = list(file.parent.relative_to(pack).parts)
            self.own[name] = set(self._of_pack(ast.walk(tree), package)) - {name}
            self.at_import[name] = set(self._of_pack(_outside_functions(tree), package)) - {name}
            self.foreign[name] = set(_foreign(ast.walk(tree)))

    def _of_pack(self, nodes: Iterable[ast.AST], package: list[str]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.level:
                if node.level > len(package) + 1:
                    raise ToolError(f"{'/'.join(package)} imports {node.module} from outside of the pack.")
                base = package[: len(package) + 1 - node.level] + (node.module.split(".") if node.module else [])
                for alias in node.names:
                    whole = ".".join([*base, alias.name])
                    yield whole if whole in self.files else ".".join(base) or "__init__"


def _name(file: Path, pack: Path) -> str:
    parts = file.relative_to(pack).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield child
            yield from _outside_functions(child)


def _foreign(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]
