"""The live preview of Zoom KSampler in the page: there by itself, gone where the person wants none."""

from typing import Any

import pytest
from chrome import Tab
from graphs import BUILD

LISTEN = """() => {
    const {api} = window.comfyAPI.api, {fetchApi} = api;
    window.previews = [];
    api.fetchApi = (path, options) => {
        if (path === "/prompt") window.asked = JSON.parse(options.body).extra_data;
        return fetchApi.call(api, path, options);
    };
    api.addEventListener("b_preview", async ({detail}) => {
        const {width, height} = await createImageBitmap(detail);
        window.previews.push([width, height]);
    });
}"""
SET = "(method) => app.extensionManager.setting.set('Comfy.Execution.PreviewMethod', method)"
# Five levels: three columns and two rows.
PROMPTS = "a galaxy\na sun\na whole ocean planet in space\nthe continents of an ocean planet\nocean ground, close up"


def zoom_graph(tab: Tab, seed: int) -> None:
    """The demo model's smallest graph: five levels of 64², two steps."""
    nodes: dict[str, Any] = {
        "model": {"type": "ZoomDemoModel", "pos": [0, 0]},
        "prompts": {"type": "ZoomPromptSchedule", "pos": [300, 0], "widgets": {"prompts": PROMPTS}},
        "latent": {"type": "EmptyLatentImage", "pos": [0, 200], "widgets": {"width": 64, "height": 64}},
        "sampler": {"type": "ZoomKSampler", "pos": [700, 0], "widgets": {"steps": 2, "alignment": 0, "seed": seed}},
        "decode": {"type": "VAEDecode", "pos": [1100, 0]},
        "shown": {"type": "PreviewImage", "pos": [1100, 200]},
    }
    links = [
        ["model", "MODEL", "sampler", "model"],
        ["model", "CLIP", "prompts", "clip"],
        ["prompts", "positive", "sampler", "positive"],
        ["prompts", "negative", "sampler", "negative"],
        ["latent", "LATENT", "sampler", "latent_image"],
        ["sampler", "LATENT", "decode", "samples"],
        ["model", "VAE", "decode", "vae"],
        ["decode", "IMAGE", "shown", "images"],
    ]
    tab.do(BUILD, {"nodes": nodes, "links": links})


@pytest.mark.parametrize(("method", "shown"), [("default", True), ("none", False)])
def test_all_levels_are_shown_where_none_was_not_chosen(tab: Tab, method: str, shown: bool) -> None:
    tab.do(SET, method)
    tab.do(LISTEN)
    zoom_graph(tab, seed=11 if shown else 12)
    tab.run()
    tab.do("() => new Promise((done) => setTimeout(done, 500))")
    previews = tab.do("() => window.previews")
    tab.do(SET, "default")
    if shown and tab.do("() => window.asked.comfy_usage_source") is None:  # so in front end 1.44
        pytest.skip("this front end does not say that a run is its own, and so gets no preview that nobody chose")
    assert bool(previews) == shown
    assert all(width / height == pytest.approx(3 / 2, rel=0.01) for width, height in previews)
