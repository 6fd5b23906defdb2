// @ts-check
// "Save the levels" in the menu of Zoom KSampler: what the server has in memory of its last run becomes a file, which the
// node then names. Nothing else saves it.

import { app } from "../../../scripts/app.js";
import { executionIdOf, isLinked, widgetOf } from "./graph_walk.js";
import { captureUndo, classOf, setWidget } from "./host.js";
import { ask } from "./server.js";

const LABEL = "Save the levels";
const SHOWN = 6000; // milliseconds

/** The entries for the menu of a node. @param {GraphNode} node @returns {{content: string, callback: () => void}[]} */
export function keptLevelsMenu(node) {
  if (classOf(node) !== "ZoomKSampler" || isLinked(node, "kept_file")) return [];
  return [{ content: LABEL, callback: () => void saveLevels(node) }];
}

/** @param {GraphNode} node */
async function saveLevels(node) {
  const { toast } = app.extensionManager;
  try {
    const asked = { node: executionIdOf(node) ?? "" };
    const { kept_file, levels } = /** @type {{kept_file: string, levels: number}} */ (await ask("/zoomstack/kept_levels", asked));
    const widget = widgetOf(node, "kept_file");
    if (widget) setWidget(widget, kept_file);
    captureUndo();
    toast.add({ severity: "success", summary: `${levels} levels saved`, detail: `output/${kept_file}`, life: SHOWN });
  } catch (error) {
    toast.add({ severity: "error", summary: "The levels are not saved", detail: /** @type {Error} */ (error).message, life: SHOWN });
  }
}
