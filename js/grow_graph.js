// @ts-check
// The nodes that make what a Zoom Viewer shows, and how growing changes them. Every change is a step that can be taken
// back; the steps are kept in the viewer's properties, so that they are saved with the workflow and go along with its own
// undo.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { executionIdOf, findBefore, GEOMETRY, graphsOf, isLinked, originOf, valueOf, widgetOf } from "./graph_walk.js";
import { CannotGrow, NO_PLAIN_LINES } from "./growth.js";
import { captureUndo, setWidget } from "./host.js";
import { levels, prompts, toLines } from "./prompt_text.js";
import { factorsText, fociText, parseFactors, parseFoci } from "./zoom_steps.js";

/**
 * @typedef {import("./zoom_steps.js").Steps} Steps
 * @typedef {{sampler: GraphNode, schedule: GraphNode, stack: GraphNode | undefined, geometry: GraphNode | undefined}} Parts
 * the Zoom Geometry is undefined where the sampler's own widgets say where the zoom goes
 * @typedef {{graph: string, id: NodeId}} Ref
 * @typedef {object} Step
 * @property {(Ref & {name: string, before: unknown, after: unknown})[]} changes of widgets
 * @property {Ref[]} added nodes
 * @property {(Ref & {name: string})[]} linked inputs
 */

const SAMPLERS = new Set(["ZoomKSampler", "ZoomKSamplerAdvanced", "ZoomGuider"]);
const STEPS = "growth";
const MOST_STEPS = 16;
const GAP = 60;

/** The nodes that a viewer's zoom is made by. @param {GraphNode} viewer @returns {Parts}
 * @throws {CannotGrow} where growing needs others */
export function partsOf(viewer) {
  /** @type {GraphNode[]} */ const before = [];
  findBefore(viewer, (node) => void before.push(node));
  const samplers = before.filter(({ type }) => SAMPLERS.has(type));
  const schedules = before.filter(({ type }) => type === "ZoomPromptSchedule");
  if (samplers.length !== 1 || samplers[0].type !== "ZoomKSampler") {
    throw new CannotGrow("Growing needs one Zoom KSampler before this viewer, and no second sampler.");
  }
  if (schedules.length !== 1) throw new CannotGrow("Growing needs one Zoom Prompt Schedule before this viewer.");
  const [[sampler], [schedule]] = [samplers, schedules];
  if (isLinked(schedule, "prompts")) throw new CannotGrow("The prompts come from another node; growing needs them in Zoom Prompt Schedule itself.");
  if (isLinked(sampler, "keep") || isLinked(sampler, "level_seeds")) {
    throw new CannotGrow("keep and level_seeds of Zoom KSampler come from other nodes; growing sets them.");
  }
  const stack = before.find(({ type }) => type === "ZoomStack");
  return { sampler, schedule, stack, geometry: geometryBefore(sampler, schedule) };
}

/** @param {GraphNode} sampler @param {GraphNode} schedule @returns {GraphNode | undefined} */
function geometryBefore(sampler, schedule) {
  const other = new CannotGrow("Where the zoom goes comes from another node; growing needs Zoom Geometry, or the sampler's own widgets.");
  const settable = (/** @type {GraphNode} */ node, /** @type {string[]} */ names) => {
    if (names.some((name) => isLinked(node, name))) throw other;
  };
  if (!isLinked(sampler, "geometry")) {
    settable(sampler, ["zoom_factor", "focus_x", "focus_y"]);
    return undefined;
  }
  let found = originOf(sampler, "geometry");
  if (found === schedule) found = originOf(schedule, "geometry"); // which hands it on
  if (found?.type !== GEOMETRY) throw other;
  settable(found, ["zoom_factors", "focus", "endless"]);
  return found;
}

/** @param {Parts} parts */
export function textOf({ schedule }) {
  const text = String(valueOf(schedule, "prompts") ?? "");
  if (NO_PLAIN_LINES.test(text)) throw new CannotGrow("Growing needs plain prompts, one per line: no list, table or JSON.");
  return text;
}

/** What the graph says of the steps. @param {Parts} parts @returns {Steps} */
export function stepsOf({ sampler, geometry }) {
  const value = (/** @type {GraphNode} */ node, /** @type {string} */ name) => String(widgetOf(node, name)?.value);
  const factors = parseFactors(geometry ? value(geometry, "zoom_factors") : value(sampler, "zoom_factor"));
  const foci = parseFoci(geometry ? value(geometry, "focus") : `${value(sampler, "focus_x")}, ${value(sampler, "focus_y")}`);
  if (!factors || !foci) throw new CannotGrow("The text of Zoom Geometry cannot be read.");
  return { factors, foci };
}

/** Write new prompts and steps into the nodes. @param {GraphNode} viewer @param {Parts} parts
 * @param {import("./growth.js").Growth} growth */
export function writeGrowth(viewer, parts, { text, steps, total }) {
  const { sampler, schedule, stack } = parts;
  /** @type {Step} */ const step = { changes: [], added: [], linked: [] };
  const before = levels(toLines(String(valueOf(schedule, "prompts")))).length;
  change(step, schedule, "prompts", text);
  if (Number(widgetOf(schedule, "expected_levels")?.value) > 0) change(step, schedule, "expected_levels", total);
  const negative = String(widgetOf(schedule, "negative")?.value ?? "");
  const avoided = prompts(toLines(negative));
  if (avoided.length > 1 && avoided.length === before) {
    change(step, schedule, "negative", [negative.trimEnd(), ...Array(total - before).fill(avoided.at(-1))].join("\n"));
  }
  const latent = originOf(sampler, "latent_image");
  if (latent && /^Empty.*Latent/.test(latent.type) && !isLinked(latent, "batch_size") && Number(widgetOf(latent, "batch_size")?.value) > 1) {
    change(step, latent, "batch_size", total);
  }
  const written = stepsOf(parts);
  const says = { zoom_factors: factorsText(steps.factors), focus: fociText(steps.foci) };
  const geometry = parts.geometry ?? (steps.factors.length > 1 || steps.foci.length > 1 ? addGeometry(step, sampler) : undefined);
  if (geometry) {
    if (!parts.geometry || says.zoom_factors !== factorsText(written.factors)) change(step, geometry, "zoom_factors", says.zoom_factors);
    if (!parts.geometry || says.focus !== fociText(written.foci)) change(step, geometry, "focus", says.focus);
  }
  if (stack && !isLinked(stack, "geometry") && sampler.graph === stack.graph) {
    sampler.connect(sampler.findOutputSlot("geometry"), stack, stack.findInputSlot("geometry"));
    step.linked.push({ ...refOf(stack), name: "geometry" });
  }
  remember(viewer, step);
}

/** Another seed for a level. @param {GraphNode} viewer @param {Parts} parts @param {string} seeds */
export function writeSeeds(viewer, { sampler }, seeds) {
  /** @type {Step} */ const step = { changes: [], added: [], linked: [] };
  change(step, sampler, "level_seeds", seeds);
  remember(viewer, step);
}

/** Keep what is there, and stay at the seed that made it: the host may have drawn another one since.
 * @param {GraphNode} viewer @param {Parts} parts */
export async function keepOn(viewer, { sampler }) {
  const keep = widgetOf(sampler, "keep");
  if (keep && keep.value !== true) setWidget(keep, true);
  const [seed, after] = [widgetOf(sampler, "seed"), widgetOf(sampler, "control_after_generate")];
  if (!seed || !after || after.value === "fixed" || isLinked(sampler, "seed")) return;
  const used = await seedOfRun(String(viewer.properties?.last_run ?? ""), sampler);
  setWidget(after, "fixed");
  if (used !== undefined) setWidget(seed, used);
}

/** The seed of a node in a run that the server remembers. @param {string} run @param {GraphNode} sampler */
async function seedOfRun(run, sampler) {
  if (!run) return undefined;
  const answer = await api.fetchApi(`/history/${encodeURIComponent(run)}`);
  const told = answer.ok ? await answer.json() : {};
  const seed = told[run]?.prompt?.[2]?.[executionIdOf(sampler) ?? ""]?.inputs?.seed;
  return typeof seed === "number" ? seed : undefined;
}

/** Whether there is a step to take back. @param {GraphNode} viewer */
export const canUndo = (viewer) => stepsTaken(viewer).length > 0;

/** Take back the last step. @param {GraphNode} viewer @throws {CannotGrow} where something else has happened since */
export function undoGrowth(viewer) {
  const step = stepsTaken(viewer).at(-1);
  if (!step) return;
  const widgets = step.changes.map(({ name, before, after, ...ref }) => {
    const node = nodeAt(ref);
    const widget = node && widgetOf(node, name);
    if (!widget || widget.value !== after) throw new CannotGrow(`${name} was edited since; take that back first.`);
    return { widget, before };
  });
  viewer.properties[STEPS] = stepsTaken(viewer).slice(0, -1);
  for (const { widget, before } of widgets) setWidget(widget, before);
  for (const { name, ...ref } of step.linked) {
    const node = nodeAt(ref);
    if (node) node.disconnectInput(node.findInputSlot(name));
  }
  for (const ref of step.added) {
    const node = nodeAt(ref);
    if (node) node.graph?.remove(node);
  }
  captureUndo();
}

/** Run what the viewer needs: no video is made anew for it. @param {GraphNode} viewer */
export async function runFor(viewer) {
  const id = executionIdOf(viewer);
  await app.queuePrompt(0, 1, id ? [id] : undefined);
}

/** @param {GraphNode} viewer @returns {Step[]} */
const stepsTaken = (viewer) => /** @type {Step[] | undefined} */ (viewer.properties?.[STEPS]) ?? [];

/** @param {GraphNode} viewer @param {Step} step */
function remember(viewer, step) {
  viewer.properties[STEPS] = [...stepsTaken(viewer), step].slice(-MOST_STEPS);
  captureUndo();
}

/** @param {GraphNode} node @returns {Ref} */
const refOf = ({ graph, id }) => ({ graph: String(graph?.id), id });

/** @param {Ref} ref */
const nodeAt = ({ graph, id }) => graphsOf(app.rootGraph).find((other) => String(other.id) === graph)?.getNodeById(id);

/** @param {Step} step @param {GraphNode} node @param {string} name @param {unknown} after */
function change(step, node, name, after) {
  const widget = widgetOf(node, name);
  if (!widget || widget.value === after) return;
  step.changes.push({ ...refOf(node), name, before: widget.value, after });
  setWidget(widget, after);
  node.setDirtyCanvas(true, true);
}

/** A Zoom Geometry before the sampler, which says of it what its own widgets said. @param {Step} step
 * @param {GraphNode} sampler @returns {GraphNode} */
function addGeometry(step, sampler) {
  const node = window.LiteGraph.createNode(GEOMETRY);
  if (!node || !sampler.graph) throw new CannotGrow("Zoom Geometry cannot be added to the graph.");
  sampler.graph.add(node);
  node.pos = [sampler.pos[0], sampler.pos[1] - node.size[1] - GAP];
  node.connect(0, sampler, sampler.findInputSlot("geometry"));
  step.added.push(refOf(node));
  return node;
}
