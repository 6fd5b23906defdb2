"""Files about the project agree with each other."""

import re

from host import CHECKOUT


def found(file: str, pattern: str) -> str:
    match = re.search(pattern, (CHECKOUT / file).read_text(encoding="utf-8"), re.M)
    assert match, f"{file} has no {pattern}"
    return match[1]


def test_the_version_stands_everywhere_alike() -> None:
    version = found("pyproject.toml", r'^version = "([\d.]+)"')
    assert found("CITATION.cff", r"^version: ([\d.]+)$") == version
    assert found("CHANGELOG.md", r"^## (\d[\d.]*)") == version


def test_pre_commit_runs_the_ruff_of_the_checks() -> None:
    assert found(".pre-commit-config.yaml", r"rev: v([\d.]+)") == found("pyproject.toml", r'"ruff==([\d.]+)"')


def test_the_workflow_and_ci_call_the_readmes_command() -> None:
    command = "python tools/test.py"
    assert command in (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert f"run: {command}" in (CHECKOUT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert "tools/test.py" in (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")
