// @ts-check
// Elements of the page, made in one call each, and whether they may move. An exported page uses it too.

/** An element with its attributes and what is in it. An attribute that is true stands there without a value, one that is
 * false does not.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, string | number | boolean>} attributes @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]} */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "boolean") made.toggleAttribute(name, value);
    else made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/** A button that sends no form. @param {Record<string, string | number | boolean>} attributes
 * @param {(Node | string)[]} children */
export const button = (attributes, ...children) => element("button", { type: "button", ...attributes }, ...children);

/** Whether the person has asked the system for less motion. */
export const isCalm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
