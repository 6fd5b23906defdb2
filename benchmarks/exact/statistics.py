"""Single statistics of a sampler, exactly, in worlds that are too large for the covariance of all pixels.

The result of a linear sampler is a linear map of its white noise. The variance of one number of the result, the step
across a border or the part in one direction, is the squared length of that number's gradient with respect to all noise:
one run forward and one backward, through the product's own code.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.joint_step import JointStep
from zoomstack_core.method.ladder import Front, aligned_ladder
from zoomstack_core.method.noise import render_noise
from zoomstack_core.method.render import render_images
from zoomstack_core.method.resample import links_into
from zoomstack_core.method.sample import common_ladder, step_down

from .run import Setting
from .world import GaussianWorld

DIRECTIONS = 24


@dataclass(frozen=True)
class Statistics:
    """A sampler against the truth, as far as a few numbers of its result tell.

    Attributes:
        seams: [N - 1], squared step across each nested border over the truth's.
        kl: per level, nats per pixel, from `DIRECTIONS` of the truth's eigendirections, evenly from all of them.
    """

    seams: list[float]
    kl: list[float]


def measure(world: GaussianWorld, setting: Setting) -> Statistics:
    """For zooms about the middle, where the four sides of a border and their halves are alike."""
    geometry = world.geometry
    pixels = geometry.height * geometry.width
    asked: list[Tensor] = []
    for level in range(geometry.levels - 1):
        steps = _border_steps(geometry, level)
        asked.append(_on_level(steps, geometry, level))
    for level, (_, vectors) in enumerate(world.eigen):
        chosen = torch.linspace(0, pixels - 1, min(DIRECTIONS, pixels)).round().long()
        asked.append(_on_level(vectors[:, chosen].T, geometry, level))
    found = variances(world, setting, torch.cat(asked)).split([len(some) for some in asked])
    ratios = [seen / _true_variances(world, some) for seen, some in zip(found, asked, strict=True)]
    borders = geometry.levels - 1
    # all steps of a border count alike, so that its ratio is that of the sums
    seams = [
        float(seen.sum() / _true_variances(world, some).sum())
        for seen, some in zip(found[:borders], asked[:borders], strict=True)
    ]
    return Statistics(seams, [float((ratio - 1 - ratio.log()).mean() / 2) for ratio in ratios[borders:]])


def variances(world: GaussianWorld, setting: Setting, functionals: Tensor) -> Tensor:
    """Variances [F] of linear functionals [F, N, H, W] of the finished levels."""
    geometry, sigmas = world.geometry, setting.sigmas()
    drawn: list[Tensor] = []

    def noise() -> Tensor:
        shape = geometry.levels, len(functionals), geometry.height, geometry.width
        drawn.append(torch.zeros(shape, dtype=torch.float64, requires_grad=True))
        return drawn[-1]

    def evaluate(z: Tensor, sigma: Tensor, front: Front) -> Tensor:
        return world.denoise(z, sigma, torch.tensor(front.active)) if front.active else z

    if setting.method == "independent":
        ladder = common_ladder(geometry, sigmas)
        images = step_down(evaluate, ladder, sigmas, noise, setting.churn, setting.order)
    else:
        blended = JointStep(geometry, setting.method)

        def joint(z: Tensor, sigma: Tensor, front: Front) -> Tensor:
            return blended(evaluate(z, sigma, front), front.active, sigmas=sigma.tolist(), waiting=front.waiting)

        limits = float(sigmas[0]), float(sigmas[-2])
        ladder = aligned_ladder(geometry, *limits, setting.steps, setting.alignment, wake_sigma=setting.wake_sigma)
        rendered = lambda: render_noise(noise(), geometry)  # noqa: E731
        images = render_images(step_down(joint, ladder, sigmas, rendered, setting.churn, setting.order), geometry)
    # every functional has a channel of its own
    (images * functionals.transpose(0, 1)).sum().backward()
    # the last draw goes into no step
    gradients = [each.grad for each in drawn if each.grad is not None]
    return torch.stack([gradient.square().sum((0, 2, 3)) for gradient in gradients]).sum(0)


def _border_steps(geometry: ZoomGeometry, level: int) -> Tensor:
    """[n, H W]: the pixel steps across the left half of the upper side of the next level's rectangle."""
    link = links_into(geometry, level + 1, 1, torch.zeros((), dtype=torch.float64))
    assert link is not None, "a rectangle of less than a pixel has no border"
    rows, columns = link.window
    place = torch.arange(columns.start, (columns.start + columns.stop + 1) // 2) + rows.start * geometry.width
    steps = torch.zeros(len(place), geometry.height * geometry.width, dtype=torch.float64)
    number = torch.arange(len(place))
    steps[number, place] = 1
    steps[number, place - geometry.width] = -1
    return steps


def _on_level(rows: Tensor, geometry: ZoomGeometry, level: int) -> Tensor:
    """[n, H W] -> [n, N, H, W], zero on all other levels."""
    placed = rows.new_zeros(len(rows), geometry.levels, geometry.height, geometry.width)
    placed[:, level] = rows.view(-1, geometry.height, geometry.width)
    return placed


def _true_variances(world: GaussianWorld, functionals: Tensor) -> Tensor:
    """[F, N, H, W] -> [F], of functionals of one level."""
    level = int(functionals.abs().sum((0, 2, 3)).argmax())
    values, vectors = world.eigen[level]
    return (functionals[:, level].flatten(1) @ vectors).square() @ values
