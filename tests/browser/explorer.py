"""What the tests of the explorer in a node do and ask."""

from typing import Any

from chrome import Tab
from graphs import viewer_graph

PICTURE = ".zoomstack-picture canvas"
NODE = "app.rootGraph.nodes.find(n => n.type === 'ZoomViewer')"
VIEWER = f"{NODE}.widgets.find(w => w.name === 'explorer').viewer"
READY = f"() => {VIEWER}.stack && {VIEWER}.frames > 0"
RED, GREEN, BLUE = range(3)


def view(tab: Tab) -> dict[str, float]:
    return tab.do(f"() => {VIEWER}.view")  # type: ignore[no-any-return]


def caption(tab: Tab) -> str:
    return tab.do("() => document.querySelector('.zoomstack-caption').textContent")  # type: ignore[no-any-return]


def away(tab: Tab) -> list[float]:
    """How far the view is from the path, in parts of its own width and height."""
    script = f"""async () => {{
        const math = await import("/extensions/ZoomStack/zoom_math.js");
        return math.awayFromPath({VIEWER}.stack.geometry, {VIEWER}.view, {VIEWER}.aspect).map(Math.abs);
    }}"""
    return tab.do(script)  # type: ignore[no-any-return]


def pixel_size(tab: Tab) -> float:
    """Pixels of the page per pixel of the level that fills most of the picture."""
    script = f"""async () => {{
        const math = await import("/extensions/ZoomStack/zoom_math.js"), {{width, height}} = {VIEWER}.size;
        const placements = math.layoutLevels({VIEWER}.stack.geometry, {VIEWER}.view, width, height);
        return math.seenOf(placements, width, height).scale;
    }}"""
    return tab.do(script)  # type: ignore[no-any-return]


def view_at_start(tab: Tab) -> float:
    """The zoom that shows all of the widest level."""
    script = f"""async () => {{
        const math = await import("/extensions/ZoomStack/zoom_math.js");
        return math.lowestZoom({VIEWER}.stack.geometry, {VIEWER}.aspect);
    }}"""
    return tab.do(script)  # type: ignore[no-any-return]


def strongest(tab: Tab, x: float, y: float) -> int:
    """RED, GREEN or BLUE: of the picture at a point, given as parts of its size."""
    pixel = tab.do(
        f"""([x, y]) => {{
            const viewer = {VIEWER}, {{canvas}} = viewer;
            viewer.draw();
            const pixel = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
            return [...canvas.getContext("2d").getImageData(...pixel, 1, 1).data.slice(0, 3)];
        }}""",
        [x, y],
    )
    return max(range(3), key=lambda channel: pixel[channel])


def canvas_size(tab: Tab) -> list[float]:
    """Width and height of the picture: in pixels of the canvas, and in pixels of the page."""
    return tab.do(f"() => {{ const c = {VIEWER}.canvas; return [c.width, c.height, c.clientWidth, c.clientHeight]; }}")  # type: ignore[no-any-return]


def settled(tab: Tab) -> None:
    """Wait until nothing moves."""
    tab.until(f"() => {VIEWER}.hand.glide.amount === 0 && !{VIEWER}.request")


def focus(tab: Tab) -> None:
    tab.click(PICTURE)
    tab.until("() => document.activeElement?.classList.contains('zoomstack-viewer')")


def graph_scale(tab: Tab) -> float:
    return tab.do("() => app.canvas.ds.scale")  # type: ignore[no-any-return]


def show_result(tab: Tab, **widgets: Any) -> None:
    viewer_graph(tab, **widgets)
    tab.run()
    tab.until(READY)
