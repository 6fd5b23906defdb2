"""The explorer and what the host does with its node: undo, files, tabs, reload, subgraphs, removal."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chrome import READY as FRONT_END_READY
from chrome import SETTINGS, Chrome, Tab
from comfy_server import ComfyServer
from explorer import BLUE, NODE, PICTURE, READY, VIEWER, focus, settled, show_result, strongest, view
from graphs import viewer_graph

KEPT = "JSON.stringify({...localStorage, ...sessionStorage}).includes('last_result')"


def test_it_survives_undo_and_redo(tab: Tab) -> None:
    show_result(tab)
    tab.do(f"() => {{ {VIEWER}.goTo(1); }}")
    tab.do(
        """async () => {
            const tracker = app.extensionManager.workflow.activeWorkflow.changeTracker;
            const capture = () => (tracker.captureCanvasState ?? tracker.checkState).call(tracker);
            capture();
            const node = app.rootGraph.nodes.find(n => n.type === "ZoomStack");
            node.pos = [node.pos[0] + 30, node.pos[1] + 30];
            capture();
            await tracker.undo();
        }"""
    )
    tab.until(READY)
    assert tab.do("() => document.querySelectorAll('.zoomstack-viewer').length") == 1
    assert tab.do(f"() => {VIEWER}.root.isConnected")
    focus(tab)
    start = view(tab)["zoom"]
    tab.wheel(PICTURE, -240)
    settled(tab)
    assert view(tab)["zoom"] > start


def test_it_survives_saving_and_loading(tab: Tab) -> None:
    show_result(tab, filename_prefix="zoomstack/kept")
    saved = tab.do("async () => (await app.graphToPrompt()).workflow")
    (node,) = [node for node in saved["nodes"] if node["type"] == "ZoomViewer"]
    assert node["widgets_values"] == [False, "zoomstack/kept", 0, 0, 12], "those of roll and drift came last"
    tab.load(saved)
    tab.until(READY)
    assert strongest(tab, 0.5, 0.5) == BLUE


def test_lost_images_are_said_to_be_lost(tab: Tab) -> None:
    show_result(tab)
    saved = tab.do("async () => (await app.graphToPrompt()).workflow")
    for node in saved["nodes"]:
        if node["type"] == "ZoomViewer":
            node["properties"]["last_result"]["images"][0]["filename"] = "gone.png"
    tab.load(saved)
    tab.until("() => document.querySelector('.zoomstack-message')?.textContent.includes('Run the workflow again')")
    assert all("gone.png" in error for error in tab.errors)
    tab.errors.clear()


def test_it_comes_back_with_its_workflow_tab(tab: Tab) -> None:
    show_result(tab)
    tab.do("async () => { await app.extensionManager.command.execute('Comfy.NewBlankWorkflow'); }")
    tab.until("() => !app.rootGraph.nodes.length && !document.querySelector('.zoomstack-viewer')")
    tab.do("async () => { await app.extensionManager.command.execute('Workspace.PreviousOpenedWorkflow'); }")
    tab.until(f"() => {NODE} && {VIEWER}.stack && {VIEWER}.frames > 0 && {VIEWER}.root.isConnected")
    assert tab.do("() => document.querySelectorAll('.zoomstack-viewer').length") == 1
    assert strongest(tab, 0.5, 0.5) == BLUE


def test_it_works_in_a_subgraph(tab: Tab) -> None:
    viewer_graph(tab)
    tab.do(
        """async () => {
            const viewer = app.rootGraph.nodes.find(n => n.type === "ZoomViewer");
            app.canvas.selectItems?.([viewer]) ?? app.canvas.selectNodes([viewer]);
            const {node} = app.rootGraph.convertToSubgraph(new Set([viewer]));
            await new Promise(done => setTimeout(done, 200));
            window.outer = node;
            window.inner = node.subgraph.nodes.find(n => n.type === "ZoomViewer");
        }"""
    )
    tab.run()
    inner = "window.inner.widgets.find(w => w.name === 'explorer').viewer"
    tab.until(f"() => {inner}.stack?.urls.length === 3")
    tab.do("() => { app.canvas.openSubgraph(outer.subgraph, outer); }")
    tab.until(f"() => {inner}.root.isConnected && {inner}.canvas.clientWidth > 0 && {inner}.frames > 0")
    tab.do("() => { app.canvas.setGraph(app.rootGraph); }")
    tab.until("() => !document.querySelector('.zoomstack-viewer')?.checkVisibility()")


def test_a_removed_viewer_leaves_nothing(tab: Tab) -> None:
    show_result(tab)
    tab.do(f"() => {{ window.removed = {VIEWER}; window.removed.play(); app.rootGraph.remove({NODE}); }}")
    tab.until("() => document.querySelectorAll('.zoomstack-viewer').length === 0")
    assert tab.do("() => [removed.playing, removed.stack, removed.painter]") == [False, None, None]


def test_the_button_saves_a_page_that_can_be_opened_and_downloaded(tab: Tab) -> None:
    show_result(tab, filename_prefix="zoomstack/button")
    tab.click(".zoomstack-bar button[aria-label^='Save']")
    tab.until("() => document.querySelector('.zoomstack-path')")
    path = tab.do("() => document.querySelector('.zoomstack-path').textContent")
    assert path.startswith("output/zoomstack/button_")

    async def follow() -> tuple[str, str]:
        async with tab.page.context.expect_page() as opening:
            await tab.page.locator(".zoomstack-note a", has_text="Open").click()
        opened = await opening.value
        frame = opened.frame_locator("iframe")
        await frame.locator(".zoomstack-caption:not(:empty)").wait_for()
        caption = await frame.locator(".zoomstack-caption").text_content()
        origin = await opened.frames[1].evaluate("() => self.origin")
        await opened.close()
        return caption or "", origin

    caption, origin = tab.wait(follow())
    assert caption.endswith(": the red field")
    assert origin == "null", "a saved page must not run in the host's own origin"


def test_the_saved_page_is_downloaded_under_its_name_and_not_opened(tab: Tab, tmp_path: Path) -> None:
    show_result(tab, filename_prefix="zoomstack/copy")
    tab.click(".zoomstack-bar button[aria-label^='Save']")
    tab.until("() => document.querySelector('.zoomstack-path')")
    name = tab.do("() => document.querySelector('.zoomstack-path').textContent").split("/")[-1]

    async def follow() -> str:
        async with tab.page.expect_download() as downloading:
            await tab.page.locator(".zoomstack-note a", has_text="Download").click()
        download = await downloading.value
        await download.save_as(tmp_path / "page.html")
        return download.suggested_filename

    assert tab.wait(follow()) == name
    assert "the red field" in (tmp_path / "page.html").read_text(encoding="utf-8")
    # Typed into the address bar, too, it is a file to be kept and never a page in the host's own origin. Which of the
    # two headers says so depends on the host's version.
    link = "document.querySelector('.zoomstack-note a[download]').href"
    kind, place = tab.do(
        f"""async () => {{
            const {{ headers }} = await fetch({link});
            return [headers.get("Content-Type"), headers.get("Content-Disposition")];
        }}"""
    )
    assert kind == "application/octet-stream" or (place or "").startswith("attachment")


def test_only_pages_of_the_output_folder_can_be_opened(tab: Tab) -> None:
    for query in (
        "",
        "filename=none.html",
        "filename=../../../main.py",
        "filename=..%2Fuser%2Fx.html",
        "filename=/etc/passwd",
    ):
        status = tab.do(f"async () => (await fetch('/api/zoomstack/page?{query}')).status")
        assert status == 404, query
    tab.errors[:] = [error for error in tab.errors if "/zoomstack/page" not in error]


@pytest.fixture(params=["classic", "nodes2"])
def kept(request: pytest.FixtureRequest, server: ComfyServer, chrome: Chrome) -> Iterator[Tab]:
    """A front end that keeps its workflows when the page is loaded again."""
    mode = {"Comfy.VueNodes.Enabled": request.param == "nodes2", "Comfy.Workflow.Persist": True}
    server.send("/api/settings", {**SETTINGS, **mode})
    tab = chrome.tab(server.url)
    tab.open_front_end()
    yield tab
    tab.close()
    server.send("/api/settings", SETTINGS)


def test_it_is_there_again_when_the_page_is_loaded_again(kept: Tab) -> None:
    show_result(kept)
    kept.wait(kept.page.mouse.click(20, 450))  # the host keeps what it has after a click
    kept.until(f"() => {KEPT}")
    kept.wait(kept.page.reload())
    kept.until(FRONT_END_READY)
    kept.until(f"() => {NODE} && {VIEWER}.stack && {VIEWER}.frames > 0")
    assert strongest(kept, 0.5, 0.5) == BLUE
