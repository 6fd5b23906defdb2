// What the tests of the explorer's geometry have in common: numbers compared with those of the Python side.
import assert from "node:assert/strict";
import { layoutLevels } from "../../js/zoom_math.js";

/** Numbers, alone or in lists and objects, that may differ by rounding. */
export function close(found, expected, where, tolerance = 1e-7) {
  if (expected !== null && typeof expected === "object") {
    assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort(), where);
    for (const key of Object.keys(expected)) close(found[key], expected[key], `${where}.${key}`, tolerance);
  } else {
    const error = Math.abs(found - expected);
    assert.ok(error <= tolerance * Math.max(1, Math.abs(expected)), `${where}: ${found}, expected ${expected}`);
  }
}

/** The levels of a view as the video tells them, which counts no rounds. */
export const laidOut = (line, view, width, height) =>
  layoutLevels(line, view, width, height).map(({ round, ...placement }) => placement);
