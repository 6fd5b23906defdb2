// @ts-check
// The few things that the additions need from ComfyUI's front end.

import { app } from "../../../scripts/app.js";

let serial = 0;

/** Tells of an "edit" at once where a widget of ours is set: the host tells of a text only when it has lost the cursor. */
export const edits = new EventTarget();

/** @param {any} node @param {Set<string>} names of widgets whose edits are told */
export function tellEdits(node, names) {
  for (const widget of node.widgets ?? []) {
    if (names.has(widget.name)) chain(widget, "callback", () => edits.dispatchEvent(new Event("edit")));
  }
}

/** Call `added` after the method of an object, which stays in place.
 * @param {any} object @param {string} name @param {(...values: any[]) => void} added */
export function chain(object, name, added) {
  const original = object[name];
  object[name] = function (/** @type {any[]} */ ...values) {
    const result = original?.apply(this, values);
    added.apply(this, values);
    return result;
  };
}

/** A widget of our own at the end of a node, kept out of saved workflows and prompts.
 * @param {any} node @param {string} name @param {HTMLElement} root @param {number | {height: () => number, margin: number}}
 * height at least; or as it is at the moment, margins included */
export function addWidget(node, name, root, height) {
  // After an undo Nodes 2.0 keeps showing the old node's element for a widget of the same name and type, so every
  // widget has a type of its own. Types are not saved.
  const widget = node.addDOMWidget(name, `ZOOMSTACK_${++serial}`, root, {
    serialize: false,
    hideOnZoom: false,
    ...(typeof height === "number"
      ? { getMinHeight: () => height }
      : { getMinHeight: height.height, getMaxHeight: height.height, margin: height.margin }),
    getValue: () => "",
    setValue: () => {},
  });
  widget.serialize = false;
  return widget;
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
