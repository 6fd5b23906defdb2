// @ts-check
// The prompt rows in a Zoom Prompt Schedule node.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { factorsBehind, graphsOf, isLinked, valueOf, widgetOf } from "./graph_walk.js";
import { addWidget, captureUndo, chain, edits, giveWheelToGraph, growTo, setWidget, showInApp, undo } from "./host.js";
import { problemsOf } from "./level_checks.js";
import { PromptRows } from "./prompt_rows.js";
import { ask } from "./server.js";

const ROWS = "prompt_rows";
const HEIGHT = 190;
const NODE_SIZE = /** @type {const} */ ([440, 620]);
/** An object of JSON. The host would take it for a choice of its dynamic prompts, as in {red|blue}, and take it apart. */
const JSON_OBJECT = /\{\s*["'][^"'\n]*["']\s*:/;

/** The rows of a node, if it has them. @param {GraphNode} node */
export const rowsOf = (node) => /** @type {{editor?: PromptRows} | undefined} */ (widgetOf(node, ROWS))?.editor;

/** @param {GraphNode} node */
export function addPromptRows(node) {
  const text = widgetOf(node, "prompts");
  if (!text) return;
  const editor = new PromptRows({
    change: (value, done) => {
      setWidget(text, value);
      if (done) captureUndo();
    },
    factors: () => factorsBehind(node),
    problems: (levels) => problemsOf(node, levels),
    read: readPrompts,
    undo: (redo, row) => void undoAndReturn(node, redo, row),
  });
  addWidget(node, ROWS, editor.root, HEIGHT, { editor, label: "Prompts" });
  const update = () => {
    const linked = isLinked(node, "prompts");
    const shown = valueOf(node, "prompts");
    if (editor.root.inert !== linked) {
      editor.root.inert = linked;
      editor.tell();
    }
    editor.text = String(shown ?? "");
    if (linked) editor.tell(shown === undefined ? "The prompts come from another node." : "The prompts are linked.");
    editor.refresh();
  };
  const choose = text.serializeValue;
  text.serializeValue = (...given) =>
    choose && !JSON_OBJECT.test(String(text.value)) ? choose(...given) : text.value;
  const listening = new AbortController();
  const { signal } = listening;
  chain(text, "callback", update);
  for (const event of ["onConfigure", "onAfterGraphConfigured", "onConnectionsChange"]) chain(node, event, update);
  chain(node, "onRemoved", () => {
    listening.abort();
    editor.close();
  });
  api.addEventListener("graphChanged", update, { signal }); // the factor stands in another node
  // older front ends make the node of a subgraph, and link it, without a word to the nodes inside
  app.canvas.canvas.addEventListener("litegraph:set-graph", update, { signal });
  edits.addEventListener("edit", update, { signal });
  editor.root.addEventListener("pointerenter", update, { signal });
  editor.root.addEventListener("wheel", (event) => passWheel(event, editor), { signal, passive: false });
  growTo(node, NODE_SIZE);
  update();
}

/** Undo makes all nodes anew; the cursor goes back into the row where it was.
 * @param {GraphNode} node @param {boolean} redo @param {number} row */
async function undoAndReturn(node, redo, row) {
  const { graph, id } = node;
  await undo(redo);
  const again = graphsOf(app.rootGraph).find((other) => other.id === graph?.id);
  const made = again?.getNodeById(id); // none where something else has happened meanwhile
  const rows = made && rowsOf(made);
  if (!rows) return;
  await showInApp(rows.root);
  rows.focus(row);
}

/** @param {string} text */
async function readPrompts(text) {
  const { prompts } = /** @type {{prompts: string[]}} */ (await ask("/zoomstack/prompts", { text }));
  return prompts;
}

/** The wheel scrolls the rows where they have the focus and room to scroll, and else is the graph's.
 * @param {WheelEvent} event @param {PromptRows} editor */
function passWheel(event, editor) {
  const { list, root } = editor;
  const scrolls = root.contains(document.activeElement) && list.scrollHeight > list.clientHeight;
  if (scrolls && !event.ctrlKey && !event.metaKey) event.stopPropagation();
  else giveWheelToGraph(event);
}
