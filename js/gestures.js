// @ts-check
// Wheel, drag, pinch and double click on an element, told as zooms and moves. Nothing here knows what is shown.

/**
 * @typedef {object} GestureTarget
 * @property {(amount: number, atX: number, atY: number, free: boolean) => void} wheelBy magnify by e^amount with the
 * pointer at a point, given as parts of the element's width and height; `free` where a key or a button is held, which
 * asks for just this point
 * @property {(amount: number, atX: number, atY: number) => void} doubleClick magnify by e^amount at a point
 * @property {() => void} pinchBegins a second finger is put down
 * @property {(amount: number, atX: number, atY: number, right: number, down: number) => void} pinchBy magnify by e^amount
 * at the middle of two fingers, which has moved
 * @property {(right: number, down: number) => void} panBy move the picture by parts of the element's width and height
 * @property {(event: WheelEvent) => boolean} ownsWheel whether a turn of the wheel is meant for the element
 */

/** ln of the magnification per pixel of wheel travel; a notch of a mouse wheel is 100 to 120 pixels. */
const PER_WHEEL_PIXEL = 0.0025;
/** A pinch on a trackpad comes as wheel events with Ctrl, of few pixels. */
const PER_PINCH_PIXEL = 0.01;
const LINE = 16;
const PAGE = 400;
const DOUBLE_CLICK = Math.LN2;

/** @param {HTMLElement} element @param {GestureTarget} target @param {AbortSignal} signal */
export function listenToGestures(element, target, signal) {
  /** Fingers or the mouse button that are down. @type {Map<number, {x: number, y: number}>} */
  const pointers = new Map();

  /** @param {number} x @param {number} y of the page @returns {[number, number]} */
  const place = (x, y) => {
    const box = element.getBoundingClientRect();
    return [(x - box.left) / box.width, (y - box.top) / box.height];
  };

  element.addEventListener(
    "wheel",
    (event) => {
      if (!target.ownsWheel(event)) return;
      event.preventDefault();
      event.stopPropagation();
      const unit = [1, LINE, PAGE][event.deltaMode] ?? 1;
      const turn = event.shiftKey ? event.deltaY || event.deltaX : event.deltaY; // browsers turn it sideways with Shift
      const speed = event.ctrlKey && Math.abs(turn) < 50 ? PER_PINCH_PIXEL : PER_WHEEL_PIXEL;
      const free = event.shiftKey || pointers.size > 0;
      target.wheelBy(-turn * unit * speed, ...place(event.clientX, event.clientY), free);
    },
    { signal, passive: false },
  );

  element.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0 || pointers.size === 2) return;
      element.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (pointers.size === 2) target.pinchBegins();
      event.stopPropagation();
    },
    { signal },
  );

  element.addEventListener(
    "pointermove",
    (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      event.stopPropagation();
      const now = { x: event.clientX, y: event.clientY };
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, now);
      const [fromX, fromY] = place(before.x, before.y);
      const [toX, toY] = place(now.x, now.y);
      if (!other) {
        target.panBy(fromX - toX, fromY - toY);
        return;
      }
      // two fingers: their middle moves by half of what one moves
      const middle = place((now.x + other.x) / 2, (now.y + other.y) / 2);
      const apart = Math.hypot(now.x - other.x, now.y - other.y);
      const wasApart = Math.hypot(before.x - other.x, before.y - other.y);
      const amount = apart > 0 && wasApart > 0 ? Math.log(apart / wasApart) : 0;
      target.pinchBy(amount, ...middle, (fromX - toX) / 2, (fromY - toY) / 2);
    },
    { signal },
  );

  for (const name of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
    element.addEventListener(name, (event) => void pointers.delete(event.pointerId), { signal });
  }

  element.addEventListener(
    "dblclick",
    (event) => {
      event.preventDefault();
      event.stopPropagation();
      target.doubleClick(event.shiftKey ? -DOUBLE_CLICK : DOUBLE_CLICK, ...place(event.clientX, event.clientY));
    },
    { signal },
  );
}
