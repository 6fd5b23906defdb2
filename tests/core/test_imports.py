"""Which part of the pack may import which, and where the host's internals may be used; sources are only read."""

from __future__ import annotations

from pathlib import Path

import pytest
from pack_imports import Edges, Imports

PACK = Path(__file__).parents[2]

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
