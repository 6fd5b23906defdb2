// Where new levels lie, and how they are written, when a zoom is grown.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CannotGrow, grown, withSeed } from "../../js/growth.js";
import { childrenOf, stepRect } from "../../js/zoom_tree.js";

const chain = (factor, levels = 3, focus = [0.5, 0.5]) => ({
  height: 64,
  width: 64,
  factors: Array(levels - 1).fill(factor),
  foci: Array(levels - 1).fill(focus),
});
const TEXT = "a galaxy\na sun\na planet";
const ALL = (factor) => ({ factors: [factor], foci: [[0.5, 0.5]] });
const fails = (pattern, ...given) => assert.throws(() => grown(...given), (error) => error instanceof CannotGrow && pattern.test(error.message));

test("at the deepest level the zoom goes on, and the steps stay one for all", () => {
  const made = grown(TEXT, ALL(2), chain(2), { level: 2, x: 0.505, y: 0.49 }, ["its ground", "a stone"]);
  assert.equal(made.text, `${TEXT}\nits ground\na stone`);
  assert.deepEqual([made.steps, made.parent, made.level, made.total], [ALL(2), 2, 3, 5]);
});

test("beside the focus of the deepest level every step is written, and the old ones stay where they are", () => {
  const made = grown(TEXT, ALL(4), chain(4), { level: 2, x: 0.3, y: 0.8 }, ["its ground", "a stone"]);
  assert.deepEqual(made.steps, { factors: [4], foci: [[0.5, 0.5], [0.5, 0.5], [0.3, 0.8], [0.5, 0.5]] });
});

test("elsewhere it is a branch, which names its level", () => {
  const made = grown(`${TEXT}\n\n`, ALL(4), chain(4), { level: 0, x: 0.9, y: 0.2 }, ["a red sun", "its planet"]);
  assert.equal(made.text, `${TEXT}\nfrom 1: a red sun\nits planet`);
  assert.deepEqual(made.steps.foci, [[0.5, 0.5], [0.5, 0.5], [0.875, 0.2], [0.5, 0.5]]);
  assert.deepEqual([made.rect.left, made.rect.width, Math.round(made.rect.top * 1e9) / 1e9], [0.75, 0.25, 0.075]);
});

test("a second branch keeps the first, and the places that one focus had given", () => {
  const text = "a galaxy\na sun\nfrom 1: a red sun";
  const shown = { height: 64, width: 64, factors: [4, 4], foci: [[0.25, 0.5], [0.75, 0.5]], parents: [null, 0, 0] };
  const made = grown(text, ALL(4), shown, { level: 0, x: 0.5, y: 0.1 }, ["a nebula"]);
  assert.equal(made.text, `${text}\nfrom 1: a nebula`);
  assert.deepEqual(made.steps.foci.slice(0, 2), shown.foci);
});

test("at the end of a branch that is not the last line it names its level too", () => {
  const text = "a galaxy\na sun\nfrom 1: a red sun";
  const shown = { height: 64, width: 64, factors: [4, 4], foci: [[0.25, 0.5], [0.75, 0.5]], parents: [null, 0, 0] };
  assert.equal(grown(text, ALL(4), shown, { level: 1, x: 0.5, y: 0.5 }, ["a planet"]).text, `${text}\nfrom 2: a planet`);
});

test("no two levels overlap, wherever one looks and whatever is there", () => {
  let random = 1;
  const next = () => (random = (random * 48271) % 2147483647) / 2147483647;
  let [made, refused] = [0, 0];
  for (let round = 0; round < 300; round++) {
    const factor = [2, 3, 4, 5.5][Math.floor(next() * 4)];
    let [text, steps, shown] = ["a", ALL(factor), { height: 64, width: 64, factors: [], foci: [] }];
    for (let turn = 0; turn < 6; turn++) {
      const spot = { level: Math.floor(next() * (shown.factors.length + 1)), x: next(), y: next() };
      try {
        const growth = grown(text, steps, shown, spot, ["b"]);
        const all = growth.steps.factors.length === 1 ? Array(growth.total - 1).fill(growth.steps.factors[0]) : growth.steps.factors;
        const foci = growth.steps.foci.length === 1 ? Array(growth.total - 1).fill(growth.steps.foci[0]) : growth.steps.foci;
        const parents = [...(shown.parents ?? [null]), spot.level];
        assert.deepEqual(foci.slice(0, -1), shown.foci);
        assert.ok(spot.x > growth.rect.left - 0.51 / factor && spot.x < growth.rect.left + growth.rect.width + 0.51 / factor);
        [text, steps, shown] = [growth.text, growth.steps, { height: 64, width: 64, factors: all, foci, parents }];
        made++;
      } catch (error) {
        if (!(error instanceof CannotGrow)) throw error;
        refused++;
      }
    }
    for (const children of childrenOf(shown)) {
      for (const [i, { rect: a }] of children.entries()) {
        for (const { rect: b } of children.slice(0, i)) {
          const apart = a.left >= b.left + b.width - 1e-7 || b.left >= a.left + a.width - 1e-7 || a.top >= b.top + b.height - 1e-7 || b.top >= a.top + a.height - 1e-7;
          assert.ok(apart, JSON.stringify([a, b]));
        }
      }
    }
  }
  assert.ok(made > 500 && refused > 100, `${made} ${refused}`);
});

test("where the zoom's own factor has no room a larger one may, as long as the spot is in it", () => {
  const made = grown(TEXT, ALL(2), chain(2), { level: 0, x: 0.1, y: 0.1 }, ["a red sun"]);
  assert.deepEqual(made.steps.factors, [2, 2, 4]);
  assert.deepEqual(stepRect(4, made.steps.foci[2]).left + 0.25 <= 0.25, true);
});

test("what cannot be is said", () => {
  fails(/Level 2 is here already/, TEXT, ALL(2), chain(2), { level: 0, x: 0.5, y: 0.5 }, ["x"]);
  fails(/not those of this picture/, `${TEXT}\na stone`, ALL(2), chain(2), { level: 2, x: 0.5, y: 0.5 }, ["x"]);
  fails(/not those of this picture/, TEXT, ALL(3), chain(2), { level: 2, x: 0.5, y: 0.5 }, ["x"]);
  fails(/no plain prompt/, TEXT, ALL(2), chain(2), { level: 2, x: 0.5, y: 0.5 }, ["# a comment"]);
  fails(/no plain prompt/, TEXT, ALL(2), chain(2), { level: 2, x: 0.5, y: 0.5 }, ["from 1: a sun"]);
  const ring = { ...chain(2), factors: [2, 2, 2], foci: Array(3).fill([0.5, 0.5]), parents: [2, 0, 1] };
  fails(/ring/, TEXT, ALL(2), ring, { level: 2, x: 0.5, y: 0.5 }, ["x"]);
});

test("a level has one seed", () => {
  assert.equal(withSeed("", 2, 7), "3: 7");
  assert.equal(withSeed("3: 5\n1=4", 2, 7), "1=4, 3: 7");
});
