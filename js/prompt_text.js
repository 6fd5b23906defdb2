// @ts-check
// Prompt rows as what they are: the lines of one text, with comments and blank lines between them. Pure functions.
// Branches are those of prompt_branches.js. Lines end where zoomstack_core/prompts/schedule.py sees them end; tests/vectors/prompt_lines.json holds both to the same rows.

import { isEmpty, linked, numbered, outline, parentsOfLevels, withMarksInPlace, withoutBranchesOf, withText } from "./prompt_branches.js";

/**
 * @typedef {{before: string, text: string, after: string, row: boolean, end: string, key?: object, from?: object}} Line a
 * line as it stands in the text: the blanks before, what is between, the blanks after; whether it is a prompt; what ends it;
 * of a prompt what it is known by, and by what the row is known in which it begins a branch
 * @typedef {Line[]} Lines
 */

const RULE = /^(?:[-*_=]{3,}|(?:```|~~~)[A-Za-z0-9_-]*|[\][{}()][,;]?)$/;
// what Python's str.splitlines takes for the end of a line
const ENDS = "\\r\\n|[\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029]";
const LINE = new RegExp(`([^\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029]*)(${ENDS}|$)`, "y");
const BREAKS = new RegExp(ENDS);

const DIRECTIONS =
  /^[-*•_\s]{0,9}(?:(?:next |zoom )?(?:focus(?: point)?|factor)[*_\s]{0,4}[:=][*_\s]{0,4}(?:[\d.,;:=%xy×()[\]{}|/"'*_\s-]{1,80}|none|null|n\/a)[,;|*_\s]{0,4}){1,2}$/i;

/** @param {string} line without blanks around it */
const isComment = (line) => line.startsWith("#") || line.startsWith("//");

/** What the prompt above is to avoid, or where the zoom goes on from it, on a line of its own, as
 * zoomstack_core/prompts/schedule.py has it. @param {string} line without blanks around it */
const isAside = (line) => /^--neg(?:\s|$)/.test(line) || DIRECTIONS.test(line);

/** Whether the node would read a line as a prompt. @param {string} text */
export function isPrompt(text) {
  const line = text.trim();
  return line !== "" && !isComment(line) && !isAside(line) && !RULE.test(line);
}

/** @param {string} text @returns {Lines} one at least; the last one has no end */
export function toLines(text) {
  const lines = [];
  LINE.lastIndex = 0;
  for (let end = "\n"; end !== ""; ) {
    const found = /** @type {RegExpExecArray} */ (LINE.exec(text));
    end = found[2];
    lines.push(toLine(found[1], end));
  }
  return linked(lines);
}

/** @param {string} line @param {string} end @returns {Line} */
function toLine(line, end) {
  const text = line.trim();
  const start = text ? line.length - line.trimStart().length : 0;
  return { before: line.slice(0, start), text, after: line.slice(start + text.length), row: isPrompt(line), end };
}

/** @param {Lines} lines */
export function toText(lines) {
  const usual = lines.find(({ end }) => end)?.end ?? "\n";
  const last = lines.length - 1;
  return lines.map(({ before, text, after, end }, i) => before + text + after + (i < last ? end || usual : "")).join("");
}

/** Where the rows are among the lines. @param {Lines} lines */
export const rowPlaces = (lines) => lines.flatMap(({ row }, place) => (row ? [place] : []));

/** Where a row ends: behind the lines below it that belong to it. @param {Lines} lines @param {number} place of the row */
function endOf(lines, place) {
  let end = place + 1;
  for (let i = end; i < lines.length && !lines[i].row; i++) if (isAside(lines[i].text)) end = i + 1;
  return end;
}

/** The prompts of the rows. @param {Lines} lines */
export const prompts = (lines) => lines.filter(({ row }) => row).map(({ text }) => text);

/** The rows that are levels. @param {Lines} lines */
export const levels = (lines) => prompts(lines).filter((prompt) => !isEmpty(prompt));

/** A row with another prompt; the blanks around it stay. @param {Lines} lines @param {number} row
 * @param {string} prompt @returns {Lines} */
export function withPrompt(lines, row, prompt) {
  return withText(lines, rowPlaces(lines)[row], oneLine(prompt));
}

/** Which level lies in which: of each level the number, from 0, of the one that it lies in, null for the first. Null for a
 * chain, in which every level lies in the one before it. What a run would refuse is read as if it were not there.
 * @param {string} text @returns {(number | null)[] | null} */
export function parentsOf(text) {
  const parents = parentsOfLevels(toLines(text));
  return parents.every((parent, level) => (parent ?? -1) === level - 1) ? null : parents;
}

/** More rows after a row, or before all rows at -1. Numbers of branches among them are those of their own list. @param {Lines} lines @param {number} row
 * @param {string[]} added @returns {Lines} */
export function withRowsAfter(lines, row, added) {
  const made = linked(added.map((prompt) => ({ before: "", text: oneLine(prompt), after: "", row: true, end: "" })));
  const places = rowPlaces(lines);
  if (toText(lines) === "" && !places.length) return made;
  const place = row >= 0 ? endOf(lines, places[row]) : (places[0] ?? lines.length);
  return numbered(lines.toSpliced(place, 0, ...made));
}

/** A row for another level in that of a row, behind all that lies in it already. @param {Lines} lines @param {number} row
 * @returns {{lines: Lines, row: number}} the new row too */
export function withBranch(lines, row) {
  const tree = outline(lines);
  const inside = new Set([row]);
  let last = row;
  while (inside.has(tree[last + 1]?.parent ?? -1)) inside.add(++last);
  const more = withRowsAfter(lines, last, [last === row ? "" : "from 1: "]);
  const place = rowPlaces(more)[last + 1];
  const from = last === row ? undefined : lines[rowPlaces(lines)[row]].key;
  return { lines: numbered(more.with(place, { ...more[place], from })), row: last + 1 };
}

/** @param {Lines} lines @param {number} row @returns {Lines} */
export function withoutRow(lines, row) {
  const place = rowPlaces(lines)[row];
  const left = withoutBranchesOf(lines, place).toSpliced(place, endOf(lines, place) - place);
  return left.length ? numbered(left) : toLines("");
}

/** Two rows that have changed places; what stands between them stays where it is, and so does the form of the tree. @param {Lines} lines
 * @param {number} row @param {number} other @returns {Lines} */
export function withRowsSwapped(lines, row, other) {
  const order = rowPlaces(lines).map((_, i) => (i === row ? other : i === other ? row : i));
  const swapped = inOrder(lines, order);
  const now = rowPlaces(swapped);
  return numbered(withMarksInPlace(swapped, [now[Math.min(row, other)], now[Math.max(row, other)]]));
}

/** The rows in another order, each with the lines that belong to it. @param {Lines} lines @param {number[]} order the row
 * of today in each place @returns {Lines} */
export function inOrder(lines, order) {
  const places = rowPlaces(lines);
  const ends = places.map((place) => endOf(lines, place));
  const parts = order.flatMap((row, i) => [
    ...lines.slice(places[row], ends[row]),
    ...lines.slice(ends[i], places[i + 1] ?? lines.length),
  ]);
  return [...lines.slice(0, places[0]), ...parts].map((line, place) => ({ ...line, end: lines[place].end }));
}

/** Other prompts in place of all that is no comment. @param {Lines} lines @param {string[]} read @returns {Lines} */
export function withPromptsAlone(lines, read) {
  const comments = lines.filter(({ text, row }) => !row && isComment(text));
  return withRowsAfter(comments, -1, read);
}

/** A prompt is one line, whatever was pasted into it; blanks at its ends stay, where one may still be typing.
 * @param {string} prompt */
function oneLine(prompt) {
  const parts = prompt.split(BREAKS);
  if (parts.length === 1) return prompt;
  const inner = parts.slice(1, -1).map((part) => part.trim()).filter(Boolean);
  return [parts[0].trimEnd(), ...inner, parts[parts.length - 1].trimStart()].join(" ");
}
