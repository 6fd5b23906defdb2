"""What viewers see of a zoom into fine detail: flicker, pops at the levels, borders; on a grid, text and a star field.

The scene is drawn once, finer than the deepest level. Levels are its exact area averages, and so is the ideal frame at
any zoom: what a camera with square pixels would see. Renderers that do it the simple way show that the checks can fail.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

from zoomstack_core.geometry import Rect, ZoomGeometry
from zoomstack_core.method.stack import ZoomStack
from zoomstack_core.video.draw_frame import FrameRenderer

SIDE, LEVELS = 96, 4
GEOMETRY = ZoomGeometry(LEVELS, SIDE, SIDE, 2.0)
UNIT = 2 * 2 ** (LEVELS - 1)  # pixels of the drawing in a pixel of level 0
DRAWN = SIDE * UNIT
TEXT = "the quick brown fox jumps over the lazy dog while galaxies turn and planets cool"
STEP = 1 / 60  # of a level, from frame to frame

Render = Callable[[float], Tensor]  # zoom to [1, size, size]


def draw(target: str) -> Tensor:
    """[DRAWN, DRAWN], white on black; in level 0 lines, letters and stars are less than a pixel thick."""
    picture = Image.new("L", (DRAWN, DRAWN))
    pen = ImageDraw.Draw(picture)
    if target == "grid":
        for start in range(0, DRAWN, 3 * UNIT):
            pen.rectangle((start, 0, start + UNIT // 2 - 1, DRAWN), fill=255)
            pen.rectangle((0, start, DRAWN, start + UNIT // 2 - 1), fill=255)
    elif target == "text":
        words = TEXT.split()
        for row in range(SIDE // 4):
            line = " ".join(words[(5 * row + n) % len(words)] for n in range(len(words)))
            pen.text((-UNIT * (row % 7), 4.6 * UNIT * row), line, 255, ImageFont.load_default(4 * UNIT))
    else:
        for x, y, size, brightness in np.random.default_rng(0).random((1500, 4)):
            radius = UNIT * (0.1 + 0.5 * size**3)
            box = [x * DRAWN - radius, y * DRAWN - radius, x * DRAWN + radius, y * DRAWN + radius]
            pen.ellipse(box, fill=int(80 + 175 * brightness))
    return torch.from_numpy(np.array(picture)).double() / 255


def seen(zoom: float) -> Rect:
    """What a frame shows, in level 0's pixels."""
    side = SIDE * 2.0**-zoom
    return Rect((SIDE - side) / 2, (SIDE - side) / 2, side, side)


def area_average(drawing: Tensor, rect: Rect, size: int) -> Tensor:
    """[1, size, size]: the exact mean of the drawing over every pixel of a grid on a square."""
    edges = (rect.top + torch.arange(size + 1, dtype=torch.float64) * rect.height / size) * UNIT
    pixels = torch.arange(DRAWN, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], pixels + 1) - torch.maximum(edges[:-1, None], pixels)
    share = overlap.clamp(min=0) / (edges[1] - edges[0])
    return (share @ drawing @ share.T)[None]


def looked_up(image: Tensor, shown: Rect, view: Rect, size: int, mode: str) -> tuple[Tensor, Tensor]:
    """An image that shows one square, sampled at the pixels of a frame that shows another; and which lie inside."""
    centers = view.top + (torch.arange(size, dtype=torch.float64) + 0.5) * view.height / size
    at = (centers - shown.top) / shown.height * 2 - 1
    grid = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1)[None]
    sampled = grid_sample(image[None], grid, mode=mode, padding_mode="border", align_corners=False)[0]
    return sampled, (grid.abs() < 1).all(-1)


def resized(image: Tensor, size: int) -> Tensor:
    return interpolate(image[None], size=(size, size), mode="bicubic", antialias=True)[0].clamp(0, 1)


# --- renderers that do it the simple way


def point_sampled(stack: ZoomStack, size: int, mode: str) -> Render:
    """No filter before decimation; the deepest level that there is at a pixel."""

    def render(zoom: float) -> Tensor:
        frame = torch.zeros(1, size, size, dtype=torch.float64)
        for level in range(int(zoom), LEVELS):
            sampled, inside = looked_up(stack.images[level], GEOMETRY.rect(0, level), seen(zoom), size, mode)
            frame = torch.where(inside, sampled, frame)
        return frame

    return render


def cropped(stack: ZoomStack, size: int) -> Render:
    """One level at a time, cropped at whole pixels and well resized."""

    def render(zoom: float) -> Tensor:
        level = int(zoom)
        side = round(SIDE * 2.0 ** (level - zoom))
        start = (SIDE - side) // 2
        return resized(stack.images[level][:, start : start + side, start : start + side], size)

    return render


def pasted(stack: ZoomStack, size: int) -> Render:
    """As `cropped`, with the next level pasted into the middle as it is."""
    base = cropped(stack, size)

    def render(zoom: float) -> Tensor:
        frame, side = base(zoom), round(size * 2.0 ** (zoom - int(zoom) - 1))
        start = (size - side) // 2
        frame[:, start : start + side, start : start + side] = resized(stack.images[int(zoom) + 1], side)
        return frame

    return render


@pytest.fixture(params=["grid", "text", "stars"])
def target(request: pytest.FixtureRequest) -> tuple[Tensor, ZoomStack]:
    """A drawing, and the stack of its exact levels."""
    drawing = draw(request.param)
    levels = torch.stack([area_average(drawing, GEOMETRY.rect(0, level), SIDE) for level in range(LEVELS)])
    stack = ZoomStack(levels, GEOMETRY)
    torch.testing.assert_close(stack.images, levels)
    return drawing, stack


def flicker(render: Render) -> float:
    """Root mean square of what changes and changes back from frame to frame where the scene stands still.

    Every frame is compared with the ones before and after it, warped onto it along the known path; the second
    difference leaves out steady change, such as detail that grows while the zoom comes nearer.
    """
    squares = []
    for k in range(12):
        zoom = k / 12 * (LEVELS - 1) + 0.02
        still = []
        for moment in (zoom - STEP, zoom, zoom + STEP):
            frame = render(moment)
            still.append(looked_up(frame, seen(moment), seen(zoom), frame.shape[-1], "bicubic")[0])
        squares.append((still[0] - 2 * still[1] + still[2])[:, 2:-2, 2:-2].square().mean())
    return math.sqrt(torch.stack(squares).mean())


@pytest.mark.parametrize("size", [SIDE // 2, SIDE])
def test_fine_detail_does_not_shimmer(target: tuple[Tensor, ZoomStack], size: int) -> None:
    """It flickers less than the ideal camera's frames, also where levels are made smaller."""
    drawing, stack = target
    ideal = flicker(lambda zoom: area_average(drawing, seen(zoom), size))
    assert flicker(FrameRenderer(stack, size, size)) < ideal
    assert flicker(point_sampled(stack, size, "nearest")) > 1.5 * ideal
    assert flicker(cropped(stack, size)) > 1.5 * ideal
    if size < SIDE:  # where levels are only magnified, bilinear interpolation needs no filter
        assert flicker(point_sampled(stack, size, "bilinear")) > 1.5 * ideal


def test_the_calm_is_not_bought_with_blur(target: tuple[Tensor, ZoomStack]) -> None:
    """Contrast, even halfway between levels, where a frame shows one that is magnified by 1.4."""
    drawing, stack = target
    render = FrameRenderer(stack, SIDE, SIDE)
    for k in range(12):
        zoom = k / 12 * (LEVELS - 1)
        assert render(zoom).std() > 0.7 * area_average(drawing, seen(zoom), SIDE).std(), zoom


def pop(render: Render, level: int) -> float:
    """By how much frames change at a level, relative to the most that they change shortly before and after."""
    frames = [render(level + k * STEP) for k in range(-5, 6)]
    changes = [float((after - before).square().mean().sqrt()) for before, after in pairwise(frames)]
    return max(changes[4:6]) / max(changes[:4] + changes[6:])


@pytest.mark.parametrize("size", [SIDE, 2 * SIDE])
def test_fine_detail_does_not_pop_at_a_level(target: tuple[Tensor, ZoomStack], size: int) -> None:
    _, stack = target
    inner = range(1, LEVELS - 1)
    assert max(pop(FrameRenderer(stack, size, size), level) for level in inner) < 1.05
    assert max(pop(cropped(stack, size), level) for level in inner) > 1.1


def border_contrast(render: Render) -> float:
    """How much sharper the picture is just inside of the next level's border than just outside: the ratio of the
    squared steps along lines parallel to it, at most three pixels away."""
    inside, outside = [], []
    for k in range(17 * (LEVELS - 1)):
        zoom = k // 17 + 0.05 * (k % 17 + 1)
        frame = render(zoom)[0]
        size = len(frame)
        start = math.ceil((size - size * 2.0 ** (zoom - int(zoom) - 1)) / 2)
        for image in (frame, frame.T):
            steps = image.diff(dim=1).square()[:, start + 3 : size - start - 4].mean(1)
            inside += [steps[start : start + 3], steps[size - start - 3 : size - start]]
            outside += [steps[start - 3 : start], steps[size - start : size - start + 3]]
    return float(torch.cat(inside).mean() / torch.cat(outside).mean())


def test_no_border_shows_around_finer_detail(target: tuple[Tensor, ZoomStack]) -> None:
    """At twice the levels' size the next level is twice as sharp as the one around it; the feather hides where it
    begins. Relative to the scene itself, whose detail is not alike on both sides either."""
    drawing, stack = target
    size = 2 * SIDE
    ideal = border_contrast(lambda zoom: area_average(drawing, seen(zoom), size))
    assert border_contrast(FrameRenderer(stack, size, size)) < 1.5 * ideal
    assert border_contrast(pasted(stack, size)) > 2 * ideal
