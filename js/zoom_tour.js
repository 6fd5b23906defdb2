// @ts-check
// The way on which the zoom is played. In a tree: in to the end of a branch, out to where the next one begins, into that,
// and so on for ever. The order is that of the video (make_journey of nodes/shared/camera_inputs.py);
// tests/vectors/zoom_tours.json holds both to it. A clockwork: no page, no ComfyUI.

import { magnified } from "./zoom_math.js";
import { childrenOf, hasBranches, lastPlace, lastShared, lineThrough, parentOf, placeOn } from "./zoom_tree.js";
import { onLine } from "./zoom_turns.js";

/**
 * @typedef {import("./zoom_turns.js").Place} Place
 * @typedef {Place & {zoom: number, done: boolean}} Step the line on which it goes on, the view in terms of it, the zoom that
 * comes next, and whether it ends there
 */

export class Tour {
  /** @param {import("./zoom_tree.js").Geometry} tree */
  constructor(tree) {
    /** The ends of the branches; none of a chain, which has an end, and none of a ring, which has a way of its own.
     * @type {number[]} */
    this.ends = [];
    if (hasBranches(tree) && parentOf(tree, 0) === null) {
      this.ends = childrenOf(tree).flatMap((children, level) => (children.length ? [] : [level]));
    }
    /** Which of them is the next one. */ this.next = 0;
    /** Where the view was left. @type {import("./zoom_math.js").View | null} */ this.left = null;
  }

  /** Go on where it was left, or else into the branch that a view is in; from the whole into the first one.
   * @param {Place} place @returns {boolean} whether the view must first go back to the widest level */
  begin({ line, view }) {
    const end = lastPlace(line);
    if (!this.ends.length) return !line.endless && view.zoom >= end - 1e-6;
    if (view !== this.left) this.next = view.zoom <= 0 ? 0 : this.ends.indexOf(line.levels[end]);
    return false;
  }

  /** @param {Place} place @param {number} amount ln of the magnification on the way @returns {Step} */
  step({ line, view }, amount) {
    if (!this.ends.length) {
      const zoom = Math.min(magnified(line, view.zoom, amount), line.factors.length);
      return { line, view, zoom, done: zoom >= line.factors.length };
    }
    const end = this.ends[this.next];
    if (placeOn(line, end) < 0) {
      const to = lineThrough(line.tree, end);
      const turn = lastShared(line, to);
      if (view.zoom > turn) {
        return { line, view, zoom: Math.max(magnified(line, view.zoom, -amount), turn), done: false };
      }
      [line, view] = [to, onLine(line, view, to)];
    }
    const zoom = Math.min(magnified(line, view.zoom, amount), lastPlace(line));
    if (zoom === lastPlace(line)) this.next = (this.next + 1) % this.ends.length;
    return { line, view, zoom, done: false };
  }
}
