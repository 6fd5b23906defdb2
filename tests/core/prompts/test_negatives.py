"""What a text says to avoid: for which levels it counts, and that none of it is lost."""

import json

import pytest

from zoomstack_core.prompts.schedule import parse_schedule

THREE = ["a galaxy", "a star", "a planet"]
ONE_AND_TWO = ["x", "y", ""]
ALL = ["x"] * 3

# Lines "--neg …" of their own: of the prompt above.
LONE_MARKS = {
    "lines": ("a galaxy\n--neg x\na star\n--neg y\na planet", ONE_AND_TWO),
    "after a blank line": ("a galaxy\n\n--neg x\n\na star\n--neg  y \n\na planet\n", ONE_AND_TWO),
    "numbers": ("1. a galaxy\n   --neg x\n2. a star\n   --neg y\n3. a planet", ONE_AND_TWO),
    "the last of numbers": ("1. a galaxy\n2. a star\n3. a planet\n--neg z", ["", "", "z"]),
    "bullets and talk": ("Sure!\n\n- a galaxy\n--neg x\n- a star\n--neg y\n- a planet\n\nEnjoy them!", ONE_AND_TWO),
    "two lines": ("a galaxy\n--neg x\n--neg y\na star\na planet", ["x, y", "", ""]),
    "a mark in the prompt, too": ("a galaxy --neg x\n--neg y\na star\na planet", ["x, y", "", ""]),
    "nothing behind it": ("a galaxy\n--neg\na star\na planet", []),
    "a list": (json.dumps(["a galaxy", "--neg x", "a star", "--neg y", "a planet"]), ONE_AND_TWO),
    "keyframes": (json.dumps({"0": "a galaxy", "1": "--neg x", "2": "a star", "3": "a planet"}), ["x", "", ""]),
    "a list with one for all": (json.dumps({"negative": "z", "prompts": [*THREE, "--neg y"]}), ["z", "z", "y"]),
}

# Lines "Negative prompt: …".
LINES = {
    "below the first prompt": ("a galaxy\nNegative prompt: x\na star\na planet", ["x", "", ""]),
    "below two prompts": ("a galaxy\nNegative prompt: x\na star\nNegative prompt: y\na planet", ONE_AND_TWO),
    "below the last one alone": ("a galaxy\na star\na planet\nNegative prompt: x", ALL),
    "apart at the end": ("a galaxy\na star\na planet\n\nNegative prompt: x", ALL),
    "before the list": ("Negative prompt: x\n\na galaxy\na star\na planet", ALL),
    "after a greeting": ("Here are the prompts:\nNegative prompt: x\n\n1. a galaxy\n2. a star\n3. a planet", ALL),
    "at the end, and talk": ("1. a galaxy\n2. a star\n3. a planet\n\nNegative prompt: x\n\nEnjoy the zoom!", ALL),
    "two lines at the end": ("a galaxy\na star\na planet\nNegative prompt: x\nNegative prompt: y", ["x, y"] * 3),
    "before the list, and one's own": ("Negative prompt: x\na galaxy\na star\nNegative: y\na planet", ["x", "y", "x"]),
    "one's own, and apart at the end": (
        "a galaxy\nNegative: y\na star\na planet\nNegative: z\n\nNegative prompt: x",
        ["y", "x", "z"],
    ),
    "each one's own, all apart": (
        "a galaxy\n\nNegative: x\n\na star\n\nNegative: y\n\na planet\n\nNegative: z",
        ["x", "y", "z"],
    ),
    "each one's own, with numbers": (
        "1. a galaxy\n   Negative: x\n2. a star\n   **Negative prompt:** y\n3. a planet\n   Negative: z",
        ["x", "y", "z"],
    ),
    "records": (
        "Prompt: a galaxy\nNegative prompt: x\n\nPrompt: a star\nNegative prompt: y\n\nPrompt: a planet",
        ONE_AND_TWO,
    ),
    "records, one at the end": ("Prompt: a galaxy\nPrompt: a star\nPrompt: a planet\n\nNegative prompt: x", ALL),
    "records, one before them": ("Negative prompt: x\nPrompt: a galaxy\nPrompt: a star\nPrompt: a planet", ALL),
    "as YAML names it": ("negative_prompt: x\nprompts:\n  - a galaxy\n  - a star\n  - a planet", ALL),
    "another name of it": ("negPrompt: x\na galaxy\na star\na planet", ALL),
}


@pytest.mark.parametrize("name", LONE_MARKS)
def test_a_mark_on_a_line_of_its_own(name: str) -> None:
    text, negatives = LONE_MARKS[name]
    assert parse_schedule(text)[:3] == (THREE, negatives, None)


@pytest.mark.parametrize("name", LINES)
def test_lines_count_for_their_level_or_for_all(name: str) -> None:
    text, negatives = LINES[name]
    assert parse_schedule(text)[:3] == (THREE, negatives, None)


@pytest.mark.parametrize(
    "text", ["--neg x\na", "# note\n--neg x", "Here are the prompts:\n--neg x\na", '["--neg x", "a"]']
)
def test_a_mark_before_the_first_prompt_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="--neg x stands before the first prompt; expected it behind the prompt"):
        parse_schedule(text)


@pytest.mark.parametrize("prompt", ["--negative space", "a--neg x", "Negative space: a vase", "neg: x"])
def test_what_is_no_mark_stays(prompt: str) -> None:
    assert parse_schedule(prompt)[:3] == ([prompt], [], None)
