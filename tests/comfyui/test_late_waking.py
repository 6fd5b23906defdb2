"""Late waking on the host: which evaluations are left out, by which levels, and that nothing else changes."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from custom_sampling import custom_sampling
from harness import Host, call
from test_ksampler_advanced import advanced
from test_level_sigmas import by_level, prompts
from test_zoom_hold_levels import hold
from test_zoom_photo_anchor import anchors
from torch import Tensor
from zoom_graphs import Checkpoint, load, logged, model_calls, sampling, zoom

STEPS, LEVELS, WAKE = 12, 4, 3.0
DEVIATION = {"eps": 1.0, "v": 1.0, "flow": 1.0, "tiny_pixel": 0.5}
Sigmas = list[list[float]]


@pytest.fixture(scope="session")
def tiny_pixel(host: Host) -> Checkpoint:
    return load(host, "tiny_pixel")


@pytest.fixture(params=DEVIATION)
def family(request: pytest.FixtureRequest) -> tuple[Checkpoint, float]:
    """A checkpoint, and the standard deviation that its latents are taken to have."""
    return request.getfixturevalue(request.param), DEVIATION[request.param]


def waking_at(host: Host, sigma: float) -> Any:
    """What Zoom Multi-Res Blend gives."""
    widgets = {"mode": "laplacian", "space": "latent", "start_percent": 0.0, "end_percent": 1.0, "every": 1}
    return host.evaluate({"blend": call("ZoomMultiResBlend", **widgets, wake_sigma=sigma)}, ["blend", 0])[0]


def evaluated(
    host: Host, checkpoint: Checkpoint, wake: float | None, latent: Any = None, **inputs: Any
) -> tuple[Tensor, Sigmas]:
    """The latents, and per level the sigmas (VE) at which the network saw it."""
    size = 32 if "anchors" in inputs else 8
    inputs = {"steps": STEPS, "cfg": 1.0, "zoom_factor": 2.0, "scheduler": "exponential", **inputs}
    inputs["blend_options"] = None if wake is None else waking_at(host, wake)
    run = checkpoint.model, checkpoint.schedule(*prompts(LEVELS)), checkpoint.encode("")
    with model_calls() as calls:
        result = zoom(host, *run, latent or checkpoint.empty(LEVELS, size, size), **inputs)
    return result, [[sigma for sigma, _ in states] for states in by_level(checkpoint, calls, LEVELS)]


def left_out(every: list[float], lowest: float) -> list[float]:
    """Of a level's sigmas, those before the last one at or above ``lowest``."""
    return every[: max(sum(sigma >= lowest for sigma in every) - 1, 0)]


def as_before(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ladder without late waking, whatever is asked for."""
    ladder = host.module("zoomstack_core.method.ladder").NoiseLadder
    monkeypatch.setattr(ladder, "late", lambda self, *_: self)


@pytest.mark.parametrize("sampler", ["heun", "dpmpp_2m_sde"])
def test_at_0_no_bit_changes(
    host: Host, monkeypatch: pytest.MonkeyPatch, family: tuple[Checkpoint, float], sampler: str
) -> None:
    off, sigmas = evaluated(host, family[0], 0.0, sampler_name=sampler)
    with monkeypatch.context() as patched:
        as_before(host, patched)
        before, expected = evaluated(host, family[0], WAKE, sampler_name=sampler)
    assert torch.equal(off, before) and sigmas == expected
    assert not torch.equal(off, evaluated(host, family[0], WAKE, sampler_name=sampler)[0])


@pytest.mark.parametrize("alignment", [0.5, 1.0])
@pytest.mark.parametrize("wake", [WAKE, 0.2])
def test_deep_levels_leave_out_the_steps_above_it_and_no_others(
    host: Host, family: tuple[Checkpoint, float], alignment: float, wake: float
) -> None:
    checkpoint, deviation = family
    _, every = evaluated(host, checkpoint, 0.0, alignment=alignment)
    _, late = evaluated(host, checkpoint, wake, alignment=alignment)
    assert late[0] == every[0] and len(every[0]) == STEPS
    for before, now in zip(every[1:], late[1:], strict=True):
        skipped = left_out(before, wake * deviation)
        assert skipped and now == before[len(skipped) :]


def test_the_default_leaves_out_what_is_far_above_every_picture(host: Host, flow: Checkpoint, eps: Checkpoint) -> None:
    """Of a flow model's 99 to 0.003; EPS models end at 14.6, where nothing is to be left out."""
    inputs = {"blend": "laplacian", "steps": 30}
    result, sigmas = evaluated(host, flow, None, **inputs)
    _, every = evaluated(host, flow, 0.0, **inputs)
    assert [len(own) for own in sigmas] == [
        len(own) - len(left_out(own, 48.0)) * (n > 0) for n, own in enumerate(every)
    ]
    assert sum(map(len, sigmas)) < sum(map(len, every))
    assert torch.equal(result, evaluated(host, flow, 48.0, **inputs)[0])
    assert torch.equal(evaluated(host, eps, None)[0], evaluated(host, eps, 0.0)[0])


def test_below_the_last_sigma_it_leaves_the_end_of_every_level(host: Host, checkpoint: Checkpoint) -> None:
    result, sigmas = evaluated(host, checkpoint, 0.001)
    assert len(sigmas[0]) == STEPS and all(1 <= len(own) <= 2 for own in sigmas[1:])
    assert torch.isfinite(result).all()


@pytest.mark.parametrize("steps", [2, 4, 8])
def test_no_level_of_few_steps_begins_below_it(host: Host, flow: Checkpoint, steps: int) -> None:
    """Half a step is a factor of two and more then."""
    _, every = evaluated(host, flow, 0.0, steps=steps, zoom_factor=4.0)
    _, sigmas = evaluated(host, flow, None, steps=steps, zoom_factor=4.0)
    assert all(own[0] >= 48.0 or own == before for own, before in zip(sigmas, every, strict=True))


@pytest.mark.parametrize("wake", [WAKE, 0.0])
def test_with_one_step_every_level_takes_it(host: Host, flow: Checkpoint, wake: float) -> None:
    _, sigmas = evaluated(host, flow, wake, steps=1)
    assert [len(own) for own in sigmas] == [1] * LEVELS


def test_levels_with_one_sigma_ignore_it(host: Host, checkpoint: Checkpoint) -> None:
    late, every = (evaluated(host, checkpoint, wake, alignment=0.0) for wake in (WAKE, 0.0))
    assert torch.equal(late[0], every[0]) and late[1] == every[1]


@pytest.mark.parametrize("known", [0, 1, 3])
def test_levels_down_to_a_photo_wake_at_once(host: Host, tiny_pixel: Checkpoint, known: int) -> None:
    photos = anchors(host, (torch.rand(1, 32, 32, 3), {"level": known + 1}))
    _, sigmas = evaluated(host, tiny_pixel, WAKE, anchors=photos)
    assert [len(own) == STEPS for own in sigmas] == [level <= known for level in range(LEVELS)]


@pytest.mark.parametrize(
    ("held", "deeper", "wider", "at_once"),
    [("all", 2, 0, [0, 1]), ("1", 2, 0, [0]), ("2", 2, 0, [0, 1]), ("all", 0, 2, [0, 1, 2, 3])],
)
def test_levels_down_to_a_held_one_wake_at_once(
    host: Host, eps: Checkpoint, held: str, deeper: int, wider: int, at_once: list[int]
) -> None:
    """Held ones are not looked at: they are evaluated only between others."""
    stack, _ = evaluated(host, eps, 0.0)
    given = hold(host, {"samples": stack[1:3]}, held, deeper, wider)
    _, sigmas = evaluated(host, eps, WAKE, given)
    for level, own in enumerate(sigmas):
        if not given["zoom_held"][level]:
            assert own and (len(own) == STEPS) == (level in at_once), level


@pytest.mark.parametrize("middle", [3, 8])
def test_two_parts_are_the_whole(host: Host, family: tuple[Checkpoint, float], middle: int) -> None:
    """A level wakes at the same step, in whichever part that is."""
    checkpoint, _ = family
    run = host, checkpoint, checkpoint.model
    options = waking_at(host, WAKE)

    def part(latent: Any, **inputs: Any) -> tuple[Tensor, Sigmas]:
        with model_calls() as calls:
            widgets = {"steps": STEPS, "zoom_factor": 2.0, "cfg": 1.0, "scheduler": "exponential", **inputs}
            result, _ = advanced(*run, latent, 3, **widgets, blend_options=options)
        return result, sorted(float(sigma) for one in calls for sigma in one.sigma)

    whole, sigmas = part(checkpoint.empty(3))
    first, begin = part(checkpoint.empty(3), end_at_step=middle, return_with_leftover_noise="enable")
    both, rest = part({"samples": first}, start_at_step=middle, add_noise="disable")
    assert float((both - whole).abs().max()) < 3e-4 * float(whole.std())
    assert sorted([*begin, *rest]) == pytest.approx(sigmas, rel=1e-4)
    assert len(sigmas) < 3 * STEPS


@pytest.mark.parametrize("wake", [0.0, WAKE])
def test_zoom_guider_takes_it_too(host: Host, flow: Checkpoint, wake: float) -> None:
    graph = custom_sampling(host, flow, flow.model, 3, steps=STEPS)
    graph["options"] = host.source(waking_at(host, wake))
    graph["guider"]["inputs"]["blend_options"] = ["options", 0]
    with model_calls() as calls:
        (result,) = host.evaluate(graph, ["run", 0])
    run = flow.model, graph_conditioning(host, graph, "positive"), graph_conditioning(host, graph, "negative")
    inputs = {"steps": STEPS, "seed": 5, "scheduler": "exponential", "blend_options": waking_at(host, wake)}
    with model_calls() as expected_calls:
        expected = zoom(host, *run, flow.empty(3), **inputs)
    torch.testing.assert_close(result["samples"], expected, atol=1e-4 * float(expected.std()), rtol=0)
    assert [len(one.x) for one in calls] == [len(one.x) for one in expected_calls]


def graph_conditioning(host: Host, graph: dict[str, Any], name: str) -> Any:
    return host.evaluate({name: graph[name]}, [name, 0])[0]


def test_a_level_that_waits_shows_what_the_level_above_does(host: Host, checkpoint: Checkpoint) -> None:
    """In every answer that the sampler gets before the level wakes, and so in the preview."""
    model, log = logged(checkpoint.model)
    run = checkpoint.schedule(*prompts(LEVELS)), checkpoint.encode("")
    inputs = {"steps": STEPS, "cfg": 1.0, "scheduler": "exponential", "blend_options": waking_at(host, WAKE)}
    with model_calls() as calls:
        zoom(host, model, *run, checkpoint.empty(LEVELS), **inputs)
    sigmas = by_level(checkpoint, calls, LEVELS)
    fill: Callable[..., None] = host.module("zoomstack_core.method.joint_step").fill_waiting
    geometry = host.module("zoomstack_core.geometry").ZoomGeometry(LEVELS, 8, 8)
    waited = 0
    for sigma, answer in zip(log.sigmas, log.denoised, strict=True):
        for level in range(1, LEVELS):
            own = sigma * 2.0 ** (level + 1 - LEVELS)
            if own > sigmas[level][0][0] * 1.001 and own < 100:
                filled = answer.clone()
                fill(filled, geometry, [level])
                torch.testing.assert_close(answer[level], filled[level], atol=1e-5, rtol=1e-5)
                waited += 1
    assert waited >= 6


@pytest.mark.parametrize("family_name", ["eps", "flow"])
def test_one_level_is_the_hosts(host: Host, request: pytest.FixtureRequest, family_name: str) -> None:
    checkpoint: Checkpoint = request.getfixturevalue(family_name)
    run = checkpoint.model, checkpoint.encode("x"), checkpoint.encode(""), checkpoint.empty(1)
    graph = sampling(host, *run, steps=STEPS, blend_options=waking_at(host, WAKE))
    ours, stock = host.evaluate(graph, ["zoom", 0], ["stock", 0])
    assert torch.equal(ours["samples"], stock["samples"])


def test_the_end_of_a_schedule_below_it_is_taken_whole(host: Host, flow: Checkpoint) -> None:
    """Denoise 0.5 of a flow at shift 3 begins at time 0.75, a sigma of 3."""
    latent = {"samples": 0.1 * torch.ones(LEVELS, flow.channels, 8, 8)}
    part = {"denoise": 0.5, "scheduler": "normal"}
    late, every = (evaluated(host, flow, wake, latent, **part) for wake in (48.0, 0.0))
    assert torch.equal(late[0], every[0]) and late[1] == every[1]
    assert math.isclose(every[1][0][0], 3.0, rel_tol=0.1)
