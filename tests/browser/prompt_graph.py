"""Zoom Prompt Schedule in the page: its text, and the rows over it."""

from typing import Any

from chrome import Tab
from graphs import BUILD

NODE = "app.rootGraph.nodes.find(n => n.type === 'ZoomPromptSchedule')"
TEXT = f"{NODE}.widgets.find(w => w.name === 'prompts')"
FIELDS = ".zoomstack-rows textarea"
# What the host does when the mouse is released; before 0.24 it was called checkState.
CAPTURE = """() => {
    const tracker = app.extensionManager.workflow.activeWorkflow.changeTracker;
    (tracker.captureCanvasState ?? tracker.checkState).call(tracker);
}"""
# Newer front ends count what happens within 50 ms after an edit, such as a new layout, as a part of it.
HOST_IS_QUIET = "() => new Promise((done) => setTimeout(done, 150))"


def text(tab: Tab) -> str:
    return tab.do(f"() => {TEXT}.value")  # type: ignore[no-any-return]


def rows(tab: Tab) -> list[list[str]]:
    """Of every row: level, magnification, prompt."""
    return tab.do(  # type: ignore[no-any-return]
        """() => [...document.querySelectorAll(".zoomstack-rows li")].map((row) => [
            ...[...row.querySelectorAll("span")].map((span) => span.textContent),
            row.querySelector("textarea").value,
        ])"""
    )


def prompts(tab: Tab) -> list[str]:
    """What stands in the rows."""
    return [row[2] for row in rows(tab)]


def sizes(tab: Tab) -> list[str]:
    """The magnifications in the rows."""
    return [row[1] for row in rows(tab)]


def build(tab: Tab, nodes: dict[str, Any], links: list[list[str]]) -> None:
    """A workflow with one schedule, in view."""
    tab.do(BUILD, {"nodes": nodes, "links": links})
    tab.until("() => document.querySelectorAll('.zoomstack-rows').length === 1")
    tab.do(
        """() => {
            app.canvas.ds.scale = 0.9;
            app.canvas.ds.offset = [100, 60];
            app.canvas.setDirty(true, true);
            return new Promise((done) => setTimeout(done, 300));
        }"""
    )
    tab.do(CAPTURE)
    tab.do(HOST_IS_QUIET)


def shown(tab: Tab, prompts: str, factor: float = 4.0) -> None:
    """A schedule with a text, and a sampler with a zoom factor behind it."""
    nodes = {
        "schedule": {"type": "ZoomPromptSchedule", "pos": [0, 0], "widgets": {"prompts": prompts}},
        "sampler": {"type": "ZoomKSampler", "pos": [520, 0], "widgets": {"zoom_factor": factor}},
    }
    build(tab, nodes, [["schedule", "positive", "sampler", "positive"]])


def click(tab: Tab, row: int, action: str) -> None:
    tab.do(f"() => {{ document.querySelectorAll('.zoomstack-rows [data-action={action}]')[{row}].click(); }}")


def put_cursor(tab: Tab, row: int) -> None:
    """Click into the field of a row."""
    tab.wait(tab.page.locator(FIELDS).nth(row).click())
    tab.do(HOST_IS_QUIET)


def told(tab: Tab) -> str:
    """What is said below the rows."""
    return tab.do("() => document.querySelector('.zoomstack-rows-note').textContent")  # type: ignore[no-any-return]


def warned(tab: Tab) -> str:
    """What is said above the buttons of what does not fit the levels."""
    return tab.do("() => document.querySelector('.zoomstack-rows-warning').textContent")  # type: ignore[no-any-return]
