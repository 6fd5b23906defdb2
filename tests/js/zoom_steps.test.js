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

test("a tree has as many steps to choose as it has, however many values there are", () => {
  const parents = [null, 0, 0, 1];
  const long = { factors: [4, 4, 2, 2, 2], foci: [[0.2, 0.5], [0.8, 0.5], [0.5, 0.5], [0.1, 0.1]] };
  const { steps: found, count } = steps.choosable(long, 3, true);
  assert.equal(count, 3);
  assert.deepEqual(found, { factors: long.factors.slice(0, 3), foci: long.foci.slice(0, 3) });
  const levels = Array.from({ length: count }, (_, step) => steps.levelOfStep(step, parents));
  assert.deepEqual(levels, [1, 2, 3]);
  for (const point of steps.sideBySide(parents, found.factors, [0.5, 0.5])) {
    assert.ok(point.every((at) => at > 0 && at < 1), `${point}`);
  }
  const short = { factors: [4], foci: [[0.5, 0.5]] };
  const kept = steps.choosable(short, 3, true).steps;
  assert.ok(kept.factors === short.factors && kept.foci === short.foci); // what is not changed is not written
  assert.deepEqual(steps.choosable(long, 3, false), { steps: long, count: 5 });
  assert.equal(steps.choosable(short, -1, false).count, 0);
});
