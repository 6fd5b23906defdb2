"""Prompts in JSON: where a literal is found in a text, and which parts of it are prompts."""

import json

import pytest

from zoomstack_core.prompts.json_text import read_json_prompts
from zoomstack_core.prompts.schedule import is_broken_list

TWO = ["a galaxy", "a [bright] star"]


@pytest.mark.parametrize(
    "value",
    [
        TWO,
        {"prompts": TWO},
        {"zoom": 2, "levels": TWO, "style": "photo"},
        {"data": {"prompts": TWO}},
        dict(enumerate(TWO)),
        {"Level 1": TWO[0], "note": "x", "Level 2": TWO[1]},
        [{"prompt": text} for text in TWO],
        [{"name": "x", "text": text, "style": "photo"} for text in TWO],
        [{"context": "x", "image_prompt": text} for text in TWO],
        [{"negativePrompt": "x", "positivePrompt": text} for text in TWO],
        [{"scale": 4, "whatever": text} for text in TWO],
        [TWO[0], {"prompt": TWO[1]}],
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_shapes_of_json(value: object) -> None:
    text = json.dumps(value, indent=1)
    for body in (text, repr(value), f"Here it is:\n\n{text}\n\nDone.", f"A note (1).\nThen:\n{text}"):
        found = read_json_prompts(body)
        assert found and [entry.prompt for entry in found.entries] == TWO


@pytest.mark.parametrize(
    "body",
    [
        "",
        "a galaxy",
        "[a] b [c]",
        "[galaxy:planet:0.5]",
        "{red|blue} planet",
        "a list: ['a', 'b'] of two",
        "[a\nb]",
        "[",
    ],
)
def test_other_text_is_left_to_the_lines(body: str) -> None:
    assert read_json_prompts(body) is None


@pytest.mark.parametrize("literal", ['["a"]', "[1, 2]", '[["a"], ["b"]]', '[{"a": 1}]'])
def test_a_line_in_brackets_is_no_list_of_prompts(literal: str) -> None:
    assert read_json_prompts(f"a galaxy\n{literal}\na star") is None


@pytest.mark.parametrize(
    "body", ["[1]", '["a", null]', '[{"prompt": 1}]', '[{"a": "b", "c": "d"}]', '{"prompts": [1]}']
)
def test_a_list_of_other_things_is_an_error(body: str) -> None:
    with pytest.raises(ValueError, match="expected a list of strings, one per level, or of objects that each have"):
        read_json_prompts(body)


@pytest.mark.parametrize(
    "text",
    [
        '{"prompts": ["a galaxy", }',
        '["a galaxy", "a star"',
        '```json\n{"prompts": ["a galaxy", "a star"}\n```',
        "<think>hm</think>{'level_1': 'a galaxy', 'level_2'}",
        '[{"prompt": "a galaxy"}, {"prompt": "a star"]',
    ],
)
def test_a_broken_list_is_known(text: str) -> None:
    assert is_broken_list(text)


@pytest.mark.parametrize(
    "text",
    [
        "a galaxy",
        "[galaxy:planet:0.5]",
        "{'a'}",
        "{red|blue} planet",
        '"Exodus": a planet',
        '["a", "b"]',
        '{"1": "a"}',
        "",
    ],
)
def test_other_text_is_no_broken_list(text: str) -> None:
    assert not is_broken_list(text)
