"""Small workflows for the tests of the front end, built in the page by node and input names."""

from typing import Any

from chrome import Tab

BUILD = """async ({nodes, links}) => {
    await app.loadGraphData({version: 0.4, nodes: [], links: [], groups: [], config: {}, extra: {}}, true, true);
    const made = {};
    for (const [name, {type, pos, widgets}] of Object.entries(nodes)) {
        const node = LiteGraph.createNode(type);
        if (!node) throw new Error(`no node ${type}`);
        node.pos = pos;
        app.rootGraph.add(node);
        for (const [widget, value] of Object.entries(widgets ?? {})) {
            const found = node.widgets.find((w) => w.name === widget);
            found.value = value;
            found.callback?.(value);
        }
        made[name] = node;
    }
    for (const [from, output, to, input] of links) {
        const source = made[from], target = made[to];
        source.connect(source.findOutputSlot(output), target, target.findInputSlot(input));
    }
    app.canvas.ds.scale = 1;
    app.canvas.ds.offset = [40, 40];
    app.canvas.setDirty(true, true);
    await new Promise((done) => setTimeout(done, 300));
    return Object.fromEntries(Object.entries(made).map(([name, node]) => [name, node.id]));
}"""

# Levels that differ in color: batches of plain images.
COLORS = (0x802020, 0x208020, 0x2020C0)


def viewer_graph(tab: Tab, factor: float = 2.0, **viewer: Any) -> dict[str, int]:
    """Three plain levels of 256² (red, green, blue) → Zoom Stack → Zoom Viewer; the ids of the nodes by name."""
    nodes: dict[str, Any] = {
        f"color{i}": {
            "type": "EmptyImage",
            "pos": [0, 160 * i],
            "widgets": {"width": 256, "height": 256, "batch_size": 1, "color": color},
        }
        for i, color in enumerate(COLORS)
    }
    nodes |= {f"join{i}": {"type": "ImageBatch", "pos": [260, 160 * i]} for i in range(2)}
    nodes["stack"] = {"type": "ZoomStack", "pos": [260, 340], "widgets": {"zoom_factor": factor}}
    nodes["text"] = {
        "type": "PrimitiveStringMultiline",
        "pos": [0, 500],
        "widgets": {"value": "the red field\nthe green field\nthe blue field"},
    }
    nodes["viewer"] = {"type": "ZoomViewer", "pos": [580, 0], "widgets": viewer}
    links = [
        ["color0", "IMAGE", "join0", "image1"],
        ["color1", "IMAGE", "join0", "image2"],
        ["join0", "IMAGE", "join1", "image1"],
        ["color2", "IMAGE", "join1", "image2"],
        ["join1", "IMAGE", "stack", "images"],
        ["stack", "stack", "viewer", "stack"],
        ["text", "STRING", "viewer", "prompts"],
    ]
    return tab.do(BUILD, {"nodes": nodes, "links": links})  # type: ignore[no-any-return]


def demo_graph(
    tab: Tab, prompts: str, size: int, *, geometry: dict[str, Any] | None = None, viewer: bool = True, **sampler: Any
) -> dict[str, int]:
    """The demo model → Zoom KSampler → Zoom Viewer, which lies in view; the ids of the nodes by name.

    Args:
        tab: of the front end.
        prompts: one line per level.
        size: width and height of a level in pixels.
        geometry: the inputs of a Zoom Geometry, if there is to be one.
        viewer: False for the host's Preview Image in its place.
        sampler: the inputs of Zoom KSampler.
    """
    nodes: dict[str, Any] = {
        "model": {"type": "ZoomDemoModel", "pos": [-2000, 0]},
        "prompts": {"type": "ZoomPromptSchedule", "pos": [-1600, 0], "widgets": {"prompts": prompts}},
        "latent": {"type": "EmptyLatentImage", "pos": [-2000, 200], "widgets": {"width": size, "height": size}},
        "sampler": {"type": "ZoomKSampler", "pos": [-1100, 0], "widgets": sampler},
        "decode": {"type": "VAEDecode", "pos": [-700, 0]},
    }
    links = [
        ["model", "MODEL", "sampler", "model"],
        ["model", "CLIP", "prompts", "clip"],
        ["prompts", "positive", "sampler", "positive"],
        ["prompts", "negative", "sampler", "negative"],
        ["latent", "LATENT", "sampler", "latent_image"],
        ["sampler", "LATENT", "decode", "samples"],
        ["model", "VAE", "decode", "vae"],
    ]
    if geometry is not None:
        nodes["geometry"] = {"type": "ZoomGeometry", "pos": [-2000, 400], "widgets": geometry}
        links.append(["geometry", "geometry", "sampler", "geometry"])
    if viewer:
        nodes["stack"] = {"type": "ZoomStack", "pos": [-400, 0]}
        nodes["viewer"] = {"type": "ZoomViewer", "pos": [0, 0]}
        links += [
            ["decode", "IMAGE", "stack", "images"],
            ["sampler", "geometry", "stack", "geometry"],
            ["stack", "stack", "viewer", "stack"],
            ["prompts", "prompts", "viewer", "prompts"],
        ]
    else:
        nodes["shown"] = {"type": "PreviewImage", "pos": [0, 0]}
        links.append(["decode", "IMAGE", "shown", "images"])
    return tab.do(BUILD, {"nodes": nodes, "links": links})  # type: ignore[no-any-return]
