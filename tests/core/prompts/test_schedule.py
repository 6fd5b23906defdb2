"""Schedule text to level prompts: what people type, what language models write, and what must stay untouched."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoomstack_core.prompts.schedule import join_prompt, parse_prompts

THREE = ["a spiral galaxy, deep sky", "a blue star", "an icy planet (big:1.2)"]

LAYOUTS = {
    "lines": "a spiral galaxy, deep sky\na blue star\nan icy planet (big:1.2)",
    "blanks and comments": "# zoom\n\na spiral galaxy, deep sky\n  \n  # two\na blue star\n\nan icy planet (big:1.2)\n",
    "windows line ends": "a spiral galaxy, deep sky\r\na blue star\r\nan icy planet (big:1.2)\r\n",
    "byte order mark": "\ufeff1. a spiral galaxy, deep sky\n2. a blue star\n3. an icy planet (big:1.2)",
    "numbers": "1. a spiral galaxy, deep sky\n2. a blue star\n10. an icy planet (big:1.2)",
    "numbers in parentheses": "(1) a spiral galaxy, deep sky\n2) a blue star\n  3: an icy planet (big:1.2)",
    "bullets": "- a spiral galaxy, deep sky\n* a blue star\n•an icy planet (big:1.2)",
    "dashes": "– a spiral galaxy, deep sky\n— a blue star\n-\tan icy planet (big:1.2)",
    "labels": "Level 1: a spiral galaxy, deep sky\nlevel 2 - a blue star\nZoom Level #3 (end): an icy planet (big:1.2)",
    "labels above": "Level 0:\na spiral galaxy, deep sky\nLevel 1:\na blue star\nLevel 2:\nan icy planet (big:1.2)",
    "bold labels": "**Level 1:** a spiral galaxy, deep sky\n**Prompt 2**: a blue star\n3. **an icy planet (big:1.2)**",
    "bold bullets": "* **Scene 1.** a spiral galaxy, deep sky\n- **a blue star**\n**3.** an icy planet (big:1.2)",
    "quotes": '"a spiral galaxy, deep sky",\n“a blue star”\n`an icy planet (big:1.2)`',
    "numbered quotes": "1. \"a spiral galaxy, deep sky\"\n2. 'a blue star'\n3. «an icy planet (big:1.2)»",
    "rules between": "a spiral galaxy, deep sky\n---\na blue star\n***\nan icy planet (big:1.2)",
    "JSON": json.dumps(THREE),
    "pretty JSON": json.dumps(THREE, indent=2),
    "numbered JSON": json.dumps([f"{i}. {prompt}" for i, prompt in enumerate(THREE)]),
    "JSON object": json.dumps({"prompts": THREE}),
    "JSON object after the front end's dynamic prompts": json.dumps({"prompts": THREE}, indent=2)[1:-1],
    "JSON levels": json.dumps({f"level_{i}": prompt for i, prompt in enumerate(THREE)}),
    "JSON with a line break": json.dumps(["a spiral galaxy,\ndeep sky", *THREE[1:]]),
    "Python list": "['a spiral galaxy, deep sky', 'a blue star',\n 'an icy planet (big:1.2)',\n]",
    "fenced lines": "```\na spiral galaxy, deep sky\na blue star\nan icy planet (big:1.2)\n```",
    "fenced JSON with talk": f"Sure! Here you go:\n\n```json\n{json.dumps(THREE, indent=1)}\n```\nShall I add more?",
    "unclosed fence": f"```json\n{json.dumps(THREE)}",
    "JSON objects": json.dumps([{"level": i, "prompt": prompt} for i, prompt in enumerate(THREE)]),
    "JSON objects with more fields": json.dumps(
        [{"title": "x", "imagePrompt": prompt, "negative_prompt": "blurry", "zoom": 2} for prompt in THREE]
    ),
    "JSON objects with one text": json.dumps([{"level": i, "what": prompt} for i, prompt in enumerate(THREE)]),
    "JSON object around objects": json.dumps({"scene": "x", "levels": [{"description": prompt} for prompt in THREE]}),
    "JSON levels in an object": json.dumps({"title": "x", **{f"Level {i}": p for i, p in enumerate(THREE)}}),
    "JSON levels with objects": json.dumps({"prompts": {str(i): {"text": p} for i, p in enumerate(THREE)}}),
    "JSON between talk": f"Sure! Here is the list:\n{json.dumps(THREE, indent=1)}\nLet me know if it should be longer.",
    "Python list between talk": f"Sure.\n\n{THREE!r}\n\nEnjoy [it]!",
    "thoughts": f"<think>\n1. first\n2. second\n</think>\n\n{chr(10).join(THREE)}",
    "fence per level": "".join(f"**Level {i}**\n```text\n{prompt}\n```\n" for i, prompt in enumerate(THREE)),
    "talk around numbers": (
        "Sure! Here are three prompts, each a zoom by 2:\n\n1. a spiral galaxy, deep sky\n2. a blue star\n"
        "3. an icy planet (big:1.2)\n\nEach one shows the middle of the one before. Let me know!\nEnjoy!"
    ),
    "a title and talk around bullets": (
        "**The zoom**\n\n- a spiral galaxy, deep sky\n- a blue star\n- an icy planet (big:1.2)\n\nShall I go deeper?"
    ),
    "talk around lines": (
        "Sure!\nHere are the prompts:\n\na spiral galaxy, deep sky\na blue star\nan icy planet (big:1.2)\n\n"
        "Let me know if you want more."
    ),
    "talk right before and after": (
        "Okay, here is the zoom.\nLevel 1: a spiral galaxy, deep sky\nLevel 2: a blue star\n"
        "Level 3: an icy planet (big:1.2)\nFeel free to change them."
    ),
    "titles and texts": (
        "**Level 1:**\n\na spiral galaxy, deep sky\n\n**Level 2:**\n\nPrompt: a blue star\n\n**Level 3:**\n\n"
        "an icy planet (big:1.2)\n\nI hope this helps!"
    ),
    "numbered lines go on below": "1. a spiral galaxy,\n   deep sky\n2. a blue star\n3. an icy planet (big:1.2)",
    "headings above": "".join(f"## Level {i}\n{prompt}\n" for i, prompt in enumerate(THREE)),
    "headings": "".join(f"### Level {i}: {prompt}\n" for i, prompt in enumerate(THREE)),
    "lead-in": "Here are the prompts:\n\n1. a spiral galaxy, deep sky\n2. a blue star\n3. an icy planet (big:1.2)",
}

UNTOUCHED = [
    "2 suns over a desert",
    "1.5 km of ice",
    "3:4 portrait of a planet",
    "16mm film still",
    "1920. A street in Paris",
    "(red:1.2) planet",
    "(2:1.3) moons",
    "((masterpiece)), [blurry:0.5]",
    "[galaxy:planet:0.5]",
    "[a] b [c]",
    "a star - the sun - from orbit",
    "a rocky planet, 35mm, f/1.4",
    "embedding:zoom_style a planet",
    "{red|blue} planet",
    "{red|{dark|light} blue} planet",
    "{'a'}",
    "{{1}}",
    "__color__ planet",
    "a planet #nofilter",
    "a planet, https://example.org/x.png",
    '"red" and "blue" planets',
    '"red" and "blue"',
    '"Exodus": a planet',
    "a planet 'called' Earth",
    "'tis the night sky",
    "-5 degrees, a frozen planet",
    "*bright* star",
    "5 ** 2 ** 1",
    "Level 3 hurricane over an ocean",
    "Levels 3: a song",
    "scene from orbit: a planet",
    "a planet \\(sphere\\)",
    "行星, élan, 🪐",
    "a planet,",
    "Here is one thing:",
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_prompts(layout: str) -> None:
    assert parse_prompts(LAYOUTS[layout]) == THREE


@pytest.mark.parametrize("prompt", UNTOUCHED)
def test_prompts_are_not_damaged(prompt: str) -> None:
    assert parse_prompts(prompt) == [prompt]
    assert parse_prompts(f"1. {prompt}\n2. a star") == [prompt, "a star"]
    assert parse_prompts(json.dumps([prompt, "a star"])) == [prompt, "a star"]


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("a galaxy\n\n1. a star\n2. a planet", ["a galaxy", "a star", "a planet"]),
        ("1. a star\n2. a planet\n\nits ground", ["a star", "a planet", "its ground"]),
        ("1. a star\n2. a planet\nits ground.", ["a star", "a planet", "its ground."]),
        ("Great, wide space.", ["Great, wide space."]),
        ("great, wide space\na star", ["great, wide space", "a star"]),
        ("a galaxy.\na star.\n\na planet!", ["a galaxy.", "a star.", "a planet!"]),
        ("enjoy the silence of space\nenjoy a star", ["enjoy the silence of space", "enjoy a star"]),
        ("a star\nSure!", ["a star", "Sure!"]),
        ("['a star']\na planet", ["['a star']", "a planet"]),
        ("1. a galaxy\n2. a star\n4. a planet\n- a stone", ["a galaxy", "a star", "a planet", "a stone"]),
        ("Sure! Here are the prompts:", ["Sure! Here are the prompts:"]),
    ],
)
def test_a_persons_lines_are_not_taken_for_talk(text: str, prompts: list[str]) -> None:
    assert parse_prompts(text) == prompts


def test_lines_between_numbers_belong_to_the_number_above() -> None:
    text = (
        "1. **Deep space**\n   - a galaxy\n   - blue\n2. A star.\n   Its rings.\n3. **Ground**\n   - stones\n\nEnjoy!"
    )
    assert parse_prompts(text) == ["Deep space, a galaxy, blue", "A star. Its rings.", "Ground, stones"]


def test_a_first_line_with_a_colon_is_a_prompt_when_no_list_follows() -> None:
    assert parse_prompts("A portrait of space:\na galaxy\na star") == ["A portrait of space:", "a galaxy", "a star"]


@pytest.mark.parametrize(
    "text", ["", "  \n\t\n", "# only\n#comments", "[]", "{}", "```\n```", "---", "Level 1:\n2.\n-", '""']
)
def test_no_prompt_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="at least one prompt"):
        parse_prompts(text)


@pytest.mark.parametrize(
    "text", ['["a", 2]', '[{"prompt": 1}]', '[{"a": "b", "c": "d"}]', '{"a": 1}', '[["a"], ["b"]]', "['a', None]"]
)
def test_lists_of_other_things_are_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="list of strings"):
        parse_prompts(text)


def test_errors_quote_a_short_excerpt() -> None:
    with pytest.raises(ValueError, match=r"one per line; got '# x+ … x+'$"):
        parse_prompts("# " + "x" * 5000)


# Prompts as people write them: words first, so that no list mark or quote opens them.
words = st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="*`"), max_size=40)
plain_prompts = st.builds(
    lambda start, rest: f"{start} {rest}".strip(), st.sampled_from(["a", "the", "red", "星"]), words
)
marks = st.sampled_from(
    ["", "{n}. ", "{n}) ", "({n}) ", "{n}: ", "- ", "* ", "• ", "Level {n}: ", "- **Layer {n}:** ", "{n}. Scene {n} – "]
)


@given(st.lists(st.tuples(plain_prompts, marks), min_size=1, max_size=8))
def test_any_mark_before_any_prompt_is_removed(marked: list[tuple[str, str]]) -> None:
    text = "\n".join(["# levels", *(mark.format(n=n) + prompt for n, (prompt, mark) in enumerate(marked))])
    (first, first_mark), *rest = marked
    lead_in = first.endswith(":") and not first_mark and bool(rest) and all(mark for _, mark in rest)
    assert parse_prompts(text) == [prompt for prompt, _ in marked][lead_in:]


GREETINGS = ["Sure!", "Sure! Here are 4 prompts:", "Okay, zooming in by 2 each time.", "Here's the list:", ""]
FAREWELLS = ["Let me know if you want more!", "Would you like a version with people?", "Enjoy!", ""]
ANSWERS = ["{n}. {p}", "{n}) **{p}**", "Level {n}: {p}", "**Level {n}:**\n{p}", "{n}. **Scene {n}:** {p}", '{n}. "{p}"']


@given(
    st.lists(plain_prompts, min_size=2, max_size=8),
    st.sampled_from([*ANSWERS, "- {p}", "{p}"]),
    st.sampled_from(GREETINGS),
    st.sampled_from(FAREWELLS),
    st.sampled_from(["\n", "\n\n"]),
)
def test_talk_around_any_list_is_not_read(
    prompts: list[str], layout: str, greeting: str, farewell: str, between: str
) -> None:
    prompts = [prompt.replace('"', "") for prompt in prompts]
    items = between.join(layout.format(n=n, p=prompt) for n, prompt in enumerate(prompts, 1))
    assert parse_prompts(f"{greeting}\n\n{items}\n\n{farewell}") == [prompt.strip() for prompt in prompts]


@given(st.lists(plain_prompts, min_size=2, max_size=8), st.sampled_from(GREETINGS), st.sampled_from(FAREWELLS))
def test_json_is_found_between_talk(prompts: list[str], greeting: str, farewell: str) -> None:
    for value in (prompts, [{"level": n, "prompt": prompt} for n, prompt in enumerate(prompts)]):
        for indent in (None, 2):
            assert parse_prompts(f"{greeting}\n{json.dumps(value, indent=indent)}\n{farewell}") == prompts
            assert parse_prompts(f"{greeting}\n```json\n{json.dumps(value, indent=indent)}\n```\n{farewell}") == prompts


@given(st.lists(plain_prompts, min_size=1, max_size=8))
def test_prompts_survive_a_round_trip(prompts: list[str]) -> None:
    assert parse_prompts("\n".join(prompts)) == prompts
    assert parse_prompts(json.dumps(prompts)) == prompts
    assert parse_prompts(json.dumps(prompts, ensure_ascii=False, indent=2)) == prompts


@given(st.text(max_size=200) | st.text("[]{}\"',:\\`*-#1.) \n\ra", max_size=60))
def test_any_text_gives_clean_prompts_or_a_value_error(text: str) -> None:
    try:
        prompts = parse_prompts(text)
    except ValueError:
        return
    assert prompts
    assert all(prompt and prompt == prompt.strip() and len(prompt.splitlines()) == 1 for prompt in prompts)


@pytest.mark.parametrize(
    ("prefix", "prompt", "suffix", "expected"),
    [
        ("", "a star", "", "a star"),
        ("photo", "a star", "8k", "photo, a star, 8k"),
        ("photo,", "a star,", ", 8k,", "photo, a star, 8k,"),
        (" photo, ", " a star ", " 8k ", "photo, a star, 8k"),
        ("A photo:", "a star.", "Sharp.", "A photo: a star. Sharp."),
        ("", "a star", "8k", "a star, 8k"),
        ("photo", "a star", ",", "photo, a star"),
        ("photo", "", "8k", "photo, 8k"),
        ("", "(a star:1.2)", "", "(a star:1.2)"),
        ("", ", a star,", "", ", a star,"),
    ],
)
def test_join_prompt(prefix: str, prompt: str, suffix: str, expected: str) -> None:
    assert join_prompt(prefix, prompt, suffix) == expected


@given(words, plain_prompts, words)
def test_join_prompt_keeps_the_prompt_and_adds_two_commas_at_most(prefix: str, prompt: str, suffix: str) -> None:
    joined = join_prompt(prefix, prompt, suffix)
    assert prompt in joined
    assert joined == joined.strip()
    assert joined.count(",") <= prefix.count(",") + prompt.count(",") + suffix.count(",") + 2


def test_the_rows_of_the_front_end_are_the_same() -> None:
    vectors = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "prompt_lines.json").read_text("utf-8"))
    assert len(vectors) > 4
    for text, prompts in vectors:
        assert parse_prompts(text) == prompts, repr(text)


def test_a_list_from_a_spreadsheet_loses_its_numbers() -> None:
    assert parse_prompts("1\ta galaxy\r\n2\ta star\r\n") == ["a galaxy", "a star"]
    assert parse_prompts("\t-\ta galaxy\n\t-\ta star") == ["a galaxy", "a star"]
