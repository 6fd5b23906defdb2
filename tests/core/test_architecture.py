"""Which parts of `zoomstack_core` import which: no circles, neither between modules nor between folders."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import zoomstack_core

PACKAGE = Path(zoomstack_core.__file__).resolve().parent
FILES = {path.relative_to(PACKAGE.parent).with_suffix("").parts: path for path in PACKAGE.rglob("*.py")}
FOLDERS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def imports(parts: tuple[str, ...], source: str) -> set[tuple[str, ...]]:
    """The modules of the package that the source of one of them imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (*parts[: -node.level], *(node.module or "").split("."))
            for name in node.names:
                whole = tuple(part for part in (*base, name.name) if part)
                found.add(next(m for m in (whole, whole[:-1], (*whole[:-1], "__init__")) if m in FILES))
    return found


def graph() -> dict[tuple[str, ...], set[tuple[str, ...]]]:
    """Module → modules; without the package's own list of names, which is read from outside."""
    return {
        parts: imports(parts, path.read_text(encoding="utf-8"))
        for parts, path in FILES.items()
        if parts != ("zoomstack_core", "__init__")
    }


def folder(parts: tuple[str, ...]) -> str:
    return parts[1] if parts[1] in FOLDERS else "modules without a folder"


def assert_no_circle(edges: Mapping[object, Iterable[object]]) -> None:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {error.args[1]}")


def test_no_circles_between_modules() -> None:
    edges = graph()
    assert ("zoomstack_core", "tensors") in edges["zoomstack_core", "method", "blend"]
    assert_no_circle(edges)


def test_no_circles_between_folders() -> None:
    edges: dict[str, set[str]] = {}
    for module, imported in graph().items():
        edges.setdefault(folder(module), set()).update(folder(other) for other in imported)
    for name, others in edges.items():
        others.discard(name)
    assert edges["video"] == {"camera", "method", "modules without a folder"}
    assert edges["modules without a folder"] == set()
    assert_no_circle(edges)


def test_a_circle_is_found() -> None:
    with pytest.raises(pytest.fail.Exception, match="a circle of imports"):
        assert_no_circle({"a": {"b"}, "b": {"a"}})
