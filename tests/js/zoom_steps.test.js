// The steps of a zoom: read as the node reads them, and changed one at a time.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as steps from "../../js/zoom_steps.js";

const vectors = JSON.parse(readFileSync(new URL("../vectors/zoom_steps.json", import.meta.url), "utf8"));

test("texts are read as the node reads them", () => {
  assert.ok(vectors.factors.length > 10 && vectors.focus.length > 10);
  for (const [text, factors] of vectors.factors) assert.deepEqual(steps.parseFactors(text), factors, JSON.stringify(text));
  for (const [text, foci] of vectors.focus) assert.deepEqual(steps.parseFoci(text), foci, JSON.stringify(text));
});

test("one focus for all puts the levels of a tree where the node puts them", () => {
  assert.ok(vectors.side_by_side.length > 4);
  for (const [parents, factors, focus, points] of vectors.side_by_side) {
    assert.deepEqual(steps.sideBySide(parents, factors, focus), points, JSON.stringify(parents));
  }
});

test("what is written is read again", () => {
  for (const factors of [[2], [2, 4, 1.5]]) assert.deepEqual(steps.parseFactors(steps.factorsText(factors)), factors);
  for (const foci of [[[0.5, 0.25]], [[0, 1], [0.125, 0.5]]]) assert.deepEqual(steps.parseFoci(steps.fociText(foci)), foci);
});

test("one step changes alone, all steps together", () => {
  assert.deepEqual(steps.withStep([2], 3, 1, 4), [2, 4, 2]);
  assert.deepEqual(steps.withStep([2, 3, 4], 3, -1, 5), [5]);
  assert.deepEqual(steps.withStep([2, 3], 4, 3, 5), [2, 3, 3, 5]);
  assert.deepEqual(steps.withStep([2, 3, 4], 2, 0, 5), [5, 3, 4]);
});

test("the magnification of a level is the product of the steps on the way to it", () => {
  const of = (factors, parents) => steps.logMagnifications(factors, parents).map((log) => Math.round(Math.exp(log) * 1e6) / 1e6);
  assert.deepEqual(of([2, 4, 1.5], [null, 0, 1, 2]), [1, 2, 8, 12]);
  assert.deepEqual(of([3], [null, 0, 1, 2, 3, 4]), [1, 3, 9, 27, 81, 243]);
  assert.deepEqual(of([2, 4], [null, 0, 1, 2]), [1, 2, 8, NaN]);
  assert.deepEqual(of([2, 4, 3, 5], [null, 0, 0, 1, 2]), [1, 2, 4, 6, 20]);
});
