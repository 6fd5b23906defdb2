// @ts-check
// The prefix of saved files: what the host fills in for its own nodes only.

import { app } from "../../../scripts/app.js";
import { widgetOf } from "./graph_walk.js";

const PREFIX = "filename_prefix";
// The server fills in dates by itself, also for those who have no front end.
const VALUE_OF_NODE = /%(?!date:)[^%]+\.[^%]+%/g;

/** Give the server the prefix with values of the graph in it. @param {GraphNode} node */
export function fillInPrefix(node) {
  const widget = widgetOf(node, PREFIX);
  if (widget) widget.serializeValue = () => prefixOf(node);
}

/** A node's prefix with values in place of %node.widget%, by the host's own function if it is there; what stays, the
 * server fills in as far as it can. @param {GraphNode} node @returns {string} */
export function prefixOf(node) {
  const fill = window.comfyAPI?.utils?.applyTextReplacements;
  const text = String(widgetOf(node, PREFIX)?.value ?? "");
  return fill ? text.replace(VALUE_OF_NODE, (place) => fill(app.rootGraph, place)) : text;
}
