// @ts-check
// "Choose the focus" of the nodes that have one: in their menu, and as a button of Zoom Geometry.

import { FocusPicker } from "./focus_picker.js";
import { findBefore, findBehind, GEOMETRY, geometryOf, isLinked, valueOf, widgetOf } from "./graph_walk.js";
import { captureUndo, isOurs, setWidget } from "./host.js";
import { parentsOf } from "./prompt_text.js";
import { rowsOf } from "./prompts_node.js";
import { urlOf } from "./server.js";
import { lastResult } from "./viewer_node.js";
import { choosable, factorsText, fociText, parseFactors, parseFoci } from "./zoom_steps.js";

/** @typedef {import("./zoom_steps.js").Steps} Steps */

const LABEL = "Choose the focus";
const NAMES = ["zoom_factor", "focus_x", "focus_y"];

/** The entries for the menu of a node. @param {GraphNode} node @returns {{content: string, callback: () => void}[]} */
export function focusMenu(node) {
  const place = placeOfFocus(node);
  return place ? [{ content: LABEL, callback: () => chooseFocus(place) }] : [];
}

/** @param {GraphNode} node a new Zoom Geometry */
export function addFocusButton(node) {
  const button = node.addWidget("button", LABEL, null, () => {
    const place = placeOfFocus(node);
    if (place) chooseFocus(place);
  });
  button.serialize = false;
  button.options.serialize = false;
}

/** The node that says where a node's zoom goes, if its widgets do: itself, or the one that its geometry comes from.
 * @param {GraphNode} node @returns {GraphNode | undefined} */
function placeOfFocus(node) {
  if (node.type === GEOMETRY) return isLinked(node, "focus") ? undefined : node;
  if (!isOurs(node) || !NAMES.every((name) => widgetOf(node, name))) return undefined;
  if (isLinked(node, "geometry")) {
    const geometry = geometryOf(node);
    return geometry && placeOfFocus(geometry);
  }
  return isLinked(node, "focus_x") || isLinked(node, "focus_y") ? undefined : node;
}

/** @param {GraphNode} node */
function chooseFocus(node) {
  const [result] = findBehind(node, lastResult);
  const pictures = (result?.images ?? []).map(urlOf);
  const picker = new FocusPicker(
    node.type === GEOMETRY ? geometryOptions(node, pictures, result) : widgetOptions(node, pictures),
  );
  picker.open();
}

/** One factor and one focus, each in its own widgets. @param {GraphNode} node @param {string[]} pictures
 * @returns {import("./focus_picker.js").PickerOptions} */
function widgetOptions(node, pictures) {
  const fixedFactor = isLinked(node, "zoom_factor");
  const factor = parseFactors(String(valueOf(node, "zoom_factor")))?.[0] ?? 2;
  const [x, y] = [Number(widgetOf(node, "focus_x")?.value), Number(widgetOf(node, "focus_y")?.value)];
  return {
    steps: { factors: [factor], foci: [[x, y]] },
    count: 0,
    pictures,
    fixedFactor,
    digits: 2,
    limits: [1.01, 64],
    use: ({ factors: [p], foci: [[toX, toY]] }) => {
      set(node, { focus_x: toX, focus_y: toY, ...(fixedFactor ? {} : { zoom_factor: p }) });
    },
  };
}

/** A factor and a focus for every step, in two texts. @param {GraphNode} node @param {string[]} pictures
 * @param {import("./viewer_node.js").Result} [result] of the last run
 * @returns {import("./focus_picker.js").PickerOptions} */
function geometryOptions(node, pictures, result) {
  const fixedFactor = isLinked(node, "zoom_factors");
  const read = { factors: parseFactors(String(valueOf(node, "zoom_factors"))), foci: parseFoci(String(widgetOf(node, "focus")?.value)) };
  const written = { factors: read.factors ?? [2], foci: read.foci ?? [/** @type {[number, number]} */ ([0.5, 0.5])] };
  const rows = rowsAround(node);
  const levels = rows?.levels ?? pictures.length;
  const endless = valueOf(node, "endless") === true;
  const known = levels - 1 + Number(endless); // steps
  const parents = branchesOf(rows ? parentsOf(rows.text) : result?.zoom[0].geometry.parents, levels, endless);
  const { steps, count } = choosable(written, known, parents !== undefined);
  return {
    steps,
    count,
    pictures,
    parents,
    fixedFactor,
    digits: 3,
    limits: [1.01, 1000],
    note: noteOn(read, fixedFactor, known, count),
    use: ({ factors, foci }) => {
      const values = {
        ...(factors === written.factors || fixedFactor ? {} : { zoom_factors: factorsText(factors) }),
        ...(foci === written.foci ? {} : { focus: fociText(foci) }),
      };
      set(node, values);
    },
  };
}

/** @param {{factors: number[] | null, foci: [number, number][] | null}} read @param {boolean} fixedFactor
 * @param {number} known steps @param {number} count */
function noteOn({ factors, foci }, fixedFactor, known, count) {
  const unread = [...(factors || fixedFactor ? [] : ["zoom_factors"]), ...(foci ? [] : ["focus"])];
  if (unread.length) return `The text in ${unread.join(" and ")} could not be read; what is chosen here replaces it.`;
  if (!count) return "To choose each step for itself, connect the node to a sampler that has prompts.";
  const lists = [factors ?? [], foci ?? []].map(({ length }) => length).filter((length) => length > 1);
  const wrong = known > 0 ? lists.find((length) => length !== known) : undefined;
  return wrong === undefined ? undefined : `There are values for ${wrong} steps, and the zoom has ${known}.`;
}

/** The parents of so many levels, if some level has several children; a zoom without an end closes them to a ring.
 * @param {(number | null)[] | null | undefined} parents @param {number} levels @param {boolean} endless */
function branchesOf(parents, levels, endless) {
  if (parents?.length !== levels) return undefined;
  const closed = [endless ? levels - 1 : null, ...parents.slice(1)];
  return new Set(closed).size < levels ? closed : undefined;
}

/** The rows of prompts around a node, which tell the levels. @param {GraphNode} node */
function rowsAround(node) {
  const withLevels = (/** @type {GraphNode} */ before) => (rowsOf(before)?.levels ? rowsOf(before) : undefined);
  return findBehind(node, (behind) => findBefore(behind, withLevels)[0])[0];
}

/** @param {GraphNode} node @param {Record<string, number | string>} values by widget */
function set(node, values) {
  for (const [name, value] of Object.entries(values)) {
    const widget = widgetOf(node, name);
    if (widget) setWidget(widget, value);
  }
  node.setDirtyCanvas(true, true);
  captureUndo();
}
