"""Zoom Prompt Writer in real graphs: its instruction through the host's text generation, and the answer back."""

import re
from typing import Any

import pytest
import torch
from harness import Host, NodeFailed, Prompt, call


class Parrot:
    """In place of a text encoder that can write: answers an instruction, as the host's Generate Text asks it to."""

    def tokenize(self, text: str, **options: Any) -> str:
        return text

    def generate(self, tokens: str, **options: Any) -> torch.Tensor:
        return torch.frombuffer(bytearray(self.answer(tokens).encode()), dtype=torch.uint8)

    def decode(self, token_ids: torch.Tensor) -> str:
        return bytes(token_ids.tolist()).decode()

    @staticmethod
    def answer(instruction: str) -> str:
        (levels,) = re.findall(r"Answer with exactly (\d+) lines", instruction)
        (factor,) = re.findall(r"zoomed in by ([\d.]+)", instruction)
        lines = [f"{n}. **View {n}:** a forest, {float(factor) ** n:g} times larger" for n in range(int(levels))]
        return "Sure! Here are the prompts:\n\n" + "\n".join(lines) + "\n\nLet me know if you want more."


def graph(host: Host, **inputs: Any) -> Prompt:
    return {
        "writer": call("ZoomPromptWriter", **{"scene": "a forest", "levels": 4, "zoom_factor": 3.0, **inputs}),
        "parrot": host.source(Parrot()),
        "text": call(
            "TextGenerate",
            clip=["parrot", 0],
            prompt=["writer", 0],
            max_length=512,
            sampling_mode="off",
            thinking=False,
        ),
        "demo": call("ZoomDemoModel"),
        "schedule": call(
            "ZoomPromptSchedule", clip=["demo", 1], prompts=["text", 0], expected_levels=["writer", 1], prefix="photo"
        ),
    }


def test_a_model_writes_the_prompts(host: Host) -> None:
    positive, levels, answer = host.evaluate(graph(host), ["schedule", 0], ["schedule", 2], ["text", 0])
    assert levels == 4
    assert answer.startswith("Sure!")
    encoder = {"demo": call("ZoomDemoModel")}
    texts = [f"photo, a forest, {3**n} times larger" for n in range(4)]  # its labels are no part of the prompts
    encoder |= {text: call("CLIPTextEncode", clip=["demo", 1], text=text) for text in texts}
    expected = host.evaluate(encoder, *([text, 0] for text in texts))
    for entry, ((embedding, _),) in zip(positive, expected, strict=True):
        assert torch.equal(entry[0], embedding)


def test_too_few_levels_are_reported(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parrot, "answer", staticmethod(lambda instruction: "1. a forest\n2. a tree"))
    with pytest.raises(NodeFailed, match="Zoom Prompt Schedule: prompts has 2 levels, expected_levels is 4"):
        host.evaluate(graph(host), ["schedule", 0])


def test_it_knows_the_geometry(host: Host) -> None:
    prompt = graph(host, levels=3, geometry=["geometry", 0])
    prompt["geometry"] = call("ZoomGeometry", zoom_factors="2, 5", focus="0.9 0.1\n0.5 0.5")
    instruction, levels = host.evaluate(prompt, ["writer", 0], ["writer", 1])
    assert levels == 3
    assert "Level 2 shows the upper right part of level 1, 2 times larger." in instruction
    assert "Level 3 shows the middle of level 2, 5 times larger." in instruction


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"scene": " "}, "scene is empty"),
        ({"geometry": ["geometry", 0]}, "geometry has 2 zoom factors for 4 levels"),
    ],
)
def test_what_cannot_be_written_is_a_clear_error(host: Host, inputs: dict[str, Any], message: str) -> None:
    prompt = graph(host, **inputs)
    prompt["geometry"] = call("ZoomGeometry", zoom_factors="2, 5", focus="")
    with pytest.raises(NodeFailed, match=f"ZoomPromptWriter: ValueError: Zoom Prompt Writer: {message}"):
        host.evaluate(prompt, ["writer", 0])


@pytest.fixture
def draft(host: Host) -> Prompt:
    """The writer with the pictures and the prompts of a draft of three levels, and the answer of one that saw it."""
    return {
        "demo": call("ZoomDemoModel"),
        "first": call("ZoomPromptSchedule", clip=["demo", 1], prompts="a forest\na tree\na leaf"),
        "images": host.source(torch.rand(3, 32, 32, 3)),
        "geometry": call("ZoomGeometry", zoom_factors="3", focus="0.5, 0.5"),
        "writer": call(
            "ZoomPromptWriter",
            scene="a forest",
            levels=9,
            zoom_factor=2.0,
            geometry=["geometry", 0],
            images=["images", 0],
            prompts=["first", 3],
        ),
    }


def test_of_a_draft_it_asks_what_is_seen(host: Host, draft: Prompt) -> None:
    instruction, levels = host.evaluate(draft, ["writer", 0], ["writer", 1])
    assert levels == 3  # those of the draft, not of the widget
    for part in (
        "You see 3 pictures",
        "1. a forest\n2. a tree\n3. a leaf\n",
        "3 times larger",
        "JSON list of exactly 3",
    ):
        assert part in instruction


def test_pictures_or_prompts_alone_are_a_draft_too(host: Host, draft: Prompt) -> None:
    inputs = draft["writer"]["inputs"]
    prompts = inputs.pop("prompts")
    instruction, levels = host.evaluate(draft, ["writer", 0], ["writer", 1])
    assert levels == 3 and "You see 3 pictures" in instruction and "a tree" not in instruction
    del inputs["images"]
    inputs["prompts"] = prompts
    instruction, levels = host.evaluate(draft, ["writer", 0], ["writer", 1])
    assert levels == 3 and "You see" not in instruction and "2. a tree" in instruction


def test_a_draft_keeps_the_branches_of_its_prompts(host: Host, draft: Prompt) -> None:
    draft["first"]["inputs"]["prompts"] = "a forest\na tree\nfrom 1: a lake"
    (instruction,) = host.evaluate(draft, ["writer", 0])
    assert "Level 3 shows the right part of level 1, 3 times larger." in instruction
    assert "3. a lake" in instruction and "focus" not in instruction


@pytest.mark.parametrize(
    ("node", "inputs", "message"),
    [
        (
            "first",
            {"prompts": "a forest\na tree"},
            "images has 3 pictures for 2 prompts; expected one picture per level",
        ),
        ("writer", {"prompts": "# none"}, "prompts: expected at least one prompt"),
        ("geometry", {"zoom_factors": "2, 3, 4"}, "geometry has 3 zoom factors for 3 levels"),
    ],
)
def test_a_draft_that_does_not_fit_is_a_clear_error(
    host: Host, draft: Prompt, node: str, inputs: dict[str, Any], message: str
) -> None:
    draft[node]["inputs"] |= inputs
    with pytest.raises(NodeFailed, match=f"ZoomPromptWriter: ValueError: Zoom Prompt Writer: {message}"):
        host.evaluate(draft, ["writer", 0])
