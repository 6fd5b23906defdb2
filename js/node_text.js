// @ts-check
// What a node of this pack says of itself while it runs, and what stays of it. The host has a widget for such texts, but
// it shows two lines only on the classic canvas, stays for ever in one front end, and goes with the end of the run in
// another. This one is as high as its text, stays after the run, and goes when its node runs again.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { element } from "./dom.js";
import { originOf, widgetOf } from "./graph_walk.js";
import { addWidget, chain } from "./host.js";

/** The name of the host's own widget, so that it finds this one and adds none. */
const NAME = "$$node-text-preview";
const CATEGORY = "ZoomStack";
const MARGIN = 4;
/** Pixels that a text is wide at least in a node. */
const NARROWEST = 100;
/** The host's own widget may have made the node so much higher for a moment, in pixels. */
const HOSTS_OWN = 64;
/** The host has done what it does at the end of a run after so many milliseconds. */
const AFTER_THE_HOST = 50;

/** Ours. Of the node without the text and with it, `heights`.
 * @typedef {NodeWidget & {textElement: HTMLElement, heights: [number, number]}} TextWidget */

/** Node → what it said last. @type {Map<GraphNode, string>} */
const texts = new Map();

export function listenToTexts() {
  api.addEventListener("progress_text", (/** @type {CustomEvent} */ { detail }) => {
    const node = nodeOf(detail.nodeId);
    if (!node || !isTold(node)) return;
    texts.set(node, detail.text);
    show(node, detail.text);
  });
  api.addEventListener("executing", (/** @type {CustomEvent} */ { detail }) => {
    const node = detail == null ? undefined : nodeOf(detail);
    if (node) forget(node);
  });
  for (const end of /** @type {const} */ (["execution_success", "execution_error", "execution_interrupted"])) {
    api.addEventListener(end, () => window.setTimeout(showAgain, AFTER_THE_HOST));
  }
}

/** Whether a node's texts are shown here: all of ours, and what samples with our guider. @param {GraphNode} node */
const isTold = (node) =>
  node.constructor.nodeData?.category === CATEGORY || originOf(node, "guider")?.type === "ZoomGuider";

/** The node of a run: "12", or "4:12" for node 12 of the subgraph in node 4. @param {string | number} id */
function nodeOf(id) {
  /** @type {Graph | undefined} */ let graph = app.rootGraph;
  /** @type {GraphNode | null | undefined} */ let node;
  for (const part of String(id).split(":")) {
    node = graph?.getNodeById(part);
    graph = node?.subgraph;
  }
  return node;
}

function showAgain() {
  for (const [node, text] of texts) {
    if (node.graph) show(node, text);
    else texts.delete(node); // removed, or made anew by an undo
  }
}

/** @param {GraphNode} node */
function forget(node) {
  texts.delete(node);
  const widget = widgetOf(node, NAME);
  if (widget && isText(widget)) remove(node, widget);
}

/** @param {GraphNode} node @param {string} text */
function show(node, text) {
  const found = widgetOf(node, NAME);
  if (found && !isText(found)) node.removeWidget(found); // the host was first
  const { textElement } = found && isText(found) ? found : add(node);
  if (textElement.textContent !== text) textElement.textContent = text;
}

/** Whether a widget is ours, not the host's of the same name. @param {NodeWidget} widget @returns {widget is TextWidget} */
const isText = (widget) => "textElement" in widget;

/** @param {GraphNode} node */
function add(node) {
  const inner = element("div", { class: "zoomstack-text", role: "status" });
  const before = node.size[1];
  const height = () => (isLaidOut(inner) ? inner.offsetHeight : 0) + 2 * MARGIN;
  const added = { textElement: inner, heights: /** @type {[number, number]} */ ([before, before]) };
  const widget = addWidget(node, NAME, element("div", {}, inner), { height, margin: MARGIN }, added);
  const fits = new ResizeObserver(() => makeRoom(node, widget));
  fits.observe(inner);
  chain(widget, "onRemove", () => fits.disconnect());
  return widget;
}

/** Whether a text has got its width: before, it is a column of letters. @param {HTMLElement} element */
const isLaidOut = (element) => element.offsetWidth >= NARROWEST;

/** The height that a node has at most as long as nobody makes it higher. @param {GraphNode} node @param {TextWidget} widget */
const usualHeight = (node, widget) => Math.max(widget.heights[1], node.computeSize()[1]) + HOSTS_OWN;

/** On the classic canvas a node does not grow and shrink by itself. @param {GraphNode} node @param {TextWidget} widget */
function makeRoom(node, widget) {
  if (window.LiteGraph.vueNodesMode || !isLaidOut(widget.textElement)) return;
  const before = node.size[1] > usualHeight(node, widget) ? node.size[1] : widget.heights[0];
  widget.heights = [before, Math.max(before, node.computeSize()[1])];
  if (node.size[1] !== widget.heights[1]) node.setSize([node.size[0], widget.heights[1]]);
  node.setDirtyCanvas(true, true);
}

/** @param {GraphNode} node @param {TextWidget} widget */
function remove(node, widget) {
  const isUsual = node.size[1] <= usualHeight(node, widget);
  node.removeWidget(widget);
  if (isUsual) node.setSize([node.size[0], widget.heights[0]]);
  node.setDirtyCanvas(true, true);
}
