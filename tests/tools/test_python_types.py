"""The type check of the pack sees what is in the pack, whatever its folder is called."""

import ast
import fnmatch
import shutil
from pathlib import Path

import pytest
import python_types

HOOK = """from ..zoomstack_core.levels import count


def double(levels: list[int]) -> {kind}:
    return 2 * count(levels)
"""


@pytest.mark.parametrize(("kind", "status", "said"), [("int", 0, "no issues found"), ("str", 1, 'expected "str"')])
def test_an_error_between_two_parts_of_the_pack_is_found(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    kind: str,
    status: int,
    said: str,
) -> None:
    checkout = tmp_path / "no-identifier"
    sources = {
        "sampling/hooks.py": HOOK.format(kind=kind),
        "zoomstack_core/levels.py": "def count(levels: list[int]) -> int:\n    return len(levels)\n",
        "routes.py": "import comfy.samplers\n\n\nclass Guider(comfy.samplers.CFGGuider):\n    pass\n",
    }
    for name in ("__init__.py", "host_version.py", *sources):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(sources.get(name, ""), encoding="utf-8")
    for part in (*python_types.PARTS, "zoomstack_core"):
        (checkout / part).mkdir(exist_ok=True)
        (checkout / part / "__init__.py").touch()
    shutil.copy(python_types.CHECKOUT / "pyproject.toml", checkout)
    monkeypatch.setattr(python_types, "CHECKOUT", checkout)
    assert python_types.main() == status
    assert said in capfd.readouterr().out


def test_modules_that_scripts_import_by_their_bare_names_are_told_to_mypy() -> None:
    """Such as a neighbor in demo/; the check of the pack, which takes longer, does not find what is not told."""
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11")
    project = tomllib.loads((python_types.CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    told = [
        pattern
        for override in project["tool"]["mypy"]["overrides"]
        if override.get("ignore_missing_imports")
        for pattern in override["module"]
    ]
    for script in (python_types.CHECKOUT / "demo").glob("*.py"):
        neighbors = {module.stem for module in script.parent.glob("*.py")}
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level and node.module in neighbors:
                assert any(fnmatch.fnmatch(node.module, pattern) for pattern in told), f"{script.name}: {node.module}"
