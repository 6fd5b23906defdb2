"""Branches in the rows of Zoom Prompt Schedule: an outline, numbers that follow, magnifications along the tree."""

import pytest
from chrome import Tab
from prompt_graph import FIELDS, HOST_IS_QUIET, click, prompts, put_cursor, rows, shown, sizes, text, told, warned
from test_prompt_checks import with_geometry
from test_prompt_editing import FOCUSED, REDO, UNDO, press_and_wait, reads
from test_prompt_factors import set_value

TREE = "a galaxy\na star\na planet\nfrom 1: another star\nits comet"
DEPTHS = """() => [...document.querySelectorAll(".zoomstack-rows li")]
    .map((row) => Math.round(row.querySelector("textarea").getBoundingClientRect().left / app.canvas.ds.scale))"""
WRONG = """() => [...document.querySelectorAll(".zoomstack-rows li")]
    .map((row) => row.classList.contains("zoomstack-rows-wrong"))"""


def indents(tab: Tab) -> list[int]:
    """How far in every row stands, in steps."""
    lefts: list[int] = tab.do(DEPTHS)
    return [round((left - min(lefts)) / 14) for left in lefts]


def test_a_tree_is_an_outline_with_the_magnification_of_every_level(tab: Tab) -> None:
    shown(tab, f"{TREE}\nfrom 4: its moon", factor=4.0)
    assert sizes(tab) == ["×1", "×4", "×16", "×4", "×16", "×16"]
    assert indents(tab) == [0, 0, 0, 1, 1, 2]
    assert tab.do(f"() => document.querySelectorAll('{FIELDS}')[3].ariaLabel") == (
        "Prompt of level 4, a branch in level 1, ×4"
    )
    with_geometry(tab, TREE, zoom_factors="2, 3, 5, 7")
    assert sizes(tab) == ["×1", "×2", "×6", "×5", "×35"]
    set_value(tab, "ZoomGeometry", "zoom_factors", "2, 3, 5")
    assert sizes(tab)[3:] == ["×5", "×?"]
    assert "3 zoom factors, and 5 levels have 4 steps" in warned(tab)


def test_the_branch_button_adds_a_level_behind_all_that_lies_there(tab: Tab) -> None:
    shown(tab, TREE)
    click(tab, 1, "branch")
    assert tab.do(FOCUSED) == [3, "TEXTAREA", ""]
    assert told(tab) == "Level 4 is added, in level 2."
    assert prompts(tab)[3:] == ["from 2: ", "from 1: another star", "its comet"]
    tab.do(HOST_IS_QUIET)
    tab.wait(tab.page.keyboard.type("a moon"))
    after = "a galaxy\na star\na planet\nfrom 2: a moon\nfrom 1: another star\nits comet"
    reads(tab, after)
    assert indents(tab) == [0, 0, 0, 1, 1, 1]
    tab.do("() => new Promise((done) => setTimeout(done, 900))")  # the node has been asked what it reads
    assert warned(tab) == "" and not told(tab).startswith("The node reads")
    click(tab, 5, "branch")  # nothing lies there yet
    assert prompts(tab)[6] == ""


@pytest.mark.parametrize("edit", ["branch", "remove", "up", "enter"])
def test_numbers_follow_and_undo_takes_them_back(tab: Tab, edit: str) -> None:
    before = f"{TREE}\nfrom 4: its moon"
    shown(tab, before)
    steps = 1
    if edit == "remove":
        click(tab, 1, "remove")
        after = "a galaxy\na planet\nfrom 1: another star\nits comet\nfrom 3: its moon"
    elif edit == "up":
        put_cursor(tab, 4)
        tab.press("Alt+ArrowUp")
        after = "a galaxy\na star\na planet\nfrom 1: its comet\nanother star\nfrom 5: its moon"
    else:
        if edit == "branch":
            click(tab, 1, "branch")
        else:
            put_cursor(tab, 2)
            tab.press("End")
            tab.press("Enter")
        steps = 2
        tab.do(HOST_IS_QUIET)
        tab.wait(tab.page.keyboard.type("x"))
        tab.wait(tab.page.locator(FIELDS).nth(0).focus())
        new = "from 2: x" if edit == "branch" else "x"
        after = f"a galaxy\na star\na planet\n{new}\nfrom 1: another star\nits comet\nfrom 5: its moon"
    reads(tab, after)
    tab.do(HOST_IS_QUIET)
    for key, end in ((UNDO, before), (REDO, after)):
        for _ in range(steps):
            if not tab.do("() => document.activeElement?.matches('.zoomstack-rows textarea')"):
                put_cursor(tab, 0)
            press_and_wait(tab, key)
        reads(tab, end)


def test_a_number_that_is_no_level_above_is_told_at_once(tab: Tab) -> None:
    shown(tab, "a\nb\nc")
    put_cursor(tab, 2)
    tab.press("Home")
    tab.wait(tab.page.keyboard.type("from 7: "))
    assert warned(tab) == "Level 3 begins with from 7, which is no level above it: write one of the levels 1 to 2."
    assert tab.do(WRONG) == [False, False, True]
    tab.do("() => new Promise((done) => setTimeout(done, 900))")  # the node is not asked, which would refuse it
    for _ in range(3):
        tab.press("Backspace")
    tab.wait(tab.page.keyboard.type("1: "))
    assert text(tab) == "a\nb\nfrom 1: c"
    assert warned(tab) == "" and not any(tab.do(WRONG))
    assert sizes(tab) == ["×1", "×4", "×4"]


def test_a_pasted_tree_keeps_its_form(tab: Tab) -> None:
    shown(tab, "x\ny")
    tab.do(
        """(pasted) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", pasted);
            const field = document.querySelectorAll(".zoomstack-rows textarea")[1];
            field.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
        }""",
        "1. a\n2. b\n3. from 1: c\n4. d",
    )
    tab.until("() => document.querySelectorAll('.zoomstack-rows li').length === 6")
    assert text(tab) == "x\ny\na\nb\nfrom 3: c\nd"


def test_json_with_parents_becomes_lines(tab: Tab) -> None:
    shown(tab, '[{"prompt": "a"},\n{"prompt": "b", "parent": 1},\n{"prompt": "c", "parent": 1}, {"prompt": "d"}]')
    tab.until("() => document.querySelector('.zoomstack-rows-note button')")
    tab.do("() => { document.querySelector('.zoomstack-rows-note button').click(); }")
    reads(tab, "a\nb\nfrom 1: c\nd")


def test_an_endless_zoom_has_one_step_more(tab: Tab) -> None:
    with_geometry(tab, "a\nb\nc\nd", zoom_factors="2, 3, 4", focus="0.5, 0.5")
    assert warned(tab) == ""
    set_value(tab, "ZoomGeometry", "endless", True)
    assert warned(tab) == (
        "Zoom Geometry has 3 zoom factors, and 4 levels of an endless zoom have 4 steps: give one for all steps, or 4 "
        "of them."
    )
    set_value(tab, "ZoomGeometry", "zoom_factors", "2, 3, 4, 5")
    assert warned(tab) == ""
    assert [row[1] for row in rows(tab)] == ["×1", "×2", "×6", "×24"]
    for row in (3, 2, 1):
        click(tab, row, "remove")
    assert "Zoom Geometry is endless, and there is 1 level" in warned(tab)


@pytest.mark.parametrize("values", [["2, 3", "0.5, 0.5", "gaussian"], ["2, 3", "0.5, 0.5", "gaussian", None]])
def test_a_geometry_that_was_saved_before_is_not_endless(tab: Tab, values: list[str | None]) -> None:
    with_geometry(tab, "a\nb\nc")
    saved = tab.do("async () => (await app.graphToPrompt()).workflow")
    (node,) = [node for node in saved["nodes"] if node["type"] == "ZoomGeometry"]
    assert node["widgets_values"][:4] == ["2", "0.5, 0.5", "box", False]
    node["widgets_values"] = values
    node["inputs"] = [entry for entry in node["inputs"] if entry["name"] != "endless"]
    tab.load(saved)
    found = tab.do(
        """async () => {
            const { output } = await app.graphToPrompt();
            return Object.values(output).find((node) => node.class_type === "ZoomGeometry").inputs;
        }"""
    )
    assert {name: found[name] for name in ("zoom_factors", "prefilter")} == {
        "zoom_factors": "2, 3",
        "prefilter": "gaussian",
    }
    assert not found.get("endless")
    assert warned(tab) == ""
