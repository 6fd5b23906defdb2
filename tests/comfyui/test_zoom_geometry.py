"""Zoom Geometry in real graphs: a factor and a focus per step through noise, blending, stack and video."""

from pathlib import Path
from typing import Any

import av
import comfy.sample
import numpy as np
import pytest
import torch
from harness import Host, NodeFailed, PromptRejected, call
from zoom_graphs import PROMPTS, Checkpoint, logged, sampling, zoom

# whole pixels of 16 × 16 levels, so that noisy states nest exactly
WHOLE = {"zoom_factors": "2, 4, 2", "focus": "0.25, 0.75\n0.5, 0.375\n0.75, 0.25"}
FRACTIONAL = {"zoom_factors": "1.7 2.6 1.3", "focus": "0.31, 0.77; 0.5, 0.4; 1, 0", "prefilter": "gaussian"}
LEVELS = 4


def nesting(host: Host, **inputs: Any) -> Any:
    (made,) = host.evaluate({"geometry": call("ZoomGeometry", **inputs)}, ["geometry", 0])
    return made


def sampled(host: Host, model: Any, checkpoint: Checkpoint, made: Any, **inputs: Any) -> torch.Tensor:
    """The levels of a run with a linked geometry."""
    prompts = checkpoint.schedule(*PROMPTS[:LEVELS]), checkpoint.encode("")
    graph = sampling(host, model, *prompts, checkpoint.empty(LEVELS, 16, 16), **inputs)
    graph["geometry"] = host.source(made)
    graph["zoom"]["inputs"]["geometry"] = ["geometry", 0]
    (result,) = host.evaluate(graph, ["zoom", 0])
    return result["samples"]


def error(host: Host, levels: torch.Tensor, made: Any) -> float:
    geometry = made.fit(len(levels), *levels.shape[-2:])
    return float(host.module("zoomstack_core.method.metrics").consistency_error(levels, geometry))


def test_what_the_text_says(host: Host) -> None:
    made = nesting(host, zoom_factors="2, 4", focus="0.1, 0.9\n0.5, 0.5", prefilter="gaussian")
    assert (made.zoom_factors, made.focus, made.prefilter) == ((2.0, 4.0), ((0.1, 0.9), (0.5, 0.5)), "gaussian")
    assert not made.closed
    assert nesting(host, zoom_factors="2", focus="0.5, 0.5", endless=True).closed


@pytest.mark.parametrize("family", ["eps", "flow"])
@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral"])
def test_aligned_states_nest_by_the_geometry(
    host: Host, request: pytest.FixtureRequest, family: str, sampler: str
) -> None:
    checkpoint: Checkpoint = request.getfixturevalue(family)
    made = nesting(host, **WHOLE)
    model, log = logged(checkpoint.model)
    result = sampled(host, model, checkpoint, made, sampler_name=sampler)
    assert max(error(host, denoised, made) for denoised in log.denoised) < 1e-6
    assert max(error(host, state.double(), made) for state in log.states) < 1e-5
    assert error(host, result, made) < 1e-6
    middle = host.module("zoomstack_core.geometry").ZoomGeometry(LEVELS, 16, 16)
    consistency_error = host.module("zoomstack_core.method.metrics").consistency_error
    assert consistency_error(log.states[0], middle) > 0.1


@pytest.mark.parametrize("alignment", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("blend", ["laplacian", "naive", "none"])
def test_estimates_agree_at_any_factor_and_focus(host: Host, eps: Checkpoint, blend: str, alignment: float) -> None:
    made = nesting(host, **FRACTIONAL)
    model, log = logged(eps.model)
    result = sampled(host, model, eps, made, blend=blend, alignment=alignment)
    assert max(error(host, denoised, made) for denoised in log.denoised) < 1e-6
    assert error(host, result, made) < 1e-6
    assert min(float(level.std()) for level in result) > 1e-3


def test_the_noise_is_rendered_by_the_geometry(host: Host, flow: Checkpoint) -> None:
    """At alignment 0 the first state is the noise that the host draws for this seed, rendered."""
    made = nesting(host, **FRACTIONAL)
    model, log = logged(flow.model)
    sampled(host, model, flow, made, alignment=0.0, sampler_name="euler", seed=5)
    white = comfy.sample.prepare_noise(torch.zeros(LEVELS, flow.channels, 16, 16), 5)
    expected = host.module("zoomstack_core.method.noise").render_noise(white, made.fit(LEVELS, 16, 16))
    torch.testing.assert_close(log.states[0] / log.states[0].std(), expected / expected.std())


def test_it_takes_the_place_of_the_widgets(host: Host, eps: Checkpoint) -> None:
    prompts = eps.schedule(*PROMPTS[:LEVELS]), eps.encode("")
    by_widgets = zoom(host, eps.model, *prompts, eps.empty(LEVELS, 16, 16), zoom_factor=1.7, focus_x=0.3, focus_y=0.6)
    for factors, points in (("1.7", "0.3, 0.6"), ("1.7 1.7 1.7", "0.3 0.6\n" * 3)):
        made = nesting(host, zoom_factors=factors, focus=points)
        result = sampled(host, eps.model, eps, made, zoom_factor=3.0, focus_x=0.9, focus_y=0.1)
        assert torch.equal(result, by_widgets)


def test_stack_and_video_follow_the_geometry(host: Host) -> None:
    """At constant speed, level i fills the frame when log of its magnification has its share of the whole."""
    images = torch.rand(LEVELS, 32, 32, 1, generator=torch.Generator().manual_seed(0)).expand(-1, -1, -1, 3)
    graph = {
        "images": host.source(images),
        "geometry": call("ZoomGeometry", **WHOLE),
        "stack": call("ZoomStack", images=["images", 0], zoom_factor=3.0, focus_x=0.9, geometry=["geometry", 0]),
        "video": call(
            "ZoomVideo",
            stack=["stack", 0],
            **{"seconds_per_level": 0.7, "fps": 10.0, "direction": "in", "easing": "none", "loop": False},
            **{"width": 32, "height": 32, "hold_start": 0.0, "hold_end": 0.0, "crf": 1.0},
        ),
    }
    stack, shown, video, made = host.evaluate(graph, ["stack", 0], ["stack", 1], ["video", 0], ["geometry", 0])
    assert stack.geometry == made.fit(LEVELS, 32, 32)
    assert error(host, shown.movedim(-1, 1), made) < 1e-6
    # level 1 stands in the lower left quarter of level 0
    torch.testing.assert_close(shown[0, 16:, :16], shown[1].unflatten(0, (16, 2)).unflatten(2, (16, 2)).mean((1, 3)))
    with av.open(str(Path(video.get_stream_source()))) as container:
        frames = [frame.to_ndarray(format="rgb24") / 255 for frame in container.decode(video=0)]
    assert len(frames) == 21  # 0.7 seconds for each of the three steps
    for level, doublings in enumerate((0, 1, 3, 4)):
        frame = frames[round(doublings / 4 * 20)]
        distances = [np.abs(frame - other.numpy()).mean() for other in shown]
        assert int(np.argmin(distances)) == level
        assert distances[level] < 0.35 * min(distances[:level] + distances[level + 1 :])


@pytest.mark.parametrize("node", ["Zoom KSampler", "Zoom Stack"])
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"zoom_factors": "2, 4"}, "geometry has 2 zoom factors for 4 levels; expected one for all steps, or 3"),
        ({"focus": "0, 0\n" * 4}, "geometry has 4 focus points for 4 levels; expected one for all steps, or 3"),
    ],
)
def test_another_number_of_steps_is_a_clear_error(
    host: Host, eps: Checkpoint, node: str, inputs: dict[str, str], message: str
) -> None:
    made = nesting(host, **{"zoom_factors": "2", "focus": "", **inputs})
    with pytest.raises(NodeFailed, match=f"ValueError: {node}: {message}"):
        if node == "Zoom KSampler":
            sampled(host, eps.model, eps, made)
        else:
            graph = {"images": host.source(torch.rand(4, 16, 16, 3)), "geometry": host.source(made)}
            graph["stack"] = call("ZoomStack", images=["images", 0], zoom_factor=2.0, geometry=["geometry", 0])
            host.evaluate(graph, ["stack", 1])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"zoom_factors": "2, two"}, "zoom_factors has 'two', which is no number"),
        ({"zoom_factors": "0.5"}, "zoom_factors has 0.5; expected one zoom factor above 1"),
        ({"zoom_factors": ""}, "zoom_factors is '', without a number"),
        ({"focus": "0.5"}, "focus has 1 numbers in the line '0.5'; expected points x, y"),
        ({"focus": "0.5, 2"}, "focus has the point 0.5, 2, which lies outside the image"),
    ],
)
def test_wrong_text_is_a_clear_error(host: Host, inputs: dict[str, str], message: str) -> None:
    with pytest.raises(NodeFailed, match=f"ZoomGeometry: ValueError: Zoom Geometry: {message}"):
        nesting(host, **{"zoom_factors": "2", "focus": "", **inputs})


def test_an_unknown_prefilter_is_refused(host: Host) -> None:
    with pytest.raises(PromptRejected, match="prefilter"):
        nesting(host, zoom_factors="2", focus="", prefilter="lanczos")
