// @ts-check
// The few things that the additions need from ComfyUI's front end. The types of its objects (GraphNode, NodeWidget, …) are
// in tests/js/types/front_end.ts.

import { app } from "../../../scripts/app.js";

let serial = 0;

/** Tells of an "edit" at once where a widget of ours is set: the host tells of a text only when it has lost the cursor. */
export const edits = new EventTarget();

/** Whether a node is of this pack. Its type is not known yet while it is made. @param {GraphNode} node */
export const isOurs = (node) => classOf(node).startsWith("Zoom");

/** @param {GraphNode} node */
export const classOf = (node) => String(node.constructor.comfyClass);

/** @param {GraphNode} node @param {Set<string>} names of widgets whose edits are told */
export function tellEdits(node, names) {
  for (const widget of node.widgets ?? []) {
    if (names.has(widget.name)) chain(widget, "callback", () => edits.dispatchEvent(new Event("edit")));
  }
}

/** Call `added` after the method of an object, which stays in place. @template {unknown[]} V
 * @param {object} object @param {string} name @param {(...values: V) => void} added */
export function chain(object, name, added) {
  const methods = /** @type {Record<string, ((...values: V) => unknown) | undefined>} */ (object);
  const original = methods[name];
  methods[name] = function (...values) {
    const result = original?.apply(this, values);
    added.apply(this, values);
    return result;
  };
}

/** Whether one sees the graph, and not the panel of inputs and the results of app mode. */
const graphIsShown = () => app.canvas.canvas.getClientRects().length > 0;

/** A widget of our own at the end of a node, kept out of saved workflows and prompts. @template {object} T
 * @param {GraphNode} node @param {string} name @param {HTMLElement} root
 * @param {number | {height: () => number, margin: number}} height at least; or as it is at the moment, margins included
 * @param {T} added what the widget carries along */
export function addWidget(node, name, root, height, added) {
  const add = /** @type {NonNullable<GraphNode["addDOMWidget"]>} */ (node.addDOMWidget);
  // After an undo Nodes 2.0 keeps showing the old node's element for a widget of the same name and type, so every
  // widget has a type of its own. Types are not saved.
  const widget = add.call(node, name, `ZOOMSTACK_${++serial}`, root, {
    serialize: false,
    hideOnZoom: false,
    ...(typeof height === "number"
      ? { getMinHeight: () => height }
      : { getMinHeight: height.height, getMaxHeight: height.height, margin: height.margin }),
    getValue: () => "",
    setValue: () => {},
  });
  widget.serialize = false;
  return Object.assign(widget, added);
}

/** Set a widget as a person does. @param {NodeWidget} widget @param {unknown} value */
export function setWidget(widget, value) {
  widget.value = value;
  widget.callback?.(value);
}

/** Make a node at least so large. @param {GraphNode} node @param {readonly [number, number]} size */
export const growTo = (node, [width, height]) =>
  node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height)]);

/** A turn of the wheel over a widget that is the graph's. The classic canvas lies below the widget; Nodes 2.0 has taken
 * the event before. In app mode there is no graph to be seen, and the panel around the widget scrolls.
 * @param {WheelEvent} event */
export function giveWheelToGraph(event) {
  if (!graphIsShown()) return;
  event.preventDefault();
  app.canvas.processMouseWheel(event);
}

const tracker = () => app.extensionManager.workflow?.activeWorkflow?.changeTracker;

/** Make an edit one step of undo. The host takes its own snapshots when the mouse is released, before a click arrives. */
export function captureUndo() {
  const here = tracker();
  if (here?.captureCanvasState) here.captureCanvasState();
  else here?.checkState?.();
}

/** Take back the last step of the workflow's own history, or do it again. @param {boolean} redo */
export async function undo(redo) {
  await (redo ? tracker()?.redo() : tracker()?.undo());
}

/** Make sure that a widget of a new node is in the panel of app mode, where the front end may keep the old one, or have
 * put the new one into the hidden graph: show the app anew. @param {HTMLElement} root */
export async function showInApp(root) {
  if (graphIsShown()) return;
  const turn = () => new Promise((done) => setTimeout(done));
  await turn(); // the panel fills itself
  if (root.getClientRects().length) return;
  for (let i = 0; i < 2; i++) {
    await app.extensionManager.command.execute("Comfy.ToggleLinear");
    await turn();
  }
}
