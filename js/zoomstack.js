// @ts-check
// What ComfyUI's front end loads: adds the explorer to Zoom Viewer, the rows to Zoom Prompt Schedule, the focus picker to
// the nodes that have a focus, and what older workflows say to the widgets of today; puts the templates in order.

import { app } from "../../../scripts/app.js";
import { element } from "./dom.js";
import { fillInPrefix } from "./file_names.js";
import { addFocusButton, focusMenu } from "./focus_node.js";
import { classOf, isOurs, tellEdits } from "./host.js";
import { keptLevelsMenu } from "./kept_levels.js";
import { addOldLevels } from "./old_levels.js";
import { listenToTexts } from "./node_text.js";
import { addPromptRows } from "./prompts_node.js";
import { orderTemplates } from "./template_order.js";
import { addViewer, showRestored } from "./viewer_node.js";

document.head.append(element("link", { rel: "stylesheet", href: new URL("./zoomstack.css", import.meta.url).href }));
orderTemplates();

/** Node type → what is added to a node of it. @type {Record<string, (node: GraphNode) => void>} */
const ADDITIONS = {
  ZoomFrames: addOldLevels,
  ZoomGeometry: addFocusButton,
  ZoomPromptSchedule: addPromptRows,
  ZoomVideo: addOldLevels,
  ZoomViewer: addViewer,
};

/** Widgets that must fit the number of levels, or that say how large they are. */
const COUNTED = new Set(["zoom_factors", "focus", "endless", "zoom_factor", "dwell", "negative", "expected_levels"]);
const SAVERS = new Set(["ZoomSaveVideo", "ZoomViewer"]);

app.registerExtension({
  name: "zoomstack",
  setup() {
    listenToTexts();
  },
  /** @param {GraphNode} node */
  nodeCreated(node) {
    const type = classOf(node);
    ADDITIONS[type]?.(node);
    if (isOurs(node)) tellEdits(node, COUNTED);
    if (SAVERS.has(type)) fillInPrefix(node);
  },
  /** @param {GraphNode} node */
  getNodeMenuItems(node) {
    return [...focusMenu(node), ...keptLevelsMenu(node)];
  },
  /** Results that the host brings back: a workflow tab was switched, a job of the history opened.
   * @param {Record<string, unknown>} outputs by node: "12", or "<id of the subgraph>:12" */
  onNodeOutputsUpdated(outputs) {
    for (const [key, output] of Object.entries(outputs ?? {})) {
      const cut = key.lastIndexOf(":");
      const graph = cut < 0 ? app.rootGraph : app.rootGraph.subgraphs.get(key.slice(0, cut));
      const node = graph?.getNodeById(key.slice(cut + 1));
      if (node?.type === "ZoomViewer") showRestored(node, output);
    }
  },
});
