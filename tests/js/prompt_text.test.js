// The rows of a text: nothing of it is lost, whatever is edited.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { outline } from "../../js/prompt_branches.js";
import * as rows from "../../js/prompt_text.js";

const TEXT = "# from far away\n  a galaxy  \n\n1. a star\n# the end is near\na planet\n";
const lines = rows.toLines(TEXT);

test("a text survives the way to lines and back", () => {
  for (const text of [TEXT, "", "\n", "a", "a\r\nb\r\n", "# only a comment", "\n\n\n", "---\na"]) {
    assert.equal(rows.toText(rows.toLines(text)), text);
  }
});

test("comments, blank lines and rules are no rows", () => {
  assert.deepEqual(rows.prompts(lines), ["a galaxy", "1. a star", "a planet"]);
  assert.deepEqual(rows.prompts(rows.toLines("---\n```text\na\n```\n***")), ["a"]);
});

test("an edit changes one line and keeps the blanks around it", () => {
  assert.equal(rows.toText(rows.withPrompt(lines, 0, "a nebula")), TEXT.replace("a galaxy", "a nebula"));
  assert.equal(rows.toText(rows.withPrompt(lines, 2, "two\r\nlines")), TEXT.replace("a planet", "two lines"));
  assert.equal(rows.toText(rows.withPrompt(rows.toLines("a\r\nb"), 0, "c")), "c\r\nb");
});

test("blanks that are typed are not kept twice", () => {
  let typed = rows.toLines("a");
  for (const prompt of ["a ", "a b", "a b ", "a b c"]) typed = rows.withPrompt(typed, 0, prompt);
  assert.equal(rows.toText(typed), "a b c");
});

test("a row that is emptied stays a row", () => {
  const empty = rows.withPrompt(lines, 1, "");
  assert.deepEqual(rows.prompts(empty), ["a galaxy", "", "a planet"]);
  assert.deepEqual(rows.prompts(rows.withPrompt(empty, 1, "a sun")), ["a galaxy", "a sun", "a planet"]);
});

test("rows are added behind a row, at the end and into an empty text", () => {
  assert.equal(rows.toText(rows.withRowsAfter(lines, 0, ["x", "y"])), TEXT.replace("a galaxy  \n", "a galaxy  \nx\ny\n"));
  assert.equal(rows.toText(rows.withRowsAfter(lines, 2, ["x"])), `${TEXT.trimEnd()}\nx\n`);
  assert.equal(rows.toText(rows.withRowsAfter(rows.toLines(""), -1, ["x"])), "x");
  assert.equal(rows.toText(rows.withRowsAfter(rows.toLines("# note"), -1, ["x"])), "# note\nx");
});

test("a row is removed alone, and the last one too", () => {
  assert.equal(rows.toText(rows.withoutRow(lines, 1)), TEXT.replace("1. a star\n", ""));
  assert.equal(rows.toText(rows.withoutRow(rows.toLines("a"), 0)), "");
});

test("moved rows pass by the comments", () => {
  const moved = rows.toText(rows.withRowsSwapped(lines, 1, 2));
  assert.equal(moved, "# from far away\n  a galaxy  \n\na planet\n# the end is near\n1. a star\n");
});

test("what a row avoids goes with it", () => {
  const two = rows.toLines("a\r\n--neg x\n--neg y\n# note\nb\nc");
  assert.deepEqual(rows.prompts(two), ["a", "b", "c"]);
  assert.equal(rows.toText(rows.withRowsSwapped(two, 0, 1)), "b\r\n# note\na\n--neg x\n--neg y\nc");
  assert.equal(rows.toText(rows.withRowsSwapped(two, 1, 0)), "b\r\n# note\na\n--neg x\n--neg y\nc");
  assert.equal(rows.toText(rows.withRowsSwapped(two, 2, 0)), "c\r\n# note\nb\na\n--neg x\n--neg y");
  assert.equal(rows.toText(rows.withRowsAfter(two, 0, ["n"])), "a\r\n--neg x\n--neg y\nn\r\n# note\nb\nc");
  assert.equal(rows.toText(rows.withoutRow(two, 0)), "# note\nb\nc");
  assert.equal(rows.toText(rows.withRowsSwapped(rows.toLines("a\n\n--neg x\nb"), 0, 1)), "b\na\n\n--neg x");
});

test("lines are those that the node sees", () => {
  const vectors = JSON.parse(readFileSync(new URL("../vectors/prompt_lines.json", import.meta.url), "utf8"));
  assert.ok(vectors.length > 4);
  for (const [text, prompts] of vectors) {
    assert.deepEqual(rows.prompts(rows.toLines(text)), prompts);
    assert.equal(rows.toText(rows.toLines(text)), text);
  }
});

test("branches are those that the node reads", () => {
  const vectors = JSON.parse(readFileSync(new URL("../vectors/prompt_trees.json", import.meta.url), "utf8"));
  assert.ok(vectors.length > 9);
  for (const [text, prompts, parents] of vectors) {
    assert.deepEqual(rows.parentsOf(text), parents, text);
    assert.equal(rows.levels(rows.toLines(text)).length, prompts.length);
    assert.equal(rows.toText(rows.toLines(text)), text);
  }
  assert.deepEqual(rows.parentsOf("from 1: a\nb\nfrom 1: c\nfrom 9: d"), [null, 0, 0, 2]); // as if it were not there
  assert.equal(rows.parentsOf(""), null);
});

// a galaxy with two stars, and two planets of the second one
const TREE = "a\n# first\nb\nc\nfrom 1: d\ne\n\nfrom 4: f\ng";

/** @param {(lines: rows.Lines) => rows.Lines} edit @param {string} text */
const edited = (edit, text = TREE) => rows.toText(edit(rows.toLines(text)));

test("numbers of branches follow rows that are added", () => {
  assert.equal(edited((lines) => rows.withRowsAfter(lines, 1, ["x", "y"])), "a\n# first\nb\nx\ny\nc\nfrom 1: d\ne\n\nfrom 6: f\ng");
  assert.equal(edited((lines) => rows.withRowsAfter(lines, -1, ["x"])), "x\na\n# first\nb\nc\nfrom 2: d\ne\n\nfrom 5: f\ng");
  const pasted = edited((lines) => rows.withRowsAfter(lines, 1, ["x", "y", "from 1: z"]));
  assert.equal(pasted, "a\n# first\nb\nx\ny\nfrom 3: z\nc\nfrom 1: d\ne\n\nfrom 7: f\ng");
  assert.equal(edited((lines) => rows.withPromptsAlone(lines, ["x", "y", "from 1: z"])), "# first\nx\ny\nfrom 1: z");
});

test("a row that is empty has no number yet", () => {
  let lines = rows.withRowsAfter(rows.toLines(TREE), 1, [""]);
  assert.equal(rows.toText(lines), TREE.replace("b\n", "b\n\n"));
  lines = rows.withPrompt(lines, 2, "x");
  assert.equal(rows.toText(lines), "a\n# first\nb\nx\nc\nfrom 1: d\ne\n\nfrom 5: f\ng");
  lines = rows.withPrompt(lines, 2, "");
  assert.equal(rows.toText(lines), TREE.replace("b\n", "b\n\n"));
});

test("branches of a row that is emptied come back with its prompt", () => {
  let lines = rows.withPrompt(rows.toLines(TREE), 3, "from 1: ");
  assert.equal(rows.toText(lines), "a\n# first\nb\nc\nfrom 1: \ne\n\nfrom 1: f\ng");
  assert.deepEqual(rows.parentsOf(rows.toText(lines)), [null, 0, 1, 0, 0, 4]);
  lines = rows.withPrompt(lines, 3, "from 1: x");
  assert.equal(rows.toText(lines), TREE.replace("d", "x"));
});

test("branches of a row that is removed begin where it began", () => {
  assert.equal(edited((lines) => rows.withoutRow(lines, 1)), "a\n# first\nc\nfrom 1: d\ne\n\nfrom 3: f\ng");
  assert.equal(edited((lines) => rows.withoutRow(lines, 3)), "a\n# first\nb\nc\nfrom 1: e\n\nfrom 1: f\ng");
  assert.equal(edited((lines) => rows.withoutRow(lines, 0)), "# first\nb\nc\nfrom 1: d\ne\n\nfrom 3: f\ng");
  assert.equal(edited((lines) => rows.withoutRow(lines, 0), "a\nfrom 1: b\nfrom 1: c"), "b\nfrom 1: c");
  assert.equal(edited((lines) => rows.withoutRow(lines, 6)), TREE.replace("\ng", ""));
});

test("prompts change places, branches that begin in them go with them, and the tree keeps its form", () => {
  const form = rows.parentsOf(TREE);
  assert.equal(edited((lines) => rows.withRowsSwapped(lines, 0, 1)), "b\n# first\na\nc\nfrom 2: d\ne\n\nfrom 4: f\ng");
  assert.equal(edited((lines) => rows.withRowsSwapped(lines, 3, 4)), "a\n# first\nb\nc\nfrom 1: e\nd\n\nfrom 5: f\ng");
  const headFirst = edited((lines) => rows.withRowsSwapped(lines, 3, 2)); // the second star before its elder's planet
  assert.equal(headFirst, "a\n# first\nb\nd\nfrom 1: c\ne\n\nfrom 3: f\ng");
  assert.equal(edited((lines) => rows.withRowsSwapped(lines, 0, 1), "a\nfrom 1: b\nfrom 1: c"), "b\nfrom 1: a\nfrom 2: c");
  assert.deepEqual(rows.parentsOf(edited((lines) => rows.withRowsSwapped(lines, 5, 6))), form);
});

test("a branch is added behind all that lies in its level", () => {
  const branch = (/** @type {number} */ row, text = TREE) => {
    const added = rows.withBranch(rows.toLines(text), row);
    return [rows.toText(rows.withPrompt(added.lines, added.row, rows.prompts(added.lines)[added.row] + "x")), added.row];
  };
  assert.deepEqual(branch(0), [`${TREE}\nfrom 1: x`, 7]);
  assert.deepEqual(branch(1), ["a\n# first\nb\nc\nfrom 2: x\nfrom 1: d\ne\n\nfrom 5: f\ng", 3]);
  assert.deepEqual(branch(4), ["a\n# first\nb\nc\nfrom 1: d\ne\nx\n\nfrom 4: f\ng", 5]); // nothing lies there yet
  assert.deepEqual(branch(0, "a"), ["a\nx", 1]);
});

test("a number that is typed is that of a level above", () => {
  let lines = rows.withPrompt(rows.toLines("a\nb\nc"), 2, "from 1: c");
  assert.deepEqual(rows.parentsOf(rows.toText(lines)), [null, 0, 0]);
  lines = rows.withRowsAfter(lines, -1, ["x"]);
  assert.equal(rows.toText(lines), "x\na\nb\nfrom 2: c");
  lines = rows.withRowsAfter(rows.withPrompt(lines, 3, "from 7: c"), -1, ["y"]); // of no row: it stays
  assert.equal(rows.toText(lines), "y\nx\na\nb\nfrom 7: c");
});

test("whatever is done to the rows of a tree gives a tree", () => {
  let seed = 1;
  const random = (/** @type {number} */ count) => (seed = (seed * 48271) % 2147483647) % count;
  let lines = rows.toLines(TREE);
  for (let i = 0; i < 2000; i++) {
    const count = rows.prompts(lines).length;
    const row = random(count);
    const kind = random(5);
    if (kind === 0 && count > 2) lines = rows.withoutRow(lines, row);
    else if (kind === 1) lines = rows.withRowsAfter(lines, row, ["n"]);
    else if (kind === 2 && row + 1 < count) lines = rows.withRowsSwapped(lines, row, row + 1);
    else if (kind === 3) {
      const added = rows.withBranch(lines, row);
      lines = rows.withPrompt(added.lines, added.row, `${rows.prompts(added.lines)[added.row]}b`);
    } else if (count > 20) lines = rows.withoutRow(lines, row);
    const text = rows.toText(lines);
    assert.deepEqual(outline(rows.toLines(text)), outline(lines), text); // the text says all
    assert.ok(outline(lines).every(({ parent, wrong }, level) => wrong === undefined && (level ? parent !== null && parent < level : parent === null)));
  }
});

test("line ends stay where they are, and new lines end as the others do", () => {
  const windows = rows.toLines("a\r\n# note\r\nb");
  assert.equal(rows.toText(rows.withRowsSwapped(windows, 0, 1)), "b\r\n# note\r\na");
  assert.equal(rows.toText(rows.withRowsAfter(windows, 1, ["c"])), "a\r\n# note\r\nb\r\nc");
  assert.equal(rows.toText(rows.withoutRow(windows, 0)), "# note\r\nb");
  assert.equal(rows.toText(rows.withoutRow(windows, 1)), "a\r\n# note");
});

test("other prompts leave the comments", () => {
  assert.equal(rows.toText(rows.withPromptsAlone(rows.toLines("# far\nSure!\n1. a\nb\n# near"), ["a, b"])), "# far\n# near\na, b");
  assert.equal(rows.toText(rows.withPromptsAlone(rows.toLines('["a", "b"]'), ["a", "b"])), "a\nb");
});

test("what is pasted into a row takes time in proportion to its length", () => {
  const seconds = (/** @type {string} */ piece, /** @type {number} */ size) => {
    const pasted = `${piece.repeat(size)}x`;
    const start = performance.now();
    rows.toText(rows.withPrompt(rows.toLines(`a\n${pasted}`), 0, pasted));
    rows.parentsOf(pasted);
    return (performance.now() - start) / 1000;
  };
  for (const piece of [" ", "\t", "\u00a0", "\r", "a ", "\n ", "`", "~", "-", "# ", "[", "\u2028", "a\n", "from 1: ", "from 1: a\n", "from 1:\n"]) {
    seconds(piece, 1000); // compiled by now
    const long = seconds(piece, 320_000); // going back over the text for each piece, 256 times the time of 20,000
    assert.ok(long < 2 || long < 64 * seconds(piece, 20_000), JSON.stringify(piece));
  }
});

test("a list that numbers its levels from 0 has branches from 0 on, whatever is edited", () => {
  const text = "0. a\n1. b\n2. from 0: c\n3. from 1: d";
  assert.deepEqual(outline(rows.toLines(text)).map(({ parent, wrong }) => [parent, wrong]), [[null, undefined], [0, undefined], [0, undefined], [1, undefined]]);
  assert.equal(outline(rows.toLines("0. a\n1. b\n2. from 5: c"))[2].wrong, 5);
  assert.equal(outline(rows.toLines("0. a\n1. from 1: b"))[1].wrong, 1);
  assert.equal(edited((lines) => rows.withRowsAfter(lines, 0, ["x"]), text), "0. a\nx\n1. b\n2. from 0: c\n3. from 2: d");
  assert.equal(edited((lines) => rows.withPrompt(lines, 3, "3. from 0: d"), text), text.replace("from 1", "from 0"));
  assert.deepEqual(rows.parentsOf(edited((lines) => rows.withPrompt(lines, 3, "3. from 0: d"), text)), [null, 0, 0, 0]);
  // no number 0 any more: the levels are counted from 1
  const counted = edited((lines) => rows.withPrompt(lines, 0, "a"), text);
  assert.equal(counted, "a\n1. b\n2. from 1: c\n3. from 2: d");
  assert.deepEqual(rows.parentsOf(counted), rows.parentsOf(text));
});
