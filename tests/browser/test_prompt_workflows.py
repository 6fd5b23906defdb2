"""The rows of Zoom Prompt Schedule agree with its text, wherever the node comes from."""

import pytest
from chrome import Tab
from prompt_graph import CAPTURE, build, prompts, put_cursor, rows, shown, text

TEXT = "# a comment\n  a galaxy\n\na star\n# the end\n"
ALL_ROWS = """() => [...document.querySelectorAll(".zoomstack-rows")].map((editor) =>
    [...editor.querySelectorAll("textarea")].map((field) => field.value))"""
SUBGRAPH = """(inside) => {
    const schedule = app.rootGraph.nodes.find((node) => node.type === "ZoomPromptSchedule");
    const { subgraph, node } = app.rootGraph.convertToSubgraph(new Set([schedule]));
    if (inside) app.canvas.setGraph(subgraph);
    return node.id;
}"""


def test_a_saved_workflow_opens_with_its_rows(tab: Tab) -> None:
    shown(tab, TEXT, factor=4.0)
    saved = tab.do("async () => (await app.graphToPrompt()).workflow")
    shown(tab, "something else")
    tab.load(saved)
    assert text(tab) == TEXT
    assert rows(tab) == [["1", "×1", "a galaxy"], ["2", "×4", "a star"]]


def test_a_copy_of_the_node_has_rows_of_its_own(tab: Tab) -> None:
    shown(tab, TEXT)
    tab.do(
        """() => {
            app.canvas.copyToClipboard([app.rootGraph.nodes.find((node) => node.type === "ZoomPromptSchedule")]);
            app.canvas.pasteFromClipboard({position: [0, 760]});
        }"""
    )
    tab.until("() => document.querySelectorAll('.zoomstack-rows').length === 2")
    assert tab.do(ALL_ROWS) == [["a galaxy", "a star"], ["a galaxy", "a star"]]
    put_cursor(tab, 0)
    tab.press("End")
    tab.wait(tab.page.keyboard.type(", blue"))
    values = tab.do(
        """() => app.rootGraph.nodes.filter((node) => node.type === "ZoomPromptSchedule")
            .map((node) => node.widgets.find((widget) => widget.name === "prompts").value)"""
    )
    assert sorted(values) == [TEXT, TEXT.replace("galaxy", "galaxy, blue")]
    assert sorted(tab.do(ALL_ROWS)) == [["a galaxy", "a star"], ["a galaxy, blue", "a star"]]


def test_the_text_box_and_the_rows_follow_each_other(tab: Tab) -> None:
    shown(tab, TEXT)
    tab.do(
        """(text) => {
            const boxes = [...document.querySelectorAll("textarea:not(.zoomstack-rows textarea)")];
            boxes.find((box) => box.value === text).id = "box";
        }""",
        TEXT,
    )
    box = tab.page.locator("#box")
    tab.wait(box.fill("one\n# two\nthree"))
    assert text(tab) == "one\n# two\nthree"
    assert prompts(tab) == ["one", "three"]
    put_cursor(tab, 1)
    tab.press("Alt+ArrowUp")
    assert tab.wait(box.input_value()) == "three\n# two\none"


def test_the_node_goes_into_a_subgraph_with_its_rows(tab: Tab) -> None:
    shown(tab, TEXT)
    tab.do(SUBGRAPH, True)
    tab.until("() => document.querySelectorAll('.zoomstack-rows textarea').length === 2")
    assert tab.do(ALL_ROWS) == [["a galaxy", "a star"]]
    put_cursor(tab, 0)
    tab.press("Alt+ArrowDown")
    assert tab.do(ALL_ROWS) == [["a star", "a galaxy"]]
    tab.do("() => { app.canvas.setGraph(app.rootGraph); }")
    output = tab.do("async () => (await app.graphToPrompt()).output")
    (inputs,) = [node["inputs"] for node in output.values() if node["class_type"] == "ZoomPromptSchedule"]
    assert inputs["prompts"] == "# a comment\na star\n\n  a galaxy\n# the end\n"


def test_linked_prompts_are_shown_as_they_will_be_read(tab: Tab) -> None:
    source = {"type": "PrimitiveStringMultiline", "pos": [-460, 0], "widgets": {"value": "x\ny\nz"}}
    schedule = {"type": "ZoomPromptSchedule", "pos": [0, 0], "widgets": {"prompts": "a\nb"}}
    build(tab, {"schedule": schedule, "source": source}, [["source", "STRING", "schedule", "prompts"]])
    tab.do(CAPTURE)
    assert prompts(tab) == ["x", "y", "z"]
    assert tab.do("() => document.querySelector('.zoomstack-rows').inert")
    tab.do(
        """() => {
            const node = app.rootGraph.nodes.find((node) => node.type === "ZoomPromptSchedule");
            node.disconnectInput(node.findInputSlot("prompts"));
        }"""
    )
    assert prompts(tab) == ["a", "b"]
    assert not tab.do("() => document.querySelector('.zoomstack-rows').inert")


def test_a_text_that_only_a_run_can_tell_is_not_shown(tab: Tab) -> None:
    source = {"type": "ZoomPromptWriter", "pos": [-460, 0]}
    schedule = {"type": "ZoomPromptSchedule", "pos": [0, 0], "widgets": {"prompts": "a\nb"}}
    build(tab, {"schedule": schedule, "source": source}, [["source", "instruction", "schedule", "prompts"]])
    assert prompts(tab) == []
    note = tab.do("() => document.querySelector('.zoomstack-rows-note').textContent")
    assert note == "The prompts come from another node."


def test_prompts_of_a_subgraph_are_shown_as_its_node_sets_them(tab: Tab) -> None:
    source = {"type": "PrimitiveStringMultiline", "pos": [-460, 0], "widgets": {"value": "x\ny\nz"}}
    schedule = {"type": "ZoomPromptSchedule", "pos": [0, 0], "widgets": {"prompts": "a\nb"}}
    build(tab, {"schedule": schedule, "source": source}, [["source", "STRING", "schedule", "prompts"]])
    tab.do(SUBGRAPH, True)
    tab.until("() => document.querySelectorAll('.zoomstack-rows textarea').length === 3")
    assert tab.do(ALL_ROWS) == [["x", "y", "z"]]
    tab.do(
        """() => {
            const node = app.rootGraph.nodes.find((node) => node.subgraph);
            node.disconnectInput(node.inputs.findIndex((input) => input.name === "prompts"));
            node.widgets.find((widget) => widget.name === "prompts").value = "p\\nq";
        }"""
    )
    tab.do(CAPTURE)
    assert tab.do(ALL_ROWS) == [["p", "q"]]
    tab.do("() => { app.canvas.setGraph(app.rootGraph); }")
    output = tab.do("async () => (await app.graphToPrompt()).output")
    (inputs,) = [node["inputs"] for node in output.values() if node["class_type"] == "ZoomPromptSchedule"]
    assert inputs["prompts"] == "p\nq"


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ('[{"prompt": "a galaxy"}, {"prompt": "a star"}]', None),
        ('Sure!\n```json\n{"level 1": "a galaxy",\n "level 2": "a star"}\n```', None),
        ("# note\na {red|red} galaxy\n// out\na star", "# note\na red galaxy\n\na star"),
    ],
)
def test_json_arrives_as_it_is_and_dynamic_prompts_are_chosen(tab: Tab, typed: str, sent: str | None) -> None:
    shown(tab, typed)
    output = tab.do("async () => (await app.graphToPrompt()).output")
    (inputs,) = [node["inputs"] for node in output.values() if node["class_type"] == "ZoomPromptSchedule"]
    assert inputs["prompts"] == (typed if sent is None else sent)
    if sent:
        assert prompts(tab) == ["a {red|red} galaxy", "a star"]
