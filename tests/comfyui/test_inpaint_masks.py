"""Inpaint masks: what they keep, and patches that change them step by step, at every level's own sigma."""

from typing import Any

import pytest
import torch
from harness import Host, call
from real_families import REAL_FAMILIES, write_real
from stock_levels import LEVELS, SIZE, TOLERANCE, compare, far_apart
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, zoom

STEPS = 4


@pytest.fixture(params=["eps", "flow"])
def checkpoint(request: pytest.FixtureRequest) -> Checkpoint:
    return request.getfixturevalue(request.param)


def start(c: Checkpoint, *, masks: bool = True) -> dict[str, Any]:
    """A LATENT of random levels, with soft masks: each keeps something else."""
    generator = torch.Generator().manual_seed(0)
    latent: dict[str, Any] = {"samples": 5 * torch.randn(LEVELS, c.channels, SIZE, SIZE, generator=generator)}
    if masks:
        latent["noise_mask"] = torch.rand(LEVELS, 1, SIZE, SIZE, generator=generator)
    return latent


def prompts(c: Checkpoint) -> tuple[Any, Any]:
    return [c.encode(text) for text in PROMPTS[:LEVELS]], [c.encode("")] * LEVELS


def differential(host: Host, model: Any, strength: float) -> Any:
    """The host's Differential Diffusion."""
    graph = {"model": host.source(model), "patch": call("DifferentialDiffusion", model=["model", 0], strength=strength)}
    return host.evaluate(graph, ["patch", 0])[0]


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_soft_masks_keep_a_part(host: Host, checkpoint: Checkpoint, alignment: float) -> None:
    run = {"latent": start(checkpoint), "steps": STEPS}
    error, result = compare(host, checkpoint, *prompts(checkpoint), alignment, **run)
    assert error < TOLERANCE
    run["latent"] = start(checkpoint, masks=False)
    without = compare(host, checkpoint, *prompts(checkpoint), alignment, **run)[1]
    assert (result - without).abs().max() > 0.1 * without.std()


@pytest.mark.parametrize("strength", [1.0, 0.6])
@pytest.mark.parametrize("alignment", [0.0, 0.7, 1.0])
def test_differential_diffusion_asks_every_levels_own_sigma(
    host: Host, checkpoint: Checkpoint, alignment: float, strength: float
) -> None:
    run = {"latent": start(checkpoint), "steps": STEPS}
    plain = compare(host, checkpoint, *prompts(checkpoint), alignment, **run)[1]
    model = differential(host, checkpoint.model, strength)
    error, result = compare(host, checkpoint, *prompts(checkpoint), alignment, model, **run)
    if alignment in (0.0, 1.0):  # between, the levels' steps are not those of a stock run
        assert error < TOLERANCE
    assert (result - plain).abs().max() > 0.1 * plain.std(), "it must matter"


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_differential_diffusion_changes_equal_levels_alike(host: Host, eps: Checkpoint, alignment: float) -> None:
    """Three equal latents, half masked: a stock run changes each about as much as the others."""
    one = torch.randn(1, 4, SIZE, SIZE, generator=torch.Generator().manual_seed(4))
    latent = {"samples": one.repeat(LEVELS, 1, 1, 1), "noise_mask": torch.full((LEVELS, 1, SIZE, SIZE), 0.5)}
    model = differential(host, eps.model, 1.0)
    factor, _ = far_apart(model, SIZE, STEPS)
    positive, negative = eps.encode("a"), eps.encode("")
    inputs = {"alignment": alignment, "steps": STEPS, "zoom_factor": factor}
    result = zoom(host, model, positive, negative, latent, **inputs)
    change = (result - latent["samples"]).square().mean((1, 2, 3)).sqrt()
    assert change.min() > 0.7 * change.max()


def test_a_patch_of_masks_sees_of_each_level_what_a_stock_run_shows(host: Host, checkpoint: Checkpoint) -> None:
    """Any pack's function: sigma, sigmas and model are those of one level."""
    seen: list[tuple[float, list[float], Any, Tensor]] = []

    def note(sigma: Tensor, denoise_mask: Tensor, extra_options: dict[str, Any]) -> Tensor:
        sampling = extra_options["model"].inner_model.model_sampling
        assert sigma.shape == (len(denoise_mask),)
        seen.append((float(sigma[0]), [round(float(s), 4) for s in extra_options["sigmas"]], sampling, denoise_mask))
        return denoise_mask

    model = checkpoint.model.clone()
    model.set_model_denoise_mask_function(note)
    _, own = far_apart(model, SIZE, STEPS)
    compare(host, checkpoint, *prompts(checkpoint), 1.0, model, latent=start(checkpoint), steps=STEPS)
    stock, ours = seen[: LEVELS * STEPS], seen[LEVELS * STEPS :]
    schedule = [round(float(sigma), 4) for sigma in own]
    assert all(call[1] == pytest.approx(schedule, rel=1e-3) for call in (*stock, *ours))
    assert {call[2] for call in ours} == {call[2] for call in stock}, "the model's own terms"
    for level in range(LEVELS):
        sigmas = list(dict.fromkeys(round(call[0], 4) for call in ours[level::LEVELS]))
        assert sigmas == pytest.approx(schedule[:-1], rel=1e-3), "each of its steps, in order"


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("name", ["wan", "wan22"])
def test_what_a_video_model_keeps(host: Host, name: str, alignment: float) -> None:
    """Wan 2.2 is shown the kept part without noise, Wan 2.1 with each level's own."""
    family = REAL_FAMILIES[name]
    loader = call("CheckpointLoaderSimple", ckpt_name=write_real(name, host.base / "models"))
    (model,) = host.evaluate({"loader": loader}, ["loader", 0])
    positive, negative = [family.prompt(i, 7) for i in range(LEVELS)], [family.prompt(9, 8)] * LEVELS
    generator = torch.Generator().manual_seed(0)
    latent = {
        "samples": torch.randn(LEVELS, *family.shape, generator=generator),
        "noise_mask": torch.rand(LEVELS, 1, *family.shape[-2:], generator=generator).round(),
    }
    # the host's stock run takes masks without frames for those of one level
    stock = {**latent, "noise_mask": latent["noise_mask"].unsqueeze(1)}
    run = {"model": model}
    error, result = compare(host, family, positive, negative, alignment, latent=stock, **run)
    assert error < TOLERANCE
    flat = compare(host, family, positive, negative, alignment, latent=latent, **run)[1]
    assert torch.equal(flat, result), "masks of pictures, one per level"
