// @ts-check
// Which level shows which, in chains, trees and rings, and the ways inwards through them. Pure functions.
//
// A view is always on a line: a way from the widest level inwards, which is a chain again. All arithmetic of views works
// on lines; only what is drawn asks for all children of a level. The line of a ring is its round, many times over: a view
// stays in one of these rounds, so that no number grows while the zoom goes on.

/**
 * @typedef {{left: number, top: number, width: number, height: number}} Rect
 * @typedef {{height: number, width: number, factors: number[], foci: [number, number][], roll?: number}} Chain
 * pixels of every level; zoom factor and focus (x, y) of each step; degrees that the picture turns from level to level
 * @typedef {Chain & {parents?: (number | null)[]}} Geometry the level that shows each level: without it, the one before.
 * Step i leads to level i + 1 from its parent; a ring has one more, which leads to level 0
 * @typedef {object} Way
 * @property {number[]} levels of the geometry, the widest first: each is a child of the one before
 * @property {Geometry} tree that they are of
 * @property {number} first where in `levels` level 0 is, of the round in which a view stays; 0 without a ring
 * @property {number} round how many levels a round of the ring has; 0 without one
 * @property {boolean} endless whether the line goes round and round, and not into a branch
 * @typedef {Chain & Way} Line
 * @typedef {{level: number, factor: number, rect: Rect}} Child a level, and where it lies in the one that shows it
 */

/** ln of the magnification by the rounds of a line around the one with the view: more than is ever looked at. Steps of
 * almost 1 would need lines without end for it: then they end after so many levels, or one round. */
const [AROUND, MOST_AROUND] = [40, 4096];

/** @type {WeakMap<Geometry, Child[][]>} */
const known = new WeakMap();

/** Where a level lies in its parent, moved inside where it would stick out. @param {number} factor
 * @param {[number, number]} focus @returns {Rect} */
export function stepRect(factor, [x, y]) {
  const side = 1 / factor;
  const inside = (/** @type {number} */ at) => Math.min(Math.max(at - side / 2, 0), 1 - side);
  return { left: inside(x), top: inside(y), width: side, height: side };
}

/** @param {Geometry} tree @param {number} level @returns {number | null} */
export const parentOf = ({ parents }, level) => (parents ? parents[level] : level ? level - 1 : null);

/** The step that leads to a level: of level 0 the last one. @param {Geometry} tree @param {number} level */
const stepInto = ({ factors }, level) => (level ? level - 1 : factors.length - 1);

/** @param {Geometry} tree */
export const countOf = ({ factors, parents }) => parents?.length ?? factors.length + 1;

/** The children of each level; a ring's level 0 is the last one of its parent's. @param {Geometry} tree
 * @returns {Child[][]} */
export function childrenOf(tree) {
  const found = known.get(tree);
  if (found) return found;
  const levels = Array.from({ length: countOf(tree) }, (_, level) => level);
  /** @type {Child[][]} */ const children = levels.map(() => []);
  for (const level of [...levels.slice(1), 0]) {
    const parent = parentOf(tree, level);
    if (parent === null) continue;
    const step = stepInto(tree, level);
    const factor = tree.factors[step];
    children[parent].push({ level, factor, rect: stepRect(factor, tree.foci[step]) });
  }
  known.set(tree, children);
  return children;
}

/** Whether some level shows several. @param {Geometry} tree */
export const hasBranches = (tree) => childrenOf(tree).some((children) => children.length > 1);

/** The levels from the widest one to a level; a ring is not gone round. @param {Geometry} tree @param {number} level */
export function pathTo(tree, level) {
  const path = [level];
  for (let at = parentOf(tree, level); path[0] && at !== null; at = parentOf(tree, at)) path.unshift(at);
  return path;
}

/** The line through a level, and on through first children to a level that has none, or round the ring.
 * @param {Geometry} tree @param {number} level @returns {Line} */
export function lineThrough(tree, level) {
  const end = parentOf(tree, 0);
  const ring = end === null ? [] : pathTo(tree, end);
  const endless = ring.includes(level);
  const way = endless ? [...ring] : pathTo(tree, level);
  for (let at = level; !endless && childrenOf(tree)[at].length; way.push(at)) at = childrenOf(tree)[at][0].level;
  const once = ring.reduce((sum, at) => sum + Math.log(tree.factors[stepInto(tree, at)]), 0);
  const rounds = Math.max(1, Math.min(Math.ceil(AROUND / once), Math.floor(MOST_AROUND / ring.length)));
  const around = Array(end === null ? 0 : rounds).fill(ring).flat();
  const levels = [...around, ...way, ...(endless ? around : [])];
  const steps = levels.slice(1).map((at) => stepInto(tree, at));
  return {
    height: tree.height,
    width: tree.width,
    factors: steps.map((step) => tree.factors[step]),
    foci: steps.map((step) => tree.foci[step]),
    levels,
    tree,
    first: around.length,
    round: ring.length,
    endless,
    ...(tree.roll ? { roll: tree.roll } : {}),
  };
}

/** The line that a chain is, or that is one already. @param {Chain | Line} chain @returns {Line} */
export const asLine = (chain) => ("tree" in chain ? chain : lineThrough(chain, 0));

/** Where on a line a level is, in the round of a view; -1 where it is not. @param {Line} line @param {number} level */
export const placeOn = ({ levels, first }, level) => levels.indexOf(level, first);

/** Where the deepest level of a line is; of a ring, the last one of a round. @param {Line} line */
export const lastPlace = ({ levels, first, round, endless }) => (endless ? first + round : levels.length) - 1;

/** The last place up to which two lines are the same. @param {Line} one @param {Line} other */
export function lastShared({ levels: one }, { levels: other }) {
  let place = 0;
  while (place + 1 < one.length && one[place + 1] === other[place + 1]) place++;
  return place;
}
