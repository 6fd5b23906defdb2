"""Levels upscaled between decode and Zoom Stack, for a larger video: by the host's upscale models and by resizing."""

from pathlib import Path
from typing import Any

import av
import pytest
import torch
from harness import Host, Prompt, call
from safetensors.torch import save_file
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN
from zoom_graphs import PATH_WIDGETS

LEVELS, HEIGHT, WIDTH = 3, 32, 48


def levels_that_agree(host: Host) -> Prompt:
    """Levels as a joint run gives them: "levels", slot 1."""
    images = torch.rand(LEVELS, HEIGHT, WIDTH, 3, generator=torch.Generator().manual_seed(2))
    return {"images": host.source(images), "levels": call("ZoomStack", images=["images", 0], zoom_factor=2.0)}


def upscale_model(host: Host, name: str) -> tuple[str, int]:
    """File name and factor of an upscale model with random but fixed weights, small, of a usual architecture."""
    torch.manual_seed(0)
    if name == "compact":  # the nearest neighbor and a residual
        network, factor = Compact(num_feat=8, num_conv=1, upscale=2), 2
    else:
        network, factor = ESRGAN(num_filters=8, num_blocks=1, scale=4), 4
        weights = list(network.parameters())
        weights[-2].data *= 8 / weights[-2].data.abs().amax()  # random layers lose contrast
        weights[-1].data.fill_(0.5)
    folder = host.base / "models" / "upscale_models"
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, folder / f"{name}.safetensors")
    return f"{name}.safetensors", factor


def path(factor: int) -> dict[str, Any]:
    """Widgets of a zoom as large as the enlarged levels."""
    return {**PATH_WIDGETS, "width": factor * WIDTH, "height": factor * HEIGHT}


@pytest.mark.parametrize("name", ["compact", "esrgan"])
def test_an_upscale_model_makes_a_larger_zoom_whose_levels_agree(host: Host, name: str) -> None:
    file, factor = upscale_model(host, name)
    prompt: Prompt = {
        **levels_that_agree(host),
        "loader": call("UpscaleModelLoader", model_name=file),
        "large": call("ImageUpscaleWithModel", upscale_model=["loader", 0], image=["levels", 1]),
        "stack": call("ZoomStack", images=["large", 0], zoom_factor=2.0),
        "video": call("ZoomVideo", stack=["stack", 0], crf=4.0, **path(factor)),
    }
    before, large, stack, video = host.evaluate(prompt, ["levels", 0], ["large", 0], ["stack", 0], ["video", 0])
    size = factor * HEIGHT, factor * WIDTH
    assert large.shape == (LEVELS, *size, 3)
    assert stack.images.shape == (LEVELS, 3, *size)
    assert stack.geometry == before.geometry.resized(*size)

    error = host.module("zoomstack_core.method.metrics").consistency_error
    assert error(before.images, before.geometry) < 1e-6
    assert error(large.movedim(-1, 1), stack.geometry) > 0.1  # every level was upscaled for itself
    assert error(stack.images, stack.geometry) < 1e-6
    assert torch.equal(stack.images[-1], large[-1].movedim(-1, 0))

    assert video.get_dimensions() == size[::-1]
    with av.open(str(Path(video.get_stream_source()))) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == 10
    # the video ends with all pixels of the deepest level
    luma = torch.tensor([0.2126, 0.7152, 0.0722])
    shown, deepest = torch.from_numpy(frames[-1]) / 255, large[-1] @ luma
    assert (shown - deepest).abs().mean() < 0.15 * deepest.std()


def test_a_sharper_upscaler_makes_a_sharper_zoom(host: Host) -> None:
    detail = {}
    for method in ("bilinear", "lanczos"):
        prompt: Prompt = {
            **levels_that_agree(host),
            "large": call("ImageScaleBy", image=["levels", 1], upscale_method=method, scale_by=4.0),
            "stack": call("ZoomStack", images=["large", 0], zoom_factor=2.0),
            "zoom": call("ZoomFrames", stack=["stack", 0], **path(4)),
        }
        stack, images = host.evaluate(prompt, ["stack", 0], ["zoom", 0])
        assert images.shape[1:] == (4 * HEIGHT, 4 * WIDTH, 3)
        assert host.module("zoomstack_core.method.metrics").consistency_error(stack.images, stack.geometry) < 1e-6
        detail[method] = float(images.diff(dim=2).abs().mean())
    assert detail["lanczos"] > 1.1 * detail["bilinear"]
