"""Devices without float64: nothing of a run is float64 there, and nothing is left behind on the CPU."""

from contextlib import nullcontext
from typing import Any

import comfy.model_management
import pytest
import torch
from harness import Host
from single_precision import DEVICE, DeviceTensor, SinglePrecisionDevice, on_device
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, load, zoom

LEVELS = 3


@pytest.mark.parametrize("kind", ["mps", "xpu", "privateuseone", "hpu", "mtia", "xla"])
def test_other_devices_compute_in_float32(host: Host, kind: str) -> None:
    """Whatever the host says: it knows of one device, the one that it runs on."""
    room = host.module("sampling.noise.samplers").SigmaRoom()
    device = torch.device(kind)
    assert room.dtype(device) == torch.float32
    assert room.largest_sigma(device, 14.6) == 1e9


def test_the_host_is_asked(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    room = host.module("sampling.noise.samplers").SigmaRoom()
    for kind in ("cpu", "cuda"):
        assert room.dtype(torch.device(kind)) == torch.float64
    monkeypatch.setattr(comfy.model_management, "supports_fp64", lambda device=None: device.type != "cuda")
    assert room.dtype(torch.device("cuda")) == torch.float32
    assert room.dtype(torch.device("cpu")) == torch.float64


@pytest.fixture
def simulated(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """What of the host and torch needs real hardware: loading, memory, and random numbers of the device."""
    management = comfy.model_management
    monkeypatch.setattr(management, "supports_fp64", lambda device=None: False)
    monkeypatch.setattr(management, "load_models_gpu", lambda *args, **kwargs: None)
    monkeypatch.setattr(
        management, "get_free_memory", lambda device=None, both=False: (2**40, 2**40) if both else 2**40
    )
    monkeypatch.setattr(management, "cuda_device_context", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "_lazy_init", lambda: None)

    def white(x: Tensor, seed: int | None = None) -> Any:
        generator = torch.Generator().manual_seed(seed or 0)
        return lambda sigma, sigma_next: torch.randn(x.shape, generator=generator).to(x)

    monkeypatch.setattr(host.module("sampling.noise.step_noise"), "default_noise_sampler", white)


def sampled(host: Host, checkpoint: Checkpoint, device: torch.device, **inputs: Any) -> tuple[Tensor, set[Any]]:
    """The levels, and the dtypes in which the network was asked, on a device."""
    model = checkpoint.model.clone()
    model.load_device = device
    asked = set()

    def note(executor: Any, x: Tensor, t: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        assert isinstance(x, DeviceTensor) == (device == DEVICE)
        asked.add(x.dtype)
        return executor(x, t, *args, **kwargs)

    model.add_wrapper_with_key("apply_model", "note", note)
    generator = torch.Generator().manual_seed(2)
    latent = {
        "samples": torch.randn(LEVELS, checkpoint.channels, 16, 16, generator=generator),
        "noise_mask": torch.rand(LEVELS, 1, 16, 16, generator=generator).clamp(0.3, 1),
    }
    prompts = checkpoint.schedule(*PROMPTS[:LEVELS]), checkpoint.encode("")
    return zoom(host, model, *prompts, latent, steps=3, **inputs), asked


# uni_pc puts numbers of the device into a list, which only a real device gives back; it is float32 everywhere
SAMPLERS = ["euler", "heun", "dpmpp_2m", "ddpm", "euler_ancestral", "dpmpp_2s_ancestral", "res_multistep"]
BLENDS = ["laplacian", "border", "naive", "none"]
CASES: dict[str, dict[str, Any]] = {
    **{f"sampler {name}": {"sampler_name": name} for name in SAMPLERS},
    **{f"blend {name}": {"blend": name, "zoom_factor": 1.7, "focus_x": 0.4} for name in BLENDS},
    "alignment 0": {"alignment": 0.0, "sampler_name": "euler_ancestral"},
    "alignment .5": {"alignment": 0.5},
    "time travel": {"blend_options": {"travel_repeats": 2, "travel_end": 0.5}},
    "photo": {"photo": "projection"},
    "photo by adam": {"photo": "adam"},
    "in pixels with a photo": {"blend_options": {"space": "pixels"}, "photo": "adam"},
}


OF_ALL_FAMILIES = ["sampler euler", "alignment 0", "photo"]


@pytest.mark.parametrize(
    ("family", "case"),
    [*(("flow", case) for case in CASES), *((family, case) for family in ("eps", "pixel") for case in OF_ALL_FAMILIES)],
)
def test_a_run_on_a_device_without_float64(host: Host, simulated: None, family: str, case: str) -> None:
    checkpoint, inputs = load(host, f"tiny_{family}"), dict(CASES[case])
    if "blend_options" in inputs:
        options = {"vae": checkpoint.vae} if "space" in inputs["blend_options"] else {}
        inputs["blend_options"] = host.module("sampling.agreement.blend_options").BlendOptions(
            **inputs["blend_options"], **options
        )
    if "photo" in inputs:
        image = torch.rand(1, 128, 128, 3, generator=torch.Generator().manual_seed(5))
        photo = host.module("sampling.agreement.photos").Photo
        vae = None if family == "pixel" else checkpoint.vae
        inputs["anchors"] = (photo(image, 0, inputs.pop("photo"), 0.7, 0.0, 1.0, "cover", vae),)
    expected, _ = sampled(host, checkpoint, torch.device("cpu"), **inputs)
    with SinglePrecisionDevice():
        result, asked = sampled(host, checkpoint, DEVICE, **inputs)
    assert asked == {torch.float32}
    assert not isinstance(result, DeviceTensor)
    assert (result - expected).abs().max() < 1e-4 * expected.std()


@pytest.mark.parametrize("form", ["h264", "vp9", "prores"])
def test_draw_frame_on_a_device_without_float64(host: Host, simulated: None, form: str) -> None:
    names = "video.formats", "video.draw_frame", "method.stack"
    formats, frames, stack = (host.module(f"zoomstack_core.{name}") for name in names)
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(LEVELS, 32, 32, 2.5)
    images = torch.rand(LEVELS, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    levels = stack.ZoomStack(images, geometry)
    layout = formats.FORMATS[form].layouts[-1]
    with SinglePrecisionDevice():
        renderer = frames.PlaneRenderer(levels, 48, 48, layout, DEVICE)
        planes = [renderer(zoom) for zoom in (0.0, 0.4, 1.7)]
        shown = frames.FrameRenderer(stack.ZoomStack(on_device(images), geometry), 40, 40)(0.7)
    assert isinstance(shown, DeviceTensor)
    expected = frames.PlaneRenderer(levels, 48, 48, layout)
    for zoom_place, got in zip((0.0, 0.4, 1.7), planes, strict=True):
        for plane, own in zip(got, expected(zoom_place), strict=True):
            assert torch.equal(torch.as_tensor(plane), torch.as_tensor(own))


def test_the_simulated_device_refuses_what_real_ones_refuse(simulated: None) -> None:
    with SinglePrecisionDevice():
        x = torch.zeros(3).to(DEVICE)
        with pytest.raises(TypeError, match="no torch.float64"):
            x.double()
        with pytest.raises(TypeError, match="no torch.float64"):
            torch.zeros(3, dtype=torch.float64, device=DEVICE)
        with pytest.raises(AssertionError, match="mixes devices"):
            x + torch.ones(3)
        assert (x + 1).cpu().tolist() == [1, 1, 1]
