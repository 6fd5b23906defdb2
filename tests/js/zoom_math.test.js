// The geometry of the explorer: against the numbers of the Python side, and against its own rules.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { magnificationText } from "../../js/magnification.js";
import * as math from "../../js/zoom_math.js";
import { close } from "./compared.js";

const vectors = JSON.parse(readFileSync(new URL("../vectors/zoom_math.json", import.meta.url), "utf8"));
const even = { height: 512, width: 512, factors: [2, 2, 2], foci: [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]] };
const corner = { height: 512, width: 512, factors: [4, 4, 3], foci: [[0.9, 0.1], [0.3, 0.7], [0.5, 0.5]] };
const shapes = [0.5, 1, 1.78];

test("the levels of a view on the path lie as in the video", () => {
  let compared = 0;
  for (const geometry of vectors) {
    for (const { zoom, height, width, placements } of geometry.frames) {
      const view = math.pathView(geometry, zoom, width / height);
      close(math.layoutLevels(geometry, view, width, height), placements, `${JSON.stringify(geometry.factors)} at ${zoom}`);
      compared++;
    }
  }
  assert.ok(compared > 90);
});

test("zoom and magnification are each other's inverse, beyond both ends too", () => {
  for (const zoom of [-1.5, -0.2, 0, 0.4, 1, 2.9, 3, 3.7]) {
    close(math.zoomAtLog(corner, math.logMagnification(corner, zoom)), zoom, String(zoom));
  }
  close(Math.exp(math.logMagnification(corner, 3)), 48, "whole zoom");
});

test("a point survives the way to a deeper level and back", () => {
  const there = math.toLevel(corner, [0.93, 0.08], 0, 3);
  close(math.toLevel(corner, there, 3, 0), [0.93, 0.08], "point");
});

test("the lowest zoom shows all of level 0, whatever the shape", () => {
  for (const aspect of shapes) {
    const zoom = math.lowestZoom(even, aspect);
    const [{ rect, level }] = math.layoutLevels(even, math.pathView(even, zoom, aspect), 400 * aspect, 400);
    assert.equal(level, 0);
    assert.ok(rect.left >= -1e-6 && rect.top >= -1e-6);
    assert.ok(Math.abs(rect.width - 400 * aspect) < 1e-6 || Math.abs(rect.height - 400) < 1e-6);
  }
});

test("a very deep stack keeps its precision", () => {
  const geometry = { height: 64, width: 64, factors: Array(200).fill(4), foci: Array(200).fill([0.31, 0.77]) };
  const placements = math.layoutLevels(geometry, math.pathView(geometry, 150.5, 1), 400, 400);
  assert.equal(placements[0].level, 150);
  close(placements[0].rect.width, 800, "width");
});

test("magnifications are written as people write them", () => {
  const texts = [1, 2, 6.25, 512, 4096, 1048576, 4 ** 30].map((value) => magnificationText(Math.log(value)));
  assert.deepEqual(texts, ["×1", "×2", "×6.25", "×512", "×4,096", "×1.05 million", "×1.15e18"]);
});

test("a magnification is rounded before its unit is chosen", () => {
  const texts = [99.49, 99.6, 999_999.4, 999_999.6, 999_600_000, 999_400_000, 9.996e11, 9.996e14, 9.994e14, 9.996e17].map(
    (value) => magnificationText(Math.log(value)),
  );
  const large = ["×1 million", "×1 billion", "×999 million", "×1 trillion", "×1e15", "×999 trillion", "×1e18"];
  assert.deepEqual(texts, ["×99.5", "×100", "×999,999", ...large]);
});
