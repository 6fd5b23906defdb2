// @ts-check
// The steps of a zoom as people write them, in Zoom Geometry or in one widget for all steps. Pure functions; the text is
// read as zoomstack_core/nesting.py reads it, and tests/vectors/zoom_steps.json holds both to the same answers.

/**
 * @typedef {[number, number]} Point x, y from 0 to 1
 * @typedef {{factors: number[], foci: Point[]}} Steps one value for all steps, or one per step from the widest level on
 */

const SEPARATORS = /[\s,;|()[\]{}]+/;
const TIMES = /^[x×]|[x×]$/gi;
const AXIS = /\b[xy]\s*[=:]/gi;
const MOST_ZOOM = 1000;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** @param {string} text */
const words = (text) => text.split(SEPARATORS).filter((word) => word !== "");

/** @param {string} word */
const number = (word) => (NUMBER.test(word) ? Number(word) : NaN);

/** The zoom factors in a text; null where the node would say what is wrong with it. @param {string} text */
export function parseFactors(text) {
  const factors = words(text).map((word) => number(word.replace(TIMES, "") || word));
  return factors.length && factors.every((factor) => factor > 1 && factor <= MOST_ZOOM) ? factors : null;
}

/** The focus points in a text, the middle for no text; null where the node would say what is wrong with it.
 * @param {string} text @returns {Point[] | null} */
export function parseFoci(text) {
  /** @type {Point[]} */ const points = [];
  for (const line of text.split(/[\n;]/)) {
    const numbers = words(line.replace(AXIS, " ")).map(number);
    if (numbers.length % 2 || !numbers.every((value) => value >= 0 && value <= 1)) return null;
    for (let i = 0; i < numbers.length; i += 2) points.push([numbers[i], numbers[i + 1]]);
  }
  return points.length ? points : [[0.5, 0.5]];
}

/** @param {number[]} factors */
export const factorsText = (factors) => factors.join(", ");

/** @param {Point[]} foci */
export const fociText = (foci) => foci.map((point) => point.join(", ")).join("\n");

/** Of one value for all steps, or one per step, that of a step; undefined where there is none. @template T
 * @param {T[]} values @param {number} step @returns {T | undefined} */
export const ofStep = (values, step) => (values.length === 1 ? values[0] : values[step]);

/** The values with that of one step changed. Steps without a value get the last one. @template T @param {T[]} values
 * @param {number} count of steps @param {number} step -1 for all @param {T} value @returns {T[]} */
export function withStep(values, count, step, value) {
  if (step < 0) return [value];
  const length = Math.max(count, values.length);
  return Array.from({ length }, (_, i) => (i === step ? value : (ofStep(values, i) ?? values[values.length - 1])));
}

/** The steps that can be chosen, with as many values as there are. A tree has so many steps and no more; without one
 * there may be more values than are known to be needed. @param {Steps} steps
 * @param {number} known steps, -1 or 0 if none @param {boolean} isTree
 * @returns {{steps: Steps, count: number}} count is 0 for one choice that all steps share */
export function choosable(steps, known, isTree) {
  const { factors, foci } = steps;
  if (!isTree) return { steps, count: Math.max(0, known, ...[factors, foci].map(({ length }) => (length > 1 ? length : 0))) };
  return { steps: { factors: cut(factors, known), foci: cut(foci, known) }, count: known };
}

/** No more values than steps. @template T @param {T[]} values @param {number} count @returns {T[]} */
const cut = (values, count) => (values.length > count ? values.slice(0, count) : values);

/** The level that a step leads to: of a ring the last one leads to level 0. @param {number} step
 * @param {(number | null)[]} parents */
export const levelOfStep = (step, parents) => (step + 1) % parents.length;

/** The steps that lead into the same level as a step, with it. @param {number} step @param {(number | null)[]} parents */
export function siblingsOf(step, parents) {
  const parent = parents[levelOfStep(step, parents)];
  const levels = [...parents.keys()].filter((level) => parent !== null && parents[level] === parent);
  return levels.map((level) => (level || parents.length) - 1).sort((one, other) => one - other);
}

/** Where the level of each step is centered if there is one focus for all: only children there, several of one level in
 * rows, as zoomstack_core/nesting.py puts them.
 * @param {(number | null)[]} parents the level that shows each level @param {number[]} factors of each step
 * @param {Point} focus @returns {Point[]} */
export function sideBySide(parents, factors, focus) {
  return factors.map((_, step) => {
    const siblings = siblingsOf(step, parents);
    if (siblings.length < 2) return focus;
    const most = Math.max(1, Math.floor(Math.min(...siblings.map((other) => factors[other]))));
    const rows = Math.ceil(siblings.length / most);
    const across = Math.ceil(siblings.length / rows);
    const place = siblings.indexOf(step);
    const row = Math.floor(place / across);
    const inRow = Math.min(across, siblings.length - row * across);
    return [((place % across) + 0.5) / inRow, (row + 0.5) / rows];
  });
}

/** ln of the magnification of every level; NaN where a step on the way to it has no factor.
 * @param {number[]} factors @param {(number | null)[]} parents of each level the one before it that it lies in, null of the
 * first */
export function logMagnifications(factors, parents) {
  /** @type {number[]} */ const logs = [];
  for (const [level, parent] of parents.entries()) {
    logs.push(parent === null ? 0 : logs[parent] + Math.log(ofStep(factors, level - 1) ?? NaN));
  }
  return logs;
}
