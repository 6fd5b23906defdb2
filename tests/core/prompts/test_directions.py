"""Answers of models that have seen a draft, in every shape: prompts, and where the zoom goes on from each level."""

import json

import pytest

from zoomstack_core.nesting import Nesting
from zoomstack_core.prompts.directions import Directions, read_directions, split_directions, with_directions
from zoomstack_core.prompts.schedule import parse_schedule

PROMPTS = [
    "a spiral galaxy, a yellow star off its middle",
    "a yellow star with one planet",
    "an ocean planet, close up",
]
FOCUS = ((0.4, 0.6), (0.55, 0.35), None)
FACTORS = (2.0, 3.0, None)
SEEN = ["a blue galaxy. The star is at the left", "a star: bright, with a ring", "water and clouds"]

_POINTS = [[400, 600], [550, 350], None]
_OBJECTS = [
    {"level": n, "seen": seen, "prompt": prompt, "focus": point and dict(zip("xy", point, strict=True)), "factor": p}
    for n, (seen, prompt, point, p) in enumerate(zip(SEEN, PROMPTS, _POINTS, FACTORS, strict=True), 1)
]
_AS_LISTS = [{**entry, "focus": point} for entry, point in zip(_OBJECTS, _POINTS, strict=True)]
_JSON = json.dumps(_OBJECTS)
_ROWS = list(zip(SEEN, PROMPTS, ("0.4, 0.6", "0.55, 0.35", "-"), ("2", "3x", "n/a"), strict=True))


def _lines(form: str, point: str = "{0}, {1}") -> str:
    """One text per level, with points as fractions; the last level has none."""
    points = ["0.4", "0.6"], ["0.55", "0.35"]
    texts = [
        form.format(n=n, seen=seen, prompt=prompt, focus=point.format(*at), factor=p)
        for n, (seen, prompt, at, p) in enumerate(zip(SEEN, PROMPTS, points, ("2", "3"), strict=False), 1)
    ]
    return "\n".join([*texts, form.format(n=3, seen=SEEN[2], prompt=PROMPTS[2], focus="none", factor="none")])


ANSWERS = {
    "JSON as it is asked for": _JSON,
    "indented, in a code block with talk around": "Here is what I see:\n\n```json\n"
    f"{json.dumps(_OBJECTS, indent=2)}\n```\n"
    "I moved the focus to the star.",
    "after thoughts that hold a list of their own": f"<think>\n1. a star\n2. {_JSON}\n</think>\n\n{_JSON}",
    "without a block, with talk around": f"Sure! Here is the list:\n{_JSON}\nLet me know if it helps.",
    "points as lists": json.dumps(_AS_LISTS),
    "one object per line": "\n".join(map(json.dumps, _OBJECTS)),
    "objects with commas, without brackets": ",\n".join(map(json.dumps, _OBJECTS)),
    "by level": json.dumps({f"level_{n}": entry for n, entry in enumerate(_OBJECTS, 1)}),
    "inside of an object": json.dumps({"analysis": "The star is not in the middle.", "levels": _OBJECTS}),
    "lists beside each other": json.dumps(
        {"prompts": PROMPTS, "focus": _POINTS[:2], "factors": None, "factor": [2, 3]}
    ),
    "fractions": json.dumps(
        [{**e, "focus": p and [v / 1000 for v in p]} for e, p in zip(_OBJECTS, _POINTS, strict=True)]
    ),
    "percent in words": json.dumps(
        [{**e, "focus": p and f"{p[0] / 10:g}%, {p[1] / 10:g}%"} for e, p in zip(_OBJECTS, _POINTS, strict=True)]
    ),
    "percent without its sign": json.dumps(
        [{**e, "focus": p and [v / 10 for v in p]} for e, p in zip(_OBJECTS, _POINTS, strict=True)]
    ),
    "the last level, too": json.dumps([*_OBJECTS[:2], {**_OBJECTS[2], "focus": "none (last level)", "factor": 1}]),
    "named as pointing models name it": json.dumps(
        [
            {"prompt": e["prompt"], "point_2d": p, "label": "star", "factor": e["factor"]}
            for e, p in zip(_OBJECTS, _POINTS, strict=True)
        ]
    ),
    "a box": json.dumps(
        [
            {
                "prompt": e["prompt"],
                "bbox_2d": p and [p[0] - 20, p[1] - 50, p[0] + 20, p[1] + 50],
                "factor": e["factor"],
            }
            for e, p in zip(_OBJECTS, _POINTS, strict=True)
        ]
    ),
    "x and y of their own": json.dumps(
        [
            {"prompt": e["prompt"], "focus_x": p and p[0], "focus_y": p and p[1], "zoom_factor": e["factor"]}
            for e, p in zip(_OBJECTS, _POINTS, strict=True)
        ]
    ),
    "the old prompt beside the new one": json.dumps(
        [{"original_prompt": "a cat", **entry, "seen_prompt_fits": "no"} for entry in _OBJECTS]
    ),
    "a new prompt behind the old one": json.dumps(
        [
            {"prompt": "a cat", "new_prompt": e["prompt"], "focus": p, "factor": e["factor"]}
            for e, p in zip(_OBJECTS, _POINTS, strict=True)
        ]
    ),
    "Python": "levels = " + repr(_OBJECTS),
    "YAML": _lines('- level: {n}\n  seen: "{seen}"\n  prompt: "{prompt}"\n  focus: [{focus}]\n  factor: {factor}'),
    "YAML with blocks": _lines(
        "- level: {n}\n  prompt: {prompt}\n  focus:\n    {focus}\n  factor: {factor}", "x: {0}\n    y: {1}"
    ),
    "records": _lines(
        "**Level {n}**\n**Seen:** {seen}\n**Prompt:** {prompt}\n**Focus:** ({focus})\n**Factor:** {factor}x\n"
    ),
    "records with the focus first": _lines(
        "Level {n}\nSeen: {seen}\nFocus: {focus}\nFactor: {factor}\nPrompt: {prompt}\n"
    ),
    "records below headings": _lines(
        "### Level {n}\n- Seen: {seen}\n- Prompt: {prompt}\n- Next focus (x, y): {focus}\n- Factor: {factor}\n"
    ),
    "numbered records": _lines("{n}. Seen: {seen}\n   Prompt: {prompt}\n   Focus point: {focus}\n   Factor: {factor}"),
    "a Markdown table": "| Level | Seen | Prompt | Focus (x, y) | Factor |\n|---|---|---|---|---|\n"
    + "\n".join(f"| {n} | {seen} | {prompt} | {at} | {p} |" for n, (seen, prompt, at, p) in enumerate(_ROWS, 1)),
    "a table with two prompts": "| Level | Original prompt | New prompt | Focus | Factor |\n|:-:|---|---|---|---|\n"
    + "\n".join(f"| {n} | {'a cat ' * 30} | {prompt} | {at} | {p} |" for n, (_, prompt, at, p) in enumerate(_ROWS, 1)),
    "comma separated": "level,prompt,factor,focus\n"
    + "\n".join(f'{n},"{prompt}",{p},"{at}"' for n, (_, prompt, at, p) in enumerate(_ROWS, 1)),
    "comma separated, the point not in quotes": "level,factor,prompt,focus\n"
    + "\n".join(f'{n},{p},"{prompt}",{at}' for n, (_, prompt, at, p) in enumerate(_ROWS, 1)),
    "behind numbered lines": "1. {} (focus: 0.4, 0.6; factor: 2)\n2. {} (focus: 0.55, 0.35; factor: 3x)\n3. {}".format(
        *PROMPTS
    ),
    "behind lines": "{} | focus: x=0.4, y=0.6 | factor: 2\n{} | focus: x=0.55, y=0.35 | factor: 3\n{}".format(*PROMPTS),
    "on lines below": "{}\nFocus: 0.4, 0.6\nFactor: 2\n{}\n**Focus:** (0.55, 0.35)\nFactor: ×3\n{}".format(*PROMPTS),
    "on lines below numbers": "1. {}\n   - Seen: a galaxy\n   - Focus: [400, 600], factor: 2\n2. {}\n"
    "   - Seen: a star\n   - Focus: [550, 350], factor: 3\n3. {}".format(*PROMPTS),
    "of each level's own place": json.dumps(
        [
            {"prompt": e["prompt"], "focus": p, "factor": f}
            for e, p, f in zip(_OBJECTS, [None, *_POINTS], [None, 2, 3], strict=False)
        ]
    ),
    "without the end of its list": _JSON[:-1],
    "without the end of its code block": f"Here:\n```json\n{json.dumps({'levels': _OBJECTS}, indent=1)[:-4]}",
    "below a name of their own": json.dumps(
        [
            {"prompt": e["prompt"], "next": p and {"focus": p, "factor": e["factor"]}}
            for e, p in zip(_OBJECTS, _POINTS, strict=True)
        ]
    ),
    "one line per level": _lines(
        "* **Level {n}:** *Seen:* {seen} *Prompt:* {prompt} *Focus:* {focus} *Factor:* {factor}"
    ),
    "one line per level, with bars": _lines(
        "{n}. Seen: {seen} | Prompt: {prompt} | Focus: ({focus}) | Factor: {factor}"
    ),
    "without signs between": "{} (focus 0.4, 0.6, factor 2)\n{} (focus 0.55, 0.35, factor 3)\n{}".format(*PROMPTS),
}


@pytest.mark.parametrize("shape", ANSWERS)
def test_every_shape_says_the_same(shape: str) -> None:
    schedule = parse_schedule(ANSWERS[shape])
    assert schedule.prompts == PROMPTS
    assert tuple(point and tuple(round(v, 9) for v in point) for point in schedule.directions.focus) == FOCUS
    assert schedule.directions.factors == FACTORS


@pytest.mark.parametrize(
    "prompt",
    [
        "a lens with its focus at infinity",
        "soft focus",
        "focus: 85 mm, f/2",
        "a portrait, focus on the eyes",
        "the human factor: 3 workers",
        "focus: the star",
        "a cat, 0.4, 0.6",
        "focusing: 1, 2",
        "autofocus: 0.5, 0.5",
        "the human factor 3",
        "lens focus 35, 50",
    ],
)
def test_prompts_stay_whole(prompt: str) -> None:
    assert split_directions(prompt) == (prompt, "", "")
    assert parse_schedule(f"{prompt}\n{prompt}") == ([prompt, prompt], [], None, Directions())


def test_of_an_answer_that_was_cut_off_whole_levels_are_read() -> None:
    for end in (-20, -60, -90):
        schedule = parse_schedule(_JSON[:end])
        assert schedule.prompts == PROMPTS[:2]
        assert schedule.directions.factors == (2.0, 3.0)


POINTS = {
    "0.25, 0.75": (0.25, 0.75),
    "x: 0.25 / y: 0.75": (0.25, 0.75),
    "y=0.75, x=0.25": (0.25, 0.75),
    '{"y": 750, "x": 250}': (0.25, 0.75),
    "<point>250 750</point>": (0.25, 0.75),
    "25% from the left, 75% from the top": (0.25, 0.75),
    "0,25; 0,75": (0.25, 0.75),
    "[200, 700, 300, 800]": (0.25, 0.75),
    "(1000, 0)": (1.0, 0.0),
    "the star at (0.25, 0.75)": (0.25, 0.75),
    "the lower left part": (0.25, 0.75),
    "Center": (0.5, 0.5),
    "top": (0.5, 0.25),
}


@pytest.mark.parametrize("text", POINTS)
def test_a_point_is_read_in_any_notation(text: str) -> None:
    found = read_directions([(text, ""), ("", "")])
    assert found.focus == (POINTS[text], None)
    assert found.unread == ("", "")


@pytest.mark.parametrize(
    "text", ["the star", "-0.1, 0.5", "1200, 900", "0.5", "1, 2, 3", "left of the star", "NaN, 1e400"]
)
def test_a_point_that_cannot_be_read_is_said(text: str) -> None:
    found = read_directions([(text, ""), ("", "")])
    assert found.focus == (None, None) and not found
    assert found.unread == (f"focus {text!r}", "")


@pytest.mark.parametrize(
    ("text", "factor"),
    [("2", 2.0), ("3x", 3.0), ("×1.5", 1.5), ("2.000000000", 2.0), ("4 times", 4.0), ("1000", 1000.0)],
)
def test_a_factor_is_read(text: str, factor: float) -> None:
    assert read_directions([("", text), ("", "")]).factors == (factor, None)


@pytest.mark.parametrize("text", ["1", "0.5", "1001", "2 to 4", "large", "-2"])
def test_a_factor_that_cannot_be_used_is_said(text: str) -> None:
    found = read_directions([("", text), ("", "")])
    assert found.factors == (None, None)
    assert found.unread[0] == f"factor {text!r}"


@pytest.mark.parametrize("text", ["", "none", "null", "N/A", "-", "–", "None."])
def test_what_says_nothing_is_no_fault(text: str) -> None:
    assert read_directions([(text, text), (text, text)]).unread == ("", "")


def test_the_steps_that_a_text_is_silent_about_stay() -> None:
    nesting = Nesting((2.0, 3.0, 4.0), ((0.1, 0.1), (0.2, 0.2), (0.3, 0.3)), "gaussian")
    directions = Directions(((0.6, 0.7), None, None, (0.9, 0.9)), (None, None, 8.0, 9.0), ("",) * 4)
    found = with_directions(nesting, directions, 4)
    assert found == Nesting((2.0, 3.0, 8.0), ((0.6, 0.7), (0.2, 0.2), (0.3, 0.3)), "gaussian")
    assert with_directions(nesting, Directions(), 4) == nesting


def test_one_factor_and_one_focus_become_one_per_step() -> None:
    directions = Directions(((0.6, 0.7), None, None), (None, 3.0, None), ("",) * 3)
    assert with_directions(Nesting(), directions, 3) == Nesting((2.0, 3.0), ((0.6, 0.7), (0.5, 0.5)))


def test_the_last_level_of_a_ring_has_a_step() -> None:
    directions = Directions((None, None, (0.6, 0.7)), (None, None, 5.0), ("",) * 3)
    found = with_directions(Nesting(closed=True), directions, 3)
    assert found == Nesting((2.0, 2.0, 5.0), ((0.5, 0.5), (0.5, 0.5), (0.6, 0.7)), closed=True)


def test_levels_that_lie_in_one_keep_their_places() -> None:
    parents = (None, 0, 0, 2)
    directions = Directions(((0.1, 0.1), (0.2, 0.2), (0.6, 0.7), None), (9.0, 9.0, 3.0, None), ("",) * 4)
    found = with_directions(Nesting((4.0,)), directions, 4, parents)
    assert found.focus == ((0.25, 0.5), (0.75, 0.5), (0.6, 0.7))
    assert found.zoom_factors == (4.0, 4.0, 3.0)
    assert found.parents == parents


def test_one_level_has_no_step() -> None:
    assert with_directions(Nesting(), Directions(((0.6, 0.7),), (3.0,), ("",)), 1) == Nesting()


def test_another_number_of_steps_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="^geometry has 2 zoom factors for 4 levels; expected one for all steps, or 3"):
        with_directions(Nesting((2.0, 3.0)), Directions(((0.6, 0.7), None, None, None), (None,) * 4, ("",) * 4), 4)
