// @ts-check
// Rows of a list dragged by their handles, with mouse, pen or finger. Knows nothing of prompts or of ComfyUI.

/**
 * @typedef {object} DragOptions
 * @property {string} handle the selector of what rows are dragged by
 * @property {(row: number) => Iterable<number>} moving the rows that move with a row, itself among them
 * @property {(row: number, over: number, below: boolean) => {gap: number, into: number | null} | null} landing where a row
 * lands that is dropped on another one, or on its lower half: above which row, and perhaps which one it becomes a part of
 * @property {(row: number, over: number, below: boolean, byTouch: boolean) => void} drop called where it lands somewhere
 */

/** Of the list's edges, in pixels of the page: so near to them it scrolls, and so far per millisecond at most. */
const [EDGE, SPEED] = [28, 0.6];
const [MOVING, ABOVE, BELOW, INTO] = ["moving", "above", "below", "into"].map((name) => `zoomstack-rows-${name}`);

export class RowDrag {
  /** @param {HTMLElement} list whose children are the rows @param {DragOptions} options */
  constructor(list, options) {
    this.list = list;
    this.options = options;
    /** @type {{row: number, pointer: number, touch: boolean, y: number, over: number, below: boolean} | null} */
    this.drag = null;
    this.request = this.lastTick = 0;
    list.addEventListener("pointerdown", (event) => this._start(event));
    list.addEventListener("pointermove", (event) => this._follow(event));
    list.addEventListener("pointerup", (event) => this._drop(event));
    // also where the browser takes the pointer for something else
    list.addEventListener("lostpointercapture", () => this.cancel());
    this.onKey = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      this.cancel();
    };
  }

  /** Leave everything where it is. */
  cancel() {
    if (!this.drag) return;
    const { pointer } = this.drag;
    this.drag = null;
    this._mark();
    cancelAnimationFrame(this.request);
    removeEventListener("keydown", this.onKey, { capture: true });
    if (this.list.hasPointerCapture(pointer)) this.list.releasePointerCapture(pointer);
  }

  /** @param {PointerEvent} event */
  _start(event) {
    const target = /** @type {Element} */ (event.target);
    if (!target.closest(this.options.handle)) return;
    event.stopPropagation(); // the node would move
    event.preventDefault(); // nor is text selected
    if (this.drag || event.button) return;
    const row = [...this.list.children].indexOf(/** @type {Element} */ (target.closest("li")));
    const { pointerId: pointer, pointerType, clientY: y } = event;
    this.drag = { row, pointer, touch: pointerType === "touch", y, over: row, below: false };
    this.list.setPointerCapture(pointer);
    addEventListener("keydown", this.onKey, { capture: true });
    this.lastTick = performance.now();
    this.request = requestAnimationFrame((now) => this._tick(now));
    this._mark();
  }

  /** @param {PointerEvent} event */
  _follow({ pointerId, clientY }) {
    if (this.drag?.pointer !== pointerId) return;
    this.drag.y = clientY;
    this._aim();
  }

  /** @param {PointerEvent} event */
  _drop(event) {
    if (this.drag?.pointer !== event.pointerId) return;
    this._follow(event);
    const { row, over, below, touch } = this.drag;
    this.cancel();
    if (this.options.landing(row, over, below)) this.options.drop(row, over, below, touch);
  }

  /** The row under the pointer, or the one that is nearest to it. */
  _aim() {
    if (!this.drag) return;
    const { y } = this.drag;
    const boxes = [...this.list.children].map((item) => item.getBoundingClientRect());
    const found = boxes.findIndex(({ bottom }) => y < bottom);
    const over = found < 0 ? boxes.length - 1 : found;
    const below = y > (boxes[over].top + boxes[over].bottom) / 2;
    if (over === this.drag.over && below === this.drag.below) return;
    Object.assign(this.drag, { over, below });
    this._mark();
  }

  /** Show what moves, and where it lands. */
  _mark() {
    const items = [...this.list.children];
    for (const item of items) item.classList.remove(MOVING, ABOVE, BELOW, INTO);
    this.list.classList.toggle("zoomstack-rows-dragging", this.drag !== null);
    if (!this.drag) return;
    const { row, over, below } = this.drag;
    for (const other of this.options.moving(row)) items[other].classList.add(MOVING);
    const landing = this.options.landing(row, over, below);
    if (!landing) return;
    if (landing.gap < items.length) items[landing.gap].classList.add(ABOVE);
    else items[items.length - 1].classList.add(BELOW);
    if (landing.into !== null) items[landing.into].classList.add(INTO);
  }

  /** Scroll while the pointer is near the edges of the list. @param {number} now */
  _tick(now) {
    if (!this.drag) return;
    const { top, bottom } = this.list.getBoundingClientRect();
    const { y } = this.drag;
    const push = Math.max(0, y - (bottom - EDGE)) - Math.max(0, top + EDGE - y);
    const passed = Math.min(now - this.lastTick, 100);
    this.lastTick = now;
    if (push) {
      this.list.scrollTop += Math.max(-1, Math.min(1, push / EDGE)) * SPEED * passed;
      this._aim();
    }
    this.request = requestAnimationFrame((next) => this._tick(next));
  }
}
