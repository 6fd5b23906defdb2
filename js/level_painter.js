// @ts-check
// Draws the levels of a view on a canvas. Every level is kept in several sizes, a factor of two apart, so that no draw
// call scales by much: that is quick, and free of aliasing and of blocks.

import { element } from "./dom.js";
import { clamp, smoothstep } from "./zoom_math.js";
import { turnedSize } from "./zoom_roll.js";

/** @typedef {import("./zoom_math.js").Placement} Placement */
/** @typedef {HTMLCanvasElement | ImageBitmap} Picture */

/** Levels smaller than this are also kept enlarged, by a better filter than a moving picture has the time for. */
const ENLARGED = 1024;
/** How many levels are kept enlarged, or as many as a view shows, if those are more. */
const KEPT = 8;
/** Below this number of view pixels a soft border is drawn hard. */
const THIN = 0.5;
/** Steps of a soft border. */
const STEPS = 256;

/** @param {number} width @param {number} height */
function makeCanvas(width, height) {
  return element("canvas", { width: Math.max(1, Math.ceil(width)), height: Math.max(1, Math.ceil(height)) });
}

/** @param {HTMLCanvasElement} canvas */
const context = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

/** @param {Picture} picture @param {number} width @param {number} height @param {ImageSmoothingQuality} quality */
function scaled(picture, width, height, quality) {
  const canvas = makeCanvas(width, height);
  const target = context(canvas);
  target.imageSmoothingQuality = quality;
  target.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

export class LevelPainter {
  /** @param {ImageBitmap[]} levels the widest first, all of one size and opaque; closed by `close` */
  constructor(levels) {
    this.levels = levels;
    /** Each level at its own size, half of it, a quarter … @type {Picture[][]} */
    this.smaller = levels.map((level) => [level]);
    this.kept = KEPT;
    /** Level → enlarged picture, the least recently used first. @type {Map<number, HTMLCanvasElement>} */
    this.enlarged = new Map();
    /** Where soft levels are drawn before they are laid over the others: one canvas for the widest of them, one for the
     * next …, since a canvas that is drawn on again in one frame has to be copied. @type {HTMLCanvasElement[]} */
    this.asides = [];
    this.across = makeFade(2 * STEPS, 1);
    this.down = makeFade(1, 2 * STEPS);
  }

  close() {
    for (const level of this.levels) level.close();
    this.levels = [];
    this.smaller = [];
    this.asides = [];
    this.enlarged.clear();
  }

  /** Draw a view; what no level covers stays clear, or black where the canvas is opaque.
   * @param {CanvasRenderingContext2D} target
   * @param {Placement[]} placements in pixels of the canvas, each after the one around it
   * @param {number} [angle] radians by which they are turned clockwise around the middle of the canvas */
  paint(target, placements, angle = 0) {
    const { width, height } = target.canvas;
    target.clearRect(0, 0, width, height);
    target.imageSmoothingQuality = "low";
    this.kept = Math.max(KEPT, placements.length);
    target.save();
    if (angle) {
      target.translate(width / 2, height / 2);
      target.rotate(angle);
      target.translate(-width / 2, -height / 2);
    }
    for (const [order, placement] of placements.entries()) {
      if (placement.feather.some((width) => width > THIN)) this._paintSoft(target, placement, order, angle);
      else this._paintHard(target, placement, placements[order + 1], angle);
    }
    target.restore();
  }

  /** A level without soft borders, as far as the next one does not hide it; all of it where parts of it would be cut at
   * a slant, as thin lines would show between them.
   * @param {CanvasRenderingContext2D} target @param {Placement} placement @param {Placement} [next]
   * @param {number} [angle] */
  _paintHard(target, { level, rect, scale, opacity }, next, angle) {
    const picture = this._picture(level, scale);
    target.globalAlpha = opacity;
    if (angle) {
      target.drawImage(picture, rect.left, rect.top, rect.width, rect.height);
      return;
    }
    for (const part of around(target.canvas, next)) {
      target.save();
      target.beginPath();
      target.rect(...part);
      target.clip();
      target.drawImage(picture, rect.left, rect.top, rect.width, rect.height);
      target.restore();
    }
  }

  /** A level whose borders fade out: drawn aside, faded there, and laid over what is drawn.
   * @param {CanvasRenderingContext2D} target @param {Placement} placement @param {number} order of the placement
   * @param {number} angle */
  _paintSoft(target, { level, rect, scale, opacity, feather }, order, angle) {
    const whole = target.canvas;
    const [wide, tall] = turnedSize(whole.width, whole.height, angle);
    const left = Math.floor(Math.max((whole.width - wide) / 2, rect.left));
    const top = Math.floor(Math.max((whole.height - tall) / 2, rect.top));
    const width = Math.ceil(Math.min((whole.width + wide) / 2, rect.left + rect.width)) - left;
    const height = Math.ceil(Math.min((whole.height + tall) / 2, rect.top + rect.height)) - top;
    if (width <= 0 || height <= 0) return;
    const canvas = (this.asides[order] ??= makeCanvas(1, 1));
    if (canvas.width < width || canvas.height < height) {
      canvas.width = Math.max(canvas.width, width);
      canvas.height = Math.max(canvas.height, height);
    }
    const aside = context(canvas);
    aside.clearRect(0, 0, width, height);
    aside.globalCompositeOperation = "source-over";
    aside.imageSmoothingEnabled = true;
    aside.imageSmoothingQuality = "low";
    const [x, y] = [rect.left - left, rect.top - top];
    aside.drawImage(this._picture(level, scale), x, y, rect.width, rect.height);
    // Without a graphics card a smoothed, narrow picture takes several times as long as its pixels as they are, and
    // "destination-in" as long as "destination-out" over the whole canvas.
    aside.globalCompositeOperation = "destination-out";
    aside.imageSmoothingEnabled = false;
    const [above, below, before, after] = feather;
    const { across, down } = this;
    if (before > THIN) aside.drawImage(across, 0, 0, STEPS, 1, x, 0, before, height);
    if (after > THIN) aside.drawImage(across, STEPS, 0, STEPS, 1, x + rect.width - after, 0, after, height);
    if (above > THIN) aside.drawImage(down, 0, 0, 1, STEPS, 0, y, width, above);
    if (below > THIN) aside.drawImage(down, 0, STEPS, 1, STEPS, 0, y + rect.height - below, width, below);
    target.globalAlpha = opacity;
    target.drawImage(canvas, 0, 0, width, height, left, top, width, height);
  }

  /** The picture of a level whose size is right for a scale: at most twice too large.
   * @param {number} level @param {number} scale @returns {Picture} */
  _picture(level, scale) {
    if (scale > 1 && Math.max(this.levels[level].width, this.levels[level].height) < ENLARGED) {
      return this._enlarge(level);
    }
    const sizes = this.smaller[level];
    const halvings = Math.max(0, Math.floor(Math.log2(1 / scale) + 1e-9));
    while (sizes.length <= halvings) {
      const last = sizes[sizes.length - 1];
      if (last.width <= 2 || last.height <= 2) break;
      sizes.push(scaled(last, last.width / 2, last.height / 2, "low"));
    }
    return sizes[Math.min(halvings, sizes.length - 1)];
  }

  /** @param {number} level */
  _enlarge(level) {
    const source = this.levels[level];
    const times = Math.ceil(ENLARGED / Math.max(source.width, source.height));
    const picture = this.enlarged.get(level) ?? scaled(source, source.width * times, source.height * times, "high");
    this.enlarged.delete(level);
    this.enlarged.set(level, picture);
    for (const oldest of this.enlarged.keys()) {
      if (this.enlarged.size <= this.kept) break;
      this.enlarged.delete(oldest);
    }
    return picture;
  }
}

/** What is taken away in a soft border from its outer edge to its inner one, and the same once more from inside out.
 * @param {number} width @param {number} height one of them 1, the other 2·STEPS */
function makeFade(width, height) {
  const fade = makeCanvas(width, height);
  const target = context(fade);
  for (let i = 0; i < 2 * STEPS; i++) {
    target.globalAlpha = 1 - smoothstep((Math.min(i, 2 * STEPS - 1 - i) + 0.5) / STEPS);
    target.fillRect(width > 1 ? i : 0, height > 1 ? i : 0, 1, 1);
  }
  return fade;
}

/** The parts of a canvas that a level does not hide: [left, top, width, height] in whole pixels.
 * @param {HTMLCanvasElement} canvas @param {Placement} [placement] @returns {[number, number, number, number][]} */
function around({ width, height }, placement) {
  if (!placement || placement.opacity < 1) return [[0, 0, width, height]];
  const { rect, feather } = placement;
  const [above, below, before, after] = feather;
  const left = clamp(Math.ceil(rect.left + before), 0, width);
  const top = clamp(Math.ceil(rect.top + above), 0, height);
  const right = clamp(Math.floor(rect.left + rect.width - after), left, width);
  const bottom = clamp(Math.floor(rect.top + rect.height - below), top, height);
  /** @type {[number, number, number, number][]} */
  const parts = [
    [0, 0, width, top],
    [0, top, left, bottom - top],
    [right, top, width - right, bottom - top],
    [0, bottom, width, height - bottom],
  ];
  return parts.filter(([, , w, h]) => w > 0 && h > 0);
}
