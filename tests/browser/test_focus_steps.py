"""The focus picker on Zoom Geometry: a rectangle for every step, and the two texts that it sets."""

from typing import Any

from chrome import Tab
from graphs import BUILD, viewer_graph
from prompt_graph import CAPTURE

GEOMETRY = "app.rootGraph.nodes.find(n => n.type === 'ZoomGeometry')"
PRESS_BUTTON = f"() => {{ {GEOMETRY}.widgets.find((widget) => widget.type === 'button').callback(); }}"
SHOWN = """() => {
    const {left, top, width} = document.querySelector('.zoomstack-focus-rect').style;
    const steps = document.querySelector('.zoomstack-focus select');
    return [left, top, width, steps?.selectedOptions[0].textContent ?? null];
}"""
OPTIONS = "() => [...document.querySelectorAll('.zoomstack-focus option')].map((option) => option.textContent)"
PICTURE = """() => {
    const image = document.querySelector('.zoomstack-focus img');
    const canvas = new OffscreenCanvas(1, 1), context = canvas.getContext('2d');
    context.drawImage(image, 0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


def geometry_graph(tab: Tab, **texts: str) -> None:
    """Three levels (red, green, blue), stacked as a Zoom Geometry says, with a result to be seen."""
    viewer_graph(tab)
    tab.do(
        """(texts) => {
            const geometry = LiteGraph.createNode("ZoomGeometry");
            geometry.pos = [0, 680];
            app.rootGraph.add(geometry);
            for (const [name, text] of Object.entries(texts)) {
                geometry.widgets.find((widget) => widget.name === name).value = text;
            }
            const stack = app.rootGraph.nodes.find((node) => node.type === "ZoomStack");
            geometry.connect(0, stack, stack.findInputSlot("geometry"));
        }""",
        texts,
    )
    tab.do(CAPTURE)


def texts(tab: Tab) -> list[str]:
    """What the node's zoom_factors and focus say."""
    return tab.do(  # type: ignore[no-any-return]
        f"""() => ["zoom_factors", "focus"].map((name) => {GEOMETRY}.widgets.find((w) => w.name === name).value)"""
    )


def fill(tab: Tab, label: str, value: str) -> None:
    tab.wait(tab.page.get_by_label(label).fill(value))


def use(tab: Tab) -> None:
    tab.click(".zoomstack-focus-use")
    tab.until("() => !document.querySelector('.zoomstack-focus')")


def leave(tab: Tab) -> None:
    tab.press("Escape")
    tab.until("() => !document.querySelector('.zoomstack-focus')")


def test_every_step_has_its_own_rectangle_on_its_own_picture(tab: Tab) -> None:
    geometry_graph(tab, zoom_factors="2, 4", focus="0.5, 0.5\n0.25, 0.75")
    tab.run()
    tab.do(PRESS_BUTTON)
    assert tab.do(OPTIONS) == ["All steps", "Step 1 of 2", "Step 2 of 2"]
    loaded = "() => document.querySelector('.zoomstack-focus img').complete"
    tab.until(loaded)
    assert tab.do(SHOWN) == ["25%", "25%", "50%", "Step 1 of 2"]
    red, green, _ = tab.do(PICTURE)
    assert red > green
    tab.wait(tab.page.get_by_label("Step of the zoom").select_option("1"))
    tab.until(loaded)
    assert tab.do(SHOWN) == ["12.5%", "62.5%", "25%", "Step 2 of 2"]
    red, green, _ = tab.do(PICTURE)
    assert green > red
    frame = tab.wait(tab.page.locator(".zoomstack-focus-frame").bounding_box())
    assert frame
    tab.drag(".zoomstack-focus-rect", 0.25 * frame["width"], 0)
    use(tab)
    factors, focus = texts(tab)
    first, second = (line.split(", ") for line in focus.split("\n"))
    assert (factors, first) == ("2, 4", ["0.5", "0.5"])
    assert abs(float(second[0]) - 0.5) < 0.01 and abs(float(second[1]) - 0.75) < 0.01


def test_the_keyboard_sets_step_after_step_and_undo_takes_it_back(tab: Tab) -> None:
    geometry_graph(tab, zoom_factors="2", focus="0.5, 0.5")
    tab.run()
    tab.do(PRESS_BUTTON)
    assert tab.do(SHOWN)[3] == "All steps"
    tab.press("PageDown")
    tab.press("Shift+ArrowLeft")
    tab.press("PageDown")
    tab.press("ArrowUp")
    assert tab.do(SHOWN) == ["25%", "24%", "50%", "Step 2 of 2"]
    fill(tab, "Zoom factor", "4")
    tab.press("Enter")
    tab.until("() => !document.querySelector('.zoomstack-focus')")
    assert texts(tab) == ["2, 4", "0.4, 0.5\n0.5, 0.49"]
    tab.do("async () => { await app.extensionManager.workflow.activeWorkflow.changeTracker.undo(); }")
    assert texts(tab) == ["2", "0.5, 0.5"]
    tab.do("async () => { await app.extensionManager.workflow.activeWorkflow.changeTracker.redo(); }")
    assert texts(tab) == ["2, 4", "0.4, 0.5\n0.5, 0.49"]
    tab.run()


def test_all_steps_get_the_same(tab: Tab) -> None:
    geometry_graph(tab, zoom_factors="2, 4", focus="0.1, 0.1\n0.9, 0.9")
    tab.do(PRESS_BUTTON)
    tab.wait(tab.page.get_by_label("Step of the zoom").select_option("All steps"))
    fill(tab, "Zoom factor", "3")
    use(tab)
    assert texts(tab) == ["3", "0.1, 0.1\n0.9, 0.9"]


def test_a_text_that_cannot_be_read_is_said_and_replaced(tab: Tab) -> None:
    geometry_graph(tab, zoom_factors="two", focus="0.5, 0.5")
    tab.do(PRESS_BUTTON)
    note = tab.do("() => document.querySelector('.zoomstack-focus-note').textContent")
    assert "zoom_factors could not be read" in note
    fill(tab, "Zoom factor", "0.5")
    tab.click(".zoomstack-focus-use")
    assert tab.do("() => document.querySelector('.zoomstack-focus').open")
    fill(tab, "Zoom factor", "3")
    use(tab)
    assert texts(tab) == ["3", "0.5, 0.5"]


def test_the_prompts_tell_how_many_steps_there_are(tab: Tab) -> None:
    nodes: dict[str, Any] = {
        "schedule": {"type": "ZoomPromptSchedule", "pos": [0, 0], "widgets": {"prompts": "a\n# b\nc\nd\ne"}},
        "geometry": {"type": "ZoomGeometry", "pos": [0, 700]},
        "sampler": {"type": "ZoomKSampler", "pos": [520, 0]},
    }
    links = [["schedule", "positive", "sampler", "positive"], ["geometry", "geometry", "sampler", "geometry"]]
    tab.do(BUILD, {"nodes": nodes, "links": links})
    menu = """() => {
        const sampler = app.rootGraph.nodes.find((node) => node.type === "ZoomKSampler");
        const items = app.extensions.find((e) => e.name === "zoomstack").getNodeMenuItems(sampler);
        items[0].callback();
    }"""
    tab.do(menu)  # of the sampler: it opens the Zoom Geometry that is linked to it
    assert tab.do(OPTIONS) == ["All steps", *(f"Step {step} of 3" for step in (1, 2, 3))]
    tab.press("PageDown")
    tab.press("PageDown")
    tab.press("ArrowRight")
    use(tab)
    assert texts(tab) == ["2", "0.5, 0.5\n0.51, 0.5\n0.5, 0.5"]
    saved = tab.do("async () => await app.graphToPrompt()")
    (inputs,) = [node["inputs"] for node in saved["output"].values() if node["class_type"] == "ZoomGeometry"]
    focus = "0.5, 0.5\n0.51, 0.5\n0.5, 0.5"
    assert inputs == {"zoom_factors": "2", "focus": focus, "prefilter": "box", "endless": False}
    tab.load(saved["workflow"])
    assert texts(tab) == ["2", focus]
    tab.do(
        """() => {
            const geometry = app.rootGraph.nodes.find((node) => node.type === "ZoomGeometry");
            geometry.widgets.find((widget) => widget.name === "focus").value = "0.5, 0.5";
            geometry.widgets.find((widget) => widget.name === "endless").value = true;
        }"""
    )
    tab.do(menu)
    assert tab.do(OPTIONS) == ["All steps", *(f"Step {step} of 4" for step in (1, 2, 3, 4))]
    use(tab)


OTHERS = """() => [...document.querySelectorAll('.zoomstack-focus-other')]
    .map(({style, textContent}) => [textContent, style.left, style.top])"""
WARNING = """() => {
    const dialog = document.querySelector('.zoomstack-focus');
    const red = dialog.querySelectorAll('.zoomstack-focus-overlaps').length;
    const warning = dialog.querySelector('.zoomstack-focus-warning').textContent;
    return [warning, red, dialog.querySelector('[type=submit]').disabled];
}"""


def tree_graph(tab: Tab, prompts: str, **widgets: Any) -> None:
    """A Zoom Geometry for a sampler with prompts; its picker is open."""
    nodes: dict[str, Any] = {
        "schedule": {"type": "ZoomPromptSchedule", "pos": [0, 0], "widgets": {"prompts": prompts}},
        "geometry": {"type": "ZoomGeometry", "pos": [0, 700], "widgets": widgets},
        "sampler": {"type": "ZoomKSampler", "pos": [520, 0]},
    }
    links = [["schedule", "positive", "sampler", "positive"], ["geometry", "geometry", "sampler", "geometry"]]
    tab.do(BUILD, {"nodes": nodes, "links": links})
    tab.do(PRESS_BUTTON)


def test_the_branches_of_a_level_are_moved_on_its_picture_and_may_not_overlap(tab: Tab) -> None:
    tree_graph(tab, "a\nb\nc\nfrom 1: d\ne", zoom_factors="4", focus="0.5, 0.5")
    labels = ["level 2 in 1", "level 3 in 2", "level 4 in 1", "level 5 in 4"]
    assert tab.do(OPTIONS) == [f"Step {i} of 4: {label}" for i, label in enumerate(labels, start=1)]
    # one focus for all: they lie beside each other
    assert tab.do(SHOWN)[:3] == ["12.5%", "37.5%", "25%"]
    assert tab.do(OTHERS) == [["4", "62.5%", "37.5%"]]
    assert tab.do(WARNING) == ["", 0, False]
    frame = tab.wait(tab.page.locator(".zoomstack-focus-frame").bounding_box())
    assert frame
    # the other one is grasped near its corner, and dragged onto the first
    x, y, side = frame["x"], frame["y"], frame["width"]
    mouse = tab.page.mouse
    tab.wait(mouse.move(x + 0.65 * side, y + 0.4 * side))
    tab.wait(mouse.down())
    assert tab.do(SHOWN)[3] == "Step 3 of 4: level 4 in 1"
    tab.wait(mouse.move(x + 0.35 * side, y + 0.4 * side, steps=3))
    assert tab.do(WARNING) == ["Levels 2 and 4 overlap in level 1: move one.", 2, True]
    tab.press("Enter")
    assert tab.do("() => document.querySelector('.zoomstack-focus').open")
    tab.wait(mouse.move(x + 0.35 * side, y + 0.9 * side, steps=3))
    tab.wait(mouse.up())
    assert tab.do(WARNING) == ["", 0, False]
    tab.press("PageDown")
    assert tab.do(SHOWN)[3] == "Step 4 of 4: level 5 in 4"
    assert tab.do(OTHERS) == []
    tab.press("ArrowLeft")
    use(tab)
    factors, focus = texts(tab)
    points = [[float(number) for number in line.split(", ")] for line in focus.split("\n")]
    assert factors == "4"
    assert [points[i] for i in (0, 1, 3)] == [[0.25, 0.5], [0.5, 0.5], [0.49, 0.5]]
    assert abs(points[2][0] - 0.45) < 0.01 and abs(points[2][1] - 0.875) < 0.01


def test_a_larger_level_may_not_cover_its_neighbor(tab: Tab) -> None:
    tree_graph(tab, "a\nb\nfrom 1: c", zoom_factors="4, 4", focus="0.25, 0.5\n0.75, 0.5")
    fill(tab, "Zoom factor", "1.5")
    assert tab.do(WARNING) == ["Levels 2 and 3 overlap in level 1: move one.", 2, True]
    fill(tab, "Zoom factor", "2")
    assert tab.do(WARNING) == ["", 0, False]
    use(tab)
    assert texts(tab) == ["2, 4", "0.25, 0.5\n0.75, 0.5"]


def test_the_last_step_of_a_ring_lies_on_its_last_level(tab: Tab) -> None:
    tree_graph(tab, "a\nb\nc\nfrom 1: d\nfrom 3: e", endless=True)
    assert tab.do(OPTIONS)[-1] == "Step 5 of 5: level 1 in 5"
    leave(tab)
    tree_graph(tab, "a\nb\nc", endless=True)
    assert tab.do(OPTIONS) == ["All steps", *(f"Step {step} of 3" for step in (1, 2, 3))]
    leave(tab)


def test_a_click_on_the_button_opens_the_picker(tab: Tab) -> None:
    tab.do(BUILD, {"nodes": {"geometry": {"type": "ZoomGeometry", "pos": [300, 200]}}, "links": []})
    if tab.do("() => LiteGraph.vueNodesMode"):
        tab.wait(tab.page.get_by_role("button", name="Choose the focus").click())
    else:
        place = tab.do(
            """() => {
                const node = app.rootGraph.nodes[0], widget = node.widgets.find((widget) => widget.type === "button");
                const {scale, offset} = app.canvas.ds, box = app.canvas.canvas.getBoundingClientRect();
                const x = node.pos[0] + node.size[0] / 2, y = node.pos[1] + widget.last_y + 10;
                return [box.left + (x + offset[0]) * scale, box.top + (y + offset[1]) * scale];
            }"""
        )
        tab.wait(tab.page.mouse.click(*place))
    tab.until("() => document.querySelector('.zoomstack-focus')?.open")
    note = tab.do("() => document.querySelector('.zoomstack-focus-note').textContent")
    assert note.startswith("To choose each step for itself, connect")
    leave(tab)


def test_all_of_a_tall_picture_is_to_be_seen(tab: Tab) -> None:
    geometry_graph(tab)
    tab.do(
        """() => {
            for (const node of app.rootGraph.nodes.filter((node) => node.type === "EmptyImage")) {
                node.widgets.find((widget) => widget.name === "height").value = 768;
            }
        }"""
    )
    tab.run()
    tab.do(PRESS_BUTTON)
    tab.until("() => document.querySelector('.zoomstack-focus img').naturalHeight === 768")
    frame, image = (
        tab.wait(tab.page.locator(selector).bounding_box())
        for selector in (".zoomstack-focus-frame", ".zoomstack-focus img")
    )
    assert frame and image
    assert abs(frame["width"] - image["width"]) < 1 and abs(image["height"] - 3 * image["width"]) < 2
    assert frame["y"] > 0 and frame["y"] + frame["height"] < 900
    tab.press("Escape")
    tab.until("() => !document.querySelector('.zoomstack-focus')")
