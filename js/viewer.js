// @ts-check
// The explorer: a picture of a zoom stack to zoom, move and play. Knows nothing of ComfyUI; an exported page uses it too.

import { element } from "./dom.js";
import { FrameDetail } from "./frame_detail.js";
import { LevelPainter } from "./level_painter.js";
import { ViewerControls } from "./viewer_controls.js";
import { listenToInput } from "./viewer_input.js";
import * as math from "./zoom_math.js";

/**
 * @typedef {object} Stack
 * @property {math.Geometry} geometry
 * @property {string[]} urls one image per level, the widest first
 * @property {string[]} prompts what the levels show; may be fewer, or none
 *
 * @typedef {object} ViewerOptions
 * @property {(event: WheelEvent) => void} [giveWheel] takes the turns of the wheel that are not for the viewer, which
 * then reacts to the wheel only while it has the focus; without it, every turn is for the viewer
 * @property {() => void} [save] called by the button that saves a page; without it there is no such button
 */

/** Milliseconds in which a turn of the wheel, or the way back to the path, is done to 63 %. */
const GLIDE = 70;
const RETURN = 400;
/** A longer pause between two frames, in milliseconds, does not make the zoom jump. */
const LONGEST_STEP = 100;
/** Milliseconds that a hint is shown. */
const HINT = 4000;
const NO_DEEPER = "There is no more detail here. Zoom out to come back to the zoom's path.";
const MOST_PIXELS_PER_CSS_PIXEL = 4;

export class ZoomViewer {
  /** @param {ViewerOptions} options */
  constructor(options = {}) {
    this.options = options;
    /** @type {Stack | null} */ this.stack = null;
    /** @type {math.View} */ this.view = { zoom: 0, x: 0.5, y: 0.5 };
    /** @type {LevelPainter | null} */ this.painter = null;
    this.playing = false;
    /** How often the picture was drawn. */ this.frames = 0;
    /** What is left of a turn of the wheel: at a point, or along the path. */
    this.glide = { amount: 0, atX: 0.5, atY: 0.5, free: false };
    this.detail = new FrameDetail();
    this.loading = 0;
    this.request = 0;
    this.lastTick = 0;

    this.canvas = element("canvas", { role: "img", "aria-label": "The zoom" });
    this.message = element("div", { class: "zoomstack-message", role: "status" });
    this.controls = new ViewerControls();
    this.controls.save.hidden = !options.save;
    this.hint = element("div", { class: "zoomstack-hint", role: "status", hidden: true });
    this.hinted = new Set();
    this.hintTimer = 0;
    this.picture = element("div", { class: "zoomstack-picture" }, this.canvas, this.message, this.hint, this.controls.caption);
    this.note = element("div", { class: "zoomstack-note", role: "status" });
    this.root = element(
      "div",
      // Nodes 2.0 gives the wheel to an element with this attribute, while it has the focus
      { class: "zoomstack-viewer", tabindex: 0, role: "group", "aria-label": "Zoom explorer", "data-capture-wheel": "true" },
      this.picture,
      this.controls.bar,
      this.note,
    );
    this.say("Run the workflow to explore the zoom here.");
    this.closing = new AbortController();
    listenToInput(this, this.closing.signal);
    this.sizes = new ResizeObserver(() => this._fitToSize());
    this.sizes.observe(this.canvas);
    this.shape = 1;
  }

  /** Show a stack, when all of its images are there; keeps the view if the geometry is the same.
   * @param {Stack} stack @throws {Error} if an image cannot be loaded */
  async show(stack) {
    const turn = ++this.loading;
    if (!this.stack) this.say("Loading …");
    /** @type {ImageBitmap[]} */ let bitmaps;
    try {
      bitmaps = await Promise.all(stack.urls.map(loadBitmap));
    } catch (error) {
      if (turn === this.loading && !this.stack) this.say("The images are no longer there. Run the workflow again.");
      throw error;
    }
    if (turn !== this.loading) {
      for (const bitmap of bitmaps) bitmap.close();
      return;
    }
    const same = this.stack && JSON.stringify(this.stack.geometry) === JSON.stringify(stack.geometry);
    this.painter?.close();
    this.painter = new LevelPainter(bitmaps);
    this.stack = stack;
    this.say("");
    this.controls.enable(true);
    const levels = stack.urls.map((_, level) => level);
    this.controls.showLevels(
      levels.map((level) => math.logMagnification(stack.geometry, level)),
      levels.map((level) => this._describe(level)),
    );
    if (same) this.draw();
    else this.fit();
    this.root.dispatchEvent(new CustomEvent("zoomstack:ready"));
  }

  /** Show a text in place of the picture, or nothing. @param {string} text */
  say(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
  }

  /** Show a line below the bar, or nothing. @param {(Node | string)[]} content */
  noteBelow(...content) {
    this.note.replaceChildren(...content);
  }

  /** Show a line over the picture for a while, each text once. @param {string} text */
  hintOnce(text) {
    if (this.hinted.has(text)) return;
    this.hinted.add(text);
    this.hint.textContent = text;
    this.hint.hidden = false;
    clearTimeout(this.hintTimer);
    this.hintTimer = window.setTimeout(() => (this.hint.hidden = true), HINT);
  }

  get aspect() {
    return this.canvas.clientWidth / this.canvas.clientHeight || 1;
  }

  /** @returns {math.Size} */
  get size() {
    return { width: this.canvas.clientWidth || 1, height: this.canvas.clientHeight || 1 };
  }

  fit() {
    if (!this.stack) return;
    this.pause();
    this._setView(math.pathView(this.stack.geometry, math.lowestZoom(this.stack.geometry, this.aspect), this.aspect));
  }

  /** Go to a zoom on the path of the video. @param {number} zoom */
  goTo(zoom) {
    if (!this.stack) return;
    this.glide.amount = 0;
    this._setView(math.limited(this.stack.geometry, math.pathView(this.stack.geometry, zoom, this.aspect), this.size));
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Zoom in along the path, from the widest view again if the deepest is reached. */
  play() {
    if (!this.stack || this.stack.urls.length < 2 || this.playing) return;
    if (this.view.zoom >= this.stack.geometry.factors.length - 1e-6) this.goTo(0);
    this.playing = true;
    this.glide.amount = 0;
    this.controls.showPlaying(true);
    this._tickSoon();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.controls.showPlaying(false);
  }

  /** Stop whatever moves. */
  rest() {
    this.pause();
    this.glide.amount = 0;
  }

  async toggleFullScreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.root.requestFullscreen();
    this.root.focus({ preventScroll: true });
  }

  close() {
    this.pause();
    this.loading++;
    cancelAnimationFrame(this.request);
    clearTimeout(this.hintTimer);
    this.closing.abort();
    this.detail.close();
    this.sizes.disconnect();
    this.painter?.close();
    this.painter = null;
    this.stack = null;
    this.root.remove();
  }

  /** Draw now. @param {boolean} [moving] whether the next picture follows at once */
  draw(moving = false) {
    const { canvas, painter, stack } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!stack || !painter || !width || !height) return;
    // the graph scales its nodes by a transform, which no size in CSS pixels shows
    const transform = canvas.getBoundingClientRect().width / width || 1;
    const full = math.clamp(window.devicePixelRatio * transform, 0.5, MOST_PIXELS_PER_CSS_PIXEL);
    const ratio = moving ? this.detail.ratio(full, width, height) : full;
    const pixels = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
    if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
    const target = canvas.getContext("2d", { alpha: false }); // opaque: much less work for the page around it
    if (!target) return;
    const startedAt = performance.now();
    const placements = math.layoutLevels(stack.geometry, this.view, pixels[0], pixels[1]);
    painter.paint(target, placements);
    if (moving) this.detail.learn(startedAt);
    this.frames++;
    const place = math.logMagnification(stack.geometry, this.view.zoom);
    this.controls.showPlace(place, this._describe(math.seenOf(placements, pixels[0], pixels[1]).level, place));
  }

  /** @param {number} level @param {number} [magnification] ln of it; below 0 where a view of another shape shows all of
   * the widest level, which is ×1 all the same */
  _describe(level, magnification) {
    const { geometry, urls, prompts } = /** @type {Stack} */ (this.stack);
    const size = math.magnificationText(Math.max(0, magnification ?? math.logMagnification(geometry, level)));
    const text = `Level ${level + 1} of ${urls.length}, ${size}`;
    return prompts[level] ? `${text}: ${prompts[level]}` : text;
  }

  /** @param {math.View} view */
  _setView(view) {
    const { zoom, x, y } = this.view;
    if (view.zoom === zoom && view.x === x && view.y === y && this.frames) return;
    this.view = view;
    this._tickSoon();
  }

  /** The element has another size: the whole stays the whole, any other view is as far from the path as before. */
  _fitToSize() {
    if (!this.stack || !this.canvas.clientHeight) return;
    const { geometry } = this.stack;
    const { zoom } = this.view;
    const wasWhole = zoom <= math.lowestZoom(geometry, this.shape) + 1e-6;
    const away = math.awayFromPath(geometry, this.view, this.shape);
    this.shape = this.aspect;
    this.view = wasWhole
      ? math.pathView(geometry, math.lowestZoom(geometry, this.aspect), this.aspect)
      : math.besidePath(geometry, zoom, away, this.size);
    this.draw();
  }

  _tickSoon() {
    this.request ||= requestAnimationFrame((now) => this._tick(now));
  }

  /** One frame; asks for the next while something moves. @param {number} now */
  _tick(now) {
    this.request = 0;
    if (!this.stack || !this.root.isConnected) {
      this.pause();
      return;
    }
    const passed = math.clamp(now - this.lastTick, 0, LONGEST_STEP);
    const moving = this.playing || this.glide.amount !== 0;
    this.lastTick = now;
    if (this.playing) this._advance(passed);
    else if (this.glide.amount) this._glideOn(passed);
    this.draw(moving);
    if (moving) this._tickSoon();
  }

  /** Along the path, and back towards it where the view was moved away. @param {number} passed milliseconds */
  _advance(passed) {
    const { geometry } = /** @type {Stack} */ (this.stack);
    const speed = Number(this.controls.speed.value) * Math.LN2;
    const zoom = Math.min(math.magnified(geometry, this.view.zoom, (speed * passed) / 1000), geometry.factors.length);
    const [right, down] = math.awayFromPath(geometry, this.view, this.aspect);
    const rest = Math.exp(-passed / RETURN);
    this.view = math.besidePath(geometry, zoom, [right * rest, down * rest], this.size);
    if (zoom >= geometry.factors.length) this.pause();
  }

  /** @param {number} passed milliseconds */
  _glideOn(passed) {
    const { glide } = this;
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const part = calm || Math.abs(glide.amount) < 0.002 ? 1 : 1 - Math.exp(-passed / GLIDE);
    const amount = glide.amount * part;
    glide.amount = part === 1 ? 0 : glide.amount - amount;
    this.magnify(amount, glide.atX, glide.atY, glide.free);
  }

  /** Magnify by e^amount. @param {number} amount @param {number} atX @param {number} atY parts of the picture
   * @param {boolean} free around this point, not along the path */
  magnify(amount, atX, atY, free) {
    if (!this.stack) return;
    const { geometry } = this.stack;
    const { view, size } = this;
    const zoom = math.magnified(geometry, view.zoom, amount);
    const next = free ? math.zoomedAt(geometry, view, zoom, atX, atY, size) : math.alongPath(geometry, view, zoom, size);
    if (free && amount > 0 && next.zoom < Math.min(zoom, geometry.factors.length) - 1e-6) this.hintOnce(NO_DEEPER);
    this._setView(next);
  }

  /** Whether a turn inwards goes where it is made: after the view was moved away from the path. One outwards never does,
   * so that it leads back. @param {number} amount */
  isFree(amount) {
    return amount > 0 && this.stack !== null && math.isOffPath(this.stack.geometry, this.view, this.aspect);
  }

  /** Whether a point of the picture lies on the next level. @param {number} atX @param {number} atY */
  isOnNext(atX, atY) {
    if (!this.stack) return false;
    const { geometry } = this.stack;
    const { width, height } = this.size;
    const placements = math.layoutLevels(geometry, this.view, width, height);
    const { level, rect } = math.seenOf(placements, width, height);
    if (level >= geometry.factors.length) return true;
    const next = math.inside(math.innerRect(geometry, level), rect);
    const [right, down] = [atX * width - next.left, atY * height - next.top];
    return right >= 0 && down >= 0 && right <= next.width && down <= next.height;
  }

  /** Magnify as `magnify` does, little by little. @param {number} amount @param {number} atX @param {number} atY
   * @param {boolean} free */
  glideBy(amount, atX, atY, free) {
    if (!this.stack) return;
    this.pause();
    this.glide = { amount: this.glide.amount + amount, atX, atY, free };
    this._tickSoon();
  }

  /** Move the view. @param {number} right @param {number} down parts of its width and height */
  pan(right, down) {
    if (this.stack) this._setView(math.panned(this.stack.geometry, this.view, right, down, this.size));
  }
}

/** @param {string} url */
async function loadBitmap(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return createImageBitmap(image);
}
