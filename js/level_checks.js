// @ts-check
// What in the graph does not fit the number of levels, as far as it can be told without a run. Where it cannot, nothing
// is said.

import { isOurs } from "./host.js";
import { geometryOf, isLinked, nodesAlong, originOf, valueOf, widgetOf } from "./graph_walk.js";
import * as rows from "./prompt_text.js";
import { parseFactors, parseFoci } from "./zoom_steps.js";

const SAMPLERS = new Set(["ZoomKSampler", "ZoomKSamplerAdvanced", "ZoomGuider"]);
/** Nodes that keep the number of the pictures that they are given. */
const KEEPING = new Set(["SamplerCustomAdvanced", "VAEDecode", "VAEDecodeTiled", "ImageScale", "ImageScaleBy", "ImageUpscaleWithModel", "Reroute", "ZoomStack"]);
/** A list, or JSON, of which only a run can tell how many prompts it has. */
const NO_PLAIN_LINES = /^\s*(?:[[{`]|[-*•]\s|\d+\s*[.):])/m;

/** What does not fit the levels of a Zoom Prompt Schedule, as sentences that say what to do.
 * @param {GraphNode} schedule @param {number} levels @returns {string[]} */
export function problemsOf(schedule, levels) {
  if (levels < 1) return [];
  const samplers = nodesAlong(schedule, passesPrompts).filter(isSampler);
  const steps = new Set(samplers.flatMap((sampler) => geometryOf(sampler) ?? []));
  const behind = samplers.flatMap((sampler) => [sampler, ...nodesAlong(sampler, passesLevels)]);
  const found = [
    ...ownProblems(schedule, levels),
    ...[...steps].flatMap((geometry) => geometryProblems(geometry, levels)),
    ...behind.flatMap((node) => [...latentProblems(node, levels), ...dwellProblems(node, levels)]),
  ];
  return [...new Set(found)];
}

/** @param {GraphNode} node */
const isSampler = (node) => SAMPLERS.has(node.type);

/** Prompts go through any node up to the sampler. @param {GraphNode} node @param {string} type of an output of it */
const passesPrompts = (node, type) => !isSampler(node) && ["CONDITIONING", "GUIDER", "*"].includes(type);

/** Levels go on where their number stays. @param {GraphNode} node @param {string} type of an output of it */
const passesLevels = (node, type) =>
  (isSampler(node) || KEEPING.has(node.type)) && ["GUIDER", "LATENT", "IMAGE", "ZOOM_STACK", "*"].includes(type);

/** @param {GraphNode} node */
const nameOf = (node) => node.title || node.type;

/** @param {number} number @param {string} what */
const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

/** @param {number} levels @param {boolean} endless @param {number} steps */
const stepsOf = (levels, endless, steps) =>
  `${count(levels, "level")}${endless ? " of an endless zoom" : ""} ${levels === 1 ? "has" : "have"} ${count(steps, "step")}`;

/** @param {GraphNode} geometry @param {number} levels */
function geometryProblems(geometry, levels) {
  const endless = valueOf(geometry, "endless");
  if (endless === undefined) return []; // only a run can tell
  if (endless && levels === 1) return [`${nameOf(geometry)} is endless, and there is 1 level: write 2 prompts at least.`];
  const steps = levels - 1 + Number(Boolean(endless));
  const lists = {
    "zoom factor": parseFactors(String(valueOf(geometry, "zoom_factors"))),
    "focus point": parseFoci(String(valueOf(geometry, "focus"))),
  };
  return Object.entries(lists).flatMap(([what, values]) => {
    if (!values || values.length === 1 || values.length === steps) return [];
    const enough = steps > 1 ? `one for all steps, or ${steps} of them` : "one";
    return [`${nameOf(geometry)} has ${count(values.length, what)}, and ${stepsOf(levels, Boolean(endless), steps)}: give ${enough}.`];
  });
}

/** @param {GraphNode} node @param {number} levels */
function dwellProblems(node, levels) {
  if (!isOurs(node) || !widgetOf(node, "dwell")) return [];
  const seconds = String(valueOf(node, "dwell") ?? "").split(/[\s,;]+/).filter((word) => word);
  if (seconds.length < 2 || seconds.length === levels) return [];
  return [`dwell of ${nameOf(node)} has ${seconds.length} numbers for ${count(levels, "level")}: give one for all levels, or ${levels} of them.`];
}

/** An empty latent with a batch of its own. @param {GraphNode} node that samples @param {number} levels */
function latentProblems(node, levels) {
  const repeats = node.type === "ZoomKSampler" || node.type === "ZoomKSamplerAdvanced"; // a single latent, as often as needed
  if (!repeats && node.type !== "SamplerCustomAdvanced") return [];
  const latent = originOf(node, "latent_image");
  if (!latent || !/^Empty.*Latent/.test(latent.type)) return [];
  const batch = Number(valueOf(latent, "batch_size"));
  if (!Number.isInteger(batch) || batch === levels || (repeats && batch === 1)) return [];
  return [`${nameOf(latent)} makes ${count(batch, "latent")} for ${count(levels, "level")}: set batch_size to ${levels}, or connect "levels" of this node to it.`];
}

/** The other widgets of the schedule. @param {GraphNode} schedule @param {number} levels */
function ownProblems(schedule, levels) {
  const found = [];
  const expected = Number(valueOf(schedule, "expected_levels"));
  if (expected > 0 && expected !== levels) {
    found.push(`expected_levels is ${expected}, and there are ${count(levels, "prompt")}: change one of them, or set it to 0.`);
  }
  const negative = String(valueOf(schedule, "negative") ?? "");
  const lines = NO_PLAIN_LINES.test(negative) ? [] : rows.prompts(rows.toLines(negative));
  if (lines.length > 1 && lines.length !== levels) {
    found.push(`negative has ${lines.length} lines for ${count(levels, "level")}: write one line for all levels, or ${levels} of them.`);
  }
  return found;
}
