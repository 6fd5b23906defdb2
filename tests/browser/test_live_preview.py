"""The live preview of Zoom KSampler in the page: there by itself, gone where the person wants none."""

import pytest
from chrome import Tab
from graphs import demo_graph

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


@pytest.mark.parametrize(("method", "shown"), [("default", True), ("none", False)])
def test_all_levels_are_shown_where_none_was_not_chosen(tab: Tab, method: str, shown: bool) -> None:
    tab.do(SET, method)
    tab.do(LISTEN)
    demo_graph(tab, PROMPTS, 64, viewer=False, steps=2, alignment=0, seed=11 if shown else 12)
    tab.run()
    tab.do("() => new Promise((done) => setTimeout(done, 500))")
    previews = tab.do("() => window.previews")
    tab.do(SET, "default")
    if shown and tab.do("() => window.asked.comfy_usage_source") is None:  # so in front end 1.44
        pytest.skip("this front end does not say that a run is its own, and so gets no preview that nobody chose")
    assert bool(previews) == shown
    assert all(width / height == pytest.approx(3 / 2, rel=0.01) for width, height in previews)
