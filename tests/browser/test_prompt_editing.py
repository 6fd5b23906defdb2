"""Work in the rows of Zoom Prompt Schedule with the keyboard, the clipboard, undo, and a screen reader."""

import pytest
from chrome import Tab
from prompt_graph import CAPTURE, FIELDS, HOST_IS_QUIET, click, prompts, put_cursor, rows, shown, sizes, text, told

UNDO, REDO = "Control+z", "Control+Shift+z"
FOCUSED = """() => {
    const focused = document.activeElement, items = [...document.querySelectorAll(".zoomstack-rows li")];
    return [items.indexOf(focused.closest("li")), focused.tagName, focused.dataset.action ?? ""];
}"""


SNAPSHOT = """\
- group "Prompts, one row per zoom level":
  - list:
    - listitem:
      - text: 1 ×1
      - textbox "Prompt of level 1, ×1": a galaxy
      - button "Move level 1 outwards (Alt+Up)" [disabled]: ↑
      - button "Move level 1 inwards (Alt+Down)": ↓
      - button "Add a branch in level 1": ↳
      - button "Remove level 1": ×
    - listitem:
      - text: 2 ×4
      - textbox "Prompt of level 2, ×4": a star
      - button "Move level 2 outwards (Alt+Up)": ↑
      - button "Move level 2 inwards (Alt+Down)" [disabled]: ↓
      - button "Add a branch in level 2": ↳
      - button "Remove level 2": ×
  - button "Add level"
  - button "Paste list"
  - status"""


def reads(tab: Tab, expected: str) -> None:
    """Wait until the text is this one, and the rows are its lines."""
    tab.until(
        """(text) => {
            const node = app.rootGraph.nodes.find((node) => node.type === "ZoomPromptSchedule"); // none amid an undo
            return node?.widgets.find((widget) => widget.name === "prompts").value === text;
        }""",
        expected,
    )
    lines = [line.strip() for line in expected.split("\n")]
    assert prompts(tab) == [line for line in lines if line and not line.startswith("#")]


def test_the_keyboard_alone_writes_a_schedule(tab: Tab) -> None:
    shown(tab, "# top\na\n\nb")
    put_cursor(tab, 0)
    tab.press("End")
    tab.press("ArrowDown")
    assert tab.do(FOCUSED) == [1, "TEXTAREA", ""]
    tab.press("Alt+ArrowUp")
    assert text(tab) == "# top\nb\n\na"
    assert tab.do(FOCUSED) == [0, "TEXTAREA", ""]
    assert told(tab) == "Level 2 is now level 1."
    tab.press("Tab")  # the buttons of the row; it cannot move further outwards
    assert tab.do(FOCUSED) == [0, "BUTTON", "down"]
    tab.press("Enter")
    assert text(tab) == "# top\na\n\nb"
    tab.press("Alt+ArrowUp")
    assert text(tab) == "# top\nb\n\na"
    for _ in range(3):
        tab.press("Tab")
    assert tab.do(FOCUSED) == [0, "BUTTON", "remove"]
    tab.press("Space")
    assert text(tab) == "# top\n\na"
    assert told(tab) == "Level 1 is removed."
    tab.press("End")
    tab.press("Enter")
    assert told(tab) == "Level 2 is added."
    tab.press("Backspace")
    assert text(tab) == "# top\n\na"
    assert tab.do(FOCUSED) == [0, "TEXTAREA", ""]


@pytest.mark.parametrize("edit", ["type", "enter", "up", "down", "remove", "add", "paste"])
def test_ctrl_z_takes_every_edit_back(tab: Tab, edit: str) -> None:
    before = "# top\na\n\nb  \n# end"
    shown(tab, before)
    put_cursor(tab, 0 if edit != "up" else 1)
    tab.press("End")
    if edit == "type":
        tab.wait(tab.page.keyboard.type("x"))
        tab.press("Alt+ArrowDown")
        after = "# top\nb  \n\nax\n# end"
    elif edit in ("up", "down"):
        tab.press(f"Alt+Arrow{edit.title()}")
        after = "# top\nb  \n\na\n# end"
    elif edit == "enter":
        tab.press("Enter")
        tab.do(HOST_IS_QUIET)
        tab.wait(tab.page.keyboard.type("x"))
        tab.press("Alt+ArrowDown")
        after = "# top\na\nb  \n\nx\n# end"
    elif edit == "remove":
        click(tab, 0, "remove")
        after = "# top\n\nb  \n# end"
    elif edit == "add":
        tab.click(".zoomstack-rows-bar button")
        tab.do(HOST_IS_QUIET)
        tab.wait(tab.page.keyboard.type("x"))
        tab.press("ArrowUp")
        tab.press("ArrowUp")
        after = "# top\na\n\nb  \nx\n# end"
    else:
        paste(tab, "1. x\r\n2. y\r\n")
        after = "# top\na\nx\ny\n\nb  \n# end"
    reads(tab, after)
    steps = {"type": 2, "enter": 3, "add": 2}.get(edit, 1)
    for key, end in ((UNDO, before), (REDO, after)):
        for _ in range(steps):
            assert text(tab) != end
            press_and_wait(tab, key)
        reads(tab, end)


def press_and_wait(tab: Tab, key: str) -> None:
    """Press a key that makes all nodes anew; wait for another text, and for the cursor to be back in a row."""
    before = text(tab)
    tab.press(key)
    tab.until(
        """(before) => {
            const node = app.rootGraph.nodes.find((node) => node.type === "ZoomPromptSchedule");
            const text = node?.widgets.find((widget) => widget.name === "prompts").value;
            return text !== undefined && text !== before && document.activeElement?.matches(".zoomstack-rows textarea");
        }""",
        before,
    )


def test_ctrl_z_while_typing_takes_back_what_was_typed(tab: Tab) -> None:
    shown(tab, "a\nb")
    put_cursor(tab, 1)
    tab.press("End")
    tab.wait(tab.page.keyboard.type("cd"))
    reads(tab, "a\nbcd")
    tab.press(UNDO)
    reads(tab, "a\nb")
    # undo makes the nodes anew: the text is there before the cursor
    tab.until(f'() => JSON.stringify(({FOCUSED})()) === \'[1,"TEXTAREA",""]\'')


def paste(tab: Tab, pasted: str) -> None:
    """As Ctrl+V in the field that has the focus."""
    tab.wait(tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"]))
    tab.do("async (pasted) => { await navigator.clipboard.writeText(pasted); }", pasted)
    tab.press("Control+v")


LISTS = [
    ("1. a galaxy\n2. a star\n", ["a galaxy", "a star"]),
    ("- a cloud\r\n- a moon\r\n", ["a cloud", "a moon"]),
    ("\t1)\ta sea\n\t2)\ta shore", ["a sea", "a shore"]),
    ("1\ta field\r\n2\ta stone\r\n", ["a field", "a stone"]),
    ("# of mine\na leaf\n\n\na cell", ["a leaf", "a cell"]),
    ('["an atom", "a quark"]', ["an atom", "a quark"]),
    ("a single string", ["a single string"]),
]


def test_the_paste_button_adds_the_list_in_the_clipboard(tab: Tab) -> None:
    lines = ["# top", "a", "# end"]
    shown(tab, "\n".join(lines))
    tab.wait(tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"]))
    for pasted, added in LISTS:
        first = len(lines) - 1
        lines[-1:-1] = added
        tab.do("async (pasted) => { await navigator.clipboard.writeText(pasted); }", pasted)
        tab.wait(tab.page.get_by_role("button", name="Paste list").click())
        reads(tab, "\n".join(lines))
        last = f"Levels {first} to {first + 1} are added."
        assert told(tab) == (f"Level {first} is added." if len(added) == 1 else last)


def test_the_paste_button_says_why_it_adds_nothing(tab: Tab) -> None:
    shown(tab, "a")
    tab.wait(tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"]))
    tab.do("async () => { await navigator.clipboard.writeText(' '); }")
    tab.wait(tab.page.get_by_role("button", name="Paste list").click())
    tab.until("() => document.querySelector('.zoomstack-rows-note').textContent.includes('no prompts can be read')")
    tab.wait(tab.page.context.clear_permissions())
    tab.wait(tab.page.get_by_role("button", name="Paste list").click())
    tab.until("() => document.querySelector('.zoomstack-rows-note').textContent.includes('press Ctrl+V in a row')")
    tab.errors[:] = [error for error in tab.errors if "zoomstack/prompts" not in error]  # the answer 400, as wished
    assert text(tab) == "a"


def test_ctrl_v_fills_an_empty_row_and_goes_on_below(tab: Tab) -> None:
    shown(tab, "a\nb")
    put_cursor(tab, 0)
    tab.press("Enter")
    paste(tab, "- x\r\n- y\r\n- z")
    reads(tab, "a\nx\ny\nz\nb")
    assert tab.do(FOCUSED) == [3, "TEXTAREA", ""]
    tab.press("Home")
    paste(tab, "one line ")
    tab.do("() => { document.activeElement.blur(); }")
    reads(tab, "a\nx\ny\none line z\nb")


def test_a_line_that_becomes_a_comment_is_no_row(tab: Tab) -> None:
    shown(tab, "a\nb\nc")
    put_cursor(tab, 1)
    tab.press("Home")
    tab.wait(tab.page.keyboard.type("# "))
    tab.wait(tab.page.locator(FIELDS).nth(2).focus())
    reads(tab, "a\n# b\nc")
    assert "comment" in told(tab)
    assert sizes(tab) == ["×1", "×4"]


def test_an_empty_row_is_nothing_to_complain_about(tab: Tab) -> None:
    shown(tab, "# note\na\nb")
    put_cursor(tab, 1)
    tab.press("Enter")
    tab.do("() => new Promise((done) => setTimeout(done, 900))")
    assert told(tab) == "Level 3 is added."


def test_sixty_four_rows(tab: Tab) -> None:
    lines = [f"# part {i // 8}" if i % 9 == 8 else f"prompt {i}" for i in range(72)]
    shown(tab, "\n".join(lines), factor=2.0)
    assert len(rows(tab)) == 64
    assert sizes(tab)[::21] == ["×1", "×2.1 million", "×4.4 trillion", "×9.22e18"]
    put_cursor(tab, 63)
    tab.press("Alt+ArrowUp")
    lines[69], lines[70] = lines[70], lines[69]
    assert text(tab) == "\n".join(lines)
    tab.press("ArrowUp")
    tab.press("ArrowUp")
    list_box, field_box = (
        tab.wait(tab.page.locator(selector).bounding_box()) for selector in (".zoomstack-rows-list", f"{FIELDS}:focus")
    )
    assert list_box and field_box
    assert list_box["y"] - 1 <= field_box["y"] <= list_box["y"] + list_box["height"] - field_box["height"] + 1
    for _ in range(3):
        click(tab, 0, "remove")
    assert text(tab) == "\n".join(lines[3:])
    tab.press(UNDO)
    reads(tab, "\n".join(lines[2:]))


def test_what_a_screen_reader_is_told(tab: Tab) -> None:
    shown(tab, "a galaxy\na star", factor=4.0)
    tab.do(CAPTURE)
    found = tab.wait(tab.page.locator(".zoomstack-rows").aria_snapshot())
    assert found == SNAPSHOT
    click(tab, 1, "up")
    found = tab.wait(tab.page.locator(".zoomstack-rows").aria_snapshot())
    assert found.endswith("- status: Level 2 is now level 1.")
