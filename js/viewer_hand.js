// @ts-check
// How the explorer's view is moved by hand: towards a point, along the zoom's path, aside; at once or little by little.

import { isCalm } from "./dom.js";
import * as math from "./zoom_math.js";
import * as moves from "./zoom_moves.js";
import { childrenOf } from "./zoom_tree.js";
import { towards } from "./zoom_turns.js";

/** @typedef {import("./viewer.js").ZoomViewer} ZoomViewer */

/** Milliseconds in which a turn of the wheel is done to 63 %. */
const GLIDE = 70;
const NO_DEEPER = "There is no more detail here. Zoom out to come back to the zoom's path.";

export class ViewerHand {
  /** @param {ZoomViewer} viewer whose view it moves */
  constructor(viewer) {
    this.viewer = viewer;
    /** Whether the view was moved by hand, and not back to the path since then. */ this.strayed = false;
    /** What is left of a turn of the wheel: at a point, or along the path. */
    this.glide = { amount: 0, atX: 0.5, atY: 0.5, free: false };
  }

  /** Magnify by e^amount. @param {number} amount @param {number} atX @param {number} atY parts of the picture
   * @param {boolean} free around this point, not along the path */
  magnify(amount, atX, atY, free) {
    const { viewer } = this;
    if (!viewer.stack) return;
    viewer.flight = null;
    const { size } = viewer;
    const here = { line: viewer.line, view: viewer.view, rounds: 0 };
    const { line, view, rounds } = amount > 0 ? towards(here, atX, atY, size) : here;
    const zoom = math.magnified(line, view.zoom, amount);
    const next = free ? moves.zoomedAt(line, view, zoom, atX, atY, size) : moves.alongPath(line, view, zoom, size);
    if (free && amount > 0 && next.zoom < Math.min(zoom, line.factors.length) - 1e-6) viewer.hintOnce(NO_DEEPER);
    this.strayed = free || (this.strayed && line === viewer.line && moves.isOffPath(line, next, viewer.aspect));
    viewer.setView(next, line, rounds);
  }

  /** Whether a turn inwards goes where it is made: after the view was moved away from the path, and not towards another
   * branch. One outwards never does, so that it leads back.
   * @param {number} amount @param {number} atX @param {number} atY parts of the picture */
  isFree(amount, atX, atY) {
    const { viewer } = this;
    const off = amount > 0 && this.strayed && moves.isOffPath(viewer.line, viewer.view, viewer.aspect);
    return off && towards(viewer, atX, atY, viewer.size).line === viewer.line;
  }

  /** Whether a point of the picture lies on the next level. @param {number} atX @param {number} atY */
  isOnNext(atX, atY) {
    const { stack, line, view, size: { width, height } } = this.viewer;
    if (!stack) return false;
    const placements = math.layoutLevels(line, view, width, height);
    const { level, rect } = math.seenOf(placements, width, height);
    const children = childrenOf(stack.geometry)[level];
    const [x, y] = math.uprightAt(line, view.zoom, atX, atY, width / height);
    return !children.length || children.some((child) => math.holds(math.inside(child.rect, rect), x * width, y * height));
  }

  /** Magnify as `magnify` does, little by little. @param {number} amount @param {number} atX @param {number} atY
   * @param {boolean} free */
  glideBy(amount, atX, atY, free) {
    const { viewer } = this;
    if (!viewer.stack) return;
    viewer.pause();
    viewer.flight = null;
    this.glide = { amount: this.glide.amount + amount, atX, atY, free };
    viewer.tickSoon();
  }

  /** A part of what `glideBy` has left to do. @param {number} passed milliseconds */
  glideOn(passed) {
    const { glide } = this;
    const part = isCalm() || Math.abs(glide.amount) < 0.002 ? 1 : 1 - Math.exp(-passed / GLIDE);
    const amount = glide.amount * part;
    glide.amount = part === 1 ? 0 : glide.amount - amount;
    this.magnify(amount, glide.atX, glide.atY, glide.free);
  }

  /** Move the view. @param {number} right @param {number} down parts of its width and height */
  pan(right, down) {
    const { viewer } = this;
    if (!viewer.stack) return;
    viewer.flight = null;
    this.strayed = true;
    viewer.setView(moves.panned(viewer.line, viewer.view, right, down, viewer.size));
  }
}
