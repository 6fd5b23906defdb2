// @ts-check
// A dialog in which the next level's rectangle is put on a picture: zoom factor and focus, seen. For all steps at once, or
// for one step after the other. Knows nothing of ComfyUI.

import { button, element } from "./dom.js";
import { clamp, innerRect } from "./zoom_math.js";
import { ofStep, withStep } from "./zoom_steps.js";

/**
 * @typedef {import("./zoom_steps.js").Steps} Steps
 * @typedef {object} PickerOptions
 * @property {Steps} steps to begin with
 * @property {number} count of steps that can be chosen; 0 for one choice that all steps share
 * @property {string[]} pictures addresses of the levels, the widest first; empty for an empty frame
 * @property {boolean} fixedFactor the factors are set elsewhere
 * @property {number} digits of a focus after the point
 * @property {[number, number]} limits of a factor
 * @property {string} [note] to be read first
 * @property {(steps: Steps) => void} use takes the choice when it is made
 */

const ALL = -1;
/** Of a key, with and without Shift. */
const [KEY_STEP, LARGE_KEY_STEP] = [0.01, 0.1];

export class FocusPicker {
  /** @param {PickerOptions} options */
  constructor(options) {
    this.options = options;
    this.steps = { ...options.steps };
    const several = this.steps.factors.length > 1 || this.steps.foci.length > 1;
    this.step = options.count && several ? 0 : ALL;
    const { count, limits, digits, fixedFactor, note } = options;
    const number = (/** @type {string} */ name, /** @type {number} */ min, /** @type {number} */ max, /** @type {number} */ step) =>
      element("input", { type: "number", "aria-label": name, min, max, step });
    this.factor = number("Zoom factor", ...limits, 0.01);
    this.factor.disabled = fixedFactor;
    this.x = number("Focus from the left", 0, 1, 10 ** -digits);
    this.y = number("Focus from the top", 0, 1, 10 ** -digits);
    this.select = element("select", { "aria-label": "Step of the zoom" }, element("option", { value: ALL }, "All steps"));
    for (let step = 0; step < count; step++) {
      this.select.append(element("option", { value: step }, `Step ${step + 1} of ${count}`));
    }
    this.select.value = `${this.step}`;
    this.rect = element("div", { class: "zoomstack-focus-rect", tabindex: 0, role: "application" });
    this.image = element("img", { alt: "", draggable: "false" });
    this.frame = element("div", { class: "zoomstack-focus-frame" }, this.image, this.rect);
    this.middle = button({}, "Middle");
    this.cancel = button({}, "Cancel");
    const use = element("button", { type: "submit", class: "zoomstack-focus-use" }, "Use");
    this.said = element("p", { class: "zoomstack-focus-said", role: "status" });
    const heading = element("div", { class: "zoomstack-focus-fields" }, element("strong", {}, "Where the next level lies"));
    if (count) heading.append(this.select);
    this.form = element(
      "form",
      { method: "dialog", novalidate: true },
      heading,
      ...(note ? [element("p", { class: "zoomstack-focus-note" }, note)] : []),
      this.frame,
      element(
        "div",
        { class: "zoomstack-focus-fields" },
        element("label", {}, "Factor ", this.factor),
        element("label", {}, "x ", this.x),
        element("label", {}, "y ", this.y),
        this.middle,
        this.cancel,
        use,
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

  /** Of the step that is shown. @returns {{factor: number, point: import("./zoom_steps.js").Point}} */
  get _now() {
    const { factors, foci } = this.steps;
    const step = Math.max(0, this.step);
    return { factor: ofStep(factors, step) ?? factors[factors.length - 1], point: ofStep(foci, step) ?? foci[foci.length - 1] };
  }

  _show() {
    const { factor, point } = this._now;
    const inner = innerRect({ height: 1, width: 1, factors: [factor], foci: [point] }, 0);
    for (const side of /** @type {const} */ (["left", "top", "width", "height"])) {
      this.rect.style[side] = `${inner[side] * 100}%`;
    }
    for (const [field, value] of /** @type {const} */ ([[this.factor, factor], [this.x, point[0]], [this.y, point[1]]])) {
      if (field.value === "" || Number(field.value) !== value) field.value = String(value);
    }
    const picture = this.options.pictures[Math.max(0, this.step)];
    this.frame.classList.toggle("zoomstack-focus-empty", !picture);
    this.image.hidden = !picture;
    if (picture && this.image.getAttribute("src") !== picture) this.image.src = picture;
    this.image.alt = `Level ${Math.max(0, this.step) + 1}`;
    const keys = this.options.count ? "Arrow keys move it, Page Up and Page Down change the step." : "Arrow keys move it.";
    this.rect.setAttribute("aria-label", `Place of the next level. ${keys}`);
    const step = this.step === ALL ? "" : `Step ${this.step + 1}: `;
    this.said.textContent = `${step}${factor} times, ${point[0]} from the left, ${point[1]} from the top`;
  }

  /** A focus nearer to the edge than half the rectangle would put it nowhere else.
   * @param {number} toX @param {number} toY */
  _move(toX, toY) {
    const half = 0.5 / this._now.factor;
    const round = 10 ** this.options.digits;
    const [x, y] = [toX, toY].map((to) => Math.round(clamp(to, half, 1 - half) * round) / round);
    this._setFocus([x, y]);
  }

  /** @param {import("./zoom_steps.js").Point} point */
  _setFocus(point) {
    this.steps.foci = withStep(this.steps.foci, this.options.count, this.step, point);
    this._show();
  }

  /** @param {number} step */
  _choose(step) {
    this.step = step;
    this.select.value = `${step}`;
    this._show();
  }

  /** @param {PointerEvent} event */
  _point(event) {
    const box = this.frame.getBoundingClientRect();
    this._move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
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

/** Whether a field holds a number within its limits; one with more digits is as good. @param {HTMLInputElement} field */
function isGood({ value, validity }) {
  return value !== "" && !validity.badInput && !validity.rangeOverflow && !validity.rangeUnderflow;
}
