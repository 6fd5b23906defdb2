"""Marks before prompts: in many scripts, weak ones only where they count up, and never a part of a prompt."""

import json

import pytest

from zoomstack_core.prompts.schedule import parse_prompts

TWO = ["銀河 a galaxy", "星 a star"]


def numbered(mark: str, *numbers: object) -> str:
    return "\n".join(mark.format(n=n) + prompt for n, prompt in zip(numbers, TWO, strict=True))


BLANKLESS = ["{n}、", "{n}．", "{n}。", "{n}）", "（{n}）", "{n}："]


@pytest.mark.parametrize("mark", [*BLANKLESS, "({n}) ", "{n}.", "{n})", "{n}: "])
@pytest.mark.parametrize("numbers", [(1, 2), ("１", "２"), ("١", "٢"), (9, 10), (1, 100)])
def test_numbers_in_any_digits(mark: str, numbers: tuple[object, object]) -> None:
    if numbers != (1, 100) or mark in BLANKLESS:
        assert parse_prompts(numbered(mark, *numbers)) == TWO


@pytest.mark.parametrize(
    ("mark", "numbers"),
    [
        ("{n}、", "一二"),
        ("（{n}）", "一二"),
        ("{n}、", ("十", "十一")),
        ("{n}", "①②"),
        ("{n} ", "⑩⑪"),
        ("{n}", "⑴⑵"),
        ("{n}", "❶❷"),
        ("{n} ", ("1\ufe0f\u20e3", "2\ufe0f\u20e3")),
        ("{n}. ", ("I", "II")),
        ("{n}) ", "ab"),
        ("({n}) ", "AB"),
        ("{n} ", ("01", "02")),
        ("{n} - ", "12"),
        ("{n} – ", "01"),
        ("{n}/ ", "12"),
        ("[{n}] ", "12"),
        ("【{n}】", "12"),
        ("No. {n}: ", "12"),
        ("№ {n} ", "12"),
        ("{n}x: ", (1, 10)),
        ("×{n} – ", (1, 1000)),
        ("• ", "12"),
        ("‣ ", "12"),
        ("・", "12"),
        ("+ ", "12"),
        ("> ", "12"),
        ("- [ ] ", "12"),
    ],
)
def test_other_numbers_and_bullets(mark: str, numbers: tuple[object, object]) -> None:
    assert parse_prompts(numbered(mark, *numbers)) == TWO


@pytest.mark.parametrize(
    "label",
    [
        "第{n}层：", "第{n}層:", "第 {n} 级：", "レベル{n}：", "レベル {n}: ", "{n}層目：", "층 {n}: ", "레벨 {n}: ",
        "{n}단계: ", "提示词{n}：", "场景 {n}：", "画像{n}：", "Ebene {n}: ", "Zoomstufe {n} – ", "Niveau {n} : ",
        "Étape {n}: ", "Nivel {n}: ", "Nível {n}: ", "Livello {n}: ", "Poziom {n}: ", "Уровень {n}: ", "المستوى {n}: ",
        "Level {n} – ", "LEVEL_{n}: ",
        "Level-{n}: ", "Level {n}/2: ", "Level {n} of 2: ", "Level {n} (×4): ", "Level #{n}: ", "Prompt {n}/9 - ",
        "Keyframe {n}: ", "Shot {n}. ", "**Level {n}:** ", "- **Level {n}**: ", "{n}. **Level {n}:** ",
    ],
)  # fmt: skip
def test_labels_in_many_languages(label: str) -> None:
    assert parse_prompts(numbered(label, 1, 2)) == TWO
    assert parse_prompts(label.format(n=3) + "a planet") == ["a planet"]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("第{n}层：", "一二"),
        ("第{n}步、", ("九", "十二")),
        ("Level {n}: ", ("one", "two")),
        ("STEP {n} - ", ("Six", "Ten")),
    ],
)
def test_numbers_in_words(label: str, words: tuple[str, str]) -> None:
    assert parse_prompts(numbered(label, *words)) == TWO


@pytest.mark.parametrize("above", ["Level {n}", "**Level {n}**", "{n}", "第{n}层", "Level {n}:", "**Scene {n}**\n"])
def test_labels_on_the_line_above(above: str) -> None:
    assert parse_prompts("\n".join(f"{above.format(n=n)}\n{p}\n" for n, p in enumerate(TWO, 1))) == TWO


def test_a_list_of_more_than_99_keeps_no_number() -> None:
    prompts = [f"a planet of {n} moons" for n in range(1, 121)]
    assert parse_prompts("\n".join(f"{n}. {prompt}" for n, prompt in enumerate(prompts, 1))) == prompts


def test_keyframes_are_an_order() -> None:
    assert parse_prompts("0: a galaxy\n500: a star\n1500: a planet") == ["a galaxy", "a star", "a planet"]
    assert parse_prompts("0:a galaxy\n30:a star") == ["a galaxy", "a star"]


# What people write that looks like a mark: by itself, in any line, twice, in JSON, and behind a number.
PLAIN = """\
2001: a space odyssey
1990s street
3 cats, sitting
(red:1.05) planet
1920. A street in Paris
2 suns and 3 moons
3:4 portrait of a planet
16:9 wide shot, a galaxy
image 3:4 of a planet
Frame 1:1 square of a star
Scale 1:200 model of a city
Apollo 11: a lunar module
Blade Runner 2049 street
Level 3 hurricane over an ocean
1/2 moon in the sky
1-bit pixel art of a star
1 - bit art
0.5x zoom of a cell
10x microscope view
A. Einstein, portrait
I, robot
V for Vendetta mask
[galaxy:planet:0.5]
[blurry]
<lora:zoom:1> a planet
_soft_ light
5 ** 2 ** 1
**bold* text
a | b | c
"red", "blue" and "green" glass
negative space between buildings
Negative space: the gap of a vase
a galaxy, prompt: hello on a sign
三、四颗星
2、3人の女の子
1、2颗行星
三颗星：特写
第三帝国的建筑
一只猫
層雲の空
レベルの高い銀河
3d, octane
100 years of ruins
1984
300: Sparta
007: the spy
a planet -- neg
a planet --ar 16:9
title, subject, style
prompt, caption, text
1st floor of a house
zoom 3x into a cell
no. 5 perfume bottle
x = 3, formula on a board
y = [1, 2, 3] on a board
Mach 3: a jet
12:30 on a clock
"0": zero on a screen
level_1
étape du Tour de France""".splitlines()


@pytest.mark.parametrize("prompt", PLAIN)
def test_what_only_looks_like_a_mark_stays(prompt: str) -> None:
    assert parse_prompts(prompt) == [prompt]
    assert parse_prompts(f"a galaxy\n{prompt}\na star") == ["a galaxy", prompt, "a star"]
    assert parse_prompts(f"{prompt}\n{prompt}") == [prompt, prompt]
    assert parse_prompts(json.dumps([prompt, "a star"])) == [prompt, "a star"]
    assert parse_prompts(f"1. {prompt}\n2. a star") == [prompt, "a star"]
    assert parse_prompts(f"第1层：{prompt}\n第2层：a star") == [prompt, "a star"]
