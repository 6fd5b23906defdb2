"""What `zoomstack_core` gives by name: complete, described by examples that run, and lazy."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import zoomstack_core

ROOT = Path(zoomstack_core.__file__).resolve().parents[1]
OLD_NAMES = {"JointDenoiser", "OverlapDenoiser"}
WITHOUT_EXAMPLE = {"BLEND_MODES", "encode_video", "parse_prompts", "write_instruction"}


def typed_names() -> dict[str, str]:
    """What type checkers and editors see: names, and the modules that they are imported from."""
    tree = ast.parse(Path(zoomstack_core.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return {name.name: node.module for node in block.body for name in node.names}


def test_types_and_the_running_package_know_the_same_names() -> None:
    assert typed_names() == zoomstack_core._MODULES
    assert set(zoomstack_core.__all__) <= set(dir(zoomstack_core))


@pytest.mark.parametrize("name", zoomstack_core.__all__)
def test_every_name_is_there(name: str) -> None:
    module = importlib.import_module(f"zoomstack_core.{zoomstack_core._MODULES[name]}")
    assert getattr(zoomstack_core, name) is getattr(module, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'zoomstack_core' has no attribute 'sample'"):
        zoomstack_core.sample  # noqa: B018


@pytest.mark.parametrize("name", sorted({*zoomstack_core.__all__} - OLD_NAMES - WITHOUT_EXAMPLE))
def test_its_docstring_has_an_example_that_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thing = getattr(zoomstack_core, name)
    monkeypatch.chdir(tmp_path)  # an example may write a file
    found = doctest.DocTestParser().get_doctest(
        inspect.getdoc(thing) or "", vars(sys.modules[thing.__module__]).copy(), name, None, None
    )
    assert found.examples, f"{name} has no example"
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(found).failed == 0


def test_a_name_imports_only_what_it_needs() -> None:
    code = (
        "import sys; from zoomstack_core import ZoomGeometry, sample_joint, JointStep, Nesting, parse_prompts;"
        "print(*({name.split('.')[0] for name in sys.modules} & {'av', 'PIL', 'einops', 'kornia'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_pyproject_has_the_same_version() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r'^version = "(.*)"$', text, re.MULTILINE) == [zoomstack_core.__version__]
