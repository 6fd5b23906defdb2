// @ts-check
// Growing a zoom where one looks: which text and which steps a new branch has, or a new deepest level. New levels come
// last in the list, so that the numbers of all others stay. Pure functions.

import { splitMark } from "./prompt_branches.js";
import { isPrompt, levels, parentsOf, toLines } from "./prompt_text.js";
import { sideBySide } from "./zoom_steps.js";
import { parentOf, stepRect } from "./zoom_tree.js";

/**
 * @typedef {import("./zoom_steps.js").Point} Point
 * @typedef {import("./zoom_steps.js").Steps} Steps
 * @typedef {import("./zoom_tree.js").Rect} Rect
 * @typedef {{level: number, x: number, y: number}} Spot a point of a level's picture, in parts of its sides
 * @typedef {object} Growth
 * @property {string} text with the new prompts
 * @property {Steps} steps of all levels, one value for all steps where that says it
 * @property {number} parent the level that the first new one lies in
 * @property {number} level the first new one
 * @property {number} total how many there are then
 * @property {Rect} rect where it lies in its parent
 */

/** A list, or JSON, of which only a run can tell how many prompts it has. */
export const NO_PLAIN_LINES = /^\s*(?:[[{`]|[-*•]\s|\d+\s*[.):])/m;
/** Where there is no room for the zoom's own factor, a branch may have so many times as large a one. */
const TIMES = [1, 2, 4];
const MOST_ZOOM = 64;
/** So near to the zoom's own focus, in parts of a side, that is meant. */
const SNAP = 0.02;
const [SAME, DIGITS] = [1e-6, 1e4];
/** @type {Point} */ const MIDDLE = [0.5, 0.5];

export class CannotGrow extends Error {}

/** What becomes of prompts and steps.
 * @param {string} text of the prompts as they are
 * @param {Steps} written what the graph says of the steps: one value for all, or one per step
 * @param {import("./zoom_tree.js").Geometry} shown of the result that one looks at
 * @param {Spot} spot where one looks @param {string[]} lines the new prompts, each in the one before
 * @returns {Growth} @throws {CannotGrow} with a text for the person */
export function grown(text, written, shown, spot, lines) {
  if (parentOf(shown, 0) !== null) throw new CannotGrow("A zoom without an end is a ring, and does not grow.");
  const { parents, factors, foci } = stepsNow(text, written, shown);
  const level = parents.length;
  const own = written.factors.length === 1 ? written.factors[0] : (factors.at(-1) ?? 2);
  const { factor, focus } = placeFor(spot, own, factors, foci, parents);
  const alone = !parents.includes(spot.level);
  const usual = written.foci.length === 1 ? written.foci[0] : MIDDLE;
  const first = alone && factor === own && isNear(factor, focus, usual) ? usual : focus;
  const deeper = lines.slice(1);
  const all = { factors: [...factors, factor, ...deeper.map(() => own)], foci: [...foci, first, ...deeper.map(() => usual)] };
  const tree = [...parents, spot.level, ...deeper.map((_, i) => level + i)];
  return {
    text: withLines(text, spot.level === level - 1 ? "" : `from ${spot.level + 1}: `, lines, tree.length),
    steps: {
      factors: all.factors.every((value) => value === own) ? [own] : all.factors,
      foci: written.foci.length === 1 && same(sideBySide(tree, all.factors, usual), all.foci) ? written.foci : all.foci,
    },
    parent: spot.level,
    level,
    total: tree.length,
    rect: stepRect(factor, first),
  };
}

/** Every step of the zoom as text and graph say it, which must be as the result shows it. @param {string} text
 * @param {Steps} written @param {import("./zoom_tree.js").Geometry} shown */
function stepsNow(text, written, shown) {
  const count = levels(toLines(text)).length;
  const parents = parentsOf(text) ?? Array.from({ length: count }, (_, level) => (level ? level - 1 : null));
  const steps = count - 1;
  const factors = written.factors.length === 1 ? Array(steps).fill(written.factors[0]) : written.factors;
  const foci = written.foci.length === 1 ? sideBySide(parents, factors, written.foci[0]) : written.foci;
  const asShown =
    parents.every((parent, level) => parent === parentOf(shown, level)) && factors.length === shown.factors.length &&
    foci.length === steps && same(places(factors, foci), places(shown.factors, shown.foci));
  if (!asShown) throw new CannotGrow("Prompts or geometry are not those of this picture. Run the workflow, then grow it.");
  return { parents, factors, foci };
}

/** @param {number[]} factors @param {Point[]} foci @returns {number[][]} */
const places = (factors, foci) => factors.map((factor, i) => Object.values(stepRect(factor, foci[i])));

/** @param {number[][]} one @param {number[][]} other */
const same = (one, other) =>
  one.length === other.length && one.every((values, i) => values.every((value, k) => Math.abs(value - other[i][k]) < SAME));

/** Whether two foci mean the same place. @param {number} factor @param {Point} one @param {Point} other */
function isNear(factor, one, other) {
  const [a, b] = [stepRect(factor, one), stepRect(factor, other)];
  return Math.abs(a.left - b.left) < SNAP && Math.abs(a.top - b.top) < SNAP;
}

/** A factor and a focus with which a new level lies at a spot, beside those that are there.
 * @param {Spot} spot @param {number} own the zoom's factor
 * @param {number[]} factors @param {Point[]} foci @param {(number | null)[]} parents */
function placeFor({ level, x, y }, own, factors, foci, parents) {
  const children = [...parents.keys()].filter((child) => child && parents[child] === level);
  const taken = children.map((child) => stepRect(factors[child - 1], foci[child - 1]));
  for (const factor of TIMES.map((times) => own * times)) {
    if (factor > MOST_ZOOM && factor > own) break;
    const focus = freePlace([x, y], 1 / factor, taken);
    const reach = 0.5 / factor + SAME;
    const wanted = center(stepRect(factor, [x, y]));
    if (focus && wanted.every((value, i) => Math.abs(value - focus[i]) <= reach)) return { factor, focus };
  }
  const there = children.find((_, i) => holds(taken[i], x, y));
  throw new CannotGrow(
    there === undefined
      ? `There is no room here beside the levels that level ${level + 1} shows. Look elsewhere, or deeper.`
      : `Level ${there + 1} is here already. Look beside it, or zoom on until it fills the picture.`,
  );
}

/** The middle of the place of a side that is nearest to a point and overlaps none that are taken.
 * @param {Point} point @param {number} side @param {Rect[]} taken @returns {Point | undefined} */
function freePlace(point, side, taken) {
  const [x, y] = center(stepRect(1 / side, point));
  const half = side / 2;
  const isFree = (/** @type {Point} */ [atX, atY]) =>
    atX >= half - 1e-9 && atX <= 1 - half + 1e-9 && atY >= half - 1e-9 && atY <= 1 - half + 1e-9 &&
    taken.every(
      ({ left, top, width, height }) =>
        atX <= left - half + 1e-9 || atX >= left + width + half - 1e-9 ||
        atY <= top - half + 1e-9 || atY >= top + height + half - 1e-9,
    );
  const acrosses = [Math.round(x * DIGITS) / DIGITS, x, ...taken.flatMap(({ left, width }) => [left - half, left + width + half])];
  const downs = [Math.round(y * DIGITS) / DIGITS, y, ...taken.flatMap(({ top, height }) => [top - half, top + height + half])];
  const free = acrosses.flatMap((atX) => downs.map((atY) => /** @type {Point} */ ([atX, atY]))).filter(isFree);
  const away = (/** @type {Point} */ [atX, atY]) => Math.round(Math.hypot(atX - x, atY - y) * DIGITS); // the round one first
  return free.sort((one, other) => away(one) - away(other))[0];
}

/** @param {Rect} rect @returns {Point} */
const center = ({ left, top, width, height }) => [left + width / 2, top + height / 2];

/** @param {Rect} rect @param {number} x @param {number} y */
const holds = ({ left, top, width, height }, x, y) => x > left && x < left + width && y > top && y < top + height;

/** @param {string} text @param {string} mark before the first line @param {string[]} lines @param {number} total levels that
 * there must be then */
function withLines(text, mark, lines, total) {
  const wrong = lines.find((line) => !isPrompt(line) || splitMark(line)[0] || NO_PLAIN_LINES.test(line));
  if (wrong !== undefined) throw new CannotGrow(`“${wrong}” is no plain prompt. Write what is to be seen, one line per level.`);
  const more = `${text.trimEnd()}\n${mark}${lines.join("\n")}`;
  if (levels(toLines(more)).length !== total) throw new CannotGrow("The prompts cannot be read so. Write other lines.");
  return more;
}

/** The seeds of single levels with one set: "3: 5, 7: 1". @param {string} text @param {number} level from 0
 * @param {number} seed */
export function withSeed(text, level, seed) {
  const others = text.split(/[\n,;]/).map((part) => part.trim());
  const left = others.filter((part) => part && Number(part.split(/[:=]/)[0]) !== level + 1);
  return [...left, `${level + 1}: ${seed}`].join(", ");
}
