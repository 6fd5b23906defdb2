// @ts-check
// What leads from the explorer in a node to other pages: a line that shows a saved page in another one, and the levels as
// images with their places, for other viewers.

import { button, element } from "./dom.js";
import { ask, urlOf } from "./server.js";

/**
 * @typedef {import("./server.js").SavedFile} SavedFile
 * @typedef {import("./viewer.js").ZoomViewer} ZoomViewer
 */

/** Where a file lies, from the host's folder on. @param {SavedFile} file */
export const pathOf = ({ filename, subfolder }) => ["output", subfolder, filename].filter(Boolean).join("/");

/** The line of HTML that shows a saved page in a page beside it; nothing of that is open to it. @param {SavedFile} page */
export const frameOf = ({ filename }) =>
  `<iframe src="${encodeURIComponent(filename)}" title="Zoom" width="100%" height="600" style="border: 0" ` +
  'sandbox="allow-scripts" allow="fullscreen"></iframe>';

/** Gives the line to whoever presses it. @param {ZoomViewer} viewer @param {SavedFile} page */
export function embedButton(viewer, page) {
  const made = button({ title: "Copy the line of HTML that shows the page in a page of yours, beside it" }, "Embed");
  const line = frameOf(page);
  made.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(line);
      made.textContent = "Copied";
    } catch {
      // a page that is neither secure nor of this machine has no clipboard
      const shown = element("input", { readonly: true, value: line, "aria-label": "The line to copy" });
      viewer.noteBelow(shown);
      shown.select();
    }
  });
  return made;
}

/** Saves the levels of a result. @param {ZoomViewer} viewer @param {() => object | undefined} asked what the server is to
 * save, if there is anything */
export function levelsButton(viewer, asked) {
  const title = "Save the levels as images, with a file that says where they lie, for OpenSeadragon and other viewers";
  const made = button({ title }, "Levels");
  made.addEventListener("click", async () => {
    const wanted = asked();
    if (!wanted) return;
    viewer.noteBelow("Saving …");
    try {
      const saved = /** @type {SavedFile} */ (await ask("/zoomstack/levels", wanted));
      const copy = element("a", { href: urlOf(saved), download: saved.filename, title: "Download the places" }, "Download");
      const path = `${pathOf(saved)}, and the images beside it`;
      viewer.noteBelow(copy, element("span", { class: "zoomstack-path", title: path }, path));
    } catch (error) {
      viewer.noteBelow(`Not saved: ${/** @type {Error} */ (error).message}`);
    }
  });
  return made;
}
