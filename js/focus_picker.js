// @ts-check
// A dialog in which the next level's rectangle is put on a picture: zoom factor and focus, seen. For all steps at once, or
// for one step after the other; in a tree together with the others on the same picture. Knows nothing of ComfyUI.

import { button, element } from "./dom.js";
import { clamp, holds } from "./zoom_math.js";
import { levelOfStep, ofStep, sideBySide, siblingsOf, withStep } from "./zoom_steps.js";
import { stepRect } from "./zoom_tree.js";

/**
 * @typedef {import("./zoom_steps.js").Steps} Steps
 * @typedef {import("./zoom_steps.js").Point} Point
 * @typedef {object} PickerOptions
 * @property {Steps} steps to begin with
 * @property {number} count of steps that can be chosen; 0 for one choice that all steps share
 * @property {string[]} pictures addresses of the levels, the widest first; empty for an empty frame
 * @property {(number | null)[]} [parents] of a tree, the level that shows each level; then each step has its own choice
 * @property {boolean} fixedFactor the factors are set elsewhere
 * @property {number} digits of a focus after the point
 * @property {[number, number]} limits of a factor
 * @property {string} [note] to be read first
 * @property {(steps: Steps) => void} use takes the choice when it is made
 */

const ALL = -1;
/** Levels that overlap by less, in parts of the picture, touch: as in zoomstack_core/geometry.py. */
const TOUCHING = 1e-6;
/** Of a key, with and without Shift. */
const [KEY_STEP, LARGE_KEY_STEP] = [0.01, 0.1];

export class FocusPicker {
  /** @param {PickerOptions} options */
  constructor(options) {
    this.options = options;
    this.steps = { ...options.steps };
    const several = this.steps.factors.length > 1 || this.steps.foci.length > 1;
    const { count, limits, digits, fixedFactor, note, parents } = options;
    this.step = count && (several || parents) ? 0 : ALL;
    const number = (/** @type {string} */ name, /** @type {number} */ min, /** @type {number} */ max, /** @type {number} */ step) =>
      element("input", { type: "number", "aria-label": name, min, max, step });
    this.factor = number("Zoom factor", ...limits, 0.01);
    this.factor.disabled = fixedFactor;
    this.x = number("Focus from the left", 0, 1, 10 ** -digits);
    this.y = number("Focus from the top", 0, 1, 10 ** -digits);
    this.select = element("select", { "aria-label": "Step of the zoom" });
    if (!parents) this.select.append(element("option", { value: ALL }, "All steps"));
    for (let step = 0; step < count; step++) {
      const where = parents ? `: level ${levelOfStep(step, parents) + 1} in ${this._shownIn(step) + 1}` : "";
      this.select.append(element("option", { value: step }, `Step ${step + 1} of ${count}${where}`));
    }
    this.select.value = `${this.step}`;
    this.rect = element("div", { class: "zoomstack-focus-rect", tabindex: 0, role: "application" });
    this.image = element("img", { alt: "", draggable: "false" });
    this.others = element("div", { "aria-hidden": "true" });
    this.frame = element("div", { class: "zoomstack-focus-frame" }, this.image, this.rect, this.others);
    /** From the middle of the rectangle that is dragged to the pointer. */ this.grip = [0, 0];
    this.middle = button({}, "Middle");
    this.cancel = button({}, "Cancel");
    this.useIt = element("button", { type: "submit", class: "zoomstack-focus-use" }, "Use");
    this.warning = element("p", { class: "zoomstack-focus-warning", role: "alert" });
    this.said = element("p", { class: "zoomstack-focus-said", role: "status" });
    const title = parents ? "Where the levels lie" : "Where the next level lies";
    const heading = element("div", { class: "zoomstack-focus-fields" }, element("strong", {}, title));
    if (count) heading.append(this.select);
    this.form = element(
      "form",
      { method: "dialog", novalidate: true },
      heading,
      ...(note ? [element("p", { class: "zoomstack-focus-note" }, note)] : []),
      this.frame,
      this.warning,
      element(
        "div",
        { class: "zoomstack-focus-fields" },
        element("label", {}, "Factor ", this.factor),
        element("label", {}, "x ", this.x),
        element("label", {}, "y ", this.y),
        this.middle,
        this.cancel,
        this.useIt,
      ),
      this.said,
    );
    this.dialog = element("dialog", { class: "zoomstack-focus", "aria-label": "Focus of the zoom" }, this.form);
    this._listen();
  }

  _listen() {
    this.frame.addEventListener("pointerdown", (event) => {
      this.frame.setPointerCapture(event.pointerId);
      event.preventDefault();
      this.rect.focus();
      this._grip(event);
      this._point(event);
    });
    this.frame.addEventListener("pointermove", (event) => {
      if (this.frame.hasPointerCapture(event.pointerId)) this._point(event);
    });
    this.image.addEventListener("load", () => {
      // so that all of a tall picture is to be seen
      this.frame.style.setProperty("--zoomstack-aspect", String(this.image.naturalWidth / this.image.naturalHeight));
    });
    this.rect.addEventListener("keydown", (event) => this._onKey(event));
    this.form.addEventListener("input", (event) => this._onInput(event));
    this.middle.addEventListener("click", () => this._move(0.5, 0.5));
    this.cancel.addEventListener("click", () => this.dialog.close());
    this.form.addEventListener("submit", (event) => {
      const wrong = [this.factor, this.x, this.y].find((field) => !isGood(field));
      if (!wrong) return this.options.use(this.steps);
      event.preventDefault();
      wrong.reportValidity();
    });
    this.dialog.addEventListener("keydown", (event) => event.stopPropagation()); // no shortcuts of the graph meanwhile
    this.dialog.addEventListener("close", () => this.dialog.remove());
  }

  /** Show the dialog; it removes itself when it is closed. */
  open() {
    document.body.append(this.dialog);
    this._show();
    this.dialog.showModal();
    this.rect.focus();
  }

  /** @param {number} step */
  _factorOf(step) {
    const { factors } = this.steps;
    return ofStep(factors, step) ?? factors[factors.length - 1];
  }

  /** One focus for all puts the levels of a tree beside each other. */
  get _foci() {
    const { foci } = this.steps;
    const { parents, count } = this.options;
    if (!parents || foci.length > 1) return foci;
    return sideBySide(parents, Array.from({ length: count }, (_, step) => this._factorOf(step)), foci[0]);
  }

  /** Of a step. @param {number} step @returns {{factor: number, point: Point}} */
  _of(step) {
    const foci = this._foci;
    return { factor: this._factorOf(step), point: ofStep(foci, step) ?? foci[foci.length - 1] };
  }

  /** Of the step that is shown. */
  get _now() {
    return this._of(Math.max(0, this.step));
  }

  /** @param {number} step */
  _rectOf(step) {
    const { factor, point } = this._of(step);
    return stepRect(factor, point);
  }

  /** The level on whose picture a step is chosen. @param {number} step */
  _shownIn(step) {
    const { parents } = this.options;
    return parents ? (parents[levelOfStep(step, parents)] ?? step) : Math.max(0, step);
  }

  /** The other steps on the picture of a step. @param {number} step */
  _beside(step) {
    const { parents } = this.options;
    return parents ? siblingsOf(step, parents).filter((other) => other !== step) : [];
  }

  /** The steps whose levels overlap that of a step. @param {number} step */
  _overlapping(step) {
    const mine = this._rectOf(step);
    return this._beside(step).filter((other) => {
      const rect = this._rectOf(other);
      const across = Math.min(mine.left + mine.width, rect.left + rect.width) - Math.max(mine.left, rect.left);
      const down = Math.min(mine.top + mine.height, rect.top + rect.height) - Math.max(mine.top, rect.top);
      return across > TOUCHING && down > TOUCHING;
    });
  }

  /** All levels on the picture, and which of them overlap. @param {(number | null)[]} parents */
  _showAll(parents) {
    const nameOf = (/** @type {number} */ step) => levelOfStep(step, parents) + 1;
    const name = (/** @type {HTMLElement} */ made, /** @type {number} */ step) => {
      made.textContent = `${nameOf(step)}`;
      made.classList.toggle("zoomstack-focus-overlaps", this._overlapping(step).length > 0);
      return put(made, this._rectOf(step));
    };
    name(this.rect, this.step);
    this.others.replaceChildren(
      ...this._beside(this.step).map((step) => name(element("div", { class: "zoomstack-focus-other" }), step)),
    );
    const steps = [this.step, ...Array(this.options.count).keys()];
    const wrong = steps.find((step) => this._overlapping(step).length);
    const named = wrong === undefined ? [] : [wrong, this._overlapping(wrong)[0]].map(nameOf).sort((a, b) => a - b);
    const text = wrong === undefined ? "" : `Levels ${named.join(" and ")} overlap in level ${this._shownIn(wrong) + 1}: move one.`;
    if (this.warning.textContent !== text) this.warning.textContent = text; // else it is read out again
    this.useIt.disabled = wrong !== undefined;
  }

  _show() {
    const { factor, point } = this._now;
    const { parents, pictures, count } = this.options;
    if (parents) this._showAll(parents);
    else put(this.rect, this._rectOf(Math.max(0, this.step)));
    for (const [field, value] of /** @type {const} */ ([[this.factor, factor], [this.x, point[0]], [this.y, point[1]]])) {
      if (field.value === "" || Number(field.value) !== value) field.value = String(value);
    }
    const level = this._shownIn(this.step);
    const picture = pictures[level];
    this.frame.classList.toggle("zoomstack-focus-empty", !picture);
    this.image.hidden = !picture;
    if (picture && this.image.getAttribute("src") !== picture) this.image.src = picture;
    this.image.alt = `Level ${level + 1}`;
    const keys = count ? "Arrow keys move it, Page Up and Page Down change the step." : "Arrow keys move it.";
    const what = parents ? `level ${levelOfStep(this.step, parents) + 1}` : "the next level";
    this.rect.setAttribute("aria-label", `Place of ${what}. ${keys}`);
    const step = this.step === ALL ? "" : `Step ${this.step + 1}: `;
    this.said.textContent = `${step}${factor} times, ${point[0]} from the left, ${point[1]} from the top`;
  }

  /** A focus nearer to the edge than half the rectangle would put it nowhere else.
   * @param {number} toX @param {number} toY */
  _move(toX, toY) {
    const round = 10 ** this.options.digits;
    const least = Math.floor((0.5 / this._now.factor) * round); // rounded up it would leave a gap at the edge
    const [x, y] = [toX, toY].map((to) => clamp(Math.round(to * round), least, round - least) / round);
    this._setFocus([x, y]);
  }

  /** @param {Point} point */
  _setFocus(point) {
    this.steps.foci = withStep(this._foci, this.options.count, this.step, point);
    this._show();
  }

  /** @param {number} step */
  _choose(step) {
    this.step = step;
    this.select.value = `${step}`;
    this._show();
  }

  /** Another level on the picture is taken where it is grasped; else the one that is chosen comes to the pointer.
   * @param {PointerEvent} event */
  _grip(event) {
    const [x, y] = this._placeOf(event);
    this.grip = [0, 0];
    if (holds(this._rectOf(Math.max(0, this.step)), x, y)) return;
    const other = this._beside(this.step).find((step) => holds(this._rectOf(step), x, y));
    if (other === undefined) return;
    this._choose(other);
    const { left, top, width, height } = this._rectOf(other);
    this.grip = [x - left - width / 2, y - top - height / 2];
  }

  /** @param {PointerEvent} event @returns {Point} */
  _placeOf({ clientX, clientY }) {
    const box = this.frame.getBoundingClientRect();
    return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
  }

  /** @param {PointerEvent} event */
  _point(event) {
    const [x, y] = this._placeOf(event);
    this._move(x - this.grip[0], y - this.grip[1]);
  }

  /** @param {KeyboardEvent} event */
  _onKey(event) {
    const by = event.shiftKey ? LARGE_KEY_STEP : KEY_STEP;
    const ways = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
    const way = ways[/** @type {keyof typeof ways} */ (event.key)];
    const turn = event.key === "PageUp" ? -1 : event.key === "PageDown" ? 1 : 0;
    if (way) this._move(this._now.point[0] + way[0], this._now.point[1] + way[1]);
    else if (turn && this.options.count) this._choose(clamp(this.step + turn, 0, this.options.count - 1));
    else return;
    event.preventDefault();
  }

  /** @param {Event} event */
  _onInput(event) {
    const { target } = event;
    if (target === this.select) this._choose(Number(this.select.value));
    else if (!isGood(/** @type {HTMLInputElement} */ (target))) return;
    else if (target === this.factor) {
      this.steps.factors = withStep(this.steps.factors, this.options.count, this.step, Number(this.factor.value));
      this._show();
    } else this._setFocus([Number(this.x.value), Number(this.y.value)]);
  }
}

/** @param {HTMLElement} made @param {import("./zoom_tree.js").Rect} rect in parts of what it is in */
function put(made, rect) {
  for (const side of /** @type {const} */ (["left", "top", "width", "height"])) made.style[side] = `${rect[side] * 100}%`;
  return made;
}

/** Whether a field holds a number within its limits; one with more digits is as good. @param {HTMLInputElement} field */
function isGood({ value, validity }) {
  return value !== "" && !validity.badInput && !validity.rangeOverflow && !validity.rangeUnderflow;
}
