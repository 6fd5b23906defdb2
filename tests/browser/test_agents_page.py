"""What docs/agents.md tells programs, tried on a real server: its example, and the shape of every answer."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from comfy_server import ComfyServer

PACK = Path(__file__).resolve().parents[2]


@pytest.fixture
def example(server: ComfyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The example's code, with the address of the server and a short run, in a folder of its own."""
    page = (PACK / "docs" / "agents.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    (tmp_path / "workflows").symlink_to(PACK / "workflows", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    short = """
inputs["ZoomKSampler"]["steps"] = 2
inputs["EmptyLatentImage"].update(width=64, height=64)
inputs["ZoomVideo"].update(width=64, height=64, seconds_per_level=0.1, hold_start=0, hold_end=0)
"""
    for old, new in (
        ("http://127.0.0.1:8188", server.url),
        ('["seed"] = 7\n', f'["seed"] = 7\n{short}'),
        ("time.sleep(1)", "time.sleep(0.1)"),
    ):
        assert old in code
        code = code.replace(old, new)
    return code


def run(code: str) -> dict[str, Any]:
    """The names that the example leaves."""
    file = Path.cwd() / "example.py"
    file.write_text(code, encoding="utf-8")
    try:
        return runpy.run_path(str(file))
    finally:
        file.unlink()


def test_the_example_leaves_all_files(example: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = run(example)
    kinds = sorted(path.suffix for path in tmp_path.iterdir() if path.is_file())
    assert kinds == [".html", ".mp4", ".png", ".png"]
    printed = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[0] for line in printed) == ["SaveImage", "SaveImage", "SaveVideo", "ZoomViewer"]
    by_type = {names["prompt"][node]["class_type"]: output for node, output in names["entry"]["outputs"].items()}
    assert by_type["SaveVideo"]["animated"] == [True]
    (zoom,) = by_type["ZoomViewer"]["zoom"]
    assert set(zoom) == {"geometry", "prompts", "page"} and by_type["ZoomViewer"]["files"] == [zoom["page"]]
    assert set(zoom["geometry"]) == {"height", "width", "factors", "foci"}
    assert {file["type"] for file in by_type["ZoomViewer"]["images"]} == {"temp"}
    job = names["ask"](f"/api/jobs/{names['queued']['prompt_id']}")
    assert job["status"] == "completed"


def test_the_same_again_names_the_same_files_and_another_seed_new_ones(example: str) -> None:
    first, again, other = run(example), run(example), run(example.replace('["seed"] = 7', '["seed"] = 8'))
    assert again["entry"]["outputs"] == first["entry"]["outputs"]
    assert other["entry"]["outputs"] != first["entry"]["outputs"]


def test_an_error_before_the_run_names_node_and_input(example: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(example.replace('["steps"] = 2', '["steps"] = 0'))
    text = str(stopped.value)
    for key in ("node_errors", "class_type", "value_smaller_than_min", "Value 0 smaller than min of 1", "input_name"):
        assert key in text


def test_an_error_of_the_run_says_what_to_do(example: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(
            example.replace('["seed"] = 7', '["seed"] = 9').replace(
                '"]["prompts"] =', '"]["expected_levels"] = 4;inputs["ZoomPromptSchedule"]["prompts"] ='
            )
        )
    (message,) = stopped.value.code  # type: ignore[misc]
    assert message.startswith("Zoom Prompt Schedule: prompts has 2 levels, expected_levels is 4.")


def test_the_page_of_the_explorer_is_shown(example: str) -> None:
    names = run(example)
    (page,) = next(output["files"] for output in names["entry"]["outputs"].values() if "files" in output)
    query = names["urllib"].parse.urlencode({key: page[key] for key in ("filename", "subfolder")})
    with names["urllib"].request.urlopen(f"{names['SERVER']}/zoomstack/page?{query}") as answer:
        assert answer.headers["Content-Type"].startswith("text/html")
