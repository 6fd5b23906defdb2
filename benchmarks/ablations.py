"""The paper's ablations (figures 8 and 10), which the product does not offer, as samplers with one signature.

Each takes (denoise, geometry, sigmas, noise, callback) as `zoomstack_core.sample_joint` means them, samples at one
sigma for all levels and gives a stack [N, C, H, W] of what the denoiser estimates. Levels agree as its pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from benchmarks.pictures import Pictures, Plain
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.joint_step import JointStep
from zoomstack_core.method.ladder import Front
from zoomstack_core.method.noise import render_noise
from zoomstack_core.method.render import render_images
from zoomstack_core.method.resample import interacting_depth, links_into
from zoomstack_core.method.sample import Denoise, StepCallback, ancestral_step, common_ladder, step_down

Noise = Callable[[], Tensor]
PLAIN = Plain()


def iterative(
    denoise: Denoise,
    geometry: ZoomGeometry,
    sigmas: Tensor,
    noise: Noise,
    callback: StepCallback | None = None,
    pictures: Pictures = PLAIN,
) -> Tensor:
    """One level at a time: every level steps from the render of the stack as the last level left it, unblended."""
    z = sigmas[0] * noise()
    layers = torch.zeros_like(z)
    for step, (sigma, sigma_next) in enumerate(zip(sigmas[:-2].tolist(), sigmas[1:-1].tolist(), strict=True)):
        fresh = render_noise(noise(), geometry)
        for level in range(geometry.levels):
            image = pictures.edit(layers[level:], partial(_rendered_first, geometry.between(level, geometry.levels)))
            z[level] = ancestral_step(z[level], image[0], sigma, sigma_next, 1.0, fresh[level])
            one = torch.tensor([level], device=z.device)
            layers[level] = denoise(z[level : level + 1], z.new_full((1,), sigma_next), one)[0]
        if callback is not None:
            callback(step, sigma_next, z, layers)
    return pictures.edit(layers, lambda x: render_images(x, _of(geometry, x)))


def _rendered_first(geometry: ZoomGeometry, layers: Tensor) -> Tensor:
    return render_images(layers, _of(geometry, layers))[:1]


def _of(geometry: ZoomGeometry, images: Tensor) -> ZoomGeometry:
    return geometry.resized(*images.shape[-2:])


def random_noise(
    denoise: Denoise,
    geometry: ZoomGeometry,
    sigmas: Tensor,
    noise: Noise,
    callback: StepCallback | None = None,
    pictures: Pictures = PLAIN,
) -> Tensor:
    """The paper's blending, but every level draws its own noise at every step."""
    return _at_one_sigma(
        lambda x: JointStep(_of(geometry, x), "laplacian")(x), denoise, geometry, sigmas, noise, callback, pictures
    )


def mismatched(
    denoise: Denoise,
    geometry: ZoomGeometry,
    sigmas: Tensor,
    noise: Noise,
    callback: StepCallback | None = None,
    pictures: Pictures = PLAIN,
) -> Tensor:
    """The textbook's binomial Laplacian pyramid against the renderer's box: what both public replications do.

    Raises:
        ValueError: unless every zoom factor is a power of two about the middle.
    """

    def agree(images: Tensor) -> Tensor:
        own = _of(geometry, images)
        return render_images(binomial_blend(images, own), own)

    rendered = lambda: render_noise(noise(), geometry)  # noqa: E731
    return _at_one_sigma(agree, denoise, geometry, sigmas, rendered, callback, pictures)


def binomial_blend(images: Tensor, geometry: ZoomGeometry) -> Tensor:
    """ "laplacian" as in `blend_levels`, with a pyramid of binomial filters in place of the renderer's D.

    Raises:
        ValueError: unless every zoom factor is a power of two about the middle.
    """
    octaves = [round(math.log2(p)) for p in geometry.factors]
    if any(2.0**o != p for o, p in zip(octaves, geometry.factors, strict=True)):
        raise ValueError(f"a binomial pyramid needs zoom factors that are powers of two, got {geometry.factors}")
    layers = images.clone()
    for level in range(1, geometry.levels):
        depth = interacting_depth(geometry, level)
        count = sum(octaves[level - depth : level])
        bands: list[list[Tensor]] = [[] for _ in range(count + 1)]
        skipped = 0
        for d in range(depth + 1):
            if d:
                skipped += octaves[level - d]
            observation = images[level]
            if d:
                link = links_into(geometry, level, d, images)
                if link is None:
                    break
                observation = link.window.crop(images[level - d])
            for band in range(skipped, count):
                low = _binomial_down(observation)
                bands[band].append(observation - _binomial_up(low, observation.shape[-2:]))
                observation = low
            bands[count].append(observation)
        result = torch.stack(bands[count]).mean(0)
        for band in reversed(range(count)):
            detail = torch.stack(bands[band]).mean(0)
            result = _binomial_up(result, detail.shape[-2:]) + detail
        layers[level] = result
    return layers


def _binomial_down(image: Tensor) -> Tensor:
    return _binomial(image[:, None])[..., ::2, ::2][:, 0]


def _binomial_up(image: Tensor, size: torch.Size) -> Tensor:
    sparse = image.new_zeros(len(image), 1, *size)
    sparse[..., ::2, ::2] = image[:, None]
    return 4 * _binomial(sparse)[:, 0]


def _binomial(image: Tensor) -> Tensor:
    from kornia.filters import filter2d_separable  # 0.3 s to import

    kernel = image.new_tensor([[1, 4, 6, 4, 1]]) / 16
    return filter2d_separable(image, kernel, kernel, "reflect" if min(image.shape[-2:]) > 2 else "replicate")


def _at_one_sigma(
    agree: Callable[[Tensor], Tensor],
    denoise: Denoise,
    geometry: ZoomGeometry,
    sigmas: Tensor,
    noise: Noise,
    callback: StepCallback | None,
    pictures: Pictures,
) -> Tensor:
    levels = torch.arange(geometry.levels, device=sigmas.device)

    def joint(z: Tensor, sigma: Tensor, front: Front) -> Tensor:
        return pictures.edit(denoise(z, sigma, levels), agree)

    return step_down(joint, common_ladder(geometry, sigmas), sigmas, noise, callback=callback)


ABLATIONS = {"iterative": iterative, "random_noise": random_noise, "mismatched": mismatched}
