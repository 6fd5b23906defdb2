"""What the registry is told of the pack, and what it hands out: complete, and described as it is."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pins
import pytest
from archive import CHECKOUT, write_archive
from PIL import Image

PAGES = sorted(page for pattern in ("*.md", "docs/*.md", "js/docs/*.md") for page in CHECKOUT.glob(pattern))
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
SCRIPT = re.compile(r"python3? +(?:-m +([\w.]+)|([\w/.-]+\.py))")
FOR_A_CLONE = re.compile(r"\bclone\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in the archive, and those of their folders."""
    with zipfile.ZipFile(write_archive(tmp_path_factory.mktemp("archive"))) as archive:
        names = archive.namelist()
    return {*names, *(str(folder) for name in names for folder in Path(name).parents)}


def test_it_holds_the_pack_and_nothing_of_its_making(archived: set[str]) -> None:
    for needed in ("__init__.py", "pyproject.toml", "LICENSE", "nodes", "zoomstack_core", "js", "js/docs", "workflows"):
        assert needed in archived
    assert "demo/demo_model.safetensors" in archived
    assert {"locales/zh/nodeDefs.json", "subgraphs/Zoom.json"} <= archived
    for left_out in ("tests", "tools", "benchmarks", ".ci", "package.json"):
        assert left_out not in archived


def sections(text: str) -> Iterator[tuple[str, str]]:
    """The sections of a Markdown page: heading and text. What stands before the first has the heading ""."""
    heading, lines, in_code = "", list[str](), False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        if line.startswith("#") and not in_code:
            yield heading, "\n".join(lines)
            heading, lines = line.strip("# "), []
        lines.append(line)
    yield heading, "\n".join(lines)


def paths_that_must_exist(section: str, folder: Path) -> Iterator[str]:
    """The files of this repository that a section links to or tells to run, as paths from its root."""
    for link in LINK.findall(section):
        if "://" not in link and not link.startswith("#"):
            yield (folder / link.split("#")[0]).resolve().relative_to(CHECKOUT).as_posix()
    for code in CODE.findall(section):
        for module, script in SCRIPT.findall(code):
            name = module.replace(".", "/")
            candidates = [script] if script else [f"{name}.py", f"{name}/__main__.py"]
            yield next((path for path in candidates if (CHECKOUT / path).is_file()), candidates[0])


def paths_in_code(section: str) -> Iterator[str]:
    """What stands in the code of a section and is a file or folder of this repository."""
    for code in CODE.findall(section):
        for word in re.findall(r"[\w./-]+", code):
            if "/" in word and (CHECKOUT / word).exists() and not Path(word).is_absolute():
                yield Path(word).as_posix()


def repository() -> Iterator[str]:
    """All files and folders of this checkout that its pages may name."""
    for folder in ("benchmarks", "demo", "tests", "tools"):
        yield folder
        yield from (path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / folder).rglob("*"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_tell_only_of_what_the_archive_has_or_of_a_clone(archived: set[str], page: Path) -> None:
    """A section, or the beginning of its page, says where something is for a clone of the repository only."""
    text = page.read_text(encoding="utf-8")
    if FOR_A_CLONE.search(text.partition("\n## ")[0]):
        archived = {*archived, *repository()}
    for heading, section in sections(text):
        for path in {*paths_that_must_exist(section, page.parent), *paths_in_code(section)}:
            assert (CHECKOUT / path).exists(), f"{page.name}, {heading}: there is no {path}"
            assert path in archived or FOR_A_CLONE.search(section), (
                f"{page.name}, {heading}: {path} is not in the registry's archive; say that it is in a clone"
            )


def test_the_check_of_pages_finds_what_it_should(archived: set[str]) -> None:
    """A page that names what is left out, without a word of a clone, would not pass."""
    page = "## Try\n```\npython tools/demo.py --seed 3\n# a note\n```\nSee `tests/core`, [it](docs/method.md#limits).\n"
    (_, empty), (heading, section) = sections(page)
    assert (empty, heading) == ("", "Try")
    assert set(paths_that_must_exist(section, CHECKOUT)) == {"tools/demo.py", "docs/method.md"}
    assert set(paths_in_code(section)) == {"tools/demo.py", "tests/core"}
    assert "tools/demo.py" not in archived and not FOR_A_CLONE.search(section)
    assert list(paths_that_must_exist("`python -m benchmarks.exact`", CHECKOUT)) == ["benchmarks/exact/__main__.py"]


def project(key: str) -> str:
    """A string of pyproject.toml (Python 3.10 cannot read TOML)."""
    found = re.search(rf'^{key} = "(.*)"$', (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"pyproject.toml has no {key}"
    return found[1]


def test_the_registry_gets_what_it_asks_for() -> None:
    name = project("name")
    assert re.fullmatch(r"[a-z]([-_.]?[a-z0-9]+)*", name) and "comfyui" not in name and len(name) < 100
    assert re.fullmatch(r"\d+\.\d+\.\d+", project("version"))
    assert project("requires-comfyui") == f">={pins.OLDEST_COMFYUI}"
    assert project("Documentation").startswith(project("Repository"))


@pytest.mark.parametrize(("key", "ratio", "largest"), [("Icon", 1, 400), ("Banner", 21 / 9, 2100)])
def test_the_pictures_for_the_registry_have_its_shapes(key: str, ratio: float, largest: int) -> None:
    """They are addresses of files in this repository, on its main branch."""
    repository = project("Repository").removeprefix("https://github.com/")
    prefix = f"https://raw.githubusercontent.com/{repository}/main/"
    assert project(key).startswith(prefix)
    with Image.open(CHECKOUT / project(key).removeprefix(prefix)) as picture:
        assert picture.width == round(picture.height * ratio) and picture.width <= largest


def test_the_rules_of_comfy_node_validate_hold() -> None:
    command = [sys.executable, "-m", "ruff", "check", ".", "-q", "--isolated", "--select", "S102,S307,E702"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
