// @ts-check
// Wheel, drag, pinch and double click on an element, told as zooms and moves. Nothing here knows what is shown.

/**
 * @typedef {object} GestureTarget
 * @property {(amount: number, atX: number, atY: number, smooth: boolean) => void} zoomBy magnify by e^amount, around a
 * point given as parts of the element's width and height
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
      const speed = event.ctrlKey && Math.abs(event.deltaY) < 50 ? PER_PINCH_PIXEL : PER_WHEEL_PIXEL;
      target.zoomBy(-event.deltaY * unit * speed, ...place(event.clientX, event.clientY), true);
    },
    { signal, passive: false },
  );

  element.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0 || pointers.size === 2) return;
      element.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
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
      target.panBy((fromX - toX) / 2, (fromY - toY) / 2);
      const apart = Math.hypot(now.x - other.x, now.y - other.y);
      const wasApart = Math.hypot(before.x - other.x, before.y - other.y);
      if (apart > 0 && wasApart > 0) target.zoomBy(Math.log(apart / wasApart), ...middle, false);
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
      target.zoomBy(event.shiftKey ? -DOUBLE_CLICK : DOUBLE_CLICK, ...place(event.clientX, event.clientY), true);
    },
    { signal },
  );
}
