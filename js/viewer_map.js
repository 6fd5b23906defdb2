// @ts-check
// A small map of a tree of levels: a button for each, the wider ones on the left. For a chain there is none.

import { button, element } from "./dom.js";
import { childrenOf, hasBranches } from "./zoom_tree.js";

/** @typedef {import("./zoom_tree.js").Geometry} Geometry */

const SVG = "http://www.w3.org/2000/svg";

/** Where the levels are on a map, in steps from its top left corner: [right, down]. Levels without children stand below
 * each other, the others in the middle of theirs. @param {Geometry} tree @returns {[number, number][]} */
export function mapPlaces(tree) {
  /** @type {[number, number][]} */ const places = [];
  let rows = 0;
  const put = (/** @type {number} */ level, /** @type {number} */ right) => {
    const children = childrenOf(tree)[level].map((child) => child.level).filter((child) => child > 0);
    for (const child of children) put(child, right + 1);
    const downs = children.map((child) => places[child][1]);
    places[level] = [right, downs.length ? (downs[0] + downs[downs.length - 1]) / 2 : rows++];
  };
  put(0, 0);
  return places;
}

export class ViewerMap {
  /** @param {(level: number) => void} go called with the level whose button is pressed */
  constructor(go) {
    this.go = go;
    /** @type {HTMLButtonElement[]} */ this.buttons = [];
    this.plan = element("div", { class: "zoomstack-map-plan" });
    this.root = element("details", { class: "zoomstack-map", open: true, hidden: true }, element("summary", {}, "Map"), this.plan);
  }

  /** @param {Geometry} tree @param {string[]} labels of the levels */
  show(tree, labels) {
    this.root.hidden = !hasBranches(tree);
    this.buttons = [];
    if (this.root.hidden) return this.plan.replaceChildren();
    const places = mapPlaces(tree);
    const size = [0, 1].map((axis) => 1 + Math.max(...places.map((place) => place[axis])));
    const lines = document.createElementNS(SVG, "svg");
    lines.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
    lines.setAttribute("aria-hidden", "true");
    for (const [level, children] of childrenOf(tree).entries()) {
      for (const { level: child } of children) {
        const [from, to] = [places[level], places[child]].map((place) => place.map((at) => at + 0.5));
        if (child) lines.append(curve(from, to)); // the way of a ring back to level 0 would cross the map
      }
    }
    this.buttons = labels.map((label, level) => {
      const made = button({ title: label, "aria-label": label }, `${level + 1}`);
      made.style.left = `calc(${places[level][0]} * var(--zoomstack-map-step))`;
      made.style.top = `calc(${places[level][1]} * var(--zoomstack-map-step))`;
      made.addEventListener("click", () => this.go(level));
      return made;
    });
    this.plan.style.width = `calc(${size[0]} * var(--zoomstack-map-step))`;
    this.plan.style.height = `calc(${size[1]} * var(--zoomstack-map-step))`;
    this.plan.replaceChildren(lines, ...this.buttons);
  }

  /** Mark the level that one sees. @param {number} level */
  showLevel(level) {
    const here = this.buttons[level];
    if (!here || here.getAttribute("aria-current")) return;
    for (const other of this.buttons) other.removeAttribute("aria-current");
    here.setAttribute("aria-current", "true");
    const { root } = this;
    root.scrollTo(here.offsetLeft - root.clientWidth / 2, here.offsetTop - root.clientHeight / 2);
  }
}

/** @param {number[]} from @param {number[]} to */
function curve([x, y], [toX, toY]) {
  const path = document.createElementNS(SVG, "path");
  const middle = (x + toX) / 2;
  path.setAttribute("d", `M${x} ${y}C${middle} ${y} ${middle} ${toY} ${toX} ${toY}`);
  return path;
}
