// @ts-check
// Where a view may go: along the path of the video, or anywhere by hand, but not out of the widest level, nor to where it
// would be blurred. Pure functions: no page, no ComfyUI.

import * as math from "./zoom_math.js";
import { along, roomToTurn } from "./zoom_roll.js";

/**
 * @typedef {import("./zoom_tree.js").Chain} Geometry of the line of a view
 * @typedef {import("./zoom_math.js").View} View
 * @typedef {import("./zoom_math.js").Size} Size
 */

/** Off the path, and beyond its end, a zoom stops where a pixel of what is seen is as large as SHARP pixels of the view;
 * where levels are so small that their pixels are larger anyway, at BEYOND times the size of a level that fills the view. */
const SHARP = 4;
const BEYOND = 2;
/** A view is off the path where its middle is farther away from the path than this part of its own size. */
const OFF_PATH = 0.08;
/** A zoom along the path leads back to it: what is left of the distance falls with this power of the magnification. */
const RETURN = 1.5;
/** What lies wider than the view by more than e to this is too far away to be reached. */
const FAR = 30;

/** View pixels per pixel of a level up to which a view is sharp enough. @param {Geometry} geometry @param {Size} size */
export const largestScale = (geometry, size) => Math.max(SHARP, BEYOND * math.fullScale(geometry, size));

/** @param {Geometry} geometry @param {Size} size */
export function highestZoom(geometry, size) {
  const beyond = Math.log(largestScale(geometry, size) / math.fullScale(geometry, size));
  return geometry.factors.length + beyond / Math.log(math.factorAt(geometry, geometry.factors.length));
}

/** A zoom within what can be shown. @param {Geometry} geometry @param {number} zoom @param {Size} size */
const allowedZoom = (geometry, zoom, size) =>
  math.clamp(zoom, math.lowestZoom(geometry, size.width / size.height), highestZoom(geometry, size));

/** Whether a view was moved away from the path. @param {Geometry} geometry @param {View} view @param {number} aspect */
export const isOffPath = (geometry, view, aspect) =>
  Math.max(...math.awayFromPath(geometry, view, aspect).map(Math.abs)) > OFF_PATH;

/** The view at a zoom that is so far from the path, in parts of its own width and height.
 * @param {Geometry} geometry @param {number} zoom @param {[number, number]} away @param {Size} size @returns {View} */
export function besidePath(geometry, zoom, [right, down], size) {
  const aspect = size.width / size.height;
  const path = math.pathView(geometry, zoom, aspect);
  const [width, height] = math.viewSize(geometry, zoom, aspect);
  return limited(geometry, { zoom, x: path.x + right * width, y: path.y + down * height }, size);
}

/** The nearest view that is allowed: within the widest level, and no deeper than there are pixels.
 * @param {Geometry} geometry @param {View} view @param {Size} size @returns {View} */
export function limited(geometry, view, size) {
  const zoom = allowedZoom(geometry, view.zoom, size);
  const level = math.levelOf(geometry, zoom);
  const center = math.toLevel(geometry, [view.x, view.y], math.levelOf(geometry, view.zoom), level);
  const aspect = size.width / size.height;
  const room = roomToTurn(aspect, math.angleAt(geometry, zoom, aspect));
  const shown = math.viewSize(geometry, zoom, aspect).map((side, axis) => side * room[axis]);
  const widest = math.levelOf(geometry, Math.max(0, math.magnified(geometry, zoom, -FAR)));
  const first = math.toLevel(geometry, [0, 0], widest, level);
  const last = math.toLevel(geometry, [1, 1], widest, level);
  const [x, y] = center.map((at, axis) => {
    const half = shown[axis] / 2;
    if (last[axis] - first[axis] <= shown[axis]) return (first[axis] + last[axis]) / 2;
    return math.clamp(at, first[axis] + half, last[axis] - half);
  });
  return { zoom, x, y };
}

/** The view after a zoom that follows the path, and that leads back to it where the view was moved away.
 * @param {Geometry} geometry @param {View} view @param {number} zoom @param {Size} size @returns {View} */
export function alongPath(geometry, view, zoom, size) {
  const allowed = allowedZoom(geometry, zoom, size);
  const amount = Math.abs(math.logMagnification(geometry, allowed) - math.logMagnification(geometry, view.zoom));
  const [right, down] = math.awayFromPath(geometry, view, size.width / size.height);
  const rest = Math.exp(-RETURN * amount);
  return besidePath(geometry, allowed, [right * rest, down * rest], size);
}

/** The view at another zoom in which the same point lies at [atX, atY] of the view (each 0 to 1), as far as allowed;
 * away from the path it goes no deeper than what is seen there stays sharp.
 * @param {Geometry} geometry @param {View} view @param {number} zoom @param {number} atX @param {number} atY
 * @param {Size} size @returns {View} */
export function zoomedAt(geometry, view, zoom, atX, atY, size) {
  const aspect = size.width / size.height;
  const level = math.levelOf(geometry, view.zoom);
  const [width, height] = math.viewSize(geometry, view.zoom, aspect);
  const [right, down] = math.uprightAt(geometry, view.zoom, atX, atY, aspect);
  const point = /** @type {[number, number]} */ ([view.x + (right - 0.5) * width, view.y + (down - 0.5) * height]);
  const at = (/** @type {number} */ to) => {
    const [newWidth, newHeight] = math.viewSize(geometry, to, aspect);
    const [newRight, newDown] = math.uprightAt(geometry, to, atX, atY, aspect);
    const [x, y] = math.toLevel(geometry, point, level, math.levelOf(geometry, to));
    return limited(geometry, { zoom: to, x: x - (newRight - 0.5) * newWidth, y: y - (newDown - 0.5) * newHeight }, size);
  };
  const allowed = allowedZoom(geometry, zoom, size);
  if (allowed <= view.zoom) return at(allowed);
  return furthest(view.zoom, allowed, at, (moved) => isSharp(geometry, moved, size));
}

/** The view moved by parts of its own width and height, as far as allowed, and no farther than what is seen there is
 * sharp, or as sharp as before.
 * @param {Geometry} geometry @param {View} view @param {number} right @param {number} down @param {Size} size
 * @returns {View} */
export function panned(geometry, view, right, down, size) {
  const aspect = size.width / size.height;
  const [width, height] = math.viewSize(geometry, view.zoom, aspect);
  const [x, y] = along(right, down, math.angleAt(geometry, view.zoom, aspect), aspect);
  const before = seenIn(geometry, view, size).scale;
  const good = (/** @type {View} */ moved) =>
    isSharp(geometry, moved, size) || seenIn(geometry, moved, size).scale <= before * (1 + 1e-9);
  const to = (/** @type {View} */ from, /** @type {number} */ x, /** @type {number} */ y) =>
    furthest(0, 1, (part) => limited(geometry, { zoom: from.zoom, x: from.x + part * x, y: from.y + part * y }, size), good);
  return to(to(view, x * width, 0), 0, y * height); // one after the other: it slides along a border
}

/** The last good view on a way, if its end is none. @param {number} from @param {number} to
 * @param {(part: number) => View} at @param {(view: View) => boolean} isGood @returns {View} */
function furthest(from, to, at, isGood) {
  const end = at(to);
  if (isGood(end)) return end;
  for (let halvings = 0; halvings < 20; halvings++) {
    const middle = (from + to) / 2;
    if (isGood(at(middle))) from = middle;
    else to = middle;
  }
  return at(from);
}

/** Whether what is seen in a view has pixels enough; on the path that is as it is.
 * @param {Geometry} geometry @param {View} view @param {Size} size */
function isSharp(geometry, view, size) {
  const scale = seenIn(geometry, view, size).scale;
  return scale <= largestScale(geometry, size) * (1 + 1e-9) || !isOffPath(geometry, view, size.width / size.height);
}

/** @param {Geometry} geometry @param {View} view @param {Size} size */
const seenIn = (geometry, view, { width, height }) =>
  math.seenOf(math.layoutLevels(geometry, view, width, height), width, height);
