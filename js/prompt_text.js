// @ts-check
// Prompt rows as what they are: the lines of one text, with comments and blank lines between them. Pure functions.

/**
 * @typedef {{before: string, text: string, after: string, row: boolean}} Line a line as it stands in the text: the
 * blanks before, what is between, the blanks after; whether it is a prompt
 * @typedef {Line[]} Lines
 */

const RULE = /^(?:[-*_=]{3,}|```[\w-]*)$/;

/** Whether the node would read a line as a prompt. @param {string} text */
export function isPrompt(text) {
  const line = text.trim();
  return line !== "" && !line.startsWith("#") && !RULE.test(line);
}

/** @param {string} text @returns {Lines} */
export const toLines = (text) => text.split("\n").map(toLine);

/** @param {string} line @returns {Line} */
function toLine(line) {
  const text = line.trim();
  const start = line.indexOf(text);
  return { before: line.slice(0, start), text, after: line.slice(start + text.length), row: isPrompt(line) };
}

/** @param {Lines} lines */
export const toText = (lines) => lines.map(({ before, text, after }) => before + text + after).join("\n");

/** Where the rows are among the lines. @param {Lines} lines */
export const rowPlaces = (lines) => lines.flatMap(({ row }, place) => (row ? [place] : []));

/** The prompts of the rows. @param {Lines} lines */
export const prompts = (lines) => lines.filter(({ row }) => row).map(({ text }) => text);

/** A row with another prompt; the blanks around it stay. @param {Lines} lines @param {number} row
 * @param {string} prompt @returns {Lines} */
export function withPrompt(lines, row, prompt) {
  const place = rowPlaces(lines)[row];
  return lines.with(place, { ...lines[place], text: oneLine(prompt) });
}

/** More rows after a row, or before all rows at -1. @param {Lines} lines @param {number} row
 * @param {string[]} added @returns {Lines} */
export function withRowsAfter(lines, row, added) {
  const made = added.map((prompt) => ({ before: "", text: oneLine(prompt), after: "", row: true }));
  const places = rowPlaces(lines);
  if (toText(lines) === "" && !places.length) return made;
  const place = row >= 0 ? places[row] + 1 : (places[0] ?? lines.length);
  return lines.toSpliced(place, 0, ...made);
}

/** @param {Lines} lines @param {number} row @returns {Lines} */
export function withoutRow(lines, row) {
  const left = lines.toSpliced(rowPlaces(lines)[row], 1);
  return left.length ? left : toLines("");
}

/** Two rows that have changed places; what stands between them stays where it is. @param {Lines} lines
 * @param {number} row @param {number} other @returns {Lines} */
export function withRowsSwapped(lines, row, other) {
  const places = rowPlaces(lines);
  const [a, b] = [places[row], places[other]];
  return lines.with(a, lines[b]).with(b, lines[a]);
}

/** A prompt is one line, whatever was pasted into it. @param {string} prompt */
const oneLine = (prompt) => prompt.replace(/\s*[\r\n]+\s*/g, " ");
