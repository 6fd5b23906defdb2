"""Levels as files: pictures with their places, for other viewers, and what a node's last run made, for later runs."""

import errno
import json
from typing import Any

import numpy as np
import pytest
import torch
from harness import Host, NodeFailed
from PIL import Image
from safetensors.torch import save_file
from test_keeping_levels import SIZE, Runner
from zoom_graphs import PROMPTS, Checkpoint, load

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy", "ignore:To copy construct")


@pytest.fixture
def runner(host: Host, eps: Checkpoint) -> Runner:
    """Begins as after a start of ComfyUI."""
    host.module("sampling.keeping.store").KEPT.clear()
    return Runner(host, eps)


def test_the_levels_are_saved_with_their_places_and_never_overwritten(
    host: Host, viewer_request: dict[str, Any]
) -> None:
    saved = []
    for _ in range(2):
        status, answer = host.post("/zoomstack/levels", {**viewer_request, "filename_prefix": "zoomstack/places"})
        assert status == 200, answer
        saved.append(host.base / "output" / answer["subfolder"] / answer["filename"])
    assert [file.name for file in saved] == ["places_00001_.json", "places_00002_.json"]
    told = [json.loads(file.read_text(encoding="utf-8"))["tileSources"] for file in saved]
    assert [[entry[key] for key in ("x", "y", "width")] for entry in told[0]] == [
        [0, 0, 1],
        [0.25, pytest.approx(32 / 48 / 4), 0.5],
        [0.375, pytest.approx(32 / 48 * 0.375), 0.25],
    ]
    names = [entry["tileSource"]["url"] for entries in told for entry in entries]
    assert names == [f"places_level_{number:05}_.webp" for number in range(1, 7)]
    for file in viewer_request["images"]:
        wanted = Image.open(host.base / "temp" / file["subfolder"] / file["filename"]).convert("RGB")
        kept = Image.open(saved[0].parent / names[viewer_request["images"].index(file)])
        assert np.array_equal(np.asarray(wanted), np.asarray(kept))  # small ones without loss


def test_levels_that_cannot_all_be_saved_leave_nothing(
    host: Host, no_new_file: None, viewer_request: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert host.post("/zoomstack/levels", {**viewer_request, "filename_prefix": "../x"})[0] == 400
    assert host.post("/zoomstack/levels", {**viewer_request, "images": viewer_request["images"][:2]})[0] == 400
    gone = [*viewer_request["images"][:2], {**viewer_request["images"][2], "filename": "nothing.png"}]
    assert host.post("/zoomstack/levels", {**viewer_request, "images": gone})[0] == 404

    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(host.module("nodes.zoom_viewer"), "level_places", full)  # when all images are there
    assert host.post("/zoomstack/levels", viewer_request)[0] == 507


def saved(host: Host) -> dict[str, Any]:
    status, answer = host.post("/zoomstack/kept_levels", {"node": "zoom"})
    assert status == 200, answer
    return answer  # type: ignore[no-any-return]


def test_levels_survive_a_restart_when_they_are_saved(host: Host, runner: Runner) -> None:
    folder = host.base / "output" / "zoomstack"
    before = list(folder.glob("*"))
    first = runner.run()
    assert list(folder.glob("*")) == before  # never silently
    answer = saved(host)
    assert answer["levels"] == 4 and (host.base / "output" / answer["kept_file"]).is_file()
    assert saved(host)["kept_file"] != answer["kept_file"]  # never over another one
    host.module("sampling.keeping.store").KEPT.clear()
    host.module("sampling.keeping.content")._networks.clear()
    host.module("sampling.keeping.content")._first.clear()
    runner.checkpoint = load(host, "tiny_eps")
    again = runner.run(kept_file=answer["kept_file"])
    assert torch.equal(again, first) and runner.evaluated == 0
    assert runner.said == f"kept all 4 levels of {answer['kept_file']}, sampled none"
    host.module("sampling.keeping.store").KEPT.clear()
    changed = runner.run([*PROMPTS[:3], "a green forest"])
    assert runner.said == f"kept 3 of 4 levels of {answer['kept_file']}, sampled level 4"
    assert not torch.allclose(changed[3], first[3], atol=1e-2)
    runner.run(seed=99)
    assert runner.said == f"kept none of 4 levels, since every level changed since those of {answer['kept_file']}"


def test_without_keep_the_file_is_not_read(runner: Runner) -> None:
    runner.run(PROMPTS[:2], keep=False, kept_file="no such file")


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("zoomstack/none.safetensors", "which is no file in the output folder"),
        ("../outside.safetensors", "which is no file in the output folder"),
        ("\0", "which is no file in the output folder"),
        ("text.safetensors", "which holds no kept levels"),
        ("other.safetensors", "which holds no kept levels"),
        ("short.safetensors", "whose levels and fingerprints do not fit"),
    ],
)
def test_a_file_without_kept_levels_is_a_clear_error(host: Host, runner: Runner, name: str, finding: str) -> None:
    output = host.base / "output"
    output.mkdir(exist_ok=True)
    tensors = {"levels": torch.zeros(2, 4, SIZE, SIZE)}
    save_file(tensors, host.base / "outside.safetensors", {"zoomstack_fingerprints": '["a", "b"]'})
    (output / "text.safetensors").write_text("a text")
    save_file({"other": torch.zeros(2)}, output / "other.safetensors")
    save_file(tensors, output / "short.safetensors", {"zoomstack_fingerprints": '["a"]'})
    with pytest.raises(NodeFailed, match="Zoom KSampler: kept_file is .*; expected the name of a file") as raised:
        runner.run(PROMPTS[:2], kept_file=name)
    assert finding in str(raised.value)


@pytest.mark.parametrize("asked", [{}, {"node": 3}, {"node": "no such node"}, []])
def test_saving_what_is_not_there_is_a_clear_error(host: Host, asked: Any) -> None:
    status, answer = host.post("/zoomstack/kept_levels", asked)
    assert status in (400, 404) and "node" in answer["error"]
