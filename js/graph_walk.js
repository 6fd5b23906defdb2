// @ts-check
// What stands behind and before a node in the graph.

/** The first node behind `node`, or itself, for which `find` gives something; what it gives. The nearest comes first.
 * @template T @param {any} node @param {(node: any) => T | undefined} find @returns {T | undefined} */
export function findBehind(node, find) {
  const seen = new Set([node]);
  let nodes = [node];
  while (nodes.length && node.graph) {
    for (const here of nodes) {
      const found = find(here);
      if (found !== undefined) return found;
    }
    nodes = nodes.flatMap(targets).filter((next) => next && !seen.has(next) && seen.add(next));
  }
  return undefined;
}

/** @param {any} node @param {string} name @returns {any} */
export const widgetOf = (node, name) => node.widgets?.find((/** @type {any} */ widget) => widget.name === name);

/** Whether an input gets its value from another node. @param {any} node @param {string} name */
export function isLinked(node, name) {
  return node.inputs?.some((/** @type {any} */ input) => input.name === name && input.link != null) ?? false;
}

/** The value of a widget, or of the first widget of the node that is linked to it, if it is a number above 1.
 * @param {any} node @param {string} name @returns {number | undefined} */
export function factorOf(node, name) {
  const widget = widgetOf(node, name);
  if (!widget) return undefined;
  const slot = node.inputs?.findIndex((/** @type {any} */ input) => input.name === name && input.link != null) ?? -1;
  const value = Number(slot >= 0 ? node.getInputNode(slot)?.widgets?.[0]?.value : widget.value);
  return value > 1 ? value : undefined;
}

/** The nodes that the outputs of a node go to. @param {any} node @returns {any[]} */
function targets(node) {
  const links = (node.outputs ?? []).flatMap((/** @type {any} */ output) => output.links ?? []);
  return links.map((/** @type {number} */ id) => node.graph.getNodeById(node.graph.links.get(id)?.target_id));
}
