"""A draft, a language model that sees it, and the final zoom: through the host's own Generate Text and its models."""

import json
from typing import Any

import pytest
import torch
from harness import Host, NodeFailed, Prompt, call
from tiny_language_models import FAMILIES, pictures_seen, recite

LEVELS = 3
LINES = ["a blue galaxy", "a yellow sun", "an ocean planet"]
POINTS = [(300, 700), (640, 410), None]
ANSWER = "I looked at all of them.\n\n```json\n{}\n```\nThe sun is left of the middle."


def answer(lines: list[str], points: list[Any] = POINTS) -> str:
    objects = [
        {"level": n, "seen": f"“{line}” – é", "prompt": line, "focus": point and dict(zip("xy", point, strict=True))}
        for n, (line, point) in enumerate(zip(lines, points, strict=True), 1)
    ]
    return ANSWER.format(json.dumps(objects, indent=1, ensure_ascii=False))


def directed(clip: dict[str, Any]) -> Prompt:
    """draft -> see -> final, as the template has it, on the demo model and in few steps."""
    latent = call("EmptyLatentImage", width=64, height=64, batch_size=1)
    sampling = {
        **{"model": ["demo", 0], "latent_image": ["latent", 0], "seed": 1, "cfg": 1.0, "sampler_name": "euler"},
        **{"scheduler": "exponential", "denoise": 1.0, "zoom_factor": 2.0, "alignment": 1.0, "blend": "laplacian"},
    }

    def sampler(prompts: str, steps: int, **more: Any) -> dict[str, Any]:
        return call("ZoomKSampler", **sampling, positive=[prompts, 0], negative=[prompts, 1], steps=steps, **more)

    return {
        "demo": call("ZoomDemoModel"),
        "latent": latent,
        "first": call("ZoomPromptSchedule", clip=["demo", 1], prompts="a blue galaxy\na cat\na planet"),
        "draft": sampler("first", 2),
        "pictures": call("VAEDecode", samples=["draft", 0], vae=["demo", 2]),
        "writer": call(
            "ZoomPromptWriter",
            **{"scene": "from a galaxy to a planet", "levels": 9, "zoom_factor": 2.0},
            **{"geometry": ["draft", 1], "images": ["pictures", 0], "prompts": ["first", 3]},
        ),
        "reader": clip,
        "text": call(
            "TextGenerate",
            **{"clip": ["reader", 0], "prompt": ["writer", 0], "image": ["pictures", 0], "max_length": 600},
            **{"sampling_mode": "off", "thinking": False},
        ),
        "second": call(
            "ZoomPromptSchedule",
            **{"clip": ["demo", 1], "prompts": ["text", 0], "expected_levels": ["writer", 1], "geometry": ["draft", 1]},
        ),
        "final": sampler("second", 3, geometry=["second", 4]),
    }


@pytest.fixture(params=FAMILIES)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    return FAMILIES[request.param](monkeypatch)


def test_a_draft_is_seen_and_the_final_zoom_goes_where_the_answer_says(
    host: Host, reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recite(reader, answer(LINES), monkeypatch)
    seen = pictures_seen(reader, monkeypatch)
    prompt = directed(host.source(reader))
    text, prompts, geometry, used, latent, pictures = host.evaluate(
        prompt, ["text", 0], ["second", 3], ["second", 4], ["final", 1], ["final", 0], ["pictures", 0]
    )
    assert "“a yellow sun” – é" in text
    assert prompts.splitlines() == LINES
    assert geometry.zoom_factors == (2.0, 2.0)
    assert geometry.focus == ((0.3, 0.7), (0.64, 0.41))
    assert used == geometry
    assert latent["samples"].shape[0] == LEVELS and torch.isfinite(latent["samples"]).all()
    assert len(seen) == LEVELS
    for shown, picture in zip(seen, pictures, strict=True):  # in the order of the levels; Gemma's are resized
        assert torch.allclose(shown.flatten(0, -2).mean(0), picture.flatten(0, -2).mean(0), atol=0.02)


def test_what_random_weights_write_is_read_or_a_clear_error(host: Host, reader: Any) -> None:
    prompt = directed(host.source(reader))
    prompt["text"]["inputs"]["max_length"] = 24
    del prompt["final"]
    (text,) = host.evaluate(prompt, ["text", 0])
    assert isinstance(text, str)
    with pytest.raises(NodeFailed, match="Zoom Prompt Schedule: (prompts has|prompts: expected)"):
        host.evaluate(prompt, ["second", 0])


def test_an_answer_that_was_cut_off_is_a_clear_error(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = FAMILIES["Qwen3.5"](monkeypatch)
    recite(reader, answer(LINES), monkeypatch)
    prompt = directed(host.source(reader))
    prompt["text"]["inputs"]["max_length"] = 60
    with pytest.raises(NodeFailed, match="prompts has .* levels, expected_levels is 3"):
        host.evaluate(prompt, ["second", 0])
