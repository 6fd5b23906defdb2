// @ts-check
// The explorer in a Zoom Viewer node.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { prefixOf } from "./file_names.js";
import { widgetOf } from "./graph_walk.js";
import { addWidget, chain } from "./host.js";
import { ask } from "./server.js";
import { ZoomViewer } from "./viewer.js";
import { element } from "./viewer_controls.js";

const WIDGET = "explorer";
const HEIGHT = 300;
const NODE_SIZE = [420, 560];

/** @typedef {{filename: string, subfolder: string, type: string}} SavedFile */

/** @param {SavedFile} file */
const urlOf = ({ filename, subfolder, type }) =>
  api.apiURL(`/view?${new URLSearchParams({ filename, subfolder: subfolder ?? "", type: type ?? "temp" })}`);

/** @param {any} node */
export function addViewer(node) {
  const viewer = new ZoomViewer({
    giveWheel: (event) => {
      // the classic canvas lies below the widget; Nodes 2.0 has taken the event before
      event.preventDefault();
      app.canvas.processMouseWheel(event);
    },
    save: () => void savePage(node, viewer),
  });
  // The host zooms the graph by any two fingers, those on a widget too, and hears of them before the widget does.
  const keepFingers = (/** @type {TouchEvent} */ event) => {
    if (viewer.picture.contains(/** @type {Node} */ (event.target))) event.stopPropagation();
  };
  window.addEventListener("touchmove", keepFingers, { capture: true, passive: true, signal: viewer.closing.signal });
  const widget = addWidget(node, WIDGET, viewer.root, HEIGHT);
  widget.viewer = viewer;
  // The images are under the usual key for clients, history and a page without this script; here they would be shown
  // a second time. The first line is for Nodes 2.0, the second for the classic canvas.
  node.hideOutputImages = true;
  Object.defineProperty(node, "imgs", { get: () => undefined, set: () => {}, configurable: true });

  chain(node, "onExecuted", (output) => {
    if (!output?.zoom?.length || !output.images?.length) return;
    node.properties.last_result = { images: output.images, zoom: output.zoom };
    show(viewer, output);
  });
  chain(node, "onConfigure", () => {
    if (node.properties.last_result && !viewer.stack) show(viewer, node.properties.last_result);
  });
  chain(node, "onRemoved", () => viewer.close());
  node.setSize([Math.max(node.size[0], NODE_SIZE[0]), Math.max(node.size[1], NODE_SIZE[1])]);
}

/** @param {any} node @param {any} output the node's output, as the host sends it */
export function showRestored(node, output) {
  const viewer = widgetOf(node, WIDGET)?.viewer;
  if (viewer && output?.zoom?.length && output.images?.length) show(viewer, output);
}

/** @param {ZoomViewer} viewer @param {{images: SavedFile[], zoom: any[]}} output */
function show(viewer, { images, zoom }) {
  const [{ geometry, prompts, page }] = zoom;
  const stack = { geometry, prompts, urls: images.map(urlOf) };
  viewer.show(stack).catch((error) => console.warn("ZoomStack: the images of the last result are not there", error));
  if (page) linkTo(viewer, page);
  else viewer.noteBelow();
}

/** Say where a page lies, open it, download it. @param {ZoomViewer} viewer @param {SavedFile} page */
function linkTo(viewer, page) {
  const { filename, subfolder } = page;
  const path = ["output", subfolder, filename].filter(Boolean).join("/");
  const address = api.apiURL(`/zoomstack/page?${new URLSearchParams({ filename, subfolder: subfolder ?? "" })}`);
  const open = element("a", { href: address, target: "_blank", rel: "noopener", title: "Open the page in a new tab" }, "Open");
  // the host's own address of a saved page only downloads it
  const copy = element("a", { href: urlOf(page), download: filename, title: "Download the page" }, "Download");
  const where = element("span", { class: "zoomstack-path", title: `Saved in ComfyUI's folder: ${path}` }, path);
  viewer.noteBelow(open, copy, where);
}

/** Save what a viewer shows as one HTML page in the output folder. @param {any} node @param {ZoomViewer} viewer */
async function savePage(node, viewer) {
  const result = node.properties.last_result;
  if (!result) return;
  const { save } = viewer.controls;
  save.disabled = true; // one page for a double click
  viewer.noteBelow("Saving …");
  try {
    const asked = { images: result.images, zoom: result.zoom[0], filename_prefix: prefixOf(node) };
    linkTo(viewer, await ask("/zoomstack/page", asked));
  } catch (error) {
    viewer.noteBelow(`Not saved: ${/** @type {Error} */ (error).message}`);
  } finally {
    save.disabled = false;
  }
}
