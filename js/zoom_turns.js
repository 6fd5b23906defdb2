// @ts-check
// How a view changes its line: towards the branch that one looks at, from round to round of a ring, and in a flight from
// one level to another. Pure functions and a clockwork: no page, no ComfyUI.

import * as math from "./zoom_math.js";
import * as moves from "./zoom_moves.js";
import { childrenOf, countOf, lastShared, lineThrough, parentOf, placeOn } from "./zoom_tree.js";

/**
 * @typedef {import("./zoom_tree.js").Geometry} Geometry
 * @typedef {import("./zoom_tree.js").Line} Line
 * @typedef {import("./zoom_math.js").View} View
 * @typedef {import("./zoom_math.js").Size} Size
 * @typedef {{line: Line, view: View}} Place
 */

/** Milliseconds of a flight: those that it takes at least, for each doubling of the magnification, and at most; once
 * outwards and once inwards. */
const [SHORTEST, PER_DOUBLING, LONGEST] = [500, 250, 3000];
const WHOLE = { left: 0, top: 0, width: 1, height: 1 };

/** The same view in terms of another line. @param {Line} from @param {View} view @param {Line} to @returns {View} */
export function onLine(from, view, to) {
  const shared = lastShared(from, to);
  const level = math.levelOf(from, view.zoom);
  if (level < shared) return view;
  const zoom = math.zoomAtLog(to, math.logMagnification(from, view.zoom));
  const at = math.toLevel(from, [view.x, view.y], level, shared);
  const [x, y] = math.toLevel(to, at, shared, math.levelOf(to, zoom));
  return { zoom, x, y };
}

/** The line that leads from a view to where one looks: through the child that is nearest to a point of the view, of the
 * deepest level around this point. And how many rounds deeper the view now is in terms of it.
 * @param {Place} place @param {number} atX @param {number} atY parts of the view @param {Size} size
 * @returns {Place & {rounds: number}} */
export function towards({ line, view }, atX, atY, size) {
  const aspect = size.width / size.height;
  const [width, height] = math.viewSize(line, view.zoom, aspect);
  const [right, down] = math.uprightAt(line, view.zoom, atX, atY, aspect);
  const level = math.levelOf(line, view.zoom);
  let around = level;
  let [x, y] = [view.x + (right - 0.5) * width, view.y + (down - 0.5) * height];
  while (around > 0 && !math.holds(WHOLE, x, y)) [x, y] = math.toLevel(line, [x, y], around, --around);
  const ours = line.levels[around + 1];
  let [nearest, least] = [ours, Infinity];
  for (const { level: child, rect } of childrenOf(line.tree)[line.levels[around]]) {
    const besideX = x - math.clamp(x, rect.left, rect.left + rect.width);
    const besideY = y - math.clamp(y, rect.top, rect.top + rect.height);
    const away = Math.hypot(besideX * line.width, besideY * line.height);
    if (Math.abs(away - least) < 1e-9 ? child === ours : away < least) [nearest, least] = [child, away];
  }
  if (nearest === ours) return { line, view, rounds: 0 };
  const to = lineThrough(line.tree, nearest);
  // a branch of a ring leads away from the round in which views stay, and from no other
  const rounds = around < line.first ? -Math.ceil((line.first - around) / line.round) : 0;
  const moved = { ...view, zoom: view.zoom - rounds * line.round };
  return { line: to, view: onLine(line, moved, to), rounds };
}

/** The same view in the round in which views stay, and how many rounds deeper than before. It is that of the level which
 * is nearest to filling the view. @param {Place} place @returns {Place & {rounds: number}} */
export function inRound({ line, view }) {
  if (!line.round) return { line, view, rounds: 0 };
  const rounds = Math.floor((view.zoom - line.first + 0.5) / line.round);
  if (!rounds || (rounds > 0 && !line.endless)) return { line, view, rounds: 0 };
  const round = line.endless ? line : lineThrough(line.tree, 0); // out of a branch
  return { line: round, view: { ...view, zoom: view.zoom - rounds * line.round }, rounds };
}

/** A view in another zoom that has the same levels around it, such as one that has grown: in the deepest of these levels
 * that is there. Null where not even the widest level is the same, and for rings.
 * @param {Place} place @param {Geometry} tree @returns {Place | null} */
export function inGrown({ line, view }, tree) {
  const before = line.tree;
  if (line.round || parentOf(tree, 0) !== null || before.height !== tree.height || before.width !== tree.width) return null;
  const isSame = (/** @type {number} */ level) =>
    level < countOf(tree) && parentOf(tree, level) === parentOf(before, level) &&
    (!level || (tree.factors[level - 1] === before.factors[level - 1] &&
      tree.foci[level - 1].every((value, axis) => value === before.foci[level - 1][axis])));
  const shared = line.levels.findIndex((level) => !isSame(level));
  const deepest = shared < 0 ? line.levels.length - 1 : shared - 1;
  const place = Math.min(math.levelOf(line, view.zoom), deepest);
  const to = lineThrough(tree, line.levels[place]);
  const zoom = Math.min(view.zoom, shared < 0 ? view.zoom : deepest);
  const moved = zoom === view.zoom ? view : { zoom, x: 0.5, y: 0.5 };
  return { line: to, view: onLine(line, moved, to) };
}

/** The whole of the widest level; of a ring, that of the round in which views stay.
 * @param {Line} line @param {number} aspect @returns {View} */
export function wholeView(line, aspect) {
  if (!line.round) return math.pathView(line, math.lowestZoom(line, aspect), aspect);
  const zoom = math.magnified(line, line.first, Math.log(Math.min(...math.viewSize(line, line.first, aspect))));
  const [x, y] = math.toLevel(line, [0.5, 0.5], line.first, math.levelOf(line, zoom));
  return { zoom, x, y };
}

/** A way out to the level that shows both where one is and where one goes, and in from there. */
export class Flight {
  /** @param {Place} from @param {number} level to which it leads @param {Size} size of the view */
  constructor({ line, view }, level, size) {
    this.size = size;
    /** @type {{line: Line, start: number, end: number}[]} */ this.legs = [];
    /** How far the view was from the path of a leg at its start. */ this.away = [0, 0];
    /** ln of the magnification at the ends of a leg. */ this.logs = [0, 0];
    /** Milliseconds of a leg, and of those that have passed. */ this.duration = this.passed = 0;
    const here = placeOn(line, level);
    const to = here < 0 ? lineThrough(line.tree, level) : line;
    const turn = Math.min(lastShared(line, to), view.zoom);
    const start = here < 0 ? turn : view.zoom;
    if (start < view.zoom) this.legs.push({ line, start: view.zoom, end: start });
    this.legs.push({ line: to, start, end: placeOn(to, level) });
    this._begin({ line, view });
  }

  /** The first leg that is left begins at a view. @param {Place} place */
  _begin({ line, view }) {
    const [leg] = this.legs;
    const from = onLine(line, view, leg.line);
    leg.start = from.zoom;
    this.away = math.awayFromPath(leg.line, from, this.size.width / this.size.height);
    this.logs = [leg.start, leg.end].map((zoom) => math.logMagnification(leg.line, zoom));
    this.duration = Math.min(SHORTEST + (PER_DOUBLING * Math.abs(this.logs[1] - this.logs[0])) / Math.LN2, LONGEST);
    this.passed = 0;
  }

  /** Where the view is some milliseconds later. @param {number} passed @returns {Place & {done: boolean}} */
  step(passed) {
    const [{ line, end }] = this.legs;
    this.passed += passed;
    const part = math.smoothstep(this.passed / this.duration);
    const [from, to] = this.logs;
    const zoom = part === 1 ? end : math.zoomAtLog(line, from + part * (to - from));
    const [right, down] = this.away;
    const view = moves.besidePath(line, zoom, [right * (1 - part), down * (1 - part)], this.size);
    if (part < 1) return { line, view, done: false };
    this.legs.shift();
    if (this.legs.length) this._begin({ line, view });
    return { line, view, done: this.legs.length === 0 };
  }

  /** Where it ends. @returns {Place} */
  get end() {
    const { line, end } = this.legs[this.legs.length - 1];
    return { line, view: math.pathView(line, end, this.size.width / this.size.height) };
  }
}
