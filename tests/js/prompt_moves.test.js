// Dragged rows: where they land, what they take along, and that a tree stays a tree.
import assert from "node:assert/strict";
import { test } from "node:test";
import { outline } from "../../js/prompt_branches.js";
import { landingOf, movingWith, withLanding } from "../../js/prompt_moves.js";
import * as rows from "../../js/prompt_text.js";

const TREE = "a\nb\nc\nfrom 1: d\ne";

/** The text after a row was dropped on another one, on its lower half; null where it stays. */
function dropped(text, row, over, below = false) {
  const lines = rows.toLines(text);
  const landing = landingOf(lines, row, over, below);
  return landing && rows.toText(withLanding(lines, landing));
}

test("in a chain a row lands between two rows", () => {
  assert.equal(dropped("a\nb\nc\nd", 0, 2, true), "b\nc\na\nd");
  assert.equal(dropped("a\nb\nc\nd", 3, 1), "a\nd\nb\nc");
  assert.equal(dropped("a\nb\nc\nd", 2, 0), "c\na\nb\nd");
  for (const [over, below] of [[1, false], [1, true], [0, true], [2, false]]) assert.equal(dropped("a\nb\nc", 1, over, below), null);
});

test("a step of one is that of Alt+Up and Alt+Down, comments and lines of the prompts included", () => {
  for (const text of ["# x\na\n--neg y\n\n# z\n b \r\nc\n# end", "a\nb\nc\nfrom 2: d\ne"]) {
    const lines = rows.toLines(text);
    for (let row = 0; row + 1 < rows.prompts(lines).length; row++) {
      if (outline(lines)[row].begins || outline(lines)[row + 1].begins) continue;
      const swapped = rows.toText(rows.withRowsSwapped(lines, row, row + 1));
      assert.equal(dropped(text, row, row + 1, true), swapped, `${text}: ${row} down`);
      assert.equal(dropped(text, row + 1, row), swapped, `${text}: ${row + 1} up`);
    }
  }
});

test("a row goes from branch to branch, and what it leaves closes up", () => {
  assert.equal(dropped(TREE, 4, 1, true), "a\nb\ne\nc\nfrom 1: d");
  assert.equal(dropped(TREE, 2, 3, true), "a\nb\nfrom 1: d\nc\ne");
  assert.equal(dropped(TREE, 1, 4, true), "a\nc\nfrom 1: d\ne\nb");
  assert.equal(dropped("a\nb\nfrom 1: c\nfrom 2: d\ne", 3, 2, false), "a\nb\nd\nfrom 1: c\nfrom 2: e");
});

test("branches of a moved row go with it where they stay below it, and else begin where it was", () => {
  assert.equal(dropped(TREE, 0, 2, true), "b\nc\na\nfrom 3: d\ne");
  assert.equal(dropped(TREE, 0, 4, true), "b\nc\nfrom 1: d\ne\na");
  assert.equal(dropped("a\nb\nc\nfrom 2: d", 1, 3, true), "a\nc\nfrom 1: d\nb");
});

test("a branch goes with all that lies in it into the row it is dropped on, behind what lies there", () => {
  assert.deepEqual([...movingWith(rows.toLines(TREE), 3)], [3, 4]);
  assert.deepEqual([...movingWith(rows.toLines(TREE), 1)], [1]);
  assert.equal(dropped(TREE, 3, 1), "a\nb\nc\nfrom 2: d\ne");
  assert.equal(dropped(TREE, 3, 2), "a\nb\nc\nd\ne");
  for (const over of [0, 3, 4]) assert.equal(dropped(TREE, 3, over), null);
  assert.equal(dropped("a\nb\nfrom 1: c\nd\nfrom 1: e", 2, 0), "a\nb\nfrom 1: e\nfrom 1: c\nd");
  // what lies in it comes along from wherever it stands
  assert.equal(dropped("a\nb\nfrom 1: c\nfrom 1: d\nfrom 3: e\nfrom 4: f", 2, 3), "a\nb\nfrom 1: d\nfrom 3: f\nfrom 3: c\nfrom 5: e");
});

test("a branch stands behind the own number of its row", () => {
  assert.equal(dropped("1. a\n2. b\n3. c\n4. from 1: d", 3, 1), "1. a\n2. b\n3. c\n4. from 2: d");
  assert.equal(dropped("1. a\n2. b\n3. from 1: c\n4. d\n5. from 1: e\n6. f", 4, 3), "1. a\n2. b\n3. from 1: c\n4. d\n5. e\n6. f");
  assert.equal(dropped("1. a\n2. b\n3. from 1: c\nfrom 2: d\n- e", 3, 2), "1. a\n2. b\nd\n3. from 1: c\n- from 2: e");
});

test("wherever a row of a tree is dropped, the result is a tree of the same prompts", () => {
  let seed = 7;
  const random = (/** @type {number} */ count) => (seed = (seed * 48271) % 2147483647) % count;
  let lines = rows.toLines("a\n# x\nb\nc\nfrom 1: d\ne\nfrom 3: f\n\ng\n--neg h\nfrom 5: i\nj\nfrom 1: k\nl");
  const names = (/** @type {rows.Lines} */ of) => rows.prompts(of).map((text) => text.replace(/^from \d+: /, ""));
  const all = names(lines).sort();
  let moves = 0;
  for (let i = 0; i < 3000; i++) {
    const [row, over] = [random(all.length), random(all.length)];
    const landing = landingOf(lines, row, over, random(2) === 1);
    if (!landing) continue;
    moves++;
    const before = names(lines);
    lines = withLanding(lines, landing);
    const text = rows.toText(lines);
    const after = names(lines);
    assert.deepEqual([...after].sort(), all);
    assert.deepEqual(after, landing.order.map((old) => before[old]));
    assert.deepEqual(outline(rows.toLines(text)), outline(lines), text);
    const expected = landing.order.map((old) => landing.parents[old]).map((parent) => (parent === null ? null : before[parent]));
    assert.deepEqual(outline(lines).map(({ parent }) => (parent === null ? null : after[parent])), expected, text);
    if (!(moves % 50)) lines = rows.withBranch(rows.withoutRow(lines, all.length - 1), random(all.length - 1)).lines;
    if (!(moves % 50)) {
      const empty = rows.prompts(lines).findIndex((prompt) => /^(from \d+: )?$/.test(prompt));
      const name = all.find((other) => !names(lines).includes(other)) ?? "";
      lines = rows.withPrompt(lines, empty, rows.prompts(lines)[empty] + name);
    }
  }
  assert.ok(moves > 1500, `${moves}`);
});
