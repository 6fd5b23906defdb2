// The rows of a text: nothing of it is lost, whatever is edited.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
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
    rows.toText(rows.withPrompt(rows.toLines(pasted), 0, pasted));
    return (performance.now() - start) / 1000;
  };
  for (const piece of [" ", "\t", "\u00a0", "\r", "a ", "\n ", "`", "~", "-", "# ", "[", "\u2028"]) {
    seconds(piece, 1000); // compiled by now
    const long = seconds(piece, 320_000); // going back over the text for each piece, 256 times the time of 20,000
    assert.ok(long < 2 || long < 64 * seconds(piece, 20_000), JSON.stringify(piece));
  }
});
