"""Joint multi-scale sampling without a host: the paper's Algorithm 2 and scale-aligned noise, for any denoiser."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..geometry import ZoomGeometry
from .blend import blend_levels
from .joint_step import JointStep
from .ladder import Front, NoiseLadder, aligned_ladder
from .noise import render_noise
from .overlap import DenoiseOverlap, OverlapStep
from .render import render_images
from .rows import rows_of

METHODS = ("border", "laplacian", "overlap_once", "naive", "independent", "paper")
OLD_NAMES = {"default": "border", "average": "laplacian"}
"""What two methods were called before they had the names of the blend modes."""

Denoise = Callable[[Tensor, Tensor, Tensor], Tensor]
Joint = Callable[[Tensor, Tensor, Front], Tensor]
StepCallback = Callable[[int, float, Tensor, Tensor], None]


@torch.no_grad()
def sample_joint(
    denoise: Denoise,
    geometry: ZoomGeometry,
    sigmas: Tensor,
    channels: int,
    generator: torch.Generator | None = None,
    method: str = "border",
    alignment: float | None = None,
    denoise_overlap: DenoiseOverlap | None = None,
    *,
    churn: float | None = None,
    order: int | None = None,
    sigma_data: float = 1.0,
    wake_sigma: float | None = None,
    noise: Callable[[], Tensor] | None = None,
    callback: StepCallback | None = None,
) -> Tensor:
    """Sample a zoom stack with any denoiser, without a host or gradients. States are z = x + sigma · noise.

    Args:
        denoise: (z [n, C, H, W], sigma [n], levels [n]) -> x0 [n, C, H, W], for the active levels only.
        geometry: how the levels nest.
        sigmas: decreasing, ending in 0: the schedule of one level. With alignment its first and last positive value
            and their number count, the rungs are uniform in log sigma. Its dtype and device are those of the run.
        channels: C.
        generator: of all random numbers, on the device of ``sigmas``.
        method: "border", "laplacian" or "naive": the levels' estimates are joined by that mode of `blend_levels`,
            initial and step noise are rendered. "overlap_once": what two levels share is counted once, see
            `OverlapStep`. "independent": every level alone. "paper": Algorithm 2 to the letter: laplacian blending,
            one sigma, DDPM steps, independent initial noise, update before the first evaluation.
        alignment: 0 gives all levels one sigma; 1, the default, gives level i sigma · p^(i-N+1), so that noisy states
            nest. "paper" has 0, "independent" none.
        denoise_overlap: (crop [C, h, w], sigma, level) -> x0 [C, h, w], for "overlap_once": the denoiser on that part
            of `level` alone which the next deeper level covers.
        churn: 1 is the DDPM step, 0 the probability-flow ODE, 0.5 the default. "paper" has 1. Models that are distilled
            to few steps give samples, not means, and want math.inf, which draws all noise anew, and order 1.
        order: 1, or 2, the default, for steps that extrapolate from the last two estimates. "paper" has 1.
        sigma_data: standard deviation of the images: how strong "border" has to take the noise to be.
        wake_sigma: with alignment, a level below the widest is not evaluated before its own sigma is at most this many
            ``sigma_data``; until then it follows the level above. None, the default, evaluates all levels alike.
        noise: gives white noise [N, C, H, W] of the dtype of ``sigmas``, in place of the generator.
        callback: (step, common sigma, z, denoised) after every evaluation, before the step.

    Returns:
        Layers [N, C, H, W]; `render_images` of them is the finished stack.

    Raises:
        ValueError: for arguments outside these ranges.

    Source: Generative Powers of Ten, Algorithm 2 (method "paper"); scale-aligned noise and the wavefront are ours.

    >>> import torch
    >>> from zoomstack_core import ZoomGeometry, consistency_error, sample_joint
    >>> geometry = ZoomGeometry(levels=3, height=16, width=16, zoom_factor=2)
    >>> sigmas = torch.cat([torch.logspace(1, -2, 8), torch.zeros(1)])
    >>> def denoise(z, sigma, levels):  # the posterior mean of white pictures
    ...     return z / (1 + sigma.view(-1, 1, 1, 1) ** 2)
    >>> layers = sample_joint(denoise, geometry, sigmas, channels=3, generator=torch.Generator().manual_seed(0))
    >>> layers.shape, bool(consistency_error(layers, geometry) < 1e-5)
    (torch.Size([3, 3, 16, 16]), True)
    """
    method = OLD_NAMES.get(method, method)
    published = method == "paper"
    alignment = (0.0 if published else 1.0) if alignment is None else alignment
    churn = (1.0 if published else 0.5) if churn is None else churn
    order = (1 if published else 2) if order is None else order
    _check_sampling(sigmas, method, alignment, churn, order, denoise_overlap)
    _check_wake(wake_sigma, method, alignment)
    shape = geometry.levels, channels, geometry.height, geometry.width

    def white() -> Tensor:
        if noise is not None:
            return noise()
        return torch.randn(shape, generator=generator, dtype=sigmas.dtype, device=sigmas.device)

    if published:
        return _sample_paper(denoise, geometry, sigmas, white, callback)

    def evaluate(z: Tensor, sigma: Tensor, front: Front) -> Tensor:
        if not front.active:
            return z
        return _evaluate(denoise, z, sigma, torch.tensor(front.active, device=z.device))

    if method == "independent":
        return step_down(evaluate, common_ladder(geometry, sigmas), sigmas, white, churn, order, callback)
    ladder = common_ladder(geometry, sigmas)
    if alignment > 0 and geometry.levels > 1:
        wake = None if wake_sigma is None else wake_sigma * sigma_data
        limits = float(sigmas[0]), float(sigmas[-2])
        ladder = aligned_ladder(geometry, *limits, len(sigmas) - 1, alignment, wake_sigma=wake)
    joint: Joint
    if method == "overlap_once":
        assert denoise_overlap is not None, "checked above"
        overlap = OverlapStep(geometry, denoise_overlap)

        def joint(z: Tensor, sigma: Tensor, front: Front) -> Tensor:
            return overlap.joined(evaluate(z, sigma, front), z, sigma, front.active, front.waiting)
    else:
        blended = JointStep(geometry, method, sigma_data=sigma_data)

        def joint(z: Tensor, sigma: Tensor, front: Front) -> Tensor:
            estimates = evaluate(z, sigma, front)
            return blended(estimates, front.active, sigmas=sigma.tolist(), waiting=front.waiting)

    # a ring's noise is closed where all levels have the same; else level 0 is finished when the others need it
    nested = geometry if ladder.same_sigma else geometry.opened
    layers = step_down(joint, ladder, sigmas, lambda: render_noise(white(), nested), churn, order, callback)
    return render_images(layers, geometry)


def step_down(
    joint: Joint,
    ladder: NoiseLadder,
    like: Tensor,
    noise: Callable[[], Tensor],
    churn: float = 1.0,
    order: int = 1,
    callback: StepCallback | None = None,
) -> Tensor:
    """The sampler under every method but "paper": from pure noise down a ladder.

    Args:
        joint: (z of the active levels [n, C, H, W], their own sigmas [n], the front) -> estimates of all levels.
        ladder: the sigmas.
        like: a tensor of the dtype and device of the run.
        noise: gives unit noise of all levels, for the start and for every step.
        churn, order, callback: as in `sample_joint`.

    Returns:
        The last estimates [N, C, H, W].
    """
    ratios = torch.tensor(ladder.ratios, dtype=torch.float64, device="cpu").view(-1, 1, 1, 1)
    own = ratios * ladder.sigmas[0]
    # z is kept over max(own sigma, 1): the sigmas of levels that wait deep down exceed what float32 holds
    state = (own / own.clamp(min=1)).to(like) * noise()
    denoised = torch.zeros_like(state)
    last_ratio = 0.0
    for step, (sigma, sigma_next) in enumerate(zip(ladder.sigmas, ladder.sigmas[1:], strict=False)):
        front = ladder.front(sigma)
        chosen = rows_of(front.active)
        own = ratios * sigma
        scale, scale_next = own.clamp(min=1), (ratios * sigma_next).clamp(min=1)
        z = scale.to(like) * state
        previous, denoised = denoised, joint(z[chosen], own[chosen].flatten().to(like), front)
        if callback is not None:
            callback(step, sigma, z, denoised)
        ratio = sigma_next / sigma
        change = None
        if order == 2 and last_ratio > 0 and ratio > 0:
            change = (denoised - previous) * (math.log(ratio) / math.log(last_ratio)) / scale.to(like)
        fresh = (own / scale).to(like) * noise()
        state = ancestral_step(state, denoised / scale.to(like), 1.0, ratio, churn, fresh, change)
        state = (scale / scale_next).to(like) * state
        last_ratio = ratio
    return denoised


def ancestral_step(
    z: Tensor,
    denoised: Tensor,
    sigma: float,
    sigma_next: float,
    churn: float,
    noise: Tensor,
    change: Tensor | None = None,
) -> Tensor:
    """One step from sigma to sigma_next; churn 1 is the DDPM posterior, 0 the Euler step of the ODE.

    With churn math.inf it goes back to the estimate and noises that anew.

    Only the ratio of the sigmas enters, but for the factor of the noise: levels at other multiples of sigma take the
    same step when their noise is scaled by that multiple.

    With ``change``, how much the estimate is expected to change over the step, the step is of second order: the
    estimate is taken to move linearly in log sigma, and the step is exact for that; not for infinite churn.

    Source: for infinite churn the multistep sampling of consistency models, Song et al. 2023 (ComfyUI's "lcm"), for the
    second order DPM-Solver++(2M), Lu et al. 2022, with its multistep difference and any churn.
    """
    if churn == math.inf:
        return denoised + sigma_next * noise
    sigma_up = churn * sigma_next * math.sqrt(max(1 - (sigma_next / sigma) ** 2, 0.0))
    sigma_down = math.sqrt(max(sigma_next**2 - sigma_up**2, 0.0))
    kept = sigma_down / sigma
    if change is not None:
        denoised = denoised + change * (1 / (1 - kept) + 1 / math.log(kept))
    return denoised + kept * (z - denoised) + sigma_up * noise


def _sample_paper(
    denoise: Denoise,
    geometry: ZoomGeometry,
    sigmas: Tensor,
    white: Callable[[], Tensor],
    callback: StepCallback | None,
) -> Tensor:
    """Algorithm 2 line by line: L_T = 0, independent z_T; every update comes before the evaluation at its new sigma."""
    levels = torch.arange(geometry.levels, device=sigmas.device)
    z = sigmas[0] * white()
    layers = torch.zeros_like(z)
    for step, (sigma, sigma_next) in enumerate(zip(sigmas, sigmas[1:], strict=False)):
        images, noise = render_images(layers, geometry), render_noise(white(), geometry)
        z = ancestral_step(z, images, float(sigma), float(sigma_next), 1.0, noise)
        if sigma_next > 0:
            denoised = _evaluate(denoise, z, sigma_next.expand(geometry.levels), levels)
            layers = blend_levels(denoised, geometry, "laplacian")
            if callback is not None:
                callback(step, float(sigma_next), z, layers)
    return layers


def _evaluate(denoise: Denoise, z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
    denoised = denoise(z, sigma, levels)
    if denoised.shape != z.shape:
        raise ValueError(f"denoise must return x0 of shape {list(z.shape)}, got {list(denoised.shape)}")
    return denoised


def common_ladder(geometry: ZoomGeometry, sigmas: Tensor) -> NoiseLadder:
    """All levels at the same sigma, all active all the time."""
    values = tuple(float(sigma) for sigma in sigmas)
    return NoiseLadder((1.0,) * geometry.levels, values, values[0], math.inf, 1)


def _check_sampling(
    sigmas: Tensor, method: str, alignment: float, churn: float, order: int, denoise_overlap: DenoiseOverlap | None
) -> None:
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if not isinstance(sigmas, Tensor) or sigmas.ndim != 1 or len(sigmas) < 3 or not sigmas.is_floating_point():
        raise ValueError("sigmas must be a floating-point tensor [steps + 1] of at least 2 steps, ending in 0")
    if not torch.isfinite(sigmas).all() or sigmas[-1] != 0 or not (sigmas[:-1] > sigmas[1:]).all():
        raise ValueError(f"sigmas must decrease and end in 0, got {sigmas.tolist()}")
    if not 0 <= alignment <= 1:
        raise ValueError(f"alignment must lie in [0, 1], got {alignment}")
    if method == "paper" and alignment != 0:
        raise ValueError(f"method 'paper' gives all levels one sigma: it needs alignment 0, got {alignment}")
    if not (0 <= churn <= 1 or churn == math.inf):
        raise ValueError(f"churn must lie in [0, 1] or be infinite, got {churn}")
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, got {order!r}")
    if churn == math.inf and order != 1:
        raise ValueError("infinite churn forgets the last step: it needs order 1, got 2")
    if method == "paper" and (churn, order) != (1, 1):
        raise ValueError(f"method 'paper' takes DDPM steps: it needs churn 1 and order 1, got {churn} and {order}")
    if (method == "overlap_once") != (denoise_overlap is not None):
        raise ValueError(
            f"denoise_overlap belongs to method 'overlap_once', got method {method!r} "
            f"{'without' if denoise_overlap is None else 'with'} it"
        )


def _check_wake(wake_sigma: float | None, method: str, alignment: float) -> None:
    if wake_sigma is None:
        return
    if not wake_sigma > 0:
        raise ValueError(f"wake_sigma must be above 0 or None, got {wake_sigma}")
    if alignment == 0 or method == "independent":
        raise ValueError(f"wake_sigma needs aligned levels, got method {method!r} at alignment {alignment}")
