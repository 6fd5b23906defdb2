"""Branches in a schedule text: "from 3: …" lies in level 3; what only begins with "from" stays a prompt."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoomstack_core.geometry import Parents
from zoomstack_core.prompts.branches import join_branch, split_branch
from zoomstack_core.prompts.schedule import Schedule, parse_prompts, parse_schedule

FOUR = ["a galaxy", "a star", "a moon", "its ground"]
TREE = (None, 0, 0, 2)  # a star and a moon side by side

LAYOUTS = {
    "lines": "a galaxy\na star\nfrom 1: a moon\nits ground",
    "level": "a galaxy\na star\nFrom Level 1: a moon\nits ground",
    "number sign": "a galaxy\na star\nfrom #1 - a moon\nits ground",
    "dash": "a galaxy\na star\nFROM 1 – a moon\nits ground",
    "list marks": "1. a galaxy\n2. a star\n3. from 1: a moon\n4. its ground",
    "weak list marks": "1 - a galaxy\n2 - a star\n3 - from 1: a moon\n4 - its ground",
    "labels": "Level 1: a galaxy\nLevel 2: a star\nLevel 3: from level 1: a moon\nLevel 4: its ground",
    "said in the label": "Level 1: a galaxy\nLevel 2: a star\nLevel 3 (from level 1): a moon\n**Level 4:** its ground",
    "branch in the label": "Level 1: a galaxy\nLevel 2: a star\nLevel 3 (branch of 1): a moon\nLevel 4: its ground",
    "no number of its own": "1. a galaxy\n2. a star\nfrom 1: a moon\n3. its ground",
    "alone on its line": "a galaxy\na star\n\nfrom 1:\na moon\nits ground",
    "counted from 0": "Level 0: a galaxy\nLevel 1: a star\nLevel 2: from 0: a moon\nLevel 3: its ground",
    "bold and bullets": "- a galaxy\n- a star\n- **from 1:** a moon\n- its ground",
    "quotes": '"a galaxy"\n"a star"\nfrom 1: "a moon"\n"its ground"',
    "talk around": "Sure! Here is it:\n\n1. a galaxy\n2. a star\nfrom 1: a moon\n4. its ground\n\nLet me know!",
    "JSON strings": json.dumps(["a galaxy", "a star", "from 1: a moon", "its ground"]),
    "JSON from": json.dumps([{"prompt": p, "from": [None, 1, "1", "level 3"][i]} for i, p in enumerate(FOUR)]),
    "JSON parent": json.dumps([{"level": i + 1, "prompt": p, "parent": [0, 1, 1, 3][i]} for i, p in enumerate(FOUR)]),
    "JSON from 0": json.dumps([{"id": i, "prompt": p, "parent": [None, 0, 0, 2][i]} for i, p in enumerate(FOUR)]),
    "JSON branch_of": json.dumps(
        {f"level_{i}": {"prompt": p, **({"branch_of": 1} if i == 3 else {})} for i, p in enumerate(FOUR, 1)}
    ),
    "JSON names from 0": json.dumps(
        {f"level_{i}": {"prompt": p, **({"branch_of": 0} if i == 2 else {})} for i, p in enumerate(FOUR)}
    ),
    "Markdown table": "| Level | From | Prompt |\n|-|-|-|\n|1||a galaxy|\n|2|1|a star|\n|3|1|a moon|\n|4|3|its ground|",
    "comma separated": "level,parent,prompt\n1,,a galaxy\n2,1,a star\n3,1,a moon\n4,3,its ground",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_tree(layout: str) -> None:
    assert parse_schedule(LAYOUTS[layout]) == Schedule(FOUR, [], TREE)
    assert parse_prompts(LAYOUTS[layout]) == FOUR


plain_prompts = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=9).map("a {} planet".format)
PROMPTS = [
    "from above, a city",
    "from 3 angles: a city",
    "from 3 a city",
    "from 3-5 km: a city",
    "from 3 - 5 km, a city",
    "from 9:30 to 10:00, a street",
    "from 1920: a street",
    "from level ground: a tree",
    "from: a letter",
    "from x3: a city",
    "seen from 1: a city",
    "fromage 1: a cheese",
]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_what_only_begins_with_from_stays_a_prompt(prompt: str) -> None:
    for text in (f"a\n{prompt}", f"1. a\n2. {prompt}", json.dumps(["a", prompt])):
        assert parse_schedule(text) == Schedule(["a", prompt], [], None)
    assert parse_schedule(f"a\nb\nfrom 1: {prompt}") == Schedule(["a", "b", prompt], [], (None, 0, 0))


@pytest.mark.parametrize(
    ("text", "parents"),
    [
        ("a\nfrom 1: b\nfrom 2: c", None),  # the level before
        ("a\nb\nfrom 1: c\nd\nfrom 2: e\nf", (None, 0, 0, 2, 1, 4)),
        ("a\nb\nfrom 1:\n\nfrom 2: c", None),  # the second one counts
        ("a\nb\nfrom 1:", None),  # nothing lies there
        ("a\nb --neg x\nfrom 1: c", (None, 0, 0)),
        ("a\nb\nfrom 1: c\n--neg x\nd", (None, 0, 0, 2)),
        ('[{"from": 0, "to": 9, "prompt": "a"}, {"from": 9, "to": 12, "prompt": "b"}]', None),  # frames
        ('[{"from": "the sky", "prompt": "a"}, {"from": "the ground", "prompt": "b"}]', None),
        ('[{"from": 0, "prompt": "a"}, {"from": 30, "prompt": "b"}]', None),
        ('[{"prompt": "a", "from": 1}, {"prompt": "b", "from": 2}]', None),
        ('[{"prompt": "a"}, {"prompt": ""}, {"prompt": "b", "from": 2}]', None),  # the empty one is no level
        ('[{"x": "a", "from": "0"}, {"x": "b", "from": "24"}]', None),
        ('[{"prompt": "a", "from": 0}, {"prompt": "b", "from": 1}, {"prompt": "c", "from": 1}]', (None, 0, 0)),
        ("from,prompt\n0,a\n30,b\n60,c", None),
        ("| From | Prompt |\n|-|-|\n|1|a|\n|2|b|", None),
        ('{"0": "a", "1": "b", "2": "from 1: c"}', None),
        ('{"0": "a", "1": "b", "2": "from 0: c"}', (None, 0, 0)),
        ('{"1": "a", "2": "b", "3": "from 1: c"}', (None, 0, 0)),
        ('{"0": "a", "30": "b", "60": "from 1: c"}', (None, 0, 0)),
        ('[["0", "a"], ["1", "b"], ["2", "from 0: c"]]', (None, 0, 0)),
        ("a galaxy.\n\nfrom 1: b\nfrom 1: c", (None, 0, 0)),  # the first line is no talk
    ],
)
def test_parents(text: str, parents: Parents | None) -> None:
    assert parse_schedule(text).parents == parents


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("from 1: a\nb", "row 1 begins with from 1, but it is the widest level"),
        ("a\nfrom 2: b", "row 2 begins with from 2, .* the number of an earlier row, 1$"),
        ("a\nb\nfrom 7: c", "row 3 begins with from 7, .* an earlier row, 1 to 2$"),
        ("a\nfrom 0: b", "row 2 begins with from 0, "),
        ("0. a\n1. b\n2. from 5: c", "row 2 begins with from 5, .* an earlier row, 0 to 1$"),
        ("0. a\n1. from 1: b", "row 1 begins with from 1, .* an earlier row, 0$"),
        ("0. from 0: a\n1. b", "row 0 begins with from 0, but it is the widest level"),
        ('[{"prompt": "a"}, {"prompt": "b", "parent": 9}]', "row 2 begins with from 9, "),
        ('[{"prompt": "a", "from": 1}, {"prompt": "b", "branch_of": 9}]', "row 2 begins with from 9, "),
        ("parent,prompt\n,a\n30,b", "row 2 begins with from 30, "),
    ],
)
def test_a_level_that_is_not_there_is_an_error(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        parse_prompts(text)


@st.composite
def trees(draw: st.DrawFn) -> Schedule:
    prompts = draw(st.lists(plain_prompts | st.sampled_from(PROMPTS), min_size=1, max_size=12))
    parents = (None, *(draw(st.integers(0, level - 1)) for level in range(1, len(prompts))))
    return Schedule(prompts, [], None if all(b == a + 1 for a, b in pairwise((-1, *parents[1:]))) else parents)


@given(trees())
def test_a_tree_survives_a_round_trip(tree: Schedule) -> None:
    if tree.parents is None:
        assert tree.lines == tree.prompts
    assert parse_schedule("\n".join(tree.lines)) == tree
    assert parse_schedule(json.dumps(tree.lines)) == tree
    fields = [
        {"prompt": prompt, "parent": None if parent is None else parent + 1}
        for prompt, parent in zip(tree.prompts, tree.parents or (None, *range(len(tree.prompts) - 1)), strict=True)
    ]
    assert parse_schedule(json.dumps(fields)) == tree


@given(st.text("from FROM level#123:-– \n.\"'(a)", max_size=80))
def test_any_text_gives_a_tree_or_a_value_error(text: str) -> None:
    try:
        found = parse_schedule(text)
    except ValueError:
        return
    parents = found.parents or (None, *range(len(found.prompts) - 1))
    assert len(parents) == len(found.prompts)
    assert parents[0] is None
    assert all(parent is not None and 0 <= parent < level for level, parent in enumerate(parents) if level)


@given(st.integers(0, 999), plain_prompts | st.sampled_from(PROMPTS))
def test_what_is_joined_is_split(number: int, prompt: str) -> None:
    assert split_branch(join_branch(number, prompt)) == (number, prompt)
    assert split_branch(join_branch(number, join_branch(2, prompt))) == (number, join_branch(2, prompt))


def test_the_rows_of_the_front_end_are_the_same_tree() -> None:
    vectors = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "prompt_trees.json").read_text("utf-8"))
    assert len(vectors) > 9
    for text, prompts, parents in vectors:
        found = parse_schedule(text)
        assert (found.prompts, found.parents) == (prompts, parents and tuple(parents)), repr(text)
