"""Prompt lists that other tools and language models write: keyframes, settings, tables, records, literals."""

import json

import pytest

from zoomstack_core.prompts.literals import read_literals
from zoomstack_core.prompts.schedule import MOST_LINES, parse_prompts, parse_schedule

TWO = ["a galaxy, deep sky", "a (red:1.05) star"]
A, B = TWO
ROWS = [[0, A], [2, B]]
STEPS = ["outpaint steps", "prompt"]
ALL_STEPS = [*STEPS, "image location", "blend mask location", "is keyframe"]

LISTS = {
    "keyframe lines": f"0:'{A}',\n30:'{B}',",
    "keyframe lines with blanks": f"0 : '{A}',\n500 : '{B}'",
    "keyframes on one line": f"0: '{A}', 500: '{B}'",
    "FizzNodes": f'"0" :"{A}",\n"120" :"{B}"',
    "FizzNodes, a comma at the end": f'"0" :"{A}",\n"120" :"{B}",\n',
    "keyframe lines of a broken object": f'{{\n"0": "{A}",\n"120": "{B}"\n',
    "Deforum": json.dumps({"0": A, "120": B}, indent=2),
    "Deforum, frames from the end": json.dumps({"0": A, "max_f-20": B}),
    "JSON keys in another order": json.dumps({"1000": B, "500": A}),
    "JSON keys of many digits": json.dumps({"100000": A, "200000": B}),
    "numbers as Python keys": f"{{0: {A!r}, 1500: {B!r}}}",
    "scales as keys": json.dumps({"1x": A, "10x": B}),
    "keys of other languages": json.dumps({"第2层": B, "第1层": A}, ensure_ascii=False),
    "levels and negatives": json.dumps({"prompt_1": A, "negative_1": "x", "prompt_2": B, "negative_2": "y"}),
    "infinite zoom": json.dumps({"prompts": {"headers": STEPS, "data": ROWS}}),
    "infinite zoom, all columns": json.dumps(
        {"prompts": {"headers": ALL_STEPS, "data": [[*row, "C:\\a.png", "", False] for row in ROWS]}, "seed": 1}
    ),
    "infinite zoom, steps as text, unordered": json.dumps(
        {"prompts": {"data": [["2", B], ["0", A]], "headers": STEPS}}
    ),
    "infinite zoom, empty texts around": json.dumps(
        {"prompts": {"data": ROWS, "headers": STEPS, "prePrompt": "", "postPrompt": "", "negPrompt": ""}}
    ),
    "rows alone": json.dumps(ROWS),
    "JSON lines": f'{{"prompt": "{A}"}}\n{{"prompt": "{B}"}}',
    "JSON lines between talk": f'Here:\n{{"prompt": "{A}"}}\n{{"prompt": "{B}"}}\nBye!',
    "JSON with comments": f'[\n  "{A}", // wide\n  "{B}",  # deep\n]',
    "JSON without commas": f'[\n"{A}"\n"{B}"\n]',
    "typographic quotes": f"[“{A}”, “{B}”]",
    "JavaScript": f'const prompts = [\n  "{A}",\n  `{B}`\n];',
    "JavaScript object": f'{{prompts: [{{level: 1, prompt: "{A}"}}, {{level: 2, prompt: "{B}"}}]}}',
    "Python, parts in parentheses": f'prompts = [\n  ("a galaxy, "\n   "deep sky"),\n  "{B}",\n]',
    "Python tuple": f'prompts = ("{A}", "{B}")',
    "one list of several": json.dumps({"tags": ["x"], "prompts": TWO, "sizes": [1, 2]}),
    "Markdown table": f"\n| Level | Prompt | Size |\n|---|:---:|---|\n| 1 | {A} | ×1 |\n| 2 | {B} | ×2 |\n\nEnjoy!",
    "Markdown table of other words": f"Stufe | Was man sieht\n--- | ---\n1 | {A}\n2 | **{B}**",
    "comma separated": f'level,prompt\n1,"{A}"\n2,{B}\n',
    "comma separated, prompts without quotes": f"level,prompt\n1,{A}\n2,{B}",
    "comma separated, without a header": f'0,"{A}"\n1,"{B}"',
    "from a spreadsheet": f"level\tprompt\tnegative prompt\n1\t{A}\t\n2\t{B}\t",
    "YAML list": f"prompts:\n  - {A}\n  - {B}",
    "YAML records": f"- level: 1\n  prompt: {A}\n- level: 2\n  prompt: '{B}'",
    "YAML blocks": f"- level: 1\n  prompt: |\n    {A}\n- level: 2\n  prompt: >-\n    {B}",
    "YAML levels": f"level_1: {A}\nlevel_2: {B}",
    "records": f"**Level 1: Galaxy**\n**Prompt:** {A}\n*Scale:* 1\n\n**Level 2: Star**\n**Prompt:** {B}\n",
    "numbered records": f"1. **Galaxy**\n   - Prompt: {A}\n2. **Star**\n   - Prompt: {B}",
    "another fence": f"Sure!\n~~~text\n{A}\n{B}\n~~~\nEnjoy!",
    "fences on one line": f"```{A}```\n```{B}```",
    "numbered headings": f"## 1. {A}\n## 2. {B}",
    "hashes": f"#1: {A}\n#2: {B}",
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_other_tools(name: str) -> None:
    assert parse_prompts(LISTS[name]) == TWO


@pytest.mark.parametrize("pre", ["prePrompt", "prePromp", "commonPromptPrefix", "pre_text", "prefix"])
@pytest.mark.parametrize("post", ["postPrompt", "postPromp", "commonPromptSuffix", "app_text", "suffix"])
@pytest.mark.parametrize("inside", [False, True])
def test_what_a_list_puts_around_its_prompts(pre: str, post: str, inside: bool) -> None:
    around = {pre: "photo of", post: "8k", "negPrompt": "blurry"}
    table = {"headers": STEPS, "data": ROWS}
    settings = {"prompts": {**around, **table}} if inside else {**around, "prompts": table}
    schedule = parse_schedule(json.dumps(settings))
    assert schedule.prompts == [f"photo of, {prompt}, 8k" for prompt in TWO]
    assert schedule.negatives == ["blurry", "blurry"]


@pytest.mark.parametrize(
    ("text", "negatives"),
    [
        (f"{A} --neg x\n{B}", ["x", ""]),
        (json.dumps({"0": f"{A} --neg x, y", "9": f"{B} --neg z"}), ["x, y", "z"]),
        (json.dumps([{"prompt": A, "negative_prompt": "x"}, {"prompt": B, "negativePrompt": "y"}]), ["x", "y"]),
        (json.dumps({"negative": "x", "prompts": TWO}), ["x", "x"]),
        (json.dumps({"prompt_1": A, "negative_1": "x", "prompt_2": B}), ["x", ""]),
        (f"{A}\n{B}\nNegative prompt: x", ["x", "x"]),
        (f"1. {A}\n   Negative: x\n2. {B}\n   **Negative prompt:** y", ["x", "y"]),
        (f"Prompt: {A}\nNegative prompt: x\n\nPrompt: {B}\nNegative prompt: y", ["x", "y"]),
        (f"| prompt | negative |\n|---|---|\n| {A} | x |\n| {B} | |", ["x", ""]),
        (f"{A}\n{B}", []),
    ],
)
def test_negative_prompts_are_no_prompts(text: str, negatives: list[str]) -> None:
    assert parse_schedule(text)[:3] == (TWO, negatives, None)


def test_no_key_is_dropped_whatever_its_number() -> None:
    for numbers in ([0, 500, 1000, 1500], [0, 10**9], [7, 8, 9], [1000, 2000], range(0, 3000, 37)):
        prompts = [f"prompt of {n}" for n in numbers]
        assert parse_prompts(json.dumps(dict(zip(map(str, numbers), prompts, strict=True)))) == prompts


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'["a \"b\" \n \u00e9 \(c\)"]', ['a "b" \n é \\(c\\)']),
        ("['it\\'s']", ["it's"]),
        ("{'a': None, b: true, \"c\": -1.5e3}", [("a", None), ("b", None), ("c", -1500.0)]),
        ("[1, [2, 'x'],]", [1.0, [2.0, "x"]]),
    ],
)
def test_literals(text: str, value: object) -> None:
    assert read_literals(text) == [value]


@pytest.mark.parametrize(
    "text", ["[a] b [c]", "{red|blue} planet", "{'a'}", "['a' b]", "['a", "['a', " * 30, "0: a", ""]
)
def test_other_text_is_no_literal(text: str) -> None:
    assert not read_literals(text)


def test_half_a_character_does_not_get_out() -> None:
    assert parse_prompts('["a \\ud83e star", "\\ud83e\\ude90"]') == ["a � star", "🪐"]


def test_a_list_beyond_any_zoom_is_refused() -> None:
    for text in ("a\n" * (MOST_LINES + 2), "a\r" * (MOST_LINES + 2), json.dumps(["a"] * (MOST_LINES + 1))):
        with pytest.raises(ValueError, match=r"got 10,00\d lines; at most 10,000 are read"):
            parse_prompts(text)
