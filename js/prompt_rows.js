// @ts-check
// Rows over one text with a prompt per line. The text is the truth: the rows are made from it, and every edit is one of
// the text. Knows nothing of ComfyUI.

import { button, element } from "./dom.js";
import { firstNumber, isEmpty, outline } from "./prompt_branches.js";
import { landingOf, movingWith, withLanding } from "./prompt_moves.js";
import * as rows from "./prompt_text.js";
import { RowDrag } from "./row_drag.js";
import { magnificationText } from "./magnification.js";
import { logMagnifications } from "./zoom_steps.js";

/**
 * @typedef {object} RowsOptions
 * @property {(text: string, done: boolean) => void} change takes every edit; `done` when it is complete, not a letter of
 * many
 * @property {() => number[] | null} factors one zoom factor for all steps or one per step; null where they are not known
 * @property {(levels: number) => string[]} problems what does not fit so many levels, as sentences
 * @property {(text: string) => Promise<string[]>} read the prompts that the node reads in a text
 * @property {(redo: boolean, row: number) => void} undo take the last edit of the workflow back, or do it again, and then
 * go back to a row
 */

/** Milliseconds without an edit until the node is asked what it reads. */
const PATIENCE = 400;
/** Branches of branches that are indented. */
const DEEPEST = 6;
const NO_FACTOR = "There is no zoom factor for the step to this level";
const UNKNOWN = "How much this level is magnified is shown when a node with a zoom factor is connected and its value is known";

export class PromptRows {
  /** @param {RowsOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {rows.Lines} */ this.lines = rows.toLines("");
    /** What the node reads in the text, as far as it has been asked. */
    this.reads = { text: "", count: 0 };
    this.list = element("ol", { class: "zoomstack-rows-list", role: "list" }); // Safari drops lists without marks
    this.add = button({}, "Add level");
    this.paste = button({ title: "Add the list in the clipboard, one row per prompt" }, "Paste list");
    this.note = element("span", { class: "zoomstack-rows-note", role: "status" });
    this.warning = element("div", { class: "zoomstack-rows-warning", role: "status" });
    const bar = element("div", { class: "zoomstack-rows-bar" }, this.add, this.paste, this.note);
    this.root = element(
      "div",
      { class: "zoomstack-rows", role: "group", "aria-label": "Prompts, one row per zoom level", "data-capture-wheel": "true" },
      this.list,
      this.warning,
      bar,
    );
    this.timer = 0;
    this.dragging = new RowDrag(this.list, {
      handle: ".zoomstack-rows-level",
      moving: (row) => movingWith(this.lines, row),
      landing: (row, over, below) => landingOf(this.lines, row, over, below),
      drop: (row, over, below, byTouch) => this._move(row, over, below, byTouch),
    });
    this.add.addEventListener("click", () => this._append([""]));
    this.paste.addEventListener("click", () => void this._pasteFromClipboard());
    this.root.addEventListener("keydown", (event) => this._onKey(event));
    this.list.addEventListener("input", (event) => this._onInput(event));
    this.list.addEventListener("change", (event) => this._onChange(event));
    this.list.addEventListener("paste", (event) => void this._onPaste(event));
    this.list.addEventListener("click", (event) => this._onClick(event));
    this._draw();
  }

  get text() {
    return rows.toText(this.lines);
  }

  /** Show another text; an edit of the rows themselves is no other text. */
  set text(text) {
    if (text === this.text) return;
    this.lines = rows.toLines(text);
    this._draw();
  }

  /** The number of levels: what the node reads, and until it has been asked the number of rows. */
  get levels() {
    return this.reads.text === this.text ? this.reads.count : rows.rowPlaces(this.lines).length;
  }

  /** The number of levels when the rows that are still empty have got their prompts. */
  get _expected() {
    const empty = rows.prompts(this.lines).filter(isEmpty).length;
    return this.reads.text === this.text ? this.reads.count + empty : this.levels;
  }

  /** The zoom factors may have changed, or what else must fit the levels: write it anew. */
  refresh() {
    const factors = this.options.factors();
    const tree = outline(this.lines);
    const logs = factors ? logMagnifications(factors, tree.map(({ parent }) => parent)) : [];
    const prompts = rows.prompts(this.lines);
    const areLevels = this._expected === this.list.children.length; // not the lines of a JSON text
    for (const [row, item] of /** @type {HTMLElement[]} */ ([...this.list.children]).entries()) {
      const log = logs[row] ?? NaN;
      const missing = areLevels && factors !== null && Number.isNaN(log);
      const size = Number.isNaN(log) ? "" : magnificationText(log);
      const [shown, field] = [item.children[1], /** @type {HTMLTextAreaElement} */ (item.children[2])];
      const { parent, depth, begins, wrong } = tree[row];
      if (field !== document.activeElement && field.value !== prompts[row]) field.value = prompts[row];
      item.style.setProperty("--zoomstack-depth", String(Math.min(depth, DEEPEST)));
      item.classList.toggle("zoomstack-rows-branch", begins);
      const text = missing ? "×?" : size;
      if (shown.textContent !== text) shown.textContent = text;
      shown.setAttribute("title", missing ? NO_FACTOR : size ? "" : UNKNOWN);
      item.classList.toggle("zoomstack-rows-wrong", missing || wrong !== undefined);
      const branch = begins ? `, a branch in level ${Number(parent) + 1}` : "";
      const spoken = branch + (missing ? `, ${NO_FACTOR}` : size && `, ${size}`);
      field.setAttribute("aria-label", `Prompt of level ${row + 1}${spoken}`);
    }
    const first = firstNumber(this.lines);
    const wrongs = tree.flatMap((place, row) => branchProblem(place, row, first));
    const problems = [...wrongs, ...this.options.problems(this._expected)].join(" ");
    if (this.warning.textContent !== problems) this.warning.textContent = problems;
  }

  /** Say something below the rows. @param {(Node | string)[]} content */
  tell(...content) {
    this.note.replaceChildren(...content);
  }

  /** Put the cursor into a row. @param {number} row */
  focus(row) {
    const item = this.list.children[Math.min(row, this.list.children.length - 1)];
    /** @type {HTMLElement} */ (item?.querySelector("textarea") ?? this.add).focus({ preventScroll: true });
    item?.scrollIntoView({ block: "nearest" });
  }

  close() {
    clearTimeout(this.timer);
    this.dragging.cancel();
    this.root.remove();
  }

  _draw() {
    this.dragging.cancel(); // the rows are others now
    const count = rows.rowPlaces(this.lines).length;
    this.list.replaceChildren(...rows.prompts(this.lines).map((prompt, row) => this._row(prompt, row, count)));
    this.refresh();
    this._askSoon();
  }

  /** @param {string} prompt @param {number} row @param {number} count */
  _row(prompt, row, count) {
    const field = element("textarea", { rows: 1, spellcheck: "false" });
    field.value = prompt;
    const act = (/** @type {string} */ action, /** @type {string} */ text, /** @type {string} */ label, disabled = false) =>
      button({ title: label, "aria-label": label, "data-action": action, disabled }, text);
    return element(
      "li",
      {},
      element("span", { class: "zoomstack-rows-level", title: "Drag to move" }, `${row + 1}`),
      element("span", { class: "zoomstack-rows-size" }),
      field,
      act("up", "↑", `Move level ${row + 1} outwards (Alt+Up)`, row === 0),
      act("down", "↓", `Move level ${row + 1} inwards (Alt+Down)`, row === count - 1),
      act("branch", "↳", `Add a branch in level ${row + 1}`),
      act("remove", "×", `Remove level ${row + 1}`),
    );
  }

  /** @param {rows.Lines} lines @param {boolean} done */
  _changed(lines, done) {
    this.lines = lines;
    this.options.change(this.text, done);
    this._askSoon();
  }

  /** An edit that adds, removes or moves rows. @param {rows.Lines} lines @param {number} row to be focused then
   * @param {string} [action] the button to be focused there instead of the field */
  _rearrange(lines, row, action) {
    const field = /** @type {HTMLElement | null} */ (this.list.querySelector("textarea:focus"));
    field?.blur(); // what was typed there is an edit of its own
    this.lines = lines;
    this._draw();
    this._changed(lines, true);
    this.focus(row);
    if (!action) return;
    const button = this.list.children[row]?.querySelector(`[data-action="${action}"]`);
    /** @type {HTMLElement | undefined | null} */ (button)?.focus({ preventScroll: true }); // not where it is disabled
  }

  /** @param {string[]} prompts */
  _append(prompts) {
    this._insert(rows.rowPlaces(this.lines).length - 1, prompts);
  }

  /** @param {number} row after which @param {string[]} prompts @param {boolean} [replace] the row is replaced */
  _insert(row, prompts, replace = false) {
    const lines = rows.withRowsAfter(this.lines, row, prompts);
    const first = replace ? row : row + 1;
    const last = first + prompts.length - 1;
    this._rearrange(replace ? rows.withoutRow(lines, row) : lines, last);
    this.tell(first === last ? `Level ${first + 1} is added.` : `Levels ${first + 1} to ${last + 1} are added.`);
  }

  /** @param {number} row @param {number} other @param {string} [action] */
  _swap(row, other, action) {
    if (other < 0 || other >= this.list.children.length) return;
    this._rearrange(rows.withRowsSwapped(this.lines, row, other), other, action);
    this.tell(`Level ${row + 1} is now level ${other + 1}.`);
  }

  /** @param {number} row @param {number} over @param {boolean} below see landingOf @param {boolean} byTouch */
  _move(row, over, below, byTouch) {
    const landing = landingOf(this.lines, row, over, below);
    if (!landing) return;
    const { order, into } = landing;
    const place = order.indexOf(row);
    this._rearrange(withLanding(this.lines, landing), place);
    const field = /** @type {HTMLElement | null} */ (this.list.querySelector("textarea:focus"));
    if (byTouch) field?.blur(); // no keyboard on the screen for it
    const where = into === null ? "" : `, in level ${order.indexOf(into) + 1}`;
    this.tell(`Level ${row + 1} is now level ${place + 1}${where}.`);
  }

  /** @param {number} row */
  _branch(row) {
    const added = rows.withBranch(this.lines, row);
    this._rearrange(added.lines, added.row);
    this.tell(`Level ${added.row + 1} is added, in level ${row + 1}.`);
  }

  /** @param {number} row */
  _remove(row) {
    this._rearrange(rows.withoutRow(this.lines, row), row);
    this.tell(`Level ${row + 1} is removed.`);
  }

  /** The row that an event is in, or -1. @param {Event} event */
  _rowOf(event) {
    const item = /** @type {Element} */ (event.target).closest("li");
    return item ? [...this.list.children].indexOf(item) : -1;
  }

  /** @param {Event} event */
  _onInput(event) {
    const field = /** @type {HTMLTextAreaElement} */ (event.target);
    this._changed(rows.withPrompt(this.lines, this._rowOf(event), field.value), false);
  }

  /** @param {Event} event */
  _onChange(event) {
    const prompt = /** @type {HTMLTextAreaElement} */ (event.target).value;
    this._changed(this.lines, true);
    if (prompt.trim() === "" || rows.isPrompt(prompt)) return;
    this.lines = rows.toLines(this.text);
    this._draw();
    this.tell("A line that starts with # or // is a comment, and one with --neg belongs to the prompt above: no level.");
  }

  /** @param {Event} event */
  _onClick(event) {
    const action = /** @type {HTMLElement} */ (event.target).dataset.action;
    const row = this._rowOf(event);
    if (action === "up") this._swap(row, row - 1, action);
    else if (action === "down") this._swap(row, row + 1, action);
    else if (action === "branch") this._branch(row);
    else if (action === "remove") this._remove(row);
  }

  /** @param {KeyboardEvent} event */
  _onKey(event) {
    const field = /** @type {HTMLElement} */ (event.target);
    // the graph would delete the selected node
    if (event.key === "Delete" || event.key === "Backspace") event.stopPropagation();
    const row = this._rowOf(event);
    if (row < 0 || event.isComposing) return;
    const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    const inField = field instanceof HTMLTextAreaElement;
    if (step && event.altKey) this._swap(row, row + step, field.dataset.action);
    else if (!inField) return;
    else if (step && atEnd(field, step, event)) this.focus(Math.max(0, row + step));
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) this._insert(row, [""]);
    else if (event.key === "Backspace" && field.value === "") this._remove(row);
    else if (undoKey(event)) {
      // The host leaves undo in a text field to the browser, which knows what was typed but not where rows have moved.
      field.blur();
      this.options.undo(undoKey(event) === "redo", row);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Several lines in a row become rows. @param {ClipboardEvent} event */
  async _onPaste(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    event.stopPropagation();
    if (!text.trim().includes("\n")) return;
    event.preventDefault();
    const row = this._rowOf(event);
    const prompts = await this._read(text);
    if (!prompts.length) return;
    this._insert(row, prompts, isEmpty(rows.prompts(this.lines)[row]));
  }

  async _pasteFromClipboard() {
    let text = "";
    try {
      text = await navigator.clipboard.readText();
    } catch {
      this.tell("The browser does not show its clipboard here: press Ctrl+V in a row.");
      return;
    }
    const prompts = await this._read(text);
    if (prompts.length) this._append(prompts);
  }

  /** The prompts in a text, or none and a note why. @param {string} text */
  async _read(text) {
    try {
      return await this.options.read(text);
    } catch (error) {
      this.tell(/** @type {Error} */ (error).message);
      return [];
    }
  }

  _askSoon() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this._compare(), PATIENCE);
  }

  /** The node reads more than lines: JSON, numbered lists with talk around them. Say so where it differs. */
  async _compare() {
    const { text } = this;
    if (!text.trim() || outline(this.lines).some(({ wrong }) => wrong !== undefined)) return; // it is refused
    let read;
    try {
      read = await this.options.read(text);
    } catch {
      return; // the node will say what is wrong with the text
    }
    if (text !== this.text) return;
    this.reads = { text, count: read.length };
    this.refresh();
    const [asMany, sameTree] = [
      read.length === rows.levels(this.lines).length,
      String(rows.parentsOf(read.join("\n"))) === String(rows.parentsOf(text)), // not in "Level 7 (from 3): …"
    ];
    if (asMany && sameTree) {
      if (this.note.querySelector("button")) this.tell("");
      return;
    }
    const rewrite = button({}, "Make them lines");
    rewrite.addEventListener("click", () => this._rearrange(rows.withPromptsAlone(this.lines, read), 0));
    this.tell(`The node reads ${asMany ? "other branches" : `${read.length} prompts`} in this text. `, rewrite);
  }

}

/** Of a row, in the numbers of the text. @param {import("./prompt_branches.js").Place} place @param {number} row
 * @param {number} first number of all */
function branchProblem({ wrong }, row, first) {
  if (wrong === undefined) return [];
  const levels = row > 1 ? `one of the levels ${first} to ${row - 1 + first}` : `level ${first}`;
  const what = row ? `begins with from ${wrong}, which is no level above it: write ${levels}` : `is the widest and lies in no other: remove from ${wrong}`;
  return [`Level ${row + first} ${what}.`];
}

/** Whether an arrow key would leave a text field, as the cursor stands. @param {HTMLTextAreaElement} field
 * @param {number} step @param {KeyboardEvent} event */
function atEnd(field, step, event) {
  if (event.shiftKey || event.ctrlKey || event.metaKey || field.selectionStart !== field.selectionEnd) return false;
  return field.selectionStart === (step < 0 ? 0 : field.value.length);
}

/** What a key means for the history of edits, if anything. @param {KeyboardEvent} event */
function undoKey({ key, ctrlKey, metaKey, shiftKey, altKey }) {
  if (altKey || !(ctrlKey || metaKey)) return undefined;
  if (key.toLowerCase() === "z") return shiftKey ? "redo" : "undo";
  return key.toLowerCase() === "y" && !shiftKey ? "redo" : undefined;
}
