"""The rows of Zoom Prompt Schedule: the same text seen and edited in two ways."""

from typing import Any

import pytest
from chrome import Tab
from prompt_graph import CAPTURE, FIELDS, NODE, TEXT, click, rows, shown, text, told


def test_rows_show_the_text(tab: Tab) -> None:
    shown(tab, "# far\na galaxy\n\na star\na planet")
    assert rows(tab) == [["1", "×1", "a galaxy"], ["2", "×4", "a star"], ["3", "×16", "a planet"]]
    sampler = "app.rootGraph.nodes.find(n => n.type === 'ZoomKSampler')"
    tab.do(f"() => {{ {sampler}.widgets.find(w => w.name === 'zoom_factor').value = 2; }}")
    tab.do(f"() => {{ {TEXT}.value = 'one\\ntwo'; {TEXT}.callback?.('one\\ntwo'); }}")
    assert rows(tab) == [["1", "×1", "one"], ["2", "×2", "two"]]


def test_typing_in_a_row_changes_its_line_alone(tab: Tab) -> None:
    shown(tab, "# far\na galaxy\n\na star")
    tab.click(FIELDS)
    tab.press("End")
    tab.wait(tab.page.keyboard.type(", blue"))
    assert text(tab) == "# far\na galaxy, blue\n\na star"
    tab.press("Enter")
    tab.wait(tab.page.keyboard.type("an arm"))
    assert text(tab) == "# far\na galaxy, blue\nan arm\n\na star"
    tab.press("Alt+ArrowUp")
    assert text(tab) == "# far\nan arm\na galaxy, blue\n\na star"


def test_buttons_add_move_and_remove(tab: Tab) -> None:
    shown(tab, "a\n# between\nb\nc")
    click(tab, 1, "up")
    assert text(tab) == "b\n# between\na\nc"
    assert tab.do("() => document.activeElement.closest('li').textContent.startsWith('1')")
    click(tab, 2, "remove")
    assert text(tab) == "b\n# between\na"
    tab.do("() => { document.querySelector('.zoomstack-rows-bar button').click(); }")
    tab.wait(tab.page.keyboard.type("d"))
    assert text(tab) == "b\n# between\na\nd"
    assert [row[2] for row in rows(tab)] == ["b", "a", "d"]


def test_an_edit_is_a_step_of_undo(tab: Tab) -> None:
    shown(tab, "a\nb\nc")
    tab.do(CAPTURE)
    click(tab, 0, "remove")
    assert text(tab) == "b\nc"
    tab.do("async () => { await app.extensionManager.workflow.activeWorkflow.changeTracker.undo(); }")
    tab.until("() => document.querySelectorAll('.zoomstack-rows li').length === 3")
    assert text(tab) == "a\nb\nc"
    tab.do("async () => { await app.extensionManager.workflow.activeWorkflow.changeTracker.redo(); }")
    tab.until("() => document.querySelectorAll('.zoomstack-rows li').length === 2")
    assert text(tab) == "b\nc"


@pytest.mark.parametrize("pasted", ["1. x\n2. y\n3. z", '["x", "y", "z"]\n', "Here are the prompts:\n\n- x\n- y\n- z"])
def test_a_pasted_list_becomes_rows(tab: Tab, pasted: str) -> None:
    shown(tab, "a\nb")
    tab.do(
        """(pasted) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", pasted + "\\n ");
            const field = document.querySelector(".zoomstack-rows textarea");
            field.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
        }""",
        pasted.replace('["x", "y", "z"]\n', '["x",\n"y", "z"]'),
    )
    tab.until("() => document.querySelectorAll('.zoomstack-rows li').length === 5")
    assert text(tab) == "a\nx\ny\nz\nb"


def test_a_text_that_is_no_list_of_lines_can_be_made_one(tab: Tab) -> None:
    shown(tab, '["a galaxy",\n"a star"]\n')
    tab.do(f'() => {{ {TEXT}.value = \'["a", "b", "c"]\'; {TEXT}.callback?.({TEXT}.value); }}')
    tab.until("() => document.querySelector('.zoomstack-rows-note button')")
    assert "3 prompts" in told(tab)
    tab.do("() => { document.querySelector('.zoomstack-rows-note button').click(); }")
    assert text(tab) == "a\nb\nc"


def test_a_linked_text_is_not_edited_here(tab: Tab) -> None:
    shown(tab, "a\nb")
    tab.do(
        f"""() => {{
            const source = LiteGraph.createNode("PrimitiveStringMultiline"), node = {NODE};
            app.rootGraph.add(source);
            source.connect(0, node, node.findInputSlot("prompts"));
        }}"""
    )
    tab.until("() => document.querySelector('.zoomstack-rows').inert")
    tab.do(f"() => {{ const node = {NODE}; node.disconnectInput(node.findInputSlot('prompts')); }}")
    tab.until("() => !document.querySelector('.zoomstack-rows').inert")


def test_what_is_saved_is_the_text_alone(tab: Tab) -> None:
    shown(tab, "# note\na\nb")
    saved: dict[str, Any] = tab.do("async () => await app.graphToPrompt()")
    (node,) = [node for node in saved["workflow"]["nodes"] if node["type"] == "ZoomPromptSchedule"]
    assert node["widgets_values"][-1] == "# note\na\nb"
    (inputs,) = [n["inputs"] for n in saved["output"].values() if n["class_type"] == "ZoomPromptSchedule"]
    assert inputs["prompts"] == "# note\na\nb"
    assert "prompt_rows" not in inputs
    tab.load(saved["workflow"])
    assert [row[2] for row in rows(tab)] == ["a", "b"]
