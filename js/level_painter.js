// @ts-check
// Draws the levels of a view on a canvas. Every level is kept in several sizes, a factor of two apart, so that no draw
// call scales by much: that is quick, and free of aliasing and of blocks.

/** @typedef {import("./zoom_math.js").Placement} Placement */
/** @typedef {HTMLCanvasElement | ImageBitmap} Picture */

/** Levels smaller than this are also kept enlarged, by a better filter than a moving picture has the time for. */
const ENLARGED = 1024;
/** How many levels are kept enlarged; a view shows a few at a time. */
const KEPT = 8;
/** Below this number of view pixels a soft border is drawn hard. */
const THIN = 0.5;
/** The smoothstep of a soft border, as colors of a gradient. */
const STOPS = 8;

/** @param {number} width @param {number} height */
function makeCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.ceil(width));
  canvas.height = Math.max(1, Math.ceil(height));
  return canvas;
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
  /** @param {ImageBitmap[]} levels the widest first, all of one size; closed by `close` */
  constructor(levels) {
    this.levels = levels;
    /** Each level at its own size, half of it, a quarter … @type {Picture[][]} */
    this.smaller = levels.map((level) => [level]);
    /** Level → enlarged picture, the least recently used first. @type {Map<number, HTMLCanvasElement>} */
    this.enlarged = new Map();
    this.scratch = makeCanvas(1, 1);
  }

  close() {
    for (const level of this.levels) level.close();
    this.levels = [];
    this.smaller = [];
    this.enlarged.clear();
  }

  /** Draw a view; what no level covers stays clear.
   * @param {CanvasRenderingContext2D} target
   * @param {Placement[]} placements in pixels of the canvas, the widest first */
  paint(target, placements) {
    target.clearRect(0, 0, target.canvas.width, target.canvas.height);
    target.imageSmoothingQuality = "low";
    for (const placement of placements) {
      if (placement.feather.some((width) => width > THIN)) this._paintSoft(target, placement);
      else this._paintHard(target, placement);
    }
    target.globalAlpha = 1;
  }

  /** @param {CanvasRenderingContext2D} target @param {Placement} placement */
  _paintHard(target, { level, rect, scale, opacity }) {
    target.globalAlpha = opacity;
    target.drawImage(this._picture(level, scale), rect.left, rect.top, rect.width, rect.height);
  }

  /** A level whose borders fade out: drawn aside, faded there, and laid over what is drawn.
   * @param {CanvasRenderingContext2D} target @param {Placement} placement */
  _paintSoft(target, { level, rect, scale, opacity, feather }) {
    const left = Math.max(0, Math.floor(rect.left));
    const top = Math.max(0, Math.floor(rect.top));
    const width = Math.min(target.canvas.width, Math.ceil(rect.left + rect.width)) - left;
    const height = Math.min(target.canvas.height, Math.ceil(rect.top + rect.height)) - top;
    if (width <= 0 || height <= 0) return;
    const { scratch } = this;
    if (scratch.width < width || scratch.height < height) {
      scratch.width = Math.max(scratch.width, width);
      scratch.height = Math.max(scratch.height, height);
    }
    const aside = context(scratch);
    aside.globalCompositeOperation = "copy";
    aside.imageSmoothingQuality = "low";
    aside.save();
    aside.beginPath();
    aside.rect(0, 0, width, height);
    aside.clip();
    const [x, y] = [rect.left - left, rect.top - top];
    aside.drawImage(this._picture(level, scale), x, y, rect.width, rect.height);
    aside.globalCompositeOperation = "destination-in";
    const [above, below, before, after] = feather;
    if (before > THIN || after > THIN) {
      aside.fillStyle = softEdges(aside.createLinearGradient(x, 0, x + rect.width, 0), before, after, rect.width);
      aside.fillRect(0, 0, width, height);
    }
    if (above > THIN || below > THIN) {
      aside.fillStyle = softEdges(aside.createLinearGradient(0, y, 0, y + rect.height), above, below, rect.height);
      aside.fillRect(0, 0, width, height);
    }
    aside.restore();
    target.globalAlpha = opacity;
    target.drawImage(scratch, 0, 0, width, height, left, top, width, height);
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
      if (this.enlarged.size <= KEPT) break;
      this.enlarged.delete(oldest);
    }
    return picture;
  }
}

/** A gradient along an axis of `length`: clear at both ends, opaque where the soft borders end.
 * @param {CanvasGradient} gradient @param {number} first @param {number} last widths of the borders
 * @param {number} length */
function softEdges(gradient, first, last, length) {
  for (let i = 0; i <= STOPS; i++) {
    const t = i / STOPS;
    const color = `rgba(0, 0, 0, ${t * t * (3 - 2 * t)})`;
    gradient.addColorStop(Math.min(0.5, (t * Math.max(first, 1e-6)) / length), color);
    gradient.addColorStop(Math.max(0.5, 1 - (t * Math.max(last, 1e-6)) / length), color);
  }
  return gradient;
}
