"""What shows only while a node runs: the error names the node, the input, what came and what to do, in a few lines."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import comfy.samplers
import folder_paths
import pytest
import torch
from bad_values import LONG, message_of, with_nan
from custom_sampling import custom_sampling
from harness import Host, Prompt, call
from zoom_graphs import PATH_WIDGETS, PROMPTS, Checkpoint, sampling

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy")

NAN = float("nan")


def path_graph(host: Host, node: str = "ZoomVideo", levels: int = 3, factor: Any = 2.0, **widgets: Any) -> Prompt:
    images = torch.rand(levels, 16, 16, 3, generator=torch.Generator().manual_seed(0))
    return {
        "images": host.source(images),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=factor),
        "node": call(node, stack=["stack", 0], **{**PATH_WIDGETS, **widgets}),
    }


PATHS: dict[str, tuple[dict[str, Any], str]] = {
    "loop": ({"loop": True}, "loop is on and the direction in; expected direction in_out or out_in"),
    "duration": ({"duration": 0.1, "hold_start": 1.0}, "duration is 0.1, which leaves -0.9 seconds"),
    "frames": (
        {"seconds_per_level": 0.05, "fps": 1.0},
        "seconds_per_level is 0.05, which leaves too few frames for the movement",
    ),
    "dwell": ({"dwell": LONG}, "dwell is 'xxx"),
    "first level": ({"first_level": 3.0}, "first_level is 3; expected a level from 1 to below 3, the last one"),
    "last level": ({"last_level": 3.5}, "last_level is 3.5; expected 0, for the last level, or one above first_level"),
    "no last level": ({"last_level": 0.5}, "last_level is 0.5; expected 0, for the last level"),
    "nothing between": ({"first_level": 2.0, "last_level": 2.0}, "last_level is 2; expected 0, for the last level"),
    "start": ({"start_zoom": 2.0}, "start_zoom is 2.0; expected a zoom of at least 0, below 2"),
    "end": ({"end_zoom": 3.0}, "end_zoom is 3.0; expected a zoom above start_zoom, 0, up to 2"),
    "last before first": (
        {"first_level": 2.5, "last_level": 2.0},
        "last_level is 2; expected 0, for the last level, or one above first_level, 2.5, up to 3",
    ),
    "last level before an old start": (
        {"start_zoom": 1.0, "last_level": 2.0},
        "last_level is 2; expected 0, for the last level, or one above 2, which is start_zoom counted from 1, up to 3",
    ),
    "old end before the first level": (
        {"first_level": 2.5, "end_zoom": 1.0},
        "end_zoom is 1.0; expected a zoom above 1.5, which is first_level counted from 0, up to 2",
    ),
    "visit": ({"visit": "2, 4"}, "visit is '2, 4'; expected numbers of levels from 1 to 3, with commas between"),
    "visit 0": ({"visit": "0"}, "visit is '0'; expected numbers of levels from 1 to 3"),
    "visit words": ({"visit": "the moon"}, "visit is 'the moon'; expected numbers of levels from 1 to 3"),
    "visit a comma": ({"visit": ","}, "visit is ','; expected numbers of levels from 1 to 3"),
    "visit the first alone": ({"visit": "1, 1"}, "visit is '1, 1'; expected numbers of levels from 1 to 3"),
    "visit very much": ({"visit": LONG}, "visit is 'xxx"),
    "end before start": ({"start_zoom": 1.0, "end_zoom": 0.5}, "end_zoom is 0.5; expected a zoom above start_zoom, 1"),
}


@pytest.mark.parametrize(("node", "name"), [("ZoomVideo", "Zoom Video"), ("ZoomFrames", "Zoom Frames")])
@pytest.mark.parametrize("case", PATHS)
def test_a_path_that_is_none(host: Host, case: str, node: str, name: str) -> None:
    widgets, message = PATHS[case]
    assert message_of(host, path_graph(host, node, **widgets), ["node", 0]).startswith(f"{name}: {message}")


# Sampling


def run(host: Host, checkpoint: Checkpoint, latent: Any = None, model: Any = None, **inputs: Any) -> str:
    """What Zoom KSampler says of three levels."""
    prompts = checkpoint.schedule(*PROMPTS[:3]), checkpoint.encode("")
    graph = sampling(host, model or checkpoint.model, *prompts, latent or checkpoint.empty(3), **inputs)
    del graph["stock"]
    return message_of(host, graph, ["zoom", 0])


def test_latents_of_another_model(host: Host, flow: Checkpoint) -> None:
    message = run(host, flow, {"samples": torch.rand(3, 4, 8, 8)})
    assert message.startswith(
        "Zoom KSampler: latent_image has 4 channels, the model's latents have 16; expected latents"
    )


@pytest.mark.parametrize("frames", [1, 5])
def test_a_video_latent_in_an_image_model(host: Host, eps: Checkpoint, frames: int) -> None:
    message = run(host, eps, {"samples": torch.zeros(3, 4, frames, 8, 8)})
    shape = f"[3, 4, {frames}, 8, 8]"
    assert message.startswith(f"Zoom KSampler: latent_image has the shape {shape}; expected latents of pictures")


def test_the_vae_of_another_model_for_blending(host: Host, eps: Checkpoint, flow: Checkpoint) -> None:
    options = host.module("sampling.agreement.blend_options").BlendOptions(space="pixels", vae=eps.vae)
    message = run(host, flow, blend_options=options)
    assert message.startswith("Zoom Multi-Res Blend: vae has latents of 4 channels, the model's have 16; expected the")


def test_the_vae_of_another_model_for_a_photo(host: Host, eps: Checkpoint, flow: Checkpoint) -> None:
    photo = host.module("sampling.agreement.photos").Photo(
        torch.rand(1, 64, 64, 3), 0, "projection", 1.0, 0.0, 1.0, "cover", eps.vae
    )
    message = run(host, flow, anchors=(photo,))
    assert message.startswith("Zoom Photo Anchor: vae has latents of 4 channels, the model's have 16; expected the")


def broken(model: Any) -> Any:
    """A clone of MODEL that overflows."""
    clone = model.clone()
    clone.set_model_sampler_cfg_function(lambda args: args["input"] * NAN)
    return clone


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("blend", ["laplacian", "border", "naive", "none"])
def test_a_model_that_overflows(host: Host, eps: Checkpoint, blend: str, alignment: float) -> None:
    message = run(host, eps, model=broken(eps.model), blend=blend, alignment=alignment)
    assert message.startswith("Zoom KSampler: model gave NaN or infinity while sampling; expected finite numbers.")


class Overflowing:
    """A VAE that gives NaN, as some do in 16 bits."""

    def __init__(self, vae: Any) -> None:
        self._vae = vae

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vae, name)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self._vae.decode(latents) * NAN  # type: ignore[no-any-return]

    def encode(self, picture: torch.Tensor) -> torch.Tensor:
        return self._vae.encode(picture) * NAN  # type: ignore[no-any-return]


def test_a_vae_that_overflows(host: Host, flow: Checkpoint) -> None:
    options = host.module("sampling.agreement.blend_options").BlendOptions(space="pixels", vae=Overflowing(flow.vae))
    message = run(host, flow, blend_options=options)
    assert message.startswith("Zoom Multi-Res Blend: vae gave NaN or infinity; expected finite numbers.")
    assert "--fp32-vae" in message


def test_a_vae_that_overflows_at_a_photo(host: Host, flow: Checkpoint) -> None:
    photo = host.module("sampling.agreement.photos").Photo(
        torch.rand(1, 64, 64, 3), 0, "projection", 1.0, 0.0, 1.0, "cover", Overflowing(flow.vae)
    )
    message = run(host, flow, anchors=(photo,))
    assert message.startswith("Zoom Photo Anchor: vae gave NaN or infinity; expected finite numbers.")


def test_a_model_that_overflows_before_its_vae(host: Host, flow: Checkpoint) -> None:
    options = host.module("sampling.agreement.blend_options").BlendOptions(space="pixels", vae=flow.vae)
    message = run(host, flow, model=broken(flow.model), blend_options=options)
    assert message.startswith("Zoom KSampler: model gave NaN or infinity while sampling")


GUIDED: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "latent_image": (
        lambda values: values.update(latent={"samples": with_nan(torch.rand(3, 4, 8, 8))}),
        "latent_image holds NaN or infinity in number 2 of 3 levels",
    ),
    "mask": (
        lambda values: values.update(
            latent={"samples": torch.rand(3, 4, 8, 8), "noise_mask": with_nan(torch.ones(3, 8, 8))}
        ),
        "latent_image holds NaN or infinity in number 2 of 3 masks",
    ),
    "video": (
        lambda values: values.update(latent={"samples": torch.zeros(3, 4, 2, 8, 8)}),
        "latent_image has the shape",
    ),
    "channels": (
        lambda values: values.update(latent={"samples": torch.rand(3, 16, 8, 8)}),
        "latent_image has 16 chann",
    ),
    "sigmas": (lambda values: values.update(sigmas=torch.tensor([10.0, NAN, 0.0])), "sigmas holds NaN or infinity"),
    "long sigmas": (lambda values: values.update(sigmas=torch.ones(5000)), "sigmas end at 1; with alignment above 0"),
    "flat sigmas": (
        lambda values: values.update(sigmas=torch.cat([torch.ones(5000), torch.zeros(1)])),
        "sigmas has the steps [1.0, 1.0",
    ),
    "model": (lambda values: values.update(model=broken(values["model"])), "model gave NaN or infinity while sampling"),
    "sampler": (
        lambda values: values.update(sampler=comfy.samplers.KSAMPLER(sample_ar_video)),
        "sampler is ar_video; expected another one",
    ),
}


def sample_ar_video(*_: Any, **__: Any) -> None:
    """Stands for the host's sampler of this name: it is refused before it runs."""


@pytest.mark.parametrize("case", GUIDED)
def test_zoom_guider_in_the_hosts_sampling_node(host: Host, eps: Checkpoint, case: str) -> None:
    """The inputs are those of SamplerCustomAdvanced, which checks nothing itself."""
    change, message = GUIDED[case]
    values = {"model": eps.model, "latent": None, "sigmas": None, "sampler": None}
    change(values)
    graph = custom_sampling(host, eps, values["model"], 3)
    graph |= {name: host.source(value) for name, value in values.items() if value is not None and name != "model"}
    assert message_of(host, graph, ["run", 0]).startswith(f"Zoom Guider: {message}")


# Sizes of numbers


def test_a_zoom_factor_without_measure(host: Host) -> None:
    graph = {"node": call("ZoomGeometry", zoom_factors="2, 1e308", focus="")}
    message = message_of(host, graph, ["node", 0])
    assert message.startswith(
        "Zoom Geometry: zoom_factors has 1e+308; expected one zoom factor above 1 and at most 1000"
    )


@pytest.mark.parametrize("factors", ["1000", "64", "1.0001"])
def test_the_largest_zooms_are_rendered(host: Host, factors: str) -> None:
    """256 levels: magnifications beyond what floating-point numbers hold."""
    graph = path_graph(host, "ZoomFrames", levels=256, seconds_per_level=0.05, width=16, height=16)
    graph["geometry"] = call("ZoomGeometry", zoom_factors=factors, focus="0.5, 0.5")
    graph["stack"]["inputs"]["geometry"] = ["geometry", 0]
    stack, images = host.evaluate(graph, ["stack", 0], ["node", 0])
    assert torch.isfinite(images).all()
    torch.testing.assert_close(images[-1], stack.images[-1].movedim(0, -1), atol=1e-4, rtol=0)


def test_the_largest_zooms_are_written_about(host: Host) -> None:
    graph = {"node": call("ZoomPromptWriter", scene="x", levels=256, zoom_factor=64.0)}
    (text,) = host.evaluate(graph, ["node", 0])
    assert "The last level is 10^461 times larger than the first." in text
    assert "inf" not in text.split("Scene")[0]


def test_more_levels_than_noise_can_span(host: Host, eps: Checkpoint) -> None:
    prompts = eps.schedule(*PROMPTS * 20), eps.encode("")
    graph = sampling(host, eps.model, *prompts, eps.empty(1), zoom_factor=64.0)
    message = message_of(host, {key: node for key, node in graph.items() if key != "stock"}, ["zoom", 0])
    assert message.startswith("Zoom KSampler: 100 levels at zoom_factor 64 and alignment 1 need more noise")
    assert "Use fewer levels, a smaller zoom_factor or a lower alignment" in message


# Long texts

TEXTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "factors": ("ZoomGeometry", {"zoom_factors": LONG, "focus": ""}, "zoom_factors has 'xxx"),
    "many factors": ("ZoomGeometry", {"zoom_factors": "2, " * 9**5 + "z", "focus": ""}, "zoom_factors has 'z'"),
    "focus": ("ZoomGeometry", {"zoom_factors": "2", "focus": "0.5 " * 50_001}, "focus has 50001 numbers in the line"),
    "prompts": ("ZoomPromptSchedule", {"prompts": f"[{LONG}", "expected_levels": 9}, "prompts has 1 levels, expected"),
    "many prompts": (
        "ZoomPromptSchedule",
        {"prompts": f"{LONG}\n" * 40, "expected_levels": 9},
        "prompts has 40 levels, expected_levels is 9",
    ),
    "no prompts": ("ZoomPromptSchedule", {"prompts": f"#{LONG}"}, "prompts: expected at least one prompt"),
    "json": ("ZoomPromptSchedule", {"prompts": f'["a", ["{LONG}"]]'}, "prompts: expected a list of strings"),
    "negative": ("ZoomPromptSchedule", {"prompts": "a", "negative": f"{LONG}\n" * 3}, "negative has 3 lines for 1"),
    "levels": ("ZoomHeldLevels", {"levels": LONG, "add_deeper": 0, "add_wider": 0}, "levels has 'xxx"),
    "a list of levels": (
        "ZoomHeldLevels",
        {"levels": "1 " * 9**5 + "9", "add_deeper": 0, "add_wider": 0},
        "levels has 9",
    ),
}
NAMES = {
    "ZoomGeometry": "Zoom Geometry",
    "ZoomPromptSchedule": "Zoom Prompt Schedule",
    "ZoomHeldLevels": "Zoom Hold Levels",
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_long_text_makes_a_short_error(host: Host, eps: Checkpoint, case: str) -> None:
    node, widgets, message = TEXTS[case]
    graph = {"clip": host.source(eps.clip), "latent": host.source(eps.empty(3)), "node": call(node, **widgets)}
    link = {"ZoomPromptSchedule": {"clip": ["clip", 0]}, "ZoomHeldLevels": {"latent": ["latent", 0]}}
    graph["node"]["inputs"] |= link.get(node, {})
    assert message_of(host, graph, ["node", 0]).startswith(f"{NAMES[node]}: {message}")


# Folders that cannot be written


@pytest.fixture
def locked() -> Path:
    """A folder in which nobody can make another, whoever runs the tests."""
    for folder in (Path("/sys"), Path("/sys/kernel")):
        try:
            (folder / "zoomstack").mkdir()
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EACCES, errno.EROFS):
                return folder / "zoomstack"
            continue
        (folder / "zoomstack").rmdir()
    pytest.skip("there is no folder here that cannot be written")


@pytest.mark.parametrize("node", ["ZoomVideo", "ZoomSaveVideo", "ZoomViewer", "ZoomViewer page"])
def test_a_folder_that_cannot_be_written(host: Host, locked: Path, node: str) -> None:
    graph = path_graph(host)
    saves, names = {"ZoomSaveVideo", "ZoomViewer page"}, {"ZoomVideo": "Zoom Video", "ZoomSaveVideo": "Save Zoom Video"}
    if node == "ZoomSaveVideo":
        host.evaluate(graph, ["node", 0])  # the video is there before the folder is locked
        graph["save"] = call(node, video=["node", 0], filename_prefix="zoom")
    elif node != "ZoomVideo":
        graph["save"] = call("ZoomViewer", stack=["stack", 0], export_html=node in saves, filename_prefix="page")
        del graph["node"]
    before = folder_paths.get_output_directory(), folder_paths.get_temp_directory()
    kept = before[1] if node in saves else str(locked)
    folder_paths.set_output_directory(str(locked) if node in saves else before[0])
    folder_paths.set_temp_directory(kept)
    try:
        message = message_of(host, graph, *([["node", 0]] if node == "ZoomVideo" else []), kind="PermissionError")
    finally:
        folder_paths.set_output_directory(before[0])
        folder_paths.set_temp_directory(before[1])
    assert message.startswith(f"{names.get(node, 'Zoom Viewer')}: ")
    assert str(locked) in message and "Let ComfyUI write there" in message.replace("let", "Let")
    assert ("filename_prefix" if node in saves else "--temp-directory") in message


def test_weights_that_are_no_weights(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A download that broke off, or a pointer of Git LFS."""
    file = tmp_path / "demo_model.safetensors"
    file.write_text("version https://git-lfs.github.com/spec/v1\n")
    monkeypatch.setattr(host.module("demo.loader"), "WEIGHTS", file)
    with pytest.raises(ValueError, match=r"^Zoom Demo Model: .*43 bytes, is no whole file .*; get the pack again"):
        host.module("demo.loader").load_demo_model()
