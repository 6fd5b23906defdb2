"""Rows of Zoom Prompt Schedule dragged by their numbers, with real pointers."""

from chrome import Tab
from prompt_graph import HOST_IS_QUIET, NODE, prompts, put_cursor, shown, text, told
from test_prompt_editing import FOCUSED, REDO, UNDO, press_and_wait, reads

TREE = "a galaxy\na star\na planet\nfrom 1: another star\nits comet"
MARKED = """() => Object.fromEntries(["moving", "above", "below", "into"].map((name) => [name,
    [...document.querySelectorAll(".zoomstack-rows li")].flatMap((item, row) =>
        item.classList.contains(`zoomstack-rows-${name}`) ? [row] : [])]))"""
NOTHING: dict[str, list[int]] = {"moving": [], "above": [], "below": [], "into": []}
PLACE = f"() => [...{NODE}.pos, ...app.canvas.ds.offset]"
LIST = ".zoomstack-rows-list"
AT_END = f"""() => {{
    const list = document.querySelector("{LIST}");
    return list.scrollTop + list.clientHeight > list.scrollHeight - 2;
}}"""


def point(tab: Tab, row: int, part: float = 0.5) -> tuple[float, float]:
    """On the handle of a row, at a part of the row's height."""
    box = tab.wait(tab.page.locator(".zoomstack-rows-level").nth(row).bounding_box())
    item = tab.wait(tab.page.locator(".zoomstack-rows li").nth(row).bounding_box())
    assert box and item
    return box["x"] + box["width"] / 2, item["y"] + part * item["height"]


def hold(tab: Tab, row: int, over: int, part: float) -> None:
    """Drag a row over another one, and keep the button down."""
    tab.wait(tab.page.mouse.move(*point(tab, row)))
    tab.wait(tab.page.mouse.down())
    tab.wait(tab.page.mouse.move(*point(tab, over, part), steps=5))


def drop(tab: Tab) -> None:
    tab.wait(tab.page.mouse.up())


def test_a_row_lands_where_the_line_shows_and_undo_takes_it_back_in_one_step(tab: Tab) -> None:
    shown(tab, "# far\na\n--neg x\nb\n\nc\nd")
    place = tab.do(PLACE)
    hold(tab, 0, 2, 0.75)
    assert tab.do(MARKED) == {**NOTHING, "moving": [0], "above": [3]}
    assert text(tab) == "# far\na\n--neg x\nb\n\nc\nd"
    tab.wait(tab.page.mouse.move(*point(tab, 3, 0.75), steps=3))
    assert tab.do(MARKED) == {**NOTHING, "moving": [0], "below": [3]}
    tab.wait(tab.page.mouse.move(*point(tab, 2, 0.75), steps=3))
    drop(tab)
    assert text(tab) == "# far\nb\nc\n\na\n--neg x\nd"
    assert prompts(tab) == ["b", "c", "a", "d"]
    assert told(tab) == "Level 1 is now level 3."
    assert tab.do(MARKED) == NOTHING
    assert tab.do(FOCUSED) == [2, "TEXTAREA", ""]
    assert tab.do(PLACE) == place  # neither the node nor the graph
    tab.do(HOST_IS_QUIET)
    press_and_wait(tab, UNDO)
    assert text(tab) == "# far\na\n--neg x\nb\n\nc\nd"
    press_and_wait(tab, REDO)
    assert text(tab) == "# far\nb\nc\n\na\n--neg x\nd"


def test_a_branch_goes_with_all_of_it_into_the_row_it_is_dropped_on(tab: Tab) -> None:
    shown(tab, TREE)
    hold(tab, 3, 1, 0.3)
    assert tab.do(MARKED) == {**NOTHING, "moving": [3, 4], "above": [3], "into": [1]}
    drop(tab)
    reads(tab, TREE.replace("from 1", "from 2"))
    assert told(tab) == "Level 4 is now level 4, in level 2."
    hold(tab, 3, 4, 0.3)  # into itself
    assert tab.do(MARKED) == {**NOTHING, "moving": [3, 4]}
    drop(tab)
    hold(tab, 4, 2, 0.2)  # a row alone
    drop(tab)
    reads(tab, "a galaxy\na star\nits comet\na planet\nfrom 2: another star")


def test_escape_leaves_everything_where_it_is(tab: Tab) -> None:
    shown(tab, TREE)
    put_cursor(tab, 1)
    hold(tab, 0, 2, 0.8)
    assert tab.do(MARKED)["above"] == [3]
    tab.press("Escape")
    assert tab.do(MARKED) == NOTHING
    tab.wait(tab.page.mouse.move(*point(tab, 1, 0.8), steps=3))
    drop(tab)
    assert text(tab) == TREE
    hold(tab, 2, 0, 0.1)
    tab.do("() => { document.querySelector('.zoomstack-rows-bar button').click(); }")  # the rows are others now
    assert tab.do(MARKED) == NOTHING
    drop(tab)
    assert prompts(tab)[:5] == TREE.split("\n")


def test_a_finger_drags_a_row_and_does_not_scroll(tab: Tab) -> None:
    shown(tab, "\n".join(f"prompt {i}" for i in range(30)))
    (x, y), end = point(tab, 0), point(tab, 3, 0.8)
    place = tab.do(PLACE)
    tab.touch([(x, y)], [(x, (y + end[1]) / 2)], [(x, end[1] - 1)], [end])
    reads(tab, "\n".join(f"prompt {i}" for i in [1, 2, 3, 0, *range(4, 30)]))
    assert tab.do(f"() => document.querySelector('{LIST}').scrollTop") == 0
    assert tab.do(PLACE) == place
    assert not tab.do("() => document.activeElement.matches('.zoomstack-rows textarea')")  # no keyboard on the screen


def test_a_long_list_scrolls_while_the_pointer_is_at_its_edge(tab: Tab) -> None:
    lines = [f"prompt {i}" for i in range(40)]
    shown(tab, "\n".join(lines))
    box = tab.wait(tab.page.locator(LIST).bounding_box())
    assert box
    x, y = point(tab, 1)
    tab.wait(tab.page.mouse.move(x, y))
    tab.wait(tab.page.mouse.down())
    tab.wait(tab.page.mouse.move(x, box["y"] + box["height"] + 20, steps=4))
    tab.until(AT_END)
    tab.until("() => document.querySelector('.zoomstack-rows li:last-child').matches('.zoomstack-rows-below')")
    drop(tab)
    assert text(tab) == "\n".join([lines[0], *lines[2:], lines[1]])
    assert tab.do(AT_END)
    x, _ = point(tab, 39)
    hold(tab, 39, 38, 0.2)
    tab.wait(tab.page.mouse.move(x, box["y"] - 20, steps=4))
    tab.until(f"() => document.querySelector('{LIST}').scrollTop === 0")
    tab.until("() => document.querySelector('.zoomstack-rows li').matches('.zoomstack-rows-above')")
    drop(tab)
    assert text(tab) == "\n".join([lines[1], lines[0], *lines[2:]])
