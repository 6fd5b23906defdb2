"""The picture and the map of the architecture say what the code is."""

import re
from pathlib import Path

import make_architecture
import pytest
from host import CHECKOUT
from pack_imports import PARTS, Edges
from report import ToolError

PAGE = CHECKOUT / "docs" / "architecture.md"
# What a reader of other code bases looked for and did not find by name alone; the page must say where it is.
ASKED = (
    "network/out_of_memory.py",
    "agreement/vae_round_trip.py",
    "network/level_marks.py",
    "network/controls_and_hooks.py",
    "sampling/zoom_guider.py",
    "sampling/zoom_ksampler.py",
    "noise/ve_sampler.py",
    "video/draw_frame.py",
    "shared/camera_inputs.py",
)


def write(folder: Path, **files: str) -> tuple[dict[str, Path], Edges]:
    for name, text in files.items():
        file = folder / name.replace("__", "/")
        file = file.with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        for parent in file.relative_to(folder).parents:
            (folder / parent / "__init__.py").touch()
    return make_architecture.drawn(folder)


def test_the_picture_is_drawn_from_the_imports_of_today() -> None:
    assert make_architecture.PICTURE.read_text(encoding="utf-8") == make_architecture.picture(), (
        "run tools/make_architecture.py"
    )


def test_every_file_of_the_pack_is_in_the_picture() -> None:
    box = make_architecture.boxes(*make_architecture.drawn())
    drawn = make_architecture.picture()
    assert len(box) > 80
    for name in box:
        assert f">{name.rpartition('.')[2]}</text>" in drawn, name


def test_a_circle_of_folders_is_an_error(tmp_path: Path) -> None:
    found, edges = write(
        tmp_path,
        sampling__noise__a="from ..network.b import x\n",
        sampling__network__b="from ..noise import c\n",
        sampling__noise__c="",
    )
    with pytest.raises(ToolError, match=r"in a circle: sampling.network → sampling.noise → sampling.network"):
        make_architecture.box_edges(found, edges)


def test_arrows_that_follow_from_others_are_left_out(tmp_path: Path) -> None:
    found, edges = write(
        tmp_path,
        nodes__a="from ..sampling.b import x\nfrom ..zoomstack_core.c import y\n",
        sampling__b="from ..zoomstack_core import c\n",
        zoomstack_core__c="",
    )
    between = make_architecture.box_edges(found, edges)
    assert between == {"nodes": {"sampling"}, "sampling": {"zoomstack_core"}, "zoomstack_core": set()}
    assert make_architecture.floors(between) == {"nodes": 2, "sampling": 1, "zoomstack_core": 0}


def test_files_beside_subfolders_stand_above_or_below_them(tmp_path: Path) -> None:
    found, edges = write(
        tmp_path,
        sampling__top="from .noise.a import x\n",
        sampling__noise__a="from ..ground import y\n",
        sampling__ground="",
    )
    box = make_architecture.boxes(found, edges)
    assert box == {
        "sampling.top": "sampling",
        "sampling.noise.a": "sampling.noise",
        "sampling.ground": "sampling (shared)",
    }


def test_the_page_names_files_that_are_there_and_answers_what_was_asked() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("## I want to change")[2]
    named = [path for path in re.findall(r"`([\w./]+)`", table) if "/" in path]
    assert len(named) > 15
    assert [path for path in named if not (CHECKOUT / path).exists()] == []
    assert [file for file in ASKED if file not in table] == []


def test_the_folders_of_the_table_are_those_of_the_pack() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("## The way of a run")[0]
    rows = set(re.findall(r"^\| `([\w/]+)/` \|", text, re.M))
    folders = set(PARTS) | {"js", "tools", "benchmarks", "tests"}
    assert folders <= rows and all((CHECKOUT / row).is_dir() for row in rows)
