// @ts-check
// Growing in a Zoom Viewer node: the buttons in its bar, the field for prompts, and the frame that shows the place.

import { api } from "../../../scripts/api.js";
import { button, element } from "./dom.js";
import { executionIdOf, widgetOf } from "./graph_walk.js";
import { canUndo, keepOn, partsOf, runFor, stepsOf, textOf, undoGrowth, writeGrowth, writeSeeds } from "./grow_graph.js";
import { CannotGrow, grown, withSeed } from "./growth.js";
import { chain } from "./host.js";
import { layoutLevels, seenOf } from "./zoom_math.js";

/**
 * @typedef {import("./viewer.js").ZoomViewer} ZoomViewer
 * @typedef {import("./growth.js").Spot} Spot
 */

const TITLES = {
  grow: "Grow here: new levels where you look (G, or Alt + double click)",
  again: "Again: make this level anew, with another seed",
  undo: "Undo: take back the last Grow or Again",
};
const PLACEHOLDER = "What is here, when you come closer? One line per level.";
const LARGEST_SEED = 2 ** 32;
const NO_RESULT = "Run the workflow once; then it can grow.";

/** @param {GraphNode} node a Zoom Viewer @param {ZoomViewer} viewer in it */
export function addGrowing(node, viewer) {
  new GrowPanel(node, viewer);
}

class GrowPanel {
  /** @param {GraphNode} node @param {ZoomViewer} viewer */
  constructor(node, viewer) {
    this.node = node;
    this.viewer = viewer;
    /** Where the new level is to lie, while the field is open. @type {Spot | null} */ this.spot = null;
    const named = (/** @type {keyof typeof TITLES} */ name, /** @type {string} */ text) =>
      button({ class: "zoomstack-word", title: TITLES[name], "data-grow": name }, text);
    this.grow = named("grow", "Grow here");
    this.again = named("again", "Again");
    this.undo = named("undo", "Undo");
    this.field = element("textarea", { rows: 2, placeholder: PLACEHOLDER, "aria-label": PLACEHOLDER });
    this.status = element("div", { class: "zoomstack-grow-status", role: "status" });
    const go = button({ title: "Sample these levels here (Enter)", "data-grow": "go" }, "Grow");
    const cancel = button({ title: "Close (Escape)", "data-grow": "cancel" }, "Cancel");
    this.form = element("div", { class: "zoomstack-grow", hidden: true }, this.field, go, cancel);
    this.frame = element("div", { class: "zoomstack-grow-frame", hidden: true });
    const row = element("div", { class: "zoomstack-bar" }, this.grow, this.again, this.undo, this.status);
    viewer.picture.append(this.frame);
    viewer.root.insertBefore(row, viewer.note);
    viewer.root.insertBefore(this.form, viewer.note);

    const { signal } = viewer.closing;
    this.grow.addEventListener("click", () => this.toggle(), { signal });
    this.again.addEventListener("click", () => void this.try(() => this.makeAgain()), { signal });
    this.undo.addEventListener("click", () => void this.try(() => this.takeBack()), { signal });
    go.addEventListener("click", () => void this.try(() => this.plant()), { signal });
    cancel.addEventListener("click", () => this.close(), { signal });
    this.form.addEventListener("keydown", (event) => this._onKey(event), { signal });
    this.field.addEventListener("input", () => this._showFrame(), { signal });
    viewer.root.addEventListener("keydown", (event) => this._onShortcut(event), { signal });
    viewer.canvas.addEventListener("dblclick", (event) => this._onDoubleClick(event), { signal, capture: true });
    viewer.root.addEventListener("pointerenter", () => this.refresh(), { signal });
    viewer.root.addEventListener("focusin", () => this.refresh(), { signal });
    viewer.root.addEventListener("zoomstack:ready", () => this.refresh(), { signal });
    chain(viewer, "draw", () => this._showFrame());
    chain(node, "onConnectionsChange", () => this.refresh());
    api.addEventListener(
      "executed",
      (/** @type {CustomEvent<{node: NodeId, display_node?: NodeId, prompt_id?: string}>} */ { detail }) => {
        const mine = String(detail.display_node ?? detail.node) === executionIdOf(node);
        if (!mine) return;
        node.properties.last_run = detail.prompt_id;
        this.say("");
        this.refresh();
      },
      { signal },
    );
    this.refresh();
  }

  /** The buttons that work; the others say why not. */
  refresh() {
    const why = this._problem();
    for (const [name, control] of /** @type {const} */ ([["grow", this.grow], ["again", this.again]])) {
      control.disabled = why !== "";
      control.title = why || TITLES[name];
    }
    this.undo.disabled = !canUndo(this.node);
  }

  /** Why nothing can be grown; no text where it can. */
  _problem() {
    if (!this.viewer.stack) return NO_RESULT;
    try {
      textOf(partsOf(this.node));
      return "";
    } catch (error) {
      if (error instanceof CannotGrow) return error.message;
      throw error;
    }
  }

  /** Do something, and say what is in its way. @param {() => Promise<void>} work */
  async try(work) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof CannotGrow)) console.warn("ZoomStack: growing failed", error);
      this.say(/** @type {Error} */ (error).message);
    }
    this.refresh();
  }

  /** @param {string} text */
  say(text) {
    this.status.textContent = text;
  }

  toggle() {
    if (this.spot) this.close();
    else this.open();
  }

  /** Ask for prompts. @param {number} [atX] @param {number} [atY] where, in parts of the picture; else in its middle */
  open(atX = 0.5, atY = 0.5) {
    this.refresh();
    if (this.grow.disabled) return this.say(this.grow.title);
    this.viewer.rest();
    this.spot = spotAt(this.viewer, atX, atY);
    this.form.hidden = false;
    this.grow.setAttribute("aria-pressed", "true");
    this._showFrame();
    this.field.focus({ preventScroll: true });
  }

  close() {
    this.spot = null;
    this.form.hidden = true;
    this.frame.hidden = true;
    this.grow.setAttribute("aria-pressed", "false");
    this.say("");
    this.viewer.root.focus({ preventScroll: true });
  }

  /** The new levels. */
  async plant() {
    const lines = this.field.value.split("\n").map((line) => line.trim()).filter(Boolean);
    if (!lines.length) throw new CannotGrow("Write what is to be seen here first.");
    const { parts, growth } = this._plan(lines);
    await keepOn(this.node, parts);
    writeGrowth(this.node, parts, growth);
    this.field.value = "";
    this.close();
    const more = growth.total - growth.level - 1;
    this.say(`Level ${growth.level + 1}${more ? ` to ${growth.total}` : ""} in level ${growth.parent + 1} …`);
    await runFor(this.node);
  }

  /** The level in view with another seed. */
  async makeAgain() {
    const parts = partsOf(this.node);
    const { level } = spotAt(this.viewer, 0.5, 0.5);
    const seeds = String(widgetOf(parts.sampler, "level_seeds")?.value ?? "");
    await keepOn(this.node, parts);
    writeSeeds(this.node, parts, withSeed(seeds, level, Math.floor(Math.random() * LARGEST_SEED)));
    this.say(`Level ${level + 1} again …`);
    await runFor(this.node);
  }

  async takeBack() {
    undoGrowth(this.node);
    this.say("Undone …");
    await runFor(this.node);
  }

  /** @param {string[]} lines */
  _plan(lines) {
    const [parts, { stack }] = [partsOf(this.node), this.viewer];
    if (!stack || !this.spot) throw new CannotGrow(NO_RESULT);
    return { parts, growth: grown(textOf(parts), stepsOf(parts), stack.geometry, this.spot, lines) };
  }

  /** Where the new level will lie. */
  _showFrame() {
    if (!this.spot) return;
    try {
      const { growth } = this._plan(["a new level"]);
      const { width, height } = this.viewer.size;
      const placements = layoutLevels(this.viewer.line, this.viewer.view, width, height);
      const around = placements.find(({ level }) => level === growth.parent)?.rect;
      this.frame.hidden = !around;
      if (around) {
        const { left, top, width: wide, height: tall } = growth.rect;
        Object.assign(this.frame.style, {
          left: `${around.left + left * around.width}px`,
          top: `${around.top + top * around.height}px`,
          width: `${wide * around.width}px`,
          height: `${tall * around.height}px`,
        });
      }
      this.say(`Level ${growth.level + 1} in level ${growth.parent + 1}`);
    } catch (error) {
      this.frame.hidden = true;
      this.say(/** @type {Error} */ (error).message);
    }
  }

  /** Keys in the field are no keys of the viewer or the graph. @param {KeyboardEvent} event */
  _onKey(event) {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && event.target === this.field && !event.shiftKey) void this.try(() => this.plant());
    else return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  _onShortcut(event) {
    if (event.target !== this.viewer.root || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.toLowerCase() !== "g") return;
    event.preventDefault();
    event.stopPropagation();
    this.toggle();
  }

  /** @param {MouseEvent} event */
  _onDoubleClick(event) {
    if (!event.altKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const box = this.viewer.canvas.getBoundingClientRect();
    this.open((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }
}

/** What lies at a point of the view: of the level that fills most of it, or of a wider one around it.
 * @param {ZoomViewer} viewer @param {number} atX @param {number} atY parts of the picture @returns {Spot} */
function spotAt({ line, view, size: { width, height } }, atX, atY) {
  const placements = layoutLevels(line, view, width, height);
  const { level } = seenOf(placements, width, height);
  const at = placements.findIndex((placement) => placement.level === level);
  for (const { level: around, rect } of placements.slice(0, at + 1).reverse()) {
    const [x, y] = [(atX * width - rect.left) / rect.width, (atY * height - rect.top) / rect.height];
    if (x >= 0 && x <= 1 && y >= 0 && y <= 1) return { level: around, x, y };
  }
  const clamp = (/** @type {number} */ value) => Math.min(Math.max(value, 0), 1);
  const { rect } = placements[at];
  return { level, x: clamp((atX * width - rect.left) / rect.width), y: clamp((atY * height - rect.top) / rect.height) };
}
