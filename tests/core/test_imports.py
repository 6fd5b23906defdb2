"""Which part of the pack may import which, and where the host's internals may be used; sources are only read."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

PACK = Path(__file__).parents[2]
FOLDERS = ("demo", "messages", "nodes", "sampling", "zoomstack_core")

# One way: what each part may import of the others.
MAY_IMPORT = {
    "zoomstack_core": set(),
    "host_version": set(),
    "demo": set(),
    "messages": {"zoomstack_core"},
    "sampling": {"demo", "messages", "zoomstack_core"},
    "nodes": {"demo", "messages", "sampling", "zoomstack_core"},
    "routes": {"messages", "nodes", "zoomstack_core"},
    "__init__": {"demo", "host_version", "nodes", "routes"},
}

# ComfyUI promises nothing about these; comfy_api.latest is what it keeps stable.
INTERNALS = {
    "comfy",
    "comfy_execution",
    "comfy_extras",
    "execution",
    "folder_paths",
    "latent_preview",
    "nodes",
    "server",
}
MAY_USE_INTERNALS = ("demo", "messages", "nodes.shared", "routes", "sampling")

Edges = dict[str, set[str]]


class Imports:
    """The imports of a pack's modules.

    Args:
        pack: its folder.

    Attributes:
        own: module -> the pack's modules that it imports anywhere.
        at_import: module -> those that it imports when it is imported itself, not in functions.
        foreign: module -> the top names of everything else.
    """

    def __init__(self, pack: Path) -> None:
        files = [*pack.glob("*.py"), *(file for folder in FOLDERS for file in (pack / folder).rglob("*.py"))]
        self._names = {_name(file, pack): file for file in files}
        self.own: Edges = {}
        self.at_import: Edges = {}
        self.foreign: Edges = {}
        for name, file in self._names.items():
            tree = ast.parse(file.read_text(encoding="utf-8"))
            package = name.split(".") if file.name == "__init__.py" and file.parent != pack else name.split(".")[:-1]
            self.own[name] = set(self._of_pack(ast.walk(tree), package)) - {name}
            self.at_import[name] = set(self._of_pack(_outside_functions(tree), package)) - {name}
            self.foreign[name] = set(_foreign(ast.walk(tree)))

    def _of_pack(self, nodes: Iterable[ast.AST], package: list[str]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.level:
                assert node.level <= len(package) + 1, "an import from outside of the pack"
                base = package[: len(package) + 1 - node.level] + (node.module.split(".") if node.module else [])
                for alias in node.names:
                    whole = ".".join([*base, alias.name])
                    yield whole if whole in self._names else ".".join(base) or "__init__"


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


def wrong_ways(imports: Imports) -> list[str]:
    """Imports from a part of the pack that another one may not import."""
    return [
        f"{name} imports {other}"
        for name, others in imports.own.items()
        for other in sorted(others)
        if other.split(".")[0] not in {name.split(".")[0], *MAY_IMPORT[name.split(".")[0]]}
    ]


def internals(imports: Imports) -> list[str]:
    """Uses of the host's internals where they may not be used."""
    return [
        f"{name} imports {other}"
        for name, others in imports.foreign.items()
        for other in sorted(others & INTERNALS)
        if not any(name == place or name.startswith(f"{place}.") for place in MAY_USE_INTERNALS)
    ]


def rooms(imports: Imports, folder: str) -> Edges:
    """The imports between what lies in ``folder``: its modules, and its folders as wholes."""
    edges: Edges = {}
    for name, others in imports.own.items():
        room = _room(name, folder)
        if room:
            edges.setdefault(room, set()).update({_room(other, folder) for other in others} - {room, ""})
    return edges


def _room(name: str, folder: str) -> str:
    parts = name.split(".")
    return parts[1] if parts[0] == folder and len(parts) > 1 else ""


def circle(edges: Edges) -> list[str]:
    """What is left of a graph after all that imports nothing of the rest has been taken away: [] where no circle is."""
    left = {name: set(others) for name, others in edges.items()}
    while True:
        ends = {name for name, others in left.items() if not others & left.keys()}
        if not ends:
            return sorted(left)
        for name in ends:
            del left[name]


@pytest.fixture(scope="module")
def imports() -> Imports:
    return Imports(PACK)


def test_imports_go_one_way(imports: Imports) -> None:
    assert wrong_ways(imports) == []


def test_the_hosts_internals_are_used_in_few_places(imports: Imports) -> None:
    assert internals(imports) == []


def test_the_core_knows_no_host(imports: Imports) -> None:
    known = {name for name, others in imports.foreign.items() if others & {*INTERNALS, "comfy_api"}}
    assert [name for name in known if name.startswith("zoomstack_core")] == []


@pytest.mark.parametrize("folder", ["sampling", "zoomstack_core"])
def test_folders_are_layers(imports: Imports, folder: str) -> None:
    edges = rooms(imports, folder)
    assert len(edges) > 5
    assert circle(edges) == []


def test_the_folders_of_sampling_do_not_know_each_other(imports: Imports) -> None:
    edges, folders = rooms(imports, "sampling"), {"agreement", "network", "noise"}
    assert {folder: edges[folder] & folders for folder in folders} == {folder: set() for folder in folders}


def test_modules_are_imported_without_circles(imports: Imports) -> None:
    assert sum(map(len, imports.at_import.values())) > 100
    assert circle(imports.at_import) == []


WRONG = {
    "sampling/a.py": ("from ..nodes.shared import x", wrong_ways, "sampling.a imports nodes.shared"),
    "zoomstack_core/a.py": ("from .. import routes", wrong_ways, "zoomstack_core.a imports routes"),
    "demo/a.py": ("def f():\n    from ..messages import errors", wrong_ways, "demo.a imports messages"),
    "nodes/a.py": ("import comfy.samplers", internals, "nodes.a imports comfy"),
    "nodes/b.py": ("from server import PromptServer", internals, "nodes.b imports server"),
}


@pytest.mark.parametrize("file", WRONG)
def test_what_is_wrong_is_found(tmp_path: Path, file: str) -> None:
    for name in ("routes.py", "nodes/__init__.py", "nodes/shared/__init__.py", "messages/__init__.py", file):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(WRONG[file][0] if name == file else "", encoding="utf-8")
    _, rule, said = WRONG[file]
    assert rule(Imports(tmp_path)) == [said]


def test_a_circle_is_found(tmp_path: Path) -> None:
    sources = {
        "noise/a.py": "from ..agreement.b import y",
        "agreement/b.py": "def f():\n    from ..noise import a",
        "agreement/c.py": "from . import b",
    }
    for name, source in sources.items():
        file = tmp_path / "sampling" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(source, encoding="utf-8")
    imports = Imports(tmp_path)
    assert circle(rooms(imports, "sampling")) == ["agreement", "noise"]
    assert circle(imports.at_import) == []  # b imports a when it is called
    assert circle({"a": {"b"}, "b": {"a"}, "c": {"a"}, "d": set()}) == ["a", "b", "c"]
