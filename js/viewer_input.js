// @ts-check
// What a person does with the explorer, told to it: gestures on the picture, keys, and the controls of its bar.

import { listenToGestures } from "./gestures.js";
import { logMagnification, zoomAtLog } from "./zoom_math.js";

/** @typedef {import("./viewer.js").ZoomViewer} ZoomViewer */

const HOW_TO_LOOK = "Scrolling follows the zoom. To look elsewhere, drag, or hold Shift while scrolling.";
const KEY_ZOOM = Math.LN2 / 4;
const KEY_PAN = 0.1;

/** @param {ZoomViewer} viewer @param {AbortSignal} signal that ends it */
export function listenToInput(viewer, signal) {
  const { root } = viewer;
  // in the capture phase: the picture keeps the event to itself, so that the graph does not move the node
  const begin = () => {
    viewer.flight = null;
    if (!root.contains(document.activeElement)) root.focus({ preventScroll: true });
  };
  viewer.picture.addEventListener("pointerdown", begin, { signal, capture: true });
  root.addEventListener("keydown", (event) => onKey(viewer, event), { signal });
  document.addEventListener("visibilitychange", () => document.hidden && viewer.pause(), { signal });
  listenToPicture(viewer, signal);
  listenToBar(viewer, signal);
}

/** @param {ZoomViewer} viewer @param {AbortSignal} signal */
function listenToPicture(viewer, signal) {
  const { hand } = viewer;
  /** Whether two fingers zoom where they are, and not along the path. */
  let freePinch = false;
  viewer.canvas.addEventListener("pointerenter", () => viewer.draw(), { signal });
  listenToGestures(
    viewer.canvas,
    {
      wheelBy: (amount, atX, atY, free) => {
        viewer.hintOnce(HOW_TO_LOOK);
        hand.glideBy(amount, atX, atY, free || hand.isFree(amount, atX, atY));
      },
      doubleClick: (amount, atX, atY) => {
        hand.glideBy(amount, atX, atY, hand.isFree(amount, atX, atY) || (amount > 0 && !hand.isOnNext(atX, atY)));
      },
      pinchBegins: () => {
        freePinch = hand.isFree(1, 0.5, 0.5);
      },
      pinchBy: (amount, atX, atY, right, down) => {
        viewer.rest();
        if (freePinch) hand.pan(right, down);
        hand.magnify(amount, atX, atY, freePinch && amount > 0);
      },
      panBy: (right, down) => {
        viewer.rest();
        hand.pan(right, down);
      },
      ownsWheel: (event) => ownsWheel(viewer, event),
    },
    signal,
  );
}

/** @param {ZoomViewer} viewer @param {AbortSignal} signal */
function listenToBar(viewer, signal) {
  const { bar, slider, play, fit, full, save } = viewer.controls;
  const passWheel = (/** @type {WheelEvent} */ event) => void ownsWheel(viewer, event);
  bar.addEventListener("wheel", passWheel, { signal, passive: false });
  viewer.map.root.addEventListener("wheel", passWheel, { signal, passive: false });
  slider.addEventListener(
    "input",
    () => {
      viewer.pause();
      const { line } = viewer;
      if (viewer.stack) viewer.goTo(zoomAtLog(line, logMagnification(line, line.first) + Number(slider.value)) - line.first);
    },
    { signal },
  );
  play.addEventListener("click", () => viewer.toggle(), { signal });
  fit.addEventListener("click", () => viewer.fit(), { signal });
  full.addEventListener("click", () => void viewer.toggleFullScreen(), { signal });
  save.addEventListener("click", () => viewer.options.save?.(), { signal });
}

/** Whether a turn of the wheel is for the viewer; if not, it is passed on.
 * @param {ZoomViewer} viewer @param {WheelEvent} event */
function ownsWheel({ options, root, stack }, event) {
  if (!options.giveWheel) return stack !== null;
  const focused = root.contains(document.activeElement);
  const owns = stack !== null && (document.fullscreenElement === root || (focused && !event.ctrlKey && !event.metaKey));
  if (!owns) options.giveWheel(event);
  return owns;
}

/** @param {ZoomViewer} viewer @param {KeyboardEvent} event */
function onKey(viewer, event) {
  const { stack, zoom, flight, hand } = viewer;
  if (!stack || event.ctrlKey || event.metaKey || event.altKey) return;
  const inControl = event.target !== viewer.root;
  const deeper = () => hand.magnify(KEY_ZOOM, 0.5, 0.5, hand.isFree(1, 0.5, 0.5));
  /** @type {Record<string, (() => void) | undefined>} */
  const anywhere = {
    "+": deeper,
    "=": deeper,
    "-": () => hand.magnify(-KEY_ZOOM, 0.5, 0.5, false),
    PageDown: () => viewer.goTo(Math.floor(zoom + 1 + 1e-6)),
    PageUp: () => viewer.goTo(Math.ceil(zoom - 1 - 1e-6)),
    Escape: flight ? () => viewer.rest() : undefined,
    0: () => viewer.fit(),
    f: () => void (viewer.controls.full.hidden || viewer.toggleFullScreen()),
  };
  /** @type {Record<string, (() => void) | undefined>} */
  const onPicture = {
    ArrowLeft: () => hand.pan(-KEY_PAN, 0),
    ArrowRight: () => hand.pan(KEY_PAN, 0),
    ArrowUp: () => hand.pan(0, -KEY_PAN),
    ArrowDown: () => hand.pan(0, KEY_PAN),
    Home: () => viewer.goTo(0),
    End: () => viewer.goTo(viewer.lastZoom),
    " ": () => viewer.toggle(),
    Escape: () => viewer.root.blur(),
  };
  const action = anywhere[event.key] ?? (inControl ? undefined : onPicture[event.key]);
  if (action) {
    if (event.key !== " ") viewer.pause();
    action();
    event.preventDefault();
  }
  // keys that a control of the bar takes by itself are not the graph's either
  if (action || (inControl && /^(Arrow|Home|End| |Enter)/.test(event.key))) event.stopPropagation();
}
