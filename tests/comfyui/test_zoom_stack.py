"""ZoomStack in real graphs: one image per level in, one consistent stack out."""

import pytest
import torch
from harness import Host, NodeFailed, Prompt, PromptRejected, call
from torch.nn.functional import avg_pool2d


def random_images(levels: int, height: int = 16, width: int = 24, channels: int = 3) -> torch.Tensor:
    return torch.rand(levels, height, width, channels, generator=torch.Generator().manual_seed(0))


def graph(host: Host, images: torch.Tensor, **inputs: float) -> Prompt:
    inputs = {"zoom_factor": 2.0, **inputs}
    return {"images": host.source(images), "stack": call("ZoomStack", images=["images", 0], **inputs)}


def halved(image: torch.Tensor) -> torch.Tensor:
    """[H, W, C] to [H/2, W/2, C], each pixel the mean of four."""
    return avg_pool2d(image.movedim(-1, 0), 2).movedim(0, -1)


def test_the_middle_of_every_level_shows_the_next_level(host: Host) -> None:
    images = random_images(4)
    (consistent,) = host.evaluate(graph(host, images), ["stack", 1])
    assert consistent.shape == images.shape
    assert torch.equal(consistent[3], images[3])
    for level in range(3):
        middle = consistent[level, 4:12, 6:18]
        torch.testing.assert_close(middle, halved(consistent[level + 1]), atol=1e-6, rtol=0)
        outside = torch.ones(16, 24, dtype=torch.bool)
        outside[4:12, 6:18] = False
        assert torch.equal(consistent[level][outside], images[level][outside])


def test_the_stack_holds_the_images_and_the_geometry(host: Host) -> None:
    stack, images = host.evaluate(
        graph(host, random_images(3), zoom_factor=2.5, focus_x=0.4), ["stack", 0], ["stack", 1]
    )
    assert torch.equal(stack.images, images.movedim(-1, 1))
    geometry = stack.geometry
    assert (geometry.levels, geometry.height, geometry.width) == (3, 16, 24)
    assert isinstance(stack, host.module("zoomstack_core.method.stack").ZoomStack)


def test_levels_that_differ_pass_into_each_other(host: Host) -> None:
    """Where it is wanted, and not in an older prompt that knows nothing of it."""
    images = torch.stack([torch.zeros(64, 64, 3), torch.ones(64, 64, 3)])
    before, hard, soft = (
        host.evaluate(graph(host, images, **inputs), ["stack", 1])[0] for inputs in ({}, {"feather": 0}, {"feather": 8})
    )
    assert torch.equal(before, hard)
    assert hard[0, 32, 15].max() == 0 and hard[0, 32, 16].min() == 1
    assert soft[0, 32, 16].max() < 0.02 and soft[0, 32, 24:32].min() > 0.999


def test_the_focus_moves_the_inner_rectangle(host: Host) -> None:
    images = random_images(2)
    (consistent,) = host.evaluate(graph(host, images, focus_x=0.25, focus_y=0.75), ["stack", 1])
    torch.testing.assert_close(consistent[0, 8:, :12], halved(images[1]), atol=1e-6, rtol=0)
    assert torch.equal(consistent[0, :8], images[0, :8])


def test_a_consistent_batch_comes_back_as_it_is(host: Host) -> None:
    (once,) = host.evaluate(graph(host, random_images(3), zoom_factor=1.7), ["stack", 1])
    (twice,) = host.evaluate(graph(host, once, zoom_factor=1.7), ["stack", 1])
    torch.testing.assert_close(twice, once, atol=1e-6, rtol=0)


def test_one_image_is_a_stack_of_one_level(host: Host) -> None:
    images = random_images(1)
    stack, out = host.evaluate(graph(host, images), ["stack", 0], ["stack", 1])
    assert torch.equal(out, images)
    assert stack.geometry.levels == 1


def test_transparent_parts_are_put_on_black(host: Host) -> None:
    images = random_images(2, channels=4)
    images[..., 3] = (images[..., 3] > 0.5).float()
    (with_alpha,) = host.evaluate(graph(host, images), ["stack", 1])
    on_black = torch.where(images[..., 3:] > 0, images[..., :3], 0.0)
    (expected,) = host.evaluate(graph(host, on_black), ["stack", 1])
    assert torch.equal(with_alpha, expected)


def test_its_images_can_be_saved(host: Host) -> None:
    prompt = graph(host, random_images(3))
    prompt["save"] = call("SaveImage", images=["stack", 1], filename_prefix="level")
    saved = host.run(prompt)["save"]["images"]
    assert len(saved) == 3
    assert all((host.base / "output" / image["filename"]).stat().st_size > 0 for image in saved)


@pytest.mark.parametrize("shape", [(2, 16, 24, 1), (2, 16, 24, 5), (16, 24, 3), (2, 1, 16, 24, 3)])
def test_other_shapes_are_a_clear_error(host: Host, shape: tuple[int, ...]) -> None:
    with pytest.raises(NodeFailed, match=r"ZoomStack: ValueError: Zoom Stack: images .*shape"):
        host.evaluate(graph(host, torch.zeros(shape)), ["stack", 1])


@pytest.mark.parametrize("inputs", [{"zoom_factor": 1.0}, {"focus_x": -0.1}, {"focus_y": 1.5}])
def test_widget_values_out_of_range_are_refused(host: Host, inputs: dict[str, float]) -> None:
    with pytest.raises(PromptRejected, match=next(iter(inputs))):
        host.evaluate(graph(host, random_images(2), **inputs), ["stack", 1])


def test_a_linked_zoom_factor_of_one_is_a_clear_error(host: Host) -> None:
    prompt = graph(host, random_images(2))
    prompt["one"] = host.source(1.0)
    prompt["stack"]["inputs"]["zoom_factor"] = ["one", 0]
    with pytest.raises(
        NodeFailed, match="ZoomStack: ValueError: Zoom Stack: zoom_factor is 1.0; expected a number from 1.01 to 64"
    ):
        host.evaluate(prompt, ["stack", 1])
