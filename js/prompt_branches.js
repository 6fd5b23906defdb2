// @ts-check
// Branches among prompt rows: "from 3: a red planet" lies in level 3. Read as zoomstack_core/prompts/branches.py reads it;
// tests/vectors/prompt_trees.json holds both to the same trees. While rows are edited, a branch knows the row that it begins
// in, and its number follows. A row without a prompt is no level yet, and has no number. Pure functions.

/** @typedef {import("./prompt_text.js").Line} Line */
/** @typedef {import("./prompt_text.js").Lines} Lines */
/** @typedef {{before: string, number: number, after: string, rest: string}} Branch a row's text in parts */

const MARK = /^((?:[-*+•]\s+)?(?:\(?\d{1,3}[.):]\s+)?from\s{1,3}(?:level\s{0,3})?#?\s?)(\d{1,3})((?:\s{0,3}[:：](?!\d)|\s{1,3}[–—-](?=\s|$)(?!\s{0,9}\d))\s*)/i;

/** The number of a row in the list. */
const OWN_NUMBER = /^(?:[-*+•]\s+)?\(?(\d{1,2})[.):]\s/;

/** The parts of a row's text that begins with "from 3:"; undefined where it does not. @param {string} text
 * @returns {Branch | undefined} */
function splitBranch(text) {
  const found = MARK.exec(text);
  return found ? { before: found[1], number: Number(found[2]), after: found[3], rest: text.slice(found[0].length) } : undefined;
}

/** What stands before the prompt of a row, and the prompt. @param {string} text @returns {[string, string]} */
export function splitMark(text) {
  const rest = splitBranch(text)?.rest ?? text;
  return [text.slice(0, text.length - rest.length), rest];
}

/** Whether a row has no prompt yet. @param {string} text */
export const isEmpty = (text) => splitMark(text)[1].trim() === "";

/** @param {Lines} lines */
const rowsOf = (lines) => lines.filter(({ row }) => row);

/** The number of the widest level: 0 where the rows number themselves from 0 on, else 1. @param {Lines} lines */
export function firstNumber(lines) {
  const numbers = rowsOf(lines).flatMap(({ text }) => OWN_NUMBER.exec(text)?.[1] ?? []).map(Number);
  return numbers.length && numbers.every((number, i) => number === i) ? 0 : 1;
}

/** Lines whose rows know each other by the numbers in the text, for all rows that know none yet.
 * @param {Lines} lines @returns {Lines} */
export function linked(lines) {
  /** @type {object[]} */ const levels = [];
  const first = firstNumber(lines);
  return lines.map((line) => {
    if (!line.row) return line;
    const key = line.key ?? {};
    const from = line.key ? line.from : levels[(splitBranch(line.text)?.number ?? -1) - first];
    if (!isEmpty(line.text)) levels.push(key);
    return { ...line, key, from };
  });
}

/** A row with another text. Its branch stays where its number does. @param {Lines} lines @param {number} place of the row
 * @param {string} text @returns {Lines} */
export function withText(lines, place, text) {
  const line = lines[place];
  const number = splitBranch(text)?.number;
  if (number === splitBranch(line.text)?.number) return numbered(lines.with(place, { ...line, text }));
  const before = rowsOf(lines.slice(0, place)).filter((other) => !isEmpty(other.text));
  const first = firstNumber(lines.with(place, { ...line, text }));
  return numbered(lines.with(place, { ...line, text, from: before[(number ?? -1) - first]?.key }));
}

/** Lines with the numbers of today in all branches. @param {Lines} lines @returns {Lines} */
export function numbered(lines) {
  /** The number of every row so far; of one without a prompt, that of the level that it lies in.
   * @type {Map<object | undefined, number>} */
  const numbers = new Map();
  const first = firstNumber(lines);
  let [next, last] = [first, /** @type {object | undefined} */ (undefined)];
  return lines.map((line) => {
    if (!line.row || !line.key) return line;
    const parent = numbers.get(line.from ?? last) ?? -1;
    numbers.set(line.key, isEmpty(line.text) ? parent : next++);
    last = line.key;
    const branch = splitBranch(line.text);
    return branch && line.from && parent >= first ? { ...line, text: `${branch.before}${parent}${branch.after}${branch.rest}` } : line;
  });
}

/** Where the branches of a row begin when it is gone: where it began itself. @param {Lines} lines of which the row is still
 * one @param {number} place of the row @returns {Lines} in their old places */
export function withoutBranchesOf(lines, place) {
  const { key, from } = lines[place];
  const before = rowsOf(lines.slice(0, place)).at(-1)?.key;
  const next = lines.findIndex((line, i) => i > place && line.row);
  const heir = from ?? before ?? lines[next]?.key;
  return lines.map((line, i) => {
    const [mark, prompt] = splitMark(line.text);
    if (i === next && !before) return { ...line, text: prompt, from: undefined }; // the widest level now
    if (i === next && from && !mark) return { ...line, text: `${splitMark(lines[place].text)[0].trimEnd()} ${prompt}`, from };
    return line.row && line.from === key ? { ...line, from: heir } : line;
  });
}

/** Two rows that have changed places have changed their prompts alone: the branches that begin at or between them stay
 * where they are, the others go with the prompts. @param {Lines} lines after the change @param {number[]} places of both */
export function withMarksInPlace(lines, [a, b]) {
  const [one, other] = [lines[a], lines[b]];
  const back = (/** @type {object | undefined} */ key) => (key === one.key ? other.key : key === other.key ? one.key : key);
  const [[markOfOne, promptOfOne], [markOfOther, promptOfOther]] = [splitMark(one.text), splitMark(other.text)];
  return lines.map((line, i) => {
    if (i === a) return { ...one, text: markOfOther + promptOfOne, from: other.from && back(other.from) };
    if (i === b) return { ...other, text: markOfOne + promptOfOther, from: one.from && back(one.from) };
    return i < b && line.row ? { ...line, from: back(line.from) } : line;
  });
}

/**
 * @typedef {object} Place of a row in the outline
 * @property {number | null} parent the row that it lies in
 * @property {number} depth how many branches it is away from the first one
 * @property {boolean} begins whether a branch begins here
 * @property {number} [wrong] the number behind "from" where no level above has it
 */

/** Which row lies in which. @param {Lines} lines @returns {Place[]} by row, those without a prompt among them */
export function outline(lines) {
  const rows = rowsOf(lines);
  const places = new Map(rows.map(({ key }, row) => [key, row]));
  /** @type {Place[]} */ const found = [];
  /** @type {Set<number>} */ const parents = new Set();
  for (const [row, { text, from }] of rows.entries()) {
    const known = from && places.get(from);
    const parent = row ? (known ?? row - 1) : null;
    const begins = parent !== null && parents.has(parent);
    const branch = splitBranch(text);
    const depth = parent === null ? 0 : found[parent].depth + Number(begins);
    found.push({ parent, depth, begins, wrong: known === undefined ? branch?.number : undefined });
    if (parent !== null) parents.add(parent);
  }
  return found;
}

/** The same of the levels alone: where a row has no prompt, what lies in it lies where it does. @param {Lines} lines
 * @returns {(number | null)[]} */
export function parentsOfLevels(lines) {
  const rows = rowsOf(lines);
  /** @type {(number | null)[]} */ const levels = []; // of each row, or of what it lies in
  /** @type {(number | null)[]} */ const parents = [];
  for (const [row, { parent }] of outline(lines).entries()) {
    const level = parent === null ? null : levels[parent];
    levels.push(isEmpty(rows[row].text) ? level : parents.push(level) - 1);
  }
  return parents;
}
