// @ts-check
// A dialog in which the next level's rectangle is put on a picture: zoom factor and focus, seen. Knows nothing of ComfyUI.

import { element } from "./viewer_controls.js";
import { clamp, innerRect } from "./zoom_math.js";

/**
 * @typedef {{factor: number, x: number, y: number}} Choice
 * @typedef {object} PickerOptions
 * @property {Choice} choice to begin with
 * @property {string | null} picture address of the level on which the next one is put; null for an empty frame
 * @property {boolean} fixedFactor the factor is set elsewhere
 * @property {(choice: Choice) => void} use takes the choice when it is made
 */

const KEY_STEP = 0.01;
const LARGE_KEY_STEP = 0.1;
/** Of the factor, as in the nodes. */
const [LOWEST, HIGHEST] = [1.01, 64];

/** @param {PickerOptions} options @returns {HTMLDialogElement} open; it removes itself when it is closed */
export function openFocusPicker({ choice, picture, fixedFactor, use }) {
  const now = { ...choice };
  const number = (/** @type {string} */ name, /** @type {Record<string, string>} */ limits) =>
    element("input", { type: "number", "aria-label": name, ...limits });
  const factor = number("Zoom factor", { min: String(LOWEST), max: String(HIGHEST), step: "0.01" });
  factor.disabled = fixedFactor;
  const x = number("Focus from the left", { min: "0", max: "1", step: "0.01" });
  const y = number("Focus from the top", { min: "0", max: "1", step: "0.01" });
  const rect = element("div", { class: "zoomstack-focus-rect", tabindex: "0", role: "application" });
  const frame = element("div", { class: "zoomstack-focus-frame" }, rect);
  if (picture) frame.prepend(element("img", { src: picture, alt: "The wider level", draggable: "false" }));
  else frame.classList.add("zoomstack-focus-empty");
  const middle = element("button", { type: "button" }, "Middle");
  const cancel = element("button", { type: "button" }, "Cancel");
  const done = element("button", { type: "submit", class: "zoomstack-focus-use" }, "Use");
  const form = element(
    "form",
    { method: "dialog" },
    element("strong", {}, "Where the next level lies"),
    frame,
    element(
      "div",
      { class: "zoomstack-focus-fields" },
      element("label", {}, "Factor ", factor),
      element("label", {}, "x ", x),
      element("label", {}, "y ", y),
      middle,
      cancel,
      done,
    ),
  );
  const dialog = element("dialog", { class: "zoomstack-focus", "aria-label": "Focus of the zoom" }, form);

  const show = () => {
    const inner = innerRect({ height: 1, width: 1, factors: [now.factor], foci: [[now.x, now.y]] }, 0);
    for (const side of /** @type {const} */ (["left", "top", "width", "height"])) rect.style[side] = `${inner[side] * 100}%`;
    for (const [field, value] of /** @type {const} */ ([[factor, now.factor], [x, now.x], [y, now.y]])) {
      if (Number(field.value) !== value) field.value = String(value);
    }
    rect.setAttribute("aria-label", `Next level at ${now.x} from the left, ${now.y} from the top. Arrow keys move it.`);
  };
  // a focus nearer to the edge than half the rectangle would put it nowhere else
  const move = (/** @type {number} */ toX, /** @type {number} */ toY) => {
    const half = 0.5 / now.factor;
    [now.x, now.y] = [toX, toY].map((to) => Math.round(clamp(to, half, 1 - half) * 100) / 100);
    show();
  };

  const point = (/** @type {PointerEvent} */ event) => {
    const box = frame.getBoundingClientRect();
    move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  };
  frame.addEventListener("pointerdown", (event) => {
    frame.setPointerCapture(event.pointerId);
    event.preventDefault();
    rect.focus();
    point(event);
  });
  frame.addEventListener("pointermove", (event) => frame.hasPointerCapture(event.pointerId) && point(event));
  rect.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? LARGE_KEY_STEP : KEY_STEP;
    const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const way = ways[/** @type {keyof typeof ways} */ (event.key)];
    if (!way) return;
    event.preventDefault();
    move(now.x + way[0], now.y + way[1]);
  });
  form.addEventListener("input", () => {
    const values = [factor, x, y].map((field) => (field.checkValidity() && field.value !== "" ? Number(field.value) : NaN));
    if (values.some(Number.isNaN)) return;
    [now.factor, now.x, now.y] = values;
    show();
  });
  middle.addEventListener("click", () => move(0.5, 0.5));
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", () => use(now));
  dialog.addEventListener("keydown", (event) => event.stopPropagation()); // no shortcuts of the graph meanwhile
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  show();
  dialog.showModal();
  return dialog;
}
