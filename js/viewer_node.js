// @ts-check
// The explorer in a Zoom Viewer node.

import { element } from "./dom.js";
import { prefixOf } from "./file_names.js";
import { widgetOf } from "./graph_walk.js";
import { addGrowing } from "./grow_panel.js";
import { addWidget, chain, giveWheelToGraph, growTo } from "./host.js";
import { ask, pageUrlOf, urlOf } from "./server.js";
import { ZoomViewer } from "./viewer.js";
import { embedButton, levelsButton, pathOf } from "./viewer_exports.js";

const WIDGET = "explorer";
const HEIGHT = 300;
const NODE_SIZE = /** @type {const} */ ([420, 560]);

/**
 * @typedef {import("./server.js").SavedFile} SavedFile
 * @typedef {{geometry: import("./zoom_tree.js").Geometry, prompts: string[],
 *   motion?: import("./zoom_roll.js").Motion, page?: SavedFile}} Shown
 * @typedef {{images: SavedFile[], zoom: Shown[]}} Result of a run: one image per level, and what they show
 */

/** @param {GraphNode} node */
export function addViewer(node) {
  const viewer = new ZoomViewer({ giveWheel: giveWheelToGraph, save: () => void savePage(node, viewer) });
  // The host zooms the graph by any two fingers, those on a widget too, and hears of them before the widget does.
  const keepFingers = (/** @type {TouchEvent} */ event) => {
    if (viewer.picture.contains(/** @type {Node} */ (event.target))) event.stopPropagation();
  };
  window.addEventListener("touchmove", keepFingers, { capture: true, passive: true, signal: viewer.closing.signal });
  addWidget(node, WIDGET, viewer.root, HEIGHT, { viewer, label: "Explorer" });
  // The images are under the usual key for clients, history and a page without this script; here they would be shown
  // a second time. The first line is for Nodes 2.0, the second for the classic canvas.
  node.hideOutputImages = true;
  Object.defineProperty(node, "imgs", { get: () => undefined, set: () => {}, configurable: true });

  chain(node, "onExecuted", (/** @type {unknown} */ output) => {
    if (!isResult(output)) return;
    node.properties.last_result = { images: output.images, zoom: output.zoom };
    show(node, viewer, output);
  });
  chain(node, "onConfigure", () => {
    const result = lastResult(node);
    if (result && !viewer.stack) show(node, viewer, result);
  });
  chain(node, "onRemoved", () => viewer.close());
  addGrowing(node, viewer);
  growTo(node, NODE_SIZE);
}

/** What a node has shown last, also before the workflow was loaded again. @param {GraphNode} node
 * @returns {Result | undefined} */
export const lastResult = (node) => /** @type {Result | undefined} */ (node.properties?.last_result);

/** @param {GraphNode} node @param {unknown} output the node's output, as the host sends it */
export function showRestored(node, output) {
  const widget = /** @type {{viewer?: ZoomViewer} | undefined} */ (widgetOf(node, WIDGET));
  if (widget?.viewer && isResult(output)) show(node, widget.viewer, output);
}

/** Whether an output holds a zoom. @param {unknown} output @returns {output is Result} */
function isResult(output) {
  const { images, zoom } = /** @type {Partial<Result>} */ (output ?? {});
  return Boolean(zoom?.length && images?.length);
}

/** @param {GraphNode} node @param {ZoomViewer} viewer @param {Result} result */
function show(node, viewer, { images, zoom }) {
  const [{ geometry, prompts, motion, page }] = zoom;
  const stack = { geometry, prompts, motion, urls: images.map(urlOf) };
  viewer.show(stack).catch((error) => console.warn("ZoomStack: the images of the last result are not there", error));
  if (page) linkTo(node, viewer, page);
  else viewer.noteBelow();
}

/** Say where a page lies, open it, download it, and what else there is to take elsewhere.
 * @param {GraphNode} node @param {ZoomViewer} viewer @param {SavedFile} page */
function linkTo(node, viewer, page) {
  const { filename } = page;
  const path = pathOf(page);
  const title = "Open the page in a new tab";
  const open = element("a", { href: pageUrlOf(page), target: "_blank", rel: "noopener", title }, "Open");
  const copy = element("a", { href: urlOf(page), download: filename, title: "Download the page" }, "Download");
  const where = element("span", { class: "zoomstack-path", title: `Saved in ComfyUI's folder: ${path}` }, path);
  const levels = levelsButton(viewer, () => asked(node));
  viewer.noteBelow(open, copy, embedButton(viewer, page), levels, where);
}

/** What the server is asked to save of a node's last result. @param {GraphNode} node */
function asked(node) {
  const result = lastResult(node);
  return result && { images: result.images, zoom: result.zoom[0], filename_prefix: prefixOf(node) };
}

/** Save what a viewer shows as one HTML page in the output folder. @param {GraphNode} node @param {ZoomViewer} viewer */
async function savePage(node, viewer) {
  const wanted = asked(node);
  if (!wanted) return;
  const { save } = viewer.controls;
  save.disabled = true; // one page for a double click
  viewer.noteBelow("Saving …");
  try {
    linkTo(node, viewer, /** @type {SavedFile} */ (await ask("/zoomstack/page", wanted)));
  } catch (error) {
    viewer.noteBelow(`Not saved: ${/** @type {Error} */ (error).message}`);
  } finally {
    save.disabled = false;
  }
}
