// @ts-check
// The explorer: a picture of a zoom stack to zoom, move and play. Knows nothing of ComfyUI; an exported page uses it too.

import { listenToGestures } from "./gestures.js";
import { LevelPainter } from "./level_painter.js";
import { element, ViewerControls } from "./viewer_controls.js";
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
const KEY_ZOOM = Math.LN2 / 4;
const KEY_PAN = 0.1;
const MOST_PIXELS_PER_CSS_PIXEL = 4;
/** Without a graphics card a large picture takes long to draw: while it moves it then has this part of its width and
 * height in pixels, so that a frame takes at most DRAW_TIME milliseconds. At rest it always has all of them. */
const DETAILS = [1, 0.7, 0.5, 0.35];
const DRAW_TIME = 14;
/** As many pixels are always drawn: if those take long, it is the page around them that does. */
const FEWEST_PIXELS = 500 ** 2;

export class ZoomViewer {
  /** @param {ViewerOptions} options */
  constructor(options = {}) {
    this.options = options;
    /** @type {Stack | null} */ this.stack = null;
    /** @type {math.View} */ this.view = { zoom: 0, x: 0.5, y: 0.5 };
    /** @type {LevelPainter | null} */ this.painter = null;
    this.playing = false;
    /** How often the picture was drawn. */ this.frames = 0;
    /** What is left of a turn of the wheel. */ this.glide = { amount: 0, atX: 0.5, atY: 0.5 };
    /** Milliseconds that a frame takes while the picture moves, about. */ this.cost = 0;
    /** Of DETAILS. */ this.detail = 0;
    this.drawnAt = 0;
    // A canvas is painted after the script that draws on it has ended: only a message that comes then tells how long.
    this.afterFrame = new MessageChannel();
    this.afterFrame.port1.onmessage = () => this._chooseDetail(performance.now() - this.drawnAt);
    this.loading = 0;
    this.request = 0;
    this.lastTick = 0;

    this.canvas = element("canvas", { role: "img", "aria-label": "The zoom" });
    this.message = element("div", { class: "zoomstack-message", role: "status" });
    this.controls = new ViewerControls();
    this.controls.save.hidden = !options.save;
    this.picture = element("div", { class: "zoomstack-picture" }, this.canvas, this.message, this.controls.caption);
    this.note = element("div", { class: "zoomstack-note", role: "status" });
    this.root = element(
      "div",
      // Nodes 2.0 gives the wheel to an element with this attribute, while it has the focus
      { class: "zoomstack-viewer", tabindex: "0", role: "group", "aria-label": "Zoom explorer", "data-capture-wheel": "true" },
      this.picture,
      this.controls.bar,
      this.note,
    );
    this.say("Run the workflow to explore the zoom here.");
    this.closing = new AbortController();
    this._listen(this.closing.signal);
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

  get aspect() {
    return this.canvas.clientWidth / this.canvas.clientHeight || 1;
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
    this._setView(math.limited(this.stack.geometry, math.pathView(this.stack.geometry, zoom, this.aspect), this.aspect));
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

  async toggleFullScreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.root.requestFullscreen();
    this.root.focus({ preventScroll: true });
  }

  close() {
    this.pause();
    this.loading++;
    cancelAnimationFrame(this.request);
    this.closing.abort();
    this.afterFrame.port1.close();
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
    const least = Math.min(full, Math.sqrt(FEWEST_PIXELS / (width * height)));
    const ratio = moving ? Math.max(full * DETAILS[this.detail], least) : full;
    const pixels = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
    if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
    const target = canvas.getContext("2d", { alpha: false }); // opaque: much less work for the page around it
    if (!target) return;
    this.drawnAt = performance.now();
    painter.paint(target, math.layoutLevels(stack.geometry, this.view, pixels[0], pixels[1]));
    if (moving) this.afterFrame.port2.postMessage(0);
    this.frames++;
    const place = math.logMagnification(stack.geometry, this.view.zoom);
    const level = math.clamp(Math.round(this.view.zoom), 0, stack.urls.length - 1);
    this.controls.showPlace(place, this._describe(level, place));
  }

  /** Fewer pixels if frames take too long, more if those would not. @param {number} passed milliseconds for a frame */
  _chooseDetail(passed) {
    this.cost += 0.2 * (passed - this.cost);
    const cheaper = DETAILS[this.detail + 1];
    const finer = DETAILS[this.detail - 1];
    const step = this.cost > DRAW_TIME && cheaper ? cheaper : finer;
    if (!step) return;
    const cost = this.cost * (step / DETAILS[this.detail]) ** 2;
    if (step === finer && cost > 0.7 * DRAW_TIME) return;
    this.detail = DETAILS.indexOf(step);
    this.cost = cost;
  }

  /** @param {number} level @param {number} [magnification] ln of it */
  _describe(level, magnification) {
    const { geometry, urls, prompts } = /** @type {Stack} */ (this.stack);
    const size = math.magnificationText(magnification ?? math.logMagnification(geometry, level));
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

  /** The element has another size: the whole stays the whole, any other view keeps its center. */
  _fitToSize() {
    if (!this.stack || !this.canvas.clientHeight) return;
    const { geometry } = this.stack;
    const wasWhole = this.view.zoom <= math.lowestZoom(geometry, this.shape) + 1e-6;
    this.shape = this.aspect;
    const zoom = wasWhole ? math.lowestZoom(geometry, this.aspect) : this.view.zoom;
    this.view = wasWhole
      ? math.pathView(geometry, zoom, this.aspect)
      : math.limited(geometry, this.view, this.aspect);
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
    const { view, aspect } = this;
    const [width, height] = math.viewSize(geometry, view.zoom, aspect);
    const before = math.pathView(geometry, view.zoom, aspect);
    const speed = Number(this.controls.speed.value) * Math.LN2;
    const zoom = Math.min(math.magnified(geometry, view.zoom, (speed * passed) / 1000), geometry.factors.length);
    const path = math.pathView(geometry, zoom, aspect);
    const rest = Math.exp(-passed / RETURN);
    const size = math.viewSize(geometry, zoom, aspect);
    const away = [(view.x - before.x) / width, (view.y - before.y) / height];
    this.view = { zoom, x: path.x + away[0] * rest * size[0], y: path.y + away[1] * rest * size[1] };
    this.view = math.limited(geometry, this.view, aspect);
    if (zoom >= geometry.factors.length) this.pause();
  }

  /** @param {number} passed milliseconds */
  _glideOn(passed) {
    const { glide } = this;
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const part = calm || Math.abs(glide.amount) < 0.002 ? 1 : 1 - Math.exp(-passed / GLIDE);
    const amount = glide.amount * part;
    glide.amount = part === 1 ? 0 : glide.amount - amount;
    this._magnify(amount, glide.atX, glide.atY);
  }

  /** @param {number} amount @param {number} atX @param {number} atY */
  _magnify(amount, atX, atY) {
    if (!this.stack) return;
    const { geometry } = this.stack;
    this._setView(math.zoomedAt(geometry, this.view, math.magnified(geometry, this.view.zoom, amount), atX, atY, this.aspect));
  }

  /** @param {AbortSignal} signal */
  _listen(signal) {
    const { canvas, controls, root } = this;
    // in the capture phase: the picture keeps the event to itself, so that the graph does not move the node
    const focus = () => {
      if (!root.contains(document.activeElement)) root.focus({ preventScroll: true });
    };
    this.picture.addEventListener("pointerdown", focus, { signal, capture: true });
    root.addEventListener("keydown", (event) => this._onKey(event), { signal });
    listenToGestures(
      canvas,
      {
        zoomBy: (amount, atX, atY, smooth) => {
          this.pause();
          if (smooth) this.glide = { amount: this.glide.amount + amount, atX, atY };
          else this._magnify(amount, atX, atY);
          this._tickSoon();
        },
        panBy: (right, down) => {
          this.pause();
          this.glide.amount = 0;
          if (this.stack) this._setView(math.panned(this.stack.geometry, this.view, right, down, this.aspect));
        },
        ownsWheel: (event) => this._ownsWheel(event),
      },
      signal,
    );
    controls.bar.addEventListener("wheel", (event) => void this._ownsWheel(event), { signal, passive: false });
    controls.slider.addEventListener(
      "input",
      () => {
        this.pause();
        if (this.stack) this.goTo(math.zoomAtLog(this.stack.geometry, Number(controls.slider.value)));
      },
      { signal },
    );
    controls.play.addEventListener("click", () => this.toggle(), { signal });
    controls.fit.addEventListener("click", () => this.fit(), { signal });
    controls.full.addEventListener("click", () => void this.toggleFullScreen(), { signal });
    controls.save.addEventListener("click", () => this.options.save?.(), { signal });
    canvas.addEventListener("pointerenter", () => this.draw(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden && this.pause(), { signal });
  }

  /** Whether a turn of the wheel is for the viewer; if not, it is passed on. @param {WheelEvent} event */
  _ownsWheel(event) {
    const { giveWheel } = this.options;
    if (!giveWheel) return this.stack !== null;
    const focused = this.root.contains(document.activeElement);
    const owns = this.stack !== null && (document.fullscreenElement === this.root || (focused && !event.ctrlKey && !event.metaKey));
    if (!owns) giveWheel(event);
    return owns;
  }

  /** @param {KeyboardEvent} event */
  _onKey(event) {
    if (!this.stack || event.ctrlKey || event.metaKey || event.altKey) return;
    const inControl = event.target !== this.root;
    const level = Math.round(this.view.zoom);
    /** @type {Record<string, (() => void) | undefined>} */
    const anywhere = {
      "+": () => this._magnify(KEY_ZOOM, 0.5, 0.5),
      "=": () => this._magnify(KEY_ZOOM, 0.5, 0.5),
      "-": () => this._magnify(-KEY_ZOOM, 0.5, 0.5),
      PageDown: () => this.goTo(Math.floor(this.view.zoom + 1 + 1e-6)),
      PageUp: () => this.goTo(Math.ceil(this.view.zoom - 1 - 1e-6)),
      0: () => this.fit(),
      f: () => void (this.controls.full.hidden || this.toggleFullScreen()),
    };
    /** @type {Record<string, (() => void) | undefined>} */
    const onPicture = {
      ArrowLeft: () => this._pan(-KEY_PAN, 0),
      ArrowRight: () => this._pan(KEY_PAN, 0),
      ArrowUp: () => this._pan(0, -KEY_PAN),
      ArrowDown: () => this._pan(0, KEY_PAN),
      Home: () => this.goTo(0),
      End: () => this.goTo(this.stack ? this.stack.urls.length - 1 : level),
      " ": () => this.toggle(),
      Escape: () => this.root.blur(),
    };
    const action = anywhere[event.key] ?? (inControl ? undefined : onPicture[event.key]);
    if (action) {
      if (event.key !== " ") this.pause();
      action();
      event.preventDefault();
    }
    // keys that a control of the bar takes by itself are not the graph's either
    if (action || (inControl && /^(Arrow|Home|End| |Enter)/.test(event.key))) event.stopPropagation();
  }

  /** @param {number} right @param {number} down */
  _pan(right, down) {
    if (this.stack) this._setView(math.panned(this.stack.geometry, this.view, right, down, this.aspect));
  }
}

/** @param {string} url */
async function loadBitmap(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return createImageBitmap(image);
}
