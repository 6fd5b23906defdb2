"""What does not fit the number of levels is said in the rows of Zoom Prompt Schedule at once, not by a failed run."""

from typing import Any

import pytest
from chrome import Tab
from prompt_graph import CAPTURE, NODE, build, click, put_cursor, sizes, warned
from test_prompt_factors import set_value

GEOMETRY = "ZoomGeometry"
SAMPLER = "app.rootGraph.nodes.find(n => n.type === 'ZoomKSampler')"
WRONG = """() => [...document.querySelectorAll(".zoomstack-rows li")]
    .map((row) => row.classList.contains("zoomstack-rows-wrong"))"""


def graph(tab: Tab, prompts: str, nodes: dict[str, Any], links: list[list[str]], sampler: str = "ZoomKSampler") -> None:
    """A schedule, a sampler, and other nodes by name; links of three parts begin at the schedule."""
    first = {
        "schedule": {"type": "ZoomPromptSchedule", "pos": [0, 0], "widgets": {"prompts": prompts}},
        "sampler": {"type": sampler, "pos": [520, 0]},
    }
    build(tab, {**first, **nodes}, [["schedule", "positive", "sampler", "positive"], *links])


def with_geometry(tab: Tab, prompts: str, **texts: str) -> None:
    geometry = {"type": GEOMETRY, "pos": [0, 700], "widgets": texts}
    graph(tab, prompts, {"geometry": geometry}, [["geometry", "geometry", "sampler", "geometry"]])


def test_a_row_beyond_the_factors_says_so_at_once(tab: Tab) -> None:
    with_geometry(tab, "a\nb\nc\nd", zoom_factors="2, 4, 1.5")
    assert warned(tab) == "" and not any(tab.do(WRONG))
    put_cursor(tab, 3)
    tab.press("End")
    tab.press("Enter")
    expected = "Zoom Geometry has 3 zoom factors, and 5 levels have 4 steps: give one for all steps, or 4 of them."
    assert warned(tab) == expected  # the row is still empty
    assert tab.do(WRONG) == [False] * 4 + [True]
    assert sizes(tab) == ["×1", "×2", "×8", "×12", "×?"]
    tab.wait(tab.page.keyboard.type("e"))
    assert warned(tab) == expected
    tab.do("() => new Promise((done) => setTimeout(done, 900))")  # the node has been asked what it reads
    assert warned(tab) == expected
    click(tab, 4, "remove")
    assert warned(tab) == "" and not any(tab.do(WRONG))
    click(tab, 0, "remove")
    assert "3 zoom factors, and 3 levels have 2 steps" in warned(tab)


@pytest.mark.parametrize("name", ["zoom_factors", "focus"])
def test_an_edit_of_the_geometry_is_followed_at_once(tab: Tab, name: str) -> None:
    with_geometry(tab, "a\nb\nc\nd")
    values = {"zoom_factors": ("2, 3", "2, 3, 4"), "focus": ("0.5, 0.5; 0.1, 0.2", "0.5, 0.5; 0.1, 0.2; 0.3, 0.3")}
    few, right = values[name]
    what = "2 zoom factors" if name == "zoom_factors" else "2 focus points"
    for value, expected in ((few, what), (right, ""), (few, what), ("0.5, 0.5" if name == "focus" else "2", "")):
        tab.do(
            """([type, name, value]) => {
                const node = app.rootGraph.nodes.find((node) => node.type === type);
                const widget = node.widgets.find((w) => w.name === name);
                widget.value = value;
                widget.callback?.(value);
            }""",
            [GEOMETRY, name, value],
        )
        assert expected in warned(tab) and bool(warned(tab)) == bool(expected)


def test_typing_into_the_geometry_is_followed(tab: Tab) -> None:
    with_geometry(tab, "a\nb\nc\nd", focus="0.5, 0.5\n0.1, 0.2\n0.3, 0.3")
    assert warned(tab) == ""
    tab.do("() => { app.canvas.ds.offset = [100, -560]; app.canvas.setDirty(true, true); }")
    tab.do(
        """() => new Promise((done) => setTimeout(done, 300)).then(() => {
            const boxes = [...document.querySelectorAll("textarea:not(.zoomstack-rows textarea)")];
            boxes.find((box) => box.value.startsWith("0.5, 0.5")).id = "foci";
        })"""
    )
    tab.wait(tab.page.locator("#foci").fill("0.5, 0.5\n0.1, 0.2"))
    tab.until("() => document.querySelector('.zoomstack-rows-warning').textContent.includes('2 focus points')")


def test_zoom_guider_needs_as_many_latents_as_levels(tab: Tab) -> None:
    nodes = {
        "schedule": {"type": "ZoomPromptSchedule", "pos": [0, 0], "widgets": {"prompts": "a\nb\nc"}},
        "guider": {"type": "CFGGuider", "pos": [520, 0]},
        "zoom": {"type": "ZoomGuider", "pos": [520, 300]},
        "sampler": {"type": "SamplerCustomAdvanced", "pos": [900, 0]},
        "latent": {"type": "EmptySD3LatentImage", "pos": [0, 700], "widgets": {"batch_size": 1}},
        "geometry": {"type": GEOMETRY, "pos": [300, 700], "widgets": {"zoom_factors": "2, 3, 4"}},
    }
    links = [
        ["schedule", "positive", "guider", "positive"],
        ["guider", "GUIDER", "zoom", "guider"],
        ["zoom", "guider", "sampler", "guider"],
        ["latent", "LATENT", "sampler", "latent_image"],
        ["geometry", "geometry", "zoom", "geometry"],
    ]
    build(tab, nodes, links)
    assert "3 zoom factors, and 3 levels have 2 steps" in warned(tab)
    assert "makes 1 latent for 3 levels: set batch_size to 3" in warned(tab)
    set_value(tab, GEOMETRY, "zoom_factors", "2")
    set_value(tab, "EmptySD3LatentImage", "batch_size", 3)
    assert warned(tab) == ""


def test_it_is_found_through_subgraphs_reroutes_and_other_nodes(tab: Tab) -> None:
    nodes = {
        "geometry": {"type": GEOMETRY, "pos": [0, 700], "widgets": {"zoom_factors": "2, 3"}},
        "corner": {"type": "Reroute", "pos": [300, 700]},
        "strength": {"type": "ConditioningSetAreaStrength", "pos": [300, 800]},
    }
    first = {
        "schedule": {"type": "ZoomPromptSchedule", "pos": [0, 0], "widgets": {"prompts": "a\nb\nc\nd"}},
        "sampler": {"type": "ZoomKSampler", "pos": [520, 0]},
    }
    links = [
        ["schedule", "positive", "strength", "conditioning"],
        ["strength", "CONDITIONING", "sampler", "positive"],
        ["geometry", "geometry", "corner", ""],
        ["corner", "", "sampler", "geometry"],
    ]
    build(tab, {**first, **nodes}, links)
    assert "2 zoom factors, and 4 levels have 3 steps" in warned(tab)
    tab.do(f"() => {{ app.rootGraph.convertToSubgraph(new Set([{SAMPLER}])); }}")
    tab.do(CAPTURE)
    assert "2 zoom factors, and 4 levels have 3 steps" in warned(tab)
    set_value(tab, GEOMETRY, "zoom_factors", "2, 3, 4")
    assert warned(tab) == ""


def test_a_linked_text_counts_where_it_is_known(tab: Tab) -> None:
    nodes = {
        "text": {"type": "PrimitiveString", "pos": [0, 700], "widgets": {"value": "2, 2"}},
        "geometry": {"type": GEOMETRY, "pos": [300, 700]},
    }
    links = [["text", "STRING", "geometry", "zoom_factors"], ["geometry", "geometry", "sampler", "geometry"]]
    graph(tab, "a\nb\nc\nd", nodes, links)
    assert "2 zoom factors" in warned(tab)
    set_value(tab, "PrimitiveString", "value", "2, 2, 3")
    assert warned(tab) == ""
    nodes["text"] = {"type": "StringConcatenate", "pos": [0, 700], "widgets": {"string_a": "2,", "string_b": "2"}}
    graph(tab, "a\nb\nc\nd", nodes, links)
    assert warned(tab) == ""  # only a run can tell


def test_a_geometry_that_is_off_or_of_another_zoom_is_not_meant(tab: Tab) -> None:
    with_geometry(tab, "a\nb\nc\nd", zoom_factors="2, 3")
    assert warned(tab)
    tab.do(f"() => {{ {SAMPLER}.mode = 4; }}")
    tab.do(CAPTURE)
    assert warned(tab) == ""
    # a zoom whose latents go on into another one, with more levels
    first = {
        "schedule": {"type": "ZoomPromptSchedule", "pos": [0, 0], "widgets": {"prompts": "a\nb"}},
        "sampler": {"type": "ZoomKSampler", "pos": [520, 0]},
        "hold": {"type": "ZoomHoldLevels", "pos": [520, 700]},
        "other": {"type": "ZoomKSampler", "pos": [900, 0]},
        "geometry": {"type": GEOMETRY, "pos": [0, 700], "widgets": {"zoom_factors": "2, 3, 4, 5"}},
    }
    held = tab.do("() => LiteGraph.createNode('ZoomHoldLevels').inputs.find((input) => input.type === 'LATENT').name")
    links = [
        ["schedule", "positive", "sampler", "positive"],
        ["sampler", "LATENT", "hold", held],
        ["hold", tab.do("() => LiteGraph.createNode('ZoomHoldLevels').outputs[0].name"), "other", "latent_image"],
        ["geometry", "geometry", "other", "geometry"],
    ]
    build(tab, first, links)
    assert warned(tab) == ""


def test_a_batch_of_latents_that_does_not_fit(tab: Tab) -> None:
    latent = {"type": "EmptyLatentImage", "pos": [0, 700], "widgets": {"batch_size": 4}}
    links = [["latent", "LATENT", "sampler", "latent_image"]]
    graph(tab, "a\nb\nc", {"latent": latent}, links)
    assert "makes 4 latents for 3 levels: set batch_size to 3" in warned(tab)
    for batch in (1, 3):
        set_value(tab, "EmptyLatentImage", "batch_size", batch)
        assert warned(tab) == ""
    set_value(tab, "EmptyLatentImage", "batch_size", 4)
    tab.do(
        f"""() => {{
            const latent = app.rootGraph.nodes.find((node) => node.type === "EmptyLatentImage"), schedule = {NODE};
            schedule.connect(schedule.findOutputSlot("levels"), latent, latent.findInputSlot("batch_size"));
        }}"""
    )
    tab.do(CAPTURE)
    assert warned(tab) == ""


def test_rests_negatives_and_expected_levels_that_do_not_fit(tab: Tab) -> None:
    nodes = {
        "decode": {"type": "VAEDecode", "pos": [520, 700]},
        "stack": {"type": "ZoomStack", "pos": [740, 700]},
        "video": {"type": "ZoomVideo", "pos": [900, 0], "widgets": {"dwell": "0, 1, 0"}},
    }
    links = [
        ["sampler", "LATENT", "decode", "samples"],
        ["decode", "IMAGE", "stack", "images"],
        ["stack", "stack", "video", "stack"],
    ]
    graph(tab, "a\nb\nc\nd", nodes, links)
    assert warned(tab) == "dwell of Zoom Video has 3 numbers for 4 levels: give one for all levels, or 4 of them."
    set_value(tab, "ZoomVideo", "dwell", "1")
    assert warned(tab) == ""
    set_value(tab, "ZoomPromptSchedule", "negative", "ugly\nblurred")
    assert "negative has 2 lines for 4 levels" in warned(tab)
    set_value(tab, "ZoomPromptSchedule", "negative", '["ugly",\n"blurred"]')
    assert warned(tab) == ""
    set_value(tab, "ZoomPromptSchedule", "expected_levels", 5)
    assert "expected_levels is 5, and there are 4 prompts" in warned(tab)
    set_value(tab, "ZoomPromptSchedule", "expected_levels", 4)
    assert warned(tab) == ""
