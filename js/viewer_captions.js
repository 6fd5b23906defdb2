// @ts-check
// What the explorer says of levels: number, magnification and prompt, and the round of a ring.

import { magnificationText } from "./magnification.js";
import { logMagnification } from "./zoom_math.js";
import { lineThrough, placeOn } from "./zoom_tree.js";

/**
 * @typedef {import("./viewer.js").Stack} Stack
 * @typedef {import("./zoom_tree.js").Line} Line
 */

/** ln of the magnification from level 0, of a ring in the round of the view. @param {Line} line @param {number} zoom */
export const logFromFirst = (line, zoom) => logMagnification(line, zoom) - logMagnification(line, line.first);

/** @param {Stack} stack @param {number} level */
export function captionOf(stack, level) {
  const line = lineThrough(stack.geometry, level);
  return describe(stack, level, logFromFirst(line, placeOn(line, level)));
}

/** @param {Stack} stack @param {Line} line @param {number} zoom of the view
 * @param {import("./zoom_math.js").Placement} seen what fills most of it @param {number} round of the view */
export function captionOfView(stack, line, zoom, { level, round: deeper = 0 }, round) {
  const log = logFromFirst(line, zoom) - deeper * logFromFirst(line, line.first + line.round);
  const text = describe(stack, level, log);
  return line.round ? `Round ${round + deeper} · ${text}` : text;
}

/** @param {Stack} stack @param {number} level @param {number} log ln of the magnification; below 0 where a view of
 * another shape shows all of the widest level, which is ×1 all the same */
function describe({ urls, prompts }, level, log) {
  const text = `Level ${level + 1} of ${urls.length}, ${magnificationText(Math.max(0, log))}`;
  return prompts[level] ? `${text}: ${prompts[level]}` : text;
}
