"""A tree from its prompts to the explorer: sampled by the demo model, in the real front end."""

from chrome import Tab
from explorer import READY, VIEWER, caption
from graphs import demo_graph
from test_viewer_shapes import CURRENT, NAMES, STILL, press_map

PROMPTS = """\
a galaxy with two suns
a yellow sun
its ocean planet
from 1: a red sun
its desert planet
from 4: another planet of the red sun"""
FOCI = "0.25, 0.25; 0.5, 0.5; 0.75, 0.75; 0.25, 0.5; 0.75, 0.5"
# Of each level but the first: the level that it lies in, and where: the left and top of a quarter of its width.
PLACES = {1: (0, 0.125, 0.125), 2: (1, 0.375, 0.375), 3: (0, 0.625, 0.625), 4: (3, 0.125, 0.375), 5: (3, 0.625, 0.375)}
# The colors of a part of a level, as 8 × 8 pixels.
PART = f"""async ([level, left, top, width]) => {{
    const image = Object.assign(new Image(), {{src: {VIEWER}.stack.urls[level]}});
    await image.decode();
    const target = Object.assign(document.createElement("canvas"), {{width: 8, height: 8}}).getContext("2d");
    target.imageSmoothingQuality = "high";
    const side = image.naturalWidth;
    target.drawImage(image, left * side, top * side, width * side, width * side, 0, 0, 8, 8);
    return [...target.getImageData(0, 0, 8, 8).data];
}}"""
# Of the explorer: the level that it shows, which part of it in what is seen, and that as 8 × 8 pixels.
SEEN = f"""async () => {{
    const math = await import("/extensions/ZoomStack/zoom_math.js");
    const viewer = {VIEWER}, {{canvas}} = viewer, {{width, height}} = canvas;
    viewer.draw();
    const {{level, rect}} = math.seenOf(math.layoutLevels(viewer.line, viewer.view, width, height), width, height);
    const side = Math.min(width, height), [left, top] = [(width - side) / 2, (height - side) / 2];
    const target = Object.assign(document.createElement("canvas"), {{width: 8, height: 8}}).getContext("2d");
    target.imageSmoothingQuality = "high";
    target.drawImage(canvas, left, top, side, side, 0, 0, 8, 8);
    const part = [level, (left - rect.left) / rect.width, (top - rect.top) / rect.height, side / rect.width];
    return [part, [...target.getImageData(0, 0, 8, 8).data]];
}}"""


def difference(one: list[int], other: list[int]) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def test_a_tree_is_sampled_and_explored(tab: Tab) -> None:
    # six levels in two branches, the second of which has two of its own
    demo_graph(tab, PROMPTS, 128, geometry={"zoom_factors": "4", "focus": FOCI}, steps=2, cfg=1, alignment=0)
    tab.run()
    tab.until(READY)
    geometry = tab.do(f"() => {VIEWER}.stack.geometry")
    assert (geometry["parents"], geometry["factors"]) == ([None, *(place[0] for place in PLACES.values())], [4] * 5)
    captions = [line.split(": ")[-1] for line in PROMPTS.split("\n")]
    sizes = [1, 4, 16, 4, 16, 16]
    told = [f"Level {i} of 6, ×{size}: {text}" for i, (size, text) in enumerate(zip(sizes, captions, strict=True), 1)]
    assert tab.do(NAMES) == told
    # every level shows its children where the geometry says, and not where their sisters are
    for level, (parent, left, top) in PLACES.items():
        whole = tab.do(PART, [level, 0, 0, 1])
        inside = difference(whole, tab.do(PART, [parent, left, top, 0.25]))
        assert inside < 2, level
        others = [place[1:] for place in PLACES.values() if place[0] == parent and place[1:] != (left, top)]
        for place in others:
            assert inside < difference(whole, tab.do(PART, [parent, *place, 0.25])) / 2, level
    # and the explorer draws each where the map leads to it
    pictures = []
    for level in (6, 3, 5, 2, 4, 1):
        press_map(tab, level)
        tab.until(STILL)
        assert (caption(tab), tab.do(CURRENT)) == (told[level - 1], str(level))
        part, drawn = tab.do(SEEN)
        assert part[0] == level - 1
        assert 0.7 < part[3] <= 1.01, "all that its frame, which is wider than high, can show of it"
        assert difference(drawn, tab.do(PART, part)) < 3
        pictures.append(drawn)
    assert all(difference(one, other) > 3 for i, one in enumerate(pictures) for other in pictures[:i])
