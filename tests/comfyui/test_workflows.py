"""The workflow files that the pack ships: generated as committed, convertible, and running on the real host."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import app.custom_node_manager
import av
import comfyui_version
import numpy as np
import pins
import pytest
import torch
from comfy_cli.workflow_to_api import convert_ui_to_api
from harness import PACK, Host, Prompt
from make_thumbnails import BAND, with_badge
from PIL import Image
from safetensors.torch import save_file
from templates.descriptions import DESCRIPTIONS, workflows
from templates.families import FAMILIES
from tiny_language_models import qwen35, recite

# torchsde warns of sigmas rounded to float32
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:torchsde")

FOLDER = PACK / "workflows"
# the number of levels that each one makes
LEVELS = {
    "directed_zoom": 7,
    "extend_zoom": 10,
    "extend_zoom_demo": 10,
    "forest_to_leaf_demo": 10,
    "galaxy_to_planet": 9,
    "galaxy_to_planet_demo": 13,
    "off_center_zoom": 7,
    "off_center_zoom_demo": 6,
    "endless_zoom": 12,
    "endless_zoom_demo": 15,
    "photo_zoom": 7,
    "photo_zoom_demo": 6,
    "two_worlds": 8,
    "two_worlds_demo": 15,
    **dict.fromkeys(FAMILIES, 9),
}
# the steps of the camera where they are not one from each level to the next: round the ring; in, out and in again
STEPS = {"endless_zoom": 12, "endless_zoom_demo": 15, "two_worlds": 10, "two_worlds_demo": 20}
NAMES = list(LEVELS)
GENERAL = [name for name in NAMES if name not in FAMILIES]  # the others: test_family_templates.py
WITH_BADGE = [name for name, template in DESCRIPTIONS.items() if template.demo]


def test_every_workflow_is_tested_here() -> None:
    assert LEVELS.keys() == DESCRIPTIONS.keys()


@pytest.fixture(scope="module")
def definitions(host: Host) -> dict[str, Any]:
    """The host's node definitions. Lists of model files depend on the machine: the declared names count as there."""
    info = host.object_info()
    for name in NAMES:
        for node in load(ui_file(name))["nodes"]:
            files = [model["name"] for model in node["properties"].get("models", [])]
            lists = info[node["type"]]["input"]["required"].values() if files else []
            for choices, *_ in lists:
                if isinstance(choices, list):
                    choices.extend(files)
    return info


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def ui_file(name: str) -> str:
    return f"{DESCRIPTIONS[name].title}.json"


def test_the_files_are_what_make_workflows_writes(definitions: dict[str, Any]) -> None:
    if comfyui_version.__version__ != pins.COMFYUI_VERSION:
        pytest.skip(
            f"the files are written on ComfyUI {pins.COMFYUI_VERSION}; {comfyui_version.__version__} describes its own "
            "nodes differently"
        )
    made = workflows(definitions)
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.json")}
    assert files == set(made)
    for name, content in made.items():
        assert load(name) == content, f"{name} is out of date: run python tools/make_workflows.py"


@pytest.mark.parametrize("name", NAMES)
def test_a_real_converter_makes_the_api_file_of_the_ui_file(definitions: dict[str, Any], name: str) -> None:
    converted = convert_ui_to_api(load(ui_file(name)), definitions)
    api = load(f"api/{name}.json")
    assert {k: (n["class_type"], n["inputs"]) for k, n in converted.items()} == {
        k: (n["class_type"], n["inputs"]) for k, n in api.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_template_has_a_thumbnail(name: str) -> None:
    with Image.open(FOLDER / f"{DESCRIPTIONS[name].title}.jpg") as thumbnail:
        assert thumbnail.width == thumbnail.height >= 512


def thumbnail(name: str) -> Image.Image:
    with Image.open(FOLDER / f"{DESCRIPTIONS[name].title}.jpg") as picture:
        return picture.convert("RGB")


@pytest.mark.parametrize("name", WITH_BADGE)
def test_the_thumbnail_of_a_model_that_is_not_here_is_another_one(name: str) -> None:
    demo, twin = (np.asarray(thumbnail(n), dtype=float) for n in (DESCRIPTIONS[name].demo, name))
    assert (np.abs(demo - twin).max(-1) > 60).mean() > 0.01  # the letters and the line of the badge


@pytest.mark.parametrize("name", WITH_BADGE)
def test_the_thumbnail_is_what_make_thumbnails_writes(name: str) -> None:
    template = DESCRIPTIONS[name]
    made = with_badge(thumbnail(template.demo), template.badge)
    difference = np.asarray(made, dtype=float) - np.asarray(thumbnail(name), dtype=float)
    assert np.abs(difference).mean() < 4  # JPEG
    assert np.abs(difference[-BAND:]).mean() < 4, "the badge of another model"


def test_every_template_but_the_demos_says_whose_model_it_needs() -> None:
    assert set(WITH_BADGE) == {name for name in NAMES if not name.endswith("_demo")}
    badges = [DESCRIPTIONS[name].badge for name in FAMILIES]
    assert len(set(badges)) == len(badges)


@pytest.mark.parametrize("name", GENERAL)
def test_where_latents_resample_badly_the_levels_are_blended_as_pictures(name: str) -> None:
    """The checkpoints that the workflows name are SDXL's; docs/blending.md calls blending their latents corrupted, and
    those of the demo model have 16 channels."""
    prompt = load(f"api/{name}.json")
    kinds = ("CheckpointLoaderSimple", "ZoomDemoModel")
    loaders = [key for key, node in prompt.items() if node["class_type"] in kinds]
    samplers = of_type(prompt, "ZoomKSampler")
    assert samplers
    assert [inputs.get("vae") for inputs in samplers] == [[loaders[0], 2]] * len(samplers)
    assert of_type(prompt, "ZoomMultiResBlend") == []  # that is for more control


@pytest.mark.parametrize("name", GENERAL)
def test_the_noise_goes_through_the_whole_range_of_the_model(name: str) -> None:
    """What the templates were measured with; with aligned noise the scheduler says where it begins and ends."""
    assert {inputs["scheduler"] for inputs in of_type(load(f"api/{name}.json"), "ZoomKSampler")} == {"exponential"}


@pytest.mark.parametrize("name", NAMES)
def test_the_geometry_is_set_in_one_place(name: str) -> None:
    """Whatever takes a geometry gets it by a link, but the first sampler or the Zoom Geometry before it."""
    prompt = load(f"api/{name}.json")
    takers = of_type(prompt, "ZoomKSampler", "ZoomGuider", "ZoomStack")
    own = [inputs for inputs in takers if "geometry" not in inputs]
    nodes = of_type(prompt, "ZoomGeometry")
    assert len(own) + len(nodes) == 1
    assert all("zoom_factor" in inputs and not isinstance(inputs["zoom_factor"], list) for inputs in takers)
    for inputs in of_type(prompt, "ZoomStack"):
        source = prompt[inputs["geometry"][0]]
        assert source["class_type"] in ("ZoomKSampler", "ZoomGuider")


@pytest.mark.parametrize("name", NAMES)
def test_app_mode_shows_what_makes_another_zoom(name: str) -> None:
    """Prompts where they are typed, the seed of every sampler and no other seed, and the explorer, in this order."""
    workflow = load(ui_file(name))
    nodes = {node["id"]: node for node in workflow["nodes"]}
    shown = [(nodes[node]["type"], widget) for node, widget in workflow["extra"]["linearData"]["inputs"]]
    order = [widget for _, widget in shown]
    assert order == sorted(order, key=["prompt_rows", "seed", "explorer"].index)
    seeds = Counter(kind for kind, widget in shown if widget == "seed")
    assert seeds == Counter(node["type"] for node in nodes.values() if node["type"] in ("KSampler", "ZoomKSampler"))
    assert [kind for kind, widget in shown if widget == "explorer"] == ["ZoomViewer"]


@pytest.mark.parametrize("name", NAMES)
def test_notes_and_groups_stand_free_of_each_other(name: str) -> None:
    workflow = load(ui_file(name))
    assert any(node["type"] == "MarkdownNote" for node in workflow["nodes"])
    boxes = [(*node["pos"], *node["size"]) for node in workflow["nodes"]]
    for i, (x, y, w, h) in enumerate(boxes):
        for x2, y2, w2, h2 in boxes[:i]:
            assert x + w <= x2 or x2 + w2 <= x or y + h + 30 <= y2 or y2 + h2 + 30 <= y
    for x, y, w, h in boxes:
        assert any(
            gx <= x and gy <= y - 30 and x + w <= gx + gw and y + h <= gy + gh
            for gx, gy, gw, gh in (group["bounding"] for group in workflow["groups"])
        )


def of_type(prompt: Prompt, *class_types: str) -> list[dict[str, Any]]:
    """The inputs of all nodes of these types."""
    return [node["inputs"] for node in prompt.values() if node["class_type"] in class_types]


def quickly(host: Host, prompt: Prompt) -> Prompt:
    """The same graph with few steps, a short and small video, and a small checkpoint in place of the user's."""
    for inputs in of_type(prompt, "ZoomKSampler", "KSampler"):
        inputs["steps"] = 2 if inputs["cfg"] != 3 else 8  # without the LoRA for few steps two leave no picture
    for inputs in of_type(prompt, "ZoomVideo"):
        inputs.update(seconds_per_level=0.1, width=96, height=96, hold_start=0.0, hold_end=0.0)
    for inputs in of_type(prompt, "CheckpointLoaderSimple"):
        inputs["ckpt_name"] = host.checkpoint("tiny_eps")
    for inputs in of_type(prompt, "LoraLoader"):
        inputs["lora_name"] = small_lora(host)
    for inputs in of_type(prompt, "LoadImage"):
        inputs["image"] = small_photo(host)
    for inputs in of_type(prompt, "EmptyLatentImage"):
        inputs.update(width=128, height=128)
    return prompt


@pytest.mark.parametrize("name", GENERAL)
def test_it_runs(host: Host, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = quickly(host, load(f"api/{name}.json"))
    for key, node in prompt.items():
        if node["class_type"] == "CLIPLoader":  # of the language model that sees the draft
            prompt[key] = host.source(reader(LEVELS[name], monkeypatch))
    outputs = host.run(prompt)
    if name.endswith("_demo"):  # the small checkpoint's VAE is none: its pictures do not follow the latents
        assert [text for key in prompt for text in host.texts(key) if "same place" in text] == []
    files = [
        Path(host.base) / "output" / file["subfolder"] / file["filename"]
        for output in outputs.values()
        for file in output.get("images", [])
        if file["type"] == "output"
    ]
    images = [file for file in files if file.suffix == ".png"]
    (video,) = [file for file in files if file.suffix == ".mp4"]
    assert len(images) == LEVELS[name]
    with av.open(str(video)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == round(0.1 * STEPS.get(name, LEVELS[name] - 1) * 30)
    assert (frames[0].width, frames[0].height) == (96, 96)
    first, last = (frame.to_ndarray(format="rgb24").astype(float) for frame in (frames[0], frames[-1]))
    assert abs(first - last).mean() > 1


def reader(levels: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A small language model that answers as it is asked to."""
    clip = qwen35(monkeypatch)
    objects = [{"level": n, "prompt": f"view {n}", "focus": {"x": 400, "y": 600}} for n in range(1, levels + 1)]
    recite(clip, json.dumps(objects), monkeypatch)
    return clip


def test_a_directed_zoom_goes_where_the_answer_says(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = quickly(host, load("api/directed_zoom.json"))
    (loader,) = (key for key, node in prompt.items() if node["class_type"] == "CLIPLoader")
    prompt[loader] = host.source(reader(LEVELS["directed_zoom"], monkeypatch))
    first, last = (key for key, node in prompt.items() if node["class_type"] == "ZoomKSampler")
    draft, final = host.evaluate(prompt, [first, 1], [last, 1])
    assert (draft.zoom_factors, draft.focus) == ((3.0,), ((0.5, 0.5),))
    assert (final.zoom_factors, final.focus) == ((3.0,) * 6, ((0.4, 0.6),) * 6)


def small_photo(host: Host) -> str:
    """A picture in the input folder, in place of the user's photo."""
    file = Path(host.base) / "input" / "photo.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.radial_gradient("L").resize((96, 64)).convert("RGB").save(file)
    return file.name


def small_lora(host: Host) -> str:
    """A LoRA for one layer of the tiny checkpoint, in the models folder."""
    file = Path(host.base) / "models" / "loras" / "small.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    key = "diffusion_model.input_blocks.0.0"
    save_file(
        {f"{key}.lora_up.weight": torch.ones(32, 1, 1, 1), f"{key}.lora_down.weight": torch.ones(1, 4, 3, 3)}, file
    )
    return file.name


def test_the_host_finds_templates_in_one_folder_alone() -> None:
    """Of two folders that it takes for templates it serves the pictures of the first one only."""
    names = ("example_workflows", "example", "examples", "workflow", "workflows")
    text = Path(app.custom_node_manager.__file__).read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in names)
    assert [name for name in names if (PACK / name).is_dir()] == ["workflows"]
