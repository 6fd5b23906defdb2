// @ts-check
// "Choose the focus" in the menu of the nodes that have one.

import { api } from "../../../scripts/api.js";
import { openFocusPicker } from "./focus_picker.js";
import { factorOf, findBehind, isLinked, widgetOf } from "./graph_walk.js";
import { captureUndo } from "./host.js";

const NAMES = ["zoom_factor", "focus_x", "focus_y"];

/** The entries for the menu of a node. @param {any} node @returns {{content: string, callback: () => void}[]} */
export function focusMenu(node) {
  if (!String(node.constructor.comfyClass).startsWith("Zoom") || !NAMES.every((name) => widgetOf(node, name))) return [];
  if (isLinked(node, "geometry") || isLinked(node, "focus_x") || isLinked(node, "focus_y")) return [];
  return [{ content: "Choose the focus", callback: () => chooseFocus(node) }];
}

/** @param {any} node */
function chooseFocus(node) {
  const picture = findBehind(node, (behind) => behind.properties?.last_result?.images?.[0]);
  const fixedFactor = isLinked(node, "zoom_factor");
  openFocusPicker({
    choice: {
      factor: factorOf(node, "zoom_factor") ?? 2,
      x: Number(widgetOf(node, "focus_x").value),
      y: Number(widgetOf(node, "focus_y").value),
    },
    picture: picture ? api.apiURL(`/view?${new URLSearchParams(picture)}`) : null,
    fixedFactor,
    use: ({ factor, x, y }) => {
      const values = { focus_x: x, focus_y: y, ...(fixedFactor ? {} : { zoom_factor: factor }) };
      for (const [name, value] of Object.entries(values)) {
        const widget = widgetOf(node, name);
        widget.value = value;
        widget.callback?.(value);
      }
      node.setDirtyCanvas?.(true, true);
      captureUndo();
    },
  });
}
