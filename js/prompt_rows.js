// @ts-check
// Rows over one text with a prompt per line. The text is the truth: the rows are made from it, and every edit is one of
// the text. Knows nothing of ComfyUI.

import * as rows from "./prompt_text.js";
import { element } from "./viewer_controls.js";
import { magnificationText } from "./zoom_math.js";

/**
 * @typedef {object} RowsOptions
 * @property {(text: string, done: boolean) => void} change takes every edit; `done` when it is complete, not a letter of
 * many
 * @property {(row: number) => number} logMagnification ln of the magnification of a level
 * @property {(text: string) => Promise<string[]>} read the prompts that the node reads in a text
 */

/** Milliseconds without an edit until the node is asked what it reads. */
const PATIENCE = 400;

export class PromptRows {
  /** @param {RowsOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {rows.Lines} */ this.lines = rows.toLines("");
    this.list = element("ol", { class: "zoomstack-rows-list" });
    this.add = element("button", { type: "button" }, "Add level");
    this.paste = element("button", { type: "button", title: "Add the list in the clipboard, one row per prompt" }, "Paste list");
    this.note = element("span", { class: "zoomstack-rows-note", role: "status" });
    const bar = element("div", { class: "zoomstack-rows-bar" }, this.add, this.paste, this.note);
    this.root = element(
      "div",
      { class: "zoomstack-rows", role: "group", "aria-label": "Prompts, one row per zoom level", "data-capture-wheel": "true" },
      this.list,
      bar,
    );
    this.timer = 0;
    this.add.addEventListener("click", () => this._append([""]));
    this.paste.addEventListener("click", () => void this._pasteFromClipboard());
    this.root.addEventListener("keydown", (event) => this._onKey(event));
    this.list.addEventListener("input", (event) => this._onInput(event));
    this.list.addEventListener("change", () => this._changed(this.lines, true));
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

  /** The zoom factors may have changed: write the magnifications anew. */
  refresh() {
    for (const [row, item] of [...this.list.children].entries()) {
      const shown = item.querySelector(".zoomstack-rows-size");
      const size = magnificationText(this.options.logMagnification(row));
      if (shown && shown.textContent !== size) shown.textContent = size;
    }
  }

  close() {
    clearTimeout(this.timer);
    this.root.remove();
  }

  _draw() {
    const count = rows.rowPlaces(this.lines).length;
    this.list.replaceChildren(...rows.prompts(this.lines).map((prompt, row) => this._row(prompt, row, count)));
    this._askSoon();
  }

  /** @param {string} prompt @param {number} row @param {number} count */
  _row(prompt, row, count) {
    const size = magnificationText(this.options.logMagnification(row));
    const field = element("textarea", { rows: "1", "aria-label": `Prompt of level ${row + 1}`, spellcheck: "false" });
    field.value = prompt;
    const button = (/** @type {string} */ action, /** @type {string} */ text, /** @type {string} */ label, off = false) => {
      const made = element("button", { type: "button", title: label, "aria-label": label, "data-action": action }, text);
      made.disabled = off;
      return made;
    };
    return element(
      "li",
      {},
      element("span", { class: "zoomstack-rows-level" }, `${row + 1}`),
      element("span", { class: "zoomstack-rows-size" }, size),
      field,
      button("up", "↑", `Move level ${row + 1} outwards (Alt+Up)`, row === 0),
      button("down", "↓", `Move level ${row + 1} inwards (Alt+Down)`, row === count - 1),
      button("remove", "×", `Remove level ${row + 1}`),
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
    this._changed(lines, true);
    this._draw();
    const item = this.list.children[Math.min(row, this.list.children.length - 1)];
    const button = /** @type {HTMLButtonElement | null} */ (action ? item?.querySelector(`[data-action="${action}"]`) : null);
    const target = button && !button.disabled ? button : item?.querySelector("textarea");
    /** @type {HTMLElement} */ (target ?? this.add).focus({ preventScroll: true });
    item?.scrollIntoView({ block: "nearest" });
  }

  /** @param {string[]} prompts */
  _append(prompts) {
    const last = rows.rowPlaces(this.lines).length - 1;
    this._rearrange(rows.withRowsAfter(this.lines, last, prompts), last + prompts.length);
  }

  /** @param {number} row @param {number} other @param {string} [action] */
  _swap(row, other, action) {
    if (other < 0 || other >= this.list.children.length) return;
    this._rearrange(rows.withRowsSwapped(this.lines, row, other), other, action);
    this._tell(`Level ${row + 1} is now level ${other + 1}.`);
  }

  /** @param {number} row */
  _remove(row) {
    this._rearrange(rows.withoutRow(this.lines, row), row);
    this._tell(`Level ${row + 1} is removed.`);
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
  _onClick(event) {
    const action = /** @type {HTMLElement} */ (event.target).dataset.action;
    const row = this._rowOf(event);
    if (action === "up") this._swap(row, row - 1, action);
    else if (action === "down") this._swap(row, row + 1, action);
    else if (action === "remove") this._remove(row);
  }

  /** @param {KeyboardEvent} event */
  _onKey(event) {
    const field = /** @type {HTMLTextAreaElement} */ (event.target);
    // the graph would delete the selected node
    if (event.key === "Delete" || event.key === "Backspace") event.stopPropagation();
    const row = this._rowOf(event);
    if (row < 0 || event.isComposing || !(field instanceof HTMLTextAreaElement)) return;
    if (event.altKey && event.key === "ArrowUp") this._swap(row, row - 1);
    else if (event.altKey && event.key === "ArrowDown") this._swap(row, row + 1);
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      this._rearrange(rows.withRowsAfter(this.lines, row, [""]), row + 1);
    } else if (event.key === "Backspace" && field.value === "") this._remove(row);
    else return;
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
    const empty = rows.prompts(this.lines)[row] === "";
    const lines = rows.withRowsAfter(this.lines, row, prompts);
    this._rearrange(empty ? rows.withoutRow(lines, row) : lines, row + prompts.length - (empty ? 1 : 0));
  }

  async _pasteFromClipboard() {
    let text = "";
    try {
      text = await navigator.clipboard.readText();
    } catch {
      this._tell("The browser does not show its clipboard here: press Ctrl+V in a row.");
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
      this._tell(/** @type {Error} */ (error).message);
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
    if (!text.trim()) return;
    let read;
    try {
      read = await this.options.read(text);
    } catch {
      return; // the node will say what is wrong with the text
    }
    const here = rows.rowPlaces(this.lines).length;
    if (text !== this.text) return;
    if (read.length === here) {
      if (this.note.querySelector("button")) this._tell("");
      return;
    }
    const rewrite = element("button", { type: "button" }, "Make them lines");
    rewrite.addEventListener("click", () => this._rearrange(rows.toLines(read.join("\n")), 0));
    this._tell(`The node reads ${read.length} prompts in this text. `, rewrite);
  }

  /** @param {(Node | string)[]} content */
  _tell(...content) {
    this.note.replaceChildren(...content);
  }
}
