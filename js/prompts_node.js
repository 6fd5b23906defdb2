// @ts-check
// The prompt rows in a Zoom Prompt Schedule node.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { factorOf, findBehind, isLinked, widgetOf } from "./graph_walk.js";
import { addWidget, captureUndo, chain } from "./host.js";
import { PromptRows } from "./prompt_rows.js";

const HEIGHT = 190;
const NODE_SIZE = [440, 620];
const DEFAULT_FACTOR = 2;

/** @param {any} node */
export function addPromptRows(node) {
  const text = widgetOf(node, "prompts");
  if (!text) return;
  const editor = new PromptRows({
    change: (value, done) => {
      text.value = value;
      text.callback?.(value);
      if (done) captureUndo();
    },
    logMagnification: (row) => row * Math.log(findBehind(node, (behind) => factorOf(behind, "zoom_factor")) ?? DEFAULT_FACTOR),
    read: readPrompts,
  });
  const widget = addWidget(node, "prompt_rows", editor.root, HEIGHT);
  widget.editor = editor;
  const update = () => {
    editor.text = String(text.value ?? "");
    editor.refresh();
  };
  const listening = new AbortController();
  const { signal } = listening;
  chain(text, "callback", update);
  chain(node, "onConfigure", update);
  chain(node, "onConnectionsChange", () => {
    editor.root.inert = isLinked(node, "prompts");
    update();
  });
  chain(node, "onRemoved", () => {
    listening.abort();
    editor.close();
  });
  api.addEventListener("graphChanged", update, { signal }); // the factor stands in another node
  editor.root.addEventListener("pointerenter", update, { signal });
  editor.root.addEventListener("wheel", (event) => passWheel(event, editor), { signal, passive: false });
  node.setSize([Math.max(node.size[0], NODE_SIZE[0]), Math.max(node.size[1], NODE_SIZE[1])]);
  update();
}

/** @param {string} text @returns {Promise<string[]>} */
async function readPrompts(text) {
  const answer = await api.fetchApi("/zoomstack/prompts", { method: "POST", body: JSON.stringify({ text }) });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told.prompts;
}

/** The wheel scrolls the rows where they have the focus and room to scroll, and else is the graph's.
 * @param {WheelEvent} event @param {PromptRows} editor */
function passWheel(event, editor) {
  const { list, root } = editor;
  const scrolls = root.contains(document.activeElement) && list.scrollHeight > list.clientHeight;
  if (scrolls && !event.ctrlKey && !event.metaKey) {
    event.stopPropagation();
    return;
  }
  event.preventDefault();
  app.canvas.processMouseWheel(event);
}
