// @ts-check
// Where a dragged prompt row lands. A row that begins a branch takes all that lies in it along, and begins in the row it is
// dropped on, behind what lies there. Any other row goes alone to between two rows: there it lies in the row above, what
// followed that one follows it, and what followed the moved row closes up. Pure functions.

import { numbered, outline, splitMark } from "./prompt_branches.js";
import { inOrder, prompts, rowPlaces } from "./prompt_text.js";

/** @typedef {import("./prompt_text.js").Lines} Lines */

/**
 * @typedef {object} Landing
 * @property {number} row that is dragged
 * @property {number[]} order the rows of today as they stand then
 * @property {(number | null)[]} parents by row of today, the row of today that it lies in then
 * @property {number} gap the row of today above which it lands; behind the last one their number
 * @property {number | null} into the row that a branch is dropped on
 */

/** The list's own bullet and number of a row, behind which "from 3:" stands. */
const OWN = /^(?:[-*+•]\s+)?(?:\(?\d{1,3}[.):]\s+)?/;

/** The rows that move with a row, itself among them. @param {Lines} lines @param {number} row */
export function movingWith(lines, row) {
  const tree = outline(lines);
  const moving = new Set([row]);
  if (!tree[row].begins) return moving;
  for (const [other, { parent }] of tree.entries()) if (parent !== null && moving.has(parent)) moving.add(other);
  return moving;
}

/** Where a row lands; null where it stays. @param {Lines} lines @param {number} row @param {number} over the row that it
 * is dropped on @param {boolean} below whether on the lower half of that @returns {Landing | null} */
export function landingOf(lines, row, over, below) {
  const tree = outline(lines);
  const parents = tree.map(({ parent }) => parent);
  return tree[row].begins ? branchInto(lines, row, over, parents) : rowBetween(lines, row, over + Number(below), parents);
}

/** @param {Lines} lines @param {number} row @param {number} over @param {(number | null)[]} parents
 * @returns {Landing | null} */
function branchInto(lines, row, over, parents) {
  const moving = movingWith(lines, row);
  if (moving.has(over)) return null;
  const rest = [...parents.keys()].filter((other) => !moving.has(other));
  const inside = new Set([over]);
  let last = rest.indexOf(over);
  while (inside.has(parents[rest[last + 1]] ?? -1)) inside.add(rest[++last]);
  const order = rest.toSpliced(last + 1, 0, ...moving);
  if (parents[row] === over && order.every((other, place) => other === place)) return null;
  return { row, order, parents: parents.with(row, over), gap: rest[last] + 1, into: over };
}

/** @param {Lines} lines @param {number} row @param {number} gap @param {(number | null)[]} old parents
 * @returns {Landing | null} */
function rowBetween(lines, row, gap, old) {
  if (gap === row || gap === row + 1) return null;
  const place = gap > row ? gap - 1 : gap;
  const order = [...old.keys()].toSpliced(row, 1).toSpliced(place, 0, row);
  const heir = old[row] ?? 1; // of the widest level the next row
  const isMarked = prompts(lines).map((text) => splitMark(text)[0] !== "");
  const parents = old.map((parent, other) => {
    const stays = parent !== row || (isMarked[other] && order.indexOf(other) > place);
    return stays ? parent : other === heir ? null : heir;
  });
  const [above, below] = [order[place - 1] ?? null, order[place + 1]];
  parents[row] = above;
  if (below !== undefined && parents[below] === above && !isMarked[below]) parents[below] = row;
  return { row, order, parents, gap, into: null };
}

/** The rows after a move. @param {Lines} lines @param {Landing} landing @returns {Lines} */
export function withLanding(lines, { row, order, parents }) {
  const keys = rowPlaces(lines).map((place) => lines[place].key);
  const tree = outline(lines);
  const moved = inOrder(lines, order);
  for (const [i, place] of rowPlaces(moved).entries()) {
    const [line, old, parent] = [moved[place], order[i], parents[order[i]]];
    const [mark, prompt] = splitMark(line.text);
    const [own] = /** @type {RegExpExecArray} */ (OWN.exec(line.text));
    const follows = i === 0 || order[i - 1] === parent;
    const needless = mark && follows && (i === 0 || old === row);
    if (tree[old].wrong !== undefined && old !== row && i > 0) continue; // it is said to be wrong, and stays so
    if (needless) moved[place] = { ...line, text: own + prompt, from: undefined };
    else if (!follows && !mark) moved[place] = { ...line, text: `${own}from 1: ${line.text.slice(own.length)}`, from: keys[Number(parent)] };
    else moved[place] = { ...line, from: mark ? keys[Number(parent)] : undefined };
  }
  return numbered(moved);
}
