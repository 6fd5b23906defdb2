// @ts-check
// Where every zoom level lies in a view of the stack. Pure functions: no page, no ComfyUI.
//
// Convention: a point of a level is [x, y] in units of that level's width and height, so that [0, 1]² is the level.
// A zoom is real: zoom i shows level i filling the view. Coordinates are always those of a level near the view, never
// of level 0, so that a stack may be as deep as it likes. In a tree or a ring a view is on a line (zoom_tree.js), and
// "level" here is a place on it; only placements and children name levels of the tree. `layoutLevels` along the path of
// the video repeats zoomstack_core/camera/view.py; tests/vectors/zoom_math.json holds both to the same numbers.

import { keptInside, turnAt, turnedSize, upright } from "./zoom_roll.js";
import { asLine, childrenOf, stepRect } from "./zoom_tree.js";

/**
 * @typedef {import("./zoom_tree.js").Chain} Geometry of the line of a view
 * @typedef {import("./zoom_tree.js").Line} Line
 * @typedef {import("./zoom_tree.js").Rect} Rect
 * @typedef {{zoom: number, x: number, y: number}} View zoom and center; the center in units of level `levelOf(zoom)`
 * @typedef {{width: number, height: number}} Size of the view in pixels of the page
 * @typedef {{level: number, rect: Rect, scale: number, opacity: number, feather: [number, number, number, number],
 *   round?: number}}
 *   Placement a level's frame in pixels of the view; view pixels per pixel of the level; how it lies over the wider
 *   levels: its opacity and the widths of the soft borders inside its top, bottom, left and right edge; and, of a ring,
 *   how many rounds it lies deeper than the one in which views stay
 */

/** A deeper level fades in while the level around it grows from 1 to this many view pixels per pixel. */
const FADE_IN = 1.25;
/** Levels that are laid out in a view, so that steps of almost 1 take no longer than others. */
const MOST_SHOWN = 1000;

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** The level that a zoom has reached. @param {Geometry} geometry @param {number} zoom */
export const levelOf = (geometry, zoom) => clamp(Math.floor(zoom), 0, geometry.factors.length);

/** The zoom factor of the step that starts at a level; of the last level, that of the step before.
 * @param {Geometry} geometry @param {number} level */
export function factorAt(geometry, level) {
  return geometry.factors[Math.min(level, geometry.factors.length - 1)] ?? 2;
}

/** Where level + 1 lies in `level`. @param {Geometry} geometry @param {number} level @returns {Rect} */
export function innerRect(geometry, level) {
  return stepRect(geometry.factors[level], geometry.foci[level]);
}

/** The point that a level shares with the next one: it stays in place while the zoom goes from one to the other.
 * @param {Geometry} geometry @param {number} level @returns {[number, number]} */
export function fixedPoint(geometry, level) {
  if (!geometry.factors.length) return [0.5, 0.5];
  const { left, top, width } = innerRect(geometry, Math.min(level, geometry.factors.length - 1));
  return [left / (1 - width), top / (1 - width)];
}

/** A point of level `from` in units of level `to`.
 * @param {Geometry} geometry @param {[number, number]} point @param {number} from @param {number} to
 * @returns {[number, number]} */
export function toLevel(geometry, [x, y], from, to) {
  for (let level = from; level < to; level++) {
    const { left, top, width, height } = innerRect(geometry, level);
    [x, y] = [(x - left) / width, (y - top) / height];
  }
  for (let level = from - 1; level >= to; level--) {
    const { left, top, width, height } = innerRect(geometry, level);
    [x, y] = [left + x * width, top + y * height];
  }
  return [x, y];
}

/** ln of the magnification from zoom 0 to this zoom. @param {Geometry} geometry @param {number} zoom */
export function logMagnification(geometry, zoom) {
  const level = levelOf(geometry, zoom);
  let sum = (zoom - level) * Math.log(factorAt(geometry, level));
  for (let i = 0; i < level; i++) sum += Math.log(geometry.factors[i]);
  return sum;
}

/** The zoom at which the magnification has this ln; beyond both ends too. @param {Geometry} geometry @param {number} log */
export function zoomAtLog(geometry, log) {
  let level = 0;
  while (level < geometry.factors.length && log >= Math.log(geometry.factors[level])) {
    log -= Math.log(geometry.factors[level]);
    level++;
  }
  return level + log / Math.log(factorAt(geometry, level));
}

/** The zoom after `zoom` is magnified by e^amount. @param {Geometry} geometry @param {number} zoom @param {number} amount */
export function magnified(geometry, zoom, amount) {
  return zoomAtLog(geometry, logMagnification(geometry, zoom) + amount);
}

/** Radians by which the picture is turned clockwise at a zoom. @param {Geometry} geometry @param {number} zoom
 * @param {number} aspect of the view */
export function angleAt(geometry, zoom, aspect) {
  if (!geometry.roll) return 0;
  const line = asLine(geometry);
  return turnAt(line, logMagnification(line, zoom) - logMagnification(line, line.first), aspect);
}

/** Where a point of the picture is in the view, each in parts of it, before the view is turned.
 * @param {Geometry} geometry @param {number} zoom @param {number} atX @param {number} atY @param {number} aspect */
export const uprightAt = (geometry, zoom, atX, atY, aspect) =>
  upright(atX, atY, angleAt(geometry, zoom, aspect), aspect);

/** Size of what a view of this aspect (width / height) shows at a zoom, in units of its level: the largest part of its
 * aspect of the level as magnified there.
 * @param {Geometry} geometry @param {number} zoom @param {number} aspect @returns {[number, number]} */
export function viewSize(geometry, zoom, aspect) {
  const level = levelOf(geometry, zoom);
  const shrink = factorAt(geometry, level) ** (level - zoom);
  const relative = aspect * (geometry.height / geometry.width);
  return [shrink * Math.min(1, relative), shrink * Math.min(1, 1 / relative)];
}

/** What the video shows at a zoom, in units of its level.
 * @param {Geometry} geometry @param {number} zoom @param {number} aspect @returns {Rect} */
export function pathRect(geometry, zoom, aspect) {
  const level = levelOf(geometry, zoom);
  const part = zoom - level;
  const shrink = factorAt(geometry, level) ** -part;
  const size = viewSize(geometry, zoom, aspect);
  const here = fixedPoint(geometry, level);
  const then = fixedPoint(geometry, level + 1);
  const [left, top] = here.map((fixed, axis) => {
    if (zoom < 0) return size[axis] > 1 ? (1 - size[axis]) / 2 : fixed * (1 - size[axis]);
    return fixed * (1 - shrink) + (fixed + part * (then[axis] - fixed)) * (shrink - size[axis]);
  });
  const shown = { left, top, width: size[0], height: size[1] };
  if (!geometry.roll || zoom < 0) return shown;
  const angle = angleAt(geometry, zoom, aspect);
  return keptInside(asLine(geometry), level, shown, angle, aspect, (at) => innerRect(geometry, at));
}

/** @param {Geometry} geometry @param {number} zoom @param {number} aspect @returns {View} */
export function pathView(geometry, zoom, aspect) {
  const { left, top, width, height } = pathRect(geometry, zoom, aspect);
  return { zoom, x: left + width / 2, y: top + height / 2 };
}

/** The zoom at which the whole of level 0 can be seen: 0 if the view has its aspect, else below 0.
 * @param {Geometry} geometry @param {number} aspect */
export function lowestZoom(geometry, aspect) {
  const [width, height] = viewSize(geometry, 0, aspect);
  return Math.log(Math.min(width, height)) / Math.log(factorAt(geometry, 0));
}

/** View pixels per pixel of a level that fills the view. @param {Geometry} geometry @param {Size} size */
export const fullScale = (geometry, { width, height }) => Math.max(width / geometry.width, height / geometry.height);

/** How far a view is from the path, in parts of its own width and height.
 * @param {Geometry} geometry @param {View} view @param {number} aspect @returns {[number, number]} */
export function awayFromPath(geometry, view, aspect) {
  const path = pathView(geometry, view.zoom, aspect);
  const [width, height] = viewSize(geometry, view.zoom, aspect);
  return [(view.x - path.x) / width, (view.y - path.y) / height];
}

/** The placement whose pixels fill most of a view, of those that make it.
 * @param {Placement[]} placements each after the one around it @param {number} width
 * @param {number} height pixels of the view */
export function seenOf(placements, width, height) {
  let [seen, most] = [placements[0], -1];
  /** @type {{x: number, y: number, own: number}[]} */ const deeper = []; // their middles, and what of the view is theirs
  for (const placement of [...placements].reverse()) {
    const { rect, opacity } = placement;
    const wide = Math.min(rect.left + rect.width, width) - Math.max(rect.left, 0);
    const tall = Math.min(rect.top + rect.height, height) - Math.max(rect.top, 0);
    const covered = deeper.reduce((sum, { x, y, own }) => sum + (holds(rect, x, y) ? own : 0), 0);
    const own = opacity * Math.max(0, Math.max(wide, 0) * Math.max(tall, 0) - covered);
    deeper.push({ x: rect.left + rect.width / 2, y: rect.top + rect.height / 2, own });
    if (own >= most * (1 - 1e-6)) [seen, most] = [placement, own]; // the wider one of equals
  }
  return seen;
}

/** The levels that make a view, each after the one that shows it; the first one covers the view if any level does. Of a
 * view that is turned (`angleAt`), as they lie before that, also around it as far as its corners reach.
 * @param {Geometry | Line} geometry @param {View} view @param {number} width @param {number} height pixels of the view
 * @returns {Placement[]} */
export function layoutLevels(geometry, view, width, height) {
  const { tree, levels, first, round, endless } = asLine(geometry);
  const level = levelOf(geometry, view.zoom);
  const [shownWidth, shownHeight] = viewSize(geometry, view.zoom, width / height);
  const full = (width / shownWidth / geometry.width) * factorAt(geometry, level) ** (level - view.zoom);
  let rect = {
    left: width / 2 - (view.x / shownWidth) * width,
    top: height / 2 - (view.y / shownHeight) * height,
    width: width / shownWidth,
    height: height / shownHeight,
  };
  let base = level;
  const angle = angleAt(geometry, view.zoom, width / height);
  const [across, down] = angle ? turnedSize(width, height, angle).map((side, i) => (side - [width, height][i]) / 2) : [0, 0];
  /** What the view shows, before it is turned. */
  const seen = { left: -across, top: -down, right: width + across, bottom: height + down };
  while (base > 0 && !covers(rect, seen)) rect = outside(innerRect(geometry, --base), rect);
  const inRound = endless || base < first ? Math.floor((base - first) / round) : 0;
  /** @type {Placement[]} */
  const placements = [
    {
      level: levels[base],
      rect,
      scale: rect.width / geometry.width,
      opacity: 1,
      feather: [0, 0, 0, 0],
      ...(round ? { round: inRound } : {}),
    },
  ];
  for (const wider of placements) { // which grows meanwhile
    if (placements.length >= MOST_SHOWN) break;
    for (const { level: deeper, factor, rect: inner } of childrenOf(tree)[wider.level]) {
      const opaqueAt = Math.min(FADE_IN, factor * full);
      const clearAt = opaqueAt / Math.min(FADE_IN, factor);
      const opacity = smoothstep(Math.log(wider.scale / clearAt) / Math.log(opaqueAt / clearAt));
      rect = inside(inner, wider.rect);
      if (opacity === 0 || !meets(rect, seen)) continue;
      const side = (1 - 1 / factor) / 2;
      const { left, top } = rect;
      placements.push({
        level: deeper,
        rect,
        scale: rect.width / geometry.width,
        opacity,
        feather: [
          feather(top - seen.top, side * rect.height),
          feather(seen.bottom - top - rect.height, side * rect.height),
          feather(left - seen.left, side * rect.width),
          feather(seen.right - left - rect.width, side * rect.width),
        ],
        ...(wider.round === undefined ? {} : { round: wider.round + Number(deeper === 0) }),
      });
    }
  }
  return placements;
}

/** @typedef {{left: number, top: number, right: number, bottom: number}} Seen */

/** Whether a rectangle reaches all edges of what is seen, but for rounding. @param {Rect} rect @param {Seen} seen */
function covers({ left, top, width, height }, seen) {
  const error = 1e-6 * Math.max(seen.right - seen.left, seen.bottom - seen.top);
  const [before, above] = [left - seen.left, top - seen.top];
  return Math.max(before, above, seen.right - left - width, seen.bottom - top - height) <= error;
}

/** @param {Rect} rect @param {Seen} seen */
const meets = ({ left, top, width, height }, seen) =>
  left < seen.right && top < seen.bottom && left + width > seen.left && top + height > seen.top;

/** @param {Rect} rect @param {number} x @param {number} y */
export const holds = ({ left, top, width, height }, x, y) =>
  x >= left && y >= top && x <= left + width && y <= top + height;

/** The frame of the next level. @param {Rect} inner @param {Rect} outer @returns {Rect} */
export function inside(inner, outer) {
  return {
    left: outer.left + inner.left * outer.width,
    top: outer.top + inner.top * outer.height,
    width: outer.width * inner.width,
    height: outer.height * inner.height,
  };
}

/** The frame of the level before. @param {Rect} inner @param {Rect} rect @returns {Rect} */
function outside(inner, rect) {
  const [width, height] = [rect.width / inner.width, rect.height / inner.height];
  return { left: rect.left - inner.left * width, top: rect.top - inner.top * height, width, height };
}

/** Width of the soft border inside an edge that lies `gap` inside the view; it vanishes as the level comes to fill it.
 * @param {number} gap @param {number} widest */
const feather = (gap, widest) => widest * clamp(gap / widest, 0, 1) ** 1.5;

/** @param {number} t */
export function smoothstep(t) {
  const x = clamp(t, 0, 1);
  return x * x * (3 - 2 * x);
}
