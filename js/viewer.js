// @ts-check
// The explorer: a picture of a zoom stack to zoom, move and play. Knows nothing of ComfyUI; an exported page uses it too.

import { element, isCalm } from "./dom.js";
import { FrameDetail } from "./frame_detail.js";
import { LevelPainter } from "./level_painter.js";
import { captionOf, captionOfView, logFromFirst } from "./viewer_captions.js";
import { ViewerControls } from "./viewer_controls.js";
import { ViewerHand } from "./viewer_hand.js";
import { listenToInput } from "./viewer_input.js";
import { ViewerMap } from "./viewer_map.js";
import * as math from "./zoom_math.js";
import * as moves from "./zoom_moves.js";
import { Sway } from "./zoom_roll.js";
import { Tour } from "./zoom_tour.js";
import { asLine, lastPlace, lineThrough } from "./zoom_tree.js";
import { Flight, inGrown, inRound, wholeView } from "./zoom_turns.js";

/**
 * @typedef {object} Stack
 * @property {import("./zoom_tree.js").Geometry} geometry
 * @property {string[]} urls one image per level, the widest first
 * @property {string[]} prompts what the levels show; may be fewer, or none
 * @property {import("./zoom_roll.js").Motion} [motion] how the picture turns, and sways while it plays
 *
 * @typedef {object} ViewerOptions
 * @property {(event: WheelEvent) => void} [giveWheel] takes the turns of the wheel that are not for the viewer, which
 * then reacts to the wheel only while it has the focus; without it, every turn is for the viewer
 * @property {() => void} [save] called by the button that saves a page; without it there is no such button
 */

/** Milliseconds in which the way back to the path is done to 63 %. */
const RETURN = 400;
/** A longer pause between two frames, in milliseconds, does not make the zoom jump. */
const LONGEST_STEP = 100;
/** Milliseconds that a hint is shown. */
const HINT = 4000;
const MOST_PIXELS_PER_CSS_PIXEL = 4;

export class ZoomViewer {
  /** @param {ViewerOptions} options */
  constructor(options = {}) {
    this.options = options;
    /** @type {Stack | null} */ this.stack = null;
    /** On which the view is. */ this.line = asLine({ height: 1, width: 1, factors: [], foci: [] });
    /** @type {math.View} */ this.view = { zoom: 0, x: 0.5, y: 0.5 };
    /** Of a ring. */ this.round = 1;
    /** @type {Flight | null} */ this.flight = null;
    /** How playing goes on. */ this.tour = new Tour(this.line);
    /** @type {LevelPainter | null} */ this.painter = null;
    this.playing = false;
    /** How often the picture was drawn. */ this.frames = 0;
    this.hand = new ViewerHand(this);
    this.detail = new FrameDetail();
    this.loading = 0;
    this.request = 0;
    this.lastTick = 0;
    this.sway = new Sway();

    this.canvas = element("canvas", { role: "img", "aria-label": "The zoom" });
    this.message = element("div", { class: "zoomstack-message", role: "status" });
    this.controls = new ViewerControls();
    this.controls.save.hidden = !options.save;
    this.hint = element("div", { class: "zoomstack-hint", role: "status", hidden: true });
    this.hinted = new Set();
    this.hintTimer = 0;
    this.map = new ViewerMap((level) => this.flyTo(level));
    const { caption } = this.controls;
    this.picture = element("div", { class: "zoomstack-picture" }, this.canvas, this.message, this.map.root, this.hint, caption);
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

  /** Show a stack, when all of its images are there; keeps the view where the levels around it are the same.
   * @param {Stack} stack @throws {Error} if an image cannot be loaded */
  async show(stack) {
    const roll = stack.motion?.roll;
    if (roll) stack = { ...stack, geometry: { ...stack.geometry, roll } };
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
    const before = this.stack;
    const same = before && JSON.stringify(before.geometry) === JSON.stringify(stack.geometry);
    this.painter?.close();
    this.painter = new LevelPainter(bitmaps);
    this.stack = stack;
    this.say("");
    this.controls.enable(true);
    const kept = !same && before ? inGrown(this, stack.geometry) : null;
    if (kept) {
      this.rest();
      this.setView(moves.limited(kept.line, kept.view, this.size), kept.line);
    } else if (!same) {
      this.line = lineThrough(stack.geometry, 0);
      this.round = 1;
      this.tour = new Tour(stack.geometry);
      this.fit();
    }
    this._showLevels(stack);
    this.map.show(stack.geometry, stack.urls.map((_, level) => captionOf(stack, level)));
    this.draw();
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
    this.rest();
    this.hand.strayed = false;
    this.setView(wholeView(this.line, this.aspect));
  }

  /** The zoom of the view from level 0 on, of a ring in its round. */
  get zoom() {
    return this.view.zoom - this.line.first;
  }

  /** The zoom of the deepest level on the line. */
  get lastZoom() {
    return lastPlace(this.line) - this.line.first;
  }

  /** Go to a zoom on the path of the video, as `zoom` counts it. @param {number} zoom */
  goTo(zoom) {
    if (!this.stack) return;
    this.hand.glide.amount = 0;
    this.flight = null;
    this.hand.strayed = false;
    this.setView(moves.limited(this.line, math.pathView(this.line, this.line.first + zoom, this.aspect), this.size));
  }

  /** Go to a level on the shortest way, little by little. @param {number} level */
  flyTo(level) {
    if (!this.stack) return;
    this.rest();
    this.hand.strayed = false;
    const flight = new Flight(this, level, this.size);
    if (isCalm()) return this.setView(flight.end.view, flight.end.line);
    this.flight = flight;
    this.tickSoon();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Zoom in along the path, from the widest view again if the deepest is reached; for ever in a ring and in a tree. */
  play() {
    if (!this.stack || this.stack.urls.length < 2 || this.playing) return;
    this.rest();
    if (this.tour.begin(this)) this.goTo(0);
    this.playing = true;
    this.controls.showPlaying(true);
    this.tickSoon();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.controls.showPlaying(false);
  }

  /** Stop whatever moves. */
  rest() {
    this.pause();
    this.hand.glide.amount = 0;
    this.flight = null;
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
    const placements = math.layoutLevels(this.line, this.view, pixels[0], pixels[1]);
    painter.paint(target, placements, math.angleAt(this.line, this.view.zoom, pixels[0] / pixels[1]));
    if (moving) this.detail.learn(startedAt);
    this.frames++;
    const seen = math.seenOf(placements, pixels[0], pixels[1]);
    const caption = captionOfView(stack, this.line, this.view.zoom, seen, this.round);
    this.controls.showPlace(logFromFirst(this.line, this.view.zoom), caption);
    this.map.showLevel(seen.level);
  }

  /** The scrub bar is that of the line. @param {Stack} stack */
  _showLevels(stack) {
    const { levels, first } = this.line;
    const onLine = levels.slice(first, lastPlace(this.line) + 1);
    const places = onLine.map((_, place) => logFromFirst(this.line, first + place));
    this.controls.showLevels(places, onLine.map((level) => captionOf(stack, level)));
  }

  /** Show a view that is allowed. @param {math.View} view
   * @param {import("./zoom_tree.js").Line} [line] that the view is on, if it is another one
   * @param {number} [rounds] that the view is deeper in terms of it */
  setView(view, line = this.line, rounds = 0) {
    const { zoom, x, y } = this.view;
    const other = line !== this.line;
    if (view.zoom === zoom && view.x === x && view.y === y && !other && this.frames) return;
    const kept = inRound({ line, view });
    [this.line, this.view] = [kept.line, kept.view];
    this.round += rounds + kept.rounds;
    if (other && this.stack) this._showLevels(this.stack);
    this.tickSoon();
  }

  /** The element has another size: the whole stays the whole, any other view is as far from the path as before. */
  _fitToSize() {
    if (!this.stack || !this.canvas.clientHeight) return;
    const { line } = this;
    const { zoom } = this.view;
    const wasWhole = Math.abs(zoom - inRound({ line, view: wholeView(line, this.shape) }).view.zoom) < 1e-6;
    const away = math.awayFromPath(line, this.view, this.shape);
    this.shape = this.aspect;
    this.view = wasWhole ? wholeView(line, this.aspect) : moves.besidePath(line, zoom, away, this.size);
    this.draw();
  }

  /** Draw with the next frame of the page. */
  tickSoon() {
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
    const moving = this.playing || this.flight !== null || this.hand.glide.amount !== 0;
    this.lastTick = now;
    if (this.playing) this._advance(passed);
    else if (this.flight) this._flyOn(this.flight, passed);
    else if (this.hand.glide.amount) this.hand.glideOn(passed);
    this.draw(moving);
    if (moving) this.tickSoon();
  }

  /** Along the path, and back towards it where the view was moved away. @param {number} passed milliseconds */
  _advance(passed) {
    const amount = (Number(this.controls.speed.value) * Math.LN2 * passed) / 1000;
    const { line, view, zoom, done } = this.tour.step(this, amount);
    const [right, down] = math.awayFromPath(line, view, this.aspect);
    const rest = Math.exp(-passed / RETURN);
    const { before, now } = this.sway.step(isCalm() ? undefined : this.stack?.motion, passed, this.aspect);
    const away = /** @type {const} */ ([(right - before[0]) * rest + now[0], (down - before[1]) * rest + now[1]]);
    this.setView(moves.besidePath(line, zoom, [...away], this.size), line);
    this.tour.left = this.view;
    if (done) this.pause();
  }

  /** @param {Flight} flight @param {number} passed milliseconds */
  _flyOn(flight, passed) {
    const { line, view, done } = flight.step(passed);
    this.setView(view, line);
    if (done) this.flight = null;
  }
}

/** @param {string} url */
async function loadBitmap(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return createImageBitmap(image);
}
