// @ts-check
// Workflows that were saved when levels were counted from 0, on nodes that count them from 1 now.

import { isLinked, widgetOf } from "./graph_walk.js";
import { chain } from "./host.js";

/** The widget of then, its value where it says nothing, and the widget of today with its own such value. */
const RENAMED = /** @type {const} */ ([
  ["start_zoom", 0, "first_level", 1],
  ["end_zoom", -1, "last_level", 0],
]);

/** What a loaded node says in the widgets of then, which are hidden, goes to those of today.
 * @param {GraphNode} node a new node that renders a path */
export function addOldLevels(node) {
  // while a workflow is loaded, its links still name the slots that the saved nodes had
  chain(node, "onConfigure", () => void setTimeout(() => {
    for (const [old, oldRest, today, rest] of RENAMED) {
      const [from, to] = [widgetOf(node, old), widgetOf(node, today)];
      if (!from || !to) continue;
      if (isLinked(node, old)) from.hidden = from.options.hidden = false; // its value comes with every run
      else if (Number(from.value) !== oldRest) {
        if (Number(to.value) === rest && !isLinked(node, today)) to.value = Number(from.value) + 1;
        from.value = oldRest;
      }
    }
  }));
}
