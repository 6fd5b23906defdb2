"""What a node has to say of a run stands on the node, in both ways to draw nodes."""

from chrome import Tab
from graphs import viewer_graph


def test_levels_that_do_not_fit_are_said_on_zoom_stack(tab: Tab) -> None:
    viewer_graph(tab)  # plain fields of red, green and blue
    tab.run()
    said = "Levels 1 and 2, 2 and 3 do not show the same place at zoom factor 2"
    tab.until("(text) => document.body.innerText.includes(text)", said)
    tab.do("() => app.rootGraph.clear()")
