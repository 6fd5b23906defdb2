"""Growing a zoom where one looks: with the demo model, in the viewer of a real front end."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from chrome import RUN, SECONDS, Tab
from explorer import NODE, PICTURE, READY, VIEWER, settled
from graphs import demo_graph

PROMPTS = "a blue spiral galaxy\nthe spiral arms of a blue galaxy\na star field around a yellow sun"
SEEDS = count(3)  # another one for every graph: the server remembers what it made
# What a run has ended with; growing starts runs by itself.
WATCH = """() => {
    if (window.zoomstackEnds) return;
    window.zoomstackEnds = [];
    const {api} = window.comfyAPI.api;
    for (const name of ["execution_success", "execution_error", "execution_interrupted"]) {
        api.addEventListener(name, (event) => window.zoomstackEnds.push([name, event.detail.exception_message ?? ""]));
    }
}"""
TEXTS = """() => {
    window.zoomstackTexts = [];
    window.comfyAPI.api.api.addEventListener("progress_text", (e) => window.zoomstackTexts.push(e.detail.text));
}"""


def node(kind: str) -> str:
    return f"app.rootGraph.nodes.find(n => n.type === '{kind}')"


def widget(tab: Tab, kind: str, name: str) -> Any:
    return tab.do(f"() => {node(kind)}?.widgets.find(w => w.name === '{name}').value")


def graph(tab: Tab, after: str = "fixed") -> int:
    """The demo model's three levels in a viewer; the seed."""
    seed = next(SEEDS)
    demo_graph(tab, PROMPTS, 128, seed=seed, control_after_generate=after, steps=4, cfg=3.0, zoom_factor=4.0)
    return seed


def show_viewer(tab: Tab) -> None:
    tab.do(
        f"""async () => {{
            const viewer = {node("ZoomViewer")};
            app.canvas.ds.scale = 1;
            app.canvas.ds.offset = [60 - viewer.pos[0], 80 - viewer.pos[1]];
            app.canvas.setDirty(true, true);
            await new Promise((done) => setTimeout(done, 300));
        }}"""
    )


def pictures(tab: Tab) -> list[str]:
    """A hash of each level's colors; the files hold the workflow too."""
    return tab.do(  # type: ignore[no-any-return]
        f"""async () => Promise.all({VIEWER}.stack.urls.map(async (url) => {{
            const image = await createImageBitmap(await (await fetch(url)).blob());
            const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const {{data}} = context.getImageData(0, 0, image.width, image.height);
            const hash = await crypto.subtle.digest("SHA-256", data);
            return [...new Uint8Array(hash)].map((byte) => byte.toString(16)).join("");
        }}))"""
    )


def said(tab: Tab) -> str:
    """What the sampler said last of what it kept."""
    lines = tab.do(
        "() => window.zoomstackTexts.flatMap((text) => text.split('\\n')).filter((t) => t.startsWith('kept'))"
    )
    return lines[-1] if lines else ""


def status(tab: Tab) -> str:
    return tab.do("() => document.querySelector('.zoomstack-grow-status').textContent")  # type: ignore[no-any-return]


def press(tab: Tab, name: str) -> None:
    tab.click(f"[data-grow={name}]")


def ended(tab: Tab, levels: int) -> list[str]:
    """Wait for the run that a button began; the pictures then."""
    tab.until("() => window.zoomstackEnds.length > 0")
    ends = tab.do("() => window.zoomstackEnds.splice(0)")
    assert [end[0] for end in ends] == ["execution_success"], ends
    tab.until(f"() => {VIEWER}.stack?.urls[0].includes({NODE}.properties.last_result.images[0].filename)")
    assert tab.do(f"() => {VIEWER}.stack.urls.length") == levels
    settled(tab)
    return pictures(tab)


def look_at(tab: Tab, level: int, x: float, y: float) -> None:
    """The middle of the view on a point of a level of the first line, which fills the view as far as can be."""
    tab.do(
        f"""([level, x, y]) => {{
            const viewer = {VIEWER};
            viewer.goTo(level);
            viewer.view = {{zoom: level + 0.3, x, y}};
            viewer.hand.strayed = true;
            viewer.draw();
        }}""",
        [level, x, y],
    )


@pytest.fixture
def first(tab: Tab) -> Iterator[list[str]]:
    """Three levels, made without keep; their pictures."""
    graph(tab)
    tab.do(WATCH)
    tab.do(TEXTS)
    ran = tab.do(RUN, (SECONDS - 5) * 1000)
    assert ran["status"] == "success", ran["status"]
    tab.until(READY)
    show_viewer(tab)
    tab.do("() => { window.zoomstackEnds.length = 0; }")
    yield pictures(tab)


def test_grow_twice_again_undo_save_reload_and_run(tab: Tab, first: list[str]) -> None:
    # deeper
    look_at(tab, 2, 0.5, 0.5)
    press(tab, "grow")
    assert status(tab) == "Level 4 in level 3"
    tab.wait(tab.page.keyboard.type("a whole ocean planet in space"))
    tab.press("Enter")
    deeper = ended(tab, 4)
    assert widget(tab, "ZoomPromptSchedule", "prompts") == f"{PROMPTS}\na whole ocean planet in space"
    assert widget(tab, "ZoomKSampler", "keep") is True
    assert tab.do(f"() => !{node('ZoomGeometry')}")
    assert said(tab) == "kept 3 of 4 levels, sampled level 4"

    # a branch in the widest level, of two levels
    look_at(tab, 0, 0.15, 0.2)
    press(tab, "grow")
    tab.wait(tab.page.keyboard.type("a star field around a red sun"))
    tab.press("Shift+Enter")
    tab.wait(tab.page.keyboard.type("a whole desert planet in space"))
    press(tab, "go")
    branch = ended(tab, 6)
    assert said(tab) == "kept 4 of 6 levels, sampled levels 5, 6"
    assert branch[1:4] == deeper[1:4] and branch[0] != deeper[0]
    text = widget(tab, "ZoomPromptSchedule", "prompts")
    assert text.splitlines()[-2:] == ["from 1: a star field around a red sun", "a whole desert planet in space"]
    assert widget(tab, "ZoomGeometry", "focus").splitlines()[3] == "0.15, 0.2"
    parents = tab.do(f"() => {VIEWER}.stack.geometry.parents")
    assert parents == [None, 0, 1, 2, 0, 4]

    # the branch's first level again
    tab.do(f"() => {{ {VIEWER}.flyTo(4); }}")
    tab.until(f"() => !{VIEWER}.flight && !{VIEWER}.request")
    press(tab, "again")
    again = ended(tab, 6)
    assert said(tab) == "kept 5 of 6 levels, sampled level 5"
    assert again[1:4] == branch[1:4] and again[5] == branch[5] and again[4] != branch[4]
    assert widget(tab, "ZoomKSampler", "level_seeds").startswith("5: ")

    # back, one after another
    press(tab, "undo")
    assert ended(tab, 6) == branch
    assert said(tab) == "kept all 6 levels, sampled none"
    press(tab, "undo")
    assert ended(tab, 4) == deeper
    assert widget(tab, "ZoomPromptSchedule", "prompts") == f"{PROMPTS}\na whole ocean planet in space"
    assert tab.do(f"() => !{node('ZoomGeometry')}")

    # the saved workflow is the whole truth
    workflow = tab.do("async () => (await app.graphToPrompt()).workflow")
    tab.load(workflow)
    tab.until(READY)
    show_viewer(tab)
    press(tab, "undo")
    assert ended(tab, 3) == first
    assert widget(tab, "ZoomPromptSchedule", "prompts") == PROMPTS
    tab.load(workflow)
    tab.until(READY)
    tab.do(RUN, (SECONDS - 5) * 1000)
    tab.do("() => { window.zoomstackEnds.length = 0; }")
    assert pictures(tab) == deeper


def test_alt_and_a_double_click_grow_at_the_pointer_and_a_double_click_follows_the_zoom(
    tab: Tab, first: list[str]
) -> None:
    tab.do(f"() => {{ {VIEWER}.fit(); }}")
    settled(tab)
    x, y = tab.center(PICTURE)
    tab.wait(tab.page.mouse.dblclick(x, y))
    settled(tab)
    assert tab.do("() => document.querySelector('.zoomstack-grow').hidden")
    tab.do(f"() => {{ {VIEWER}.fit(); }}")
    settled(tab)
    tab.wait(tab.page.keyboard.down("Alt"))
    tab.wait(tab.page.mouse.dblclick(x - 130, y + 100))
    tab.wait(tab.page.keyboard.up("Alt"))
    assert status(tab) == "Level 4 in level 1"
    assert tab.do("() => document.activeElement.tagName") == "TEXTAREA"
    assert not tab.do("() => document.querySelector('.zoomstack-grow-frame').hidden")
    tab.press("0")  # a letter of the prompt, and no key of the viewer
    assert tab.do("() => document.querySelector('.zoomstack-grow textarea').value") == "0"
    tab.press("Escape")
    assert tab.do("() => document.querySelector('.zoomstack-grow').hidden")
    assert tab.do("() => document.activeElement.classList.contains('zoomstack-viewer')")
    tab.press("g")
    assert status(tab) == "Level 2 is here already. Look beside it, or zoom on until it fills the picture."
    tab.press("Escape")


def test_a_seed_that_the_host_draws_anew_is_put_back(tab: Tab) -> None:
    seed = graph(tab, after="randomize")
    tab.do(WATCH)
    tab.do(TEXTS)
    tab.run()
    tab.until(READY)
    show_viewer(tab)
    tab.do("() => { window.zoomstackEnds.length = 0; }")
    before = pictures(tab)
    assert widget(tab, "ZoomKSampler", "seed") != seed
    look_at(tab, 2, 0.5, 0.5)
    press(tab, "grow")
    tab.wait(tab.page.keyboard.type("a whole ocean planet in space"))
    tab.press("Enter")
    after = ended(tab, 4)
    assert said(tab) == "kept 3 of 4 levels, sampled level 4"
    assert widget(tab, "ZoomKSampler", "seed") == seed
    assert len(before) == 3 and len(set(after)) == 4


def test_what_growing_needs_is_said(tab: Tab, first: list[str]) -> None:
    def title() -> Any:
        tab.do("() => { document.querySelector('.zoomstack-viewer').dispatchEvent(new Event('focusin')); }")
        script = "() => { const b = document.querySelector('[data-grow=grow]'); return b.disabled && b.title; }"
        return tab.do(script)

    assert title() is False
    assert tab.do("() => document.querySelector('[data-grow=undo]').disabled")
    tab.do(
        f"""() => {{
            const text = LiteGraph.createNode("PrimitiveStringMultiline"), schedule = {node("ZoomPromptSchedule")};
            app.rootGraph.add(text);
            text.connect(0, schedule, schedule.findInputSlot("prompts"));
        }}"""
    )
    assert "prompts come from another node" in title()
    tab.do(f"() => {{ app.rootGraph.remove({node('PrimitiveStringMultiline')}); }}")
    assert title() is False
    tab.do(f"() => {{ app.rootGraph.remove({node('ZoomKSampler')}); }}")
    assert "one Zoom KSampler" in title()


def test_levels_are_saved_when_asked(tab: Tab, first: list[str]) -> None:
    tab.do(
        f"""() => {{
            const {{getNodeMenuItems}} = app.extensions.find((e) => e.name === "zoomstack");
            getNodeMenuItems({node("ZoomKSampler")}).find((item) => item.content === "Save the levels").callback();
        }}"""
    )
    tab.until(f"() => {node('ZoomKSampler')}.widgets.find(w => w.name === 'kept_file').value")
    assert widget(tab, "ZoomKSampler", "kept_file").startswith("zoomstack/levels_0000")
