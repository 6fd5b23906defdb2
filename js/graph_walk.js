// @ts-check
// What stands behind and before a node in the graph, and what can be told of its inputs without a run. Reroutes and
// subgraphs are looked through. Where a subgraph is used several times, all its uses count.

import { parseFactors } from "./zoom_steps.js";

/**
 * @typedef {{node?: GraphNode, widget?: NodeWidget}} Origin where the value of an input comes from: an output of a node, or a widget
 * of a subgraph's node; the node is undefined where that cannot be told
 */

/** Nodes whose output is their own value. */
const PRIMITIVES = new Set(["PrimitiveFloat", "PrimitiveInt", "PrimitiveString", "PrimitiveStringMultiline"]);
/** The ids that stand in links for the inputs and the outputs of the subgraph itself. */
const [SUBGRAPH_INPUT, SUBGRAPH_OUTPUT] = [-10, -20];
const [MUTED, BYPASSED] = [2, 4];
export const GEOMETRY = "ZoomGeometry";

/** @param {GraphNode} node @param {string} name */
export const widgetOf = (node, name) => node.widgets?.find((widget) => widget.name === name);

/** @param {GraphNode} node @param {string} name */
const inputOf = (node, name) => node.inputs?.find((input) => input.name === name);

/** The link that ends at an input, if there is one. By the links of the graph: newer front ends have no `link` of the
 * input itself, and the node's own `getInputLink` answers for the outputs where the node is a subgraph's.
 * @param {GraphNode} node @param {NodeInput | undefined} input of it */
function linkTo(node, input) {
  const slot = input ? (node.inputs?.indexOf(input) ?? -1) : -1;
  if (slot < 0 || !node.graph || !node.isInputConnected(slot)) return undefined;
  return linksOf(node.graph).find((link) => link.target_id === node.id && link.target_slot === slot);
}

/** Whether an input gets its value from another node. @param {GraphNode} node @param {string} name */
export const isLinked = (node, name) => linkTo(node, inputOf(node, name)) !== undefined;

/** Whether a node does nothing in a run. @param {GraphNode} node */
const isOff = (node) => node.mode === MUTED || node.mode === BYPASSED;

/** All nodes that are reached from the outputs of `node`, as far as `passes` lets through: by the node and the type of
 * its output. @param {GraphNode} node @param {(node: GraphNode, type: string) => boolean} passes @returns {GraphNode[]} */
export function nodesAlong(node, passes) {
  const seen = new Set([node]);
  for (const from of seen) { // which grows meanwhile
    if (isOff(from)) continue;
    const next = (from.outputs ?? []).flatMap((output, slot) =>
      passes(from, String(output.type)) ? targetsOfOutput(from, slot) : [],
    );
    for (const target of next) seen.add(target);
  }
  return [...seen].filter((other) => other !== node && !isOff(other));
}

/** The node that an input's value comes from, if it can be told. @param {GraphNode} node @param {string} name
 * @returns {GraphNode | undefined} */
export function originOf(node, name) {
  const [origin, ...others] = originsOf(node, inputOf(node, name));
  return others.every((other) => other.node === origin?.node) && !origin?.widget ? origin?.node : undefined;
}

/** What `find` gives for the nearest nodes behind `node`, or for itself; those at the same distance together.
 * @template T @param {GraphNode} node @param {(node: GraphNode) => T | undefined} find @returns {T[]} */
export const findBehind = (node, find) => search(node, find, targetsOf);

/** As `findBehind`, the other way. @template T @param {GraphNode} node
 * @param {(node: GraphNode) => T | undefined} find @returns {T[]} */
export const findBefore = (node, find) => search(node, find, sourcesOf);

/** @template T @param {GraphNode} node @param {(node: GraphNode) => T | undefined} find
 * @param {(node: GraphNode) => GraphNode[]} next @returns {T[]} */
function search(node, find, next) {
  const seen = new Set([node]);
  for (let nodes = [node]; nodes.length; ) {
    const found = nodes.map(find).filter((value) => value !== undefined);
    if (found.length) return /** @type {T[]} */ (found);
    nodes = nodes.flatMap(next).filter((other) => !seen.has(other) && seen.add(other));
  }
  return [];
}

/** The zoom factors of the levels that a node makes or gets prompts for: one for all steps, or one per step; null where
 * only a run can tell. @param {GraphNode} node */
export function factorsBehind(node) {
  const found = findBehind(node, factorsOf);
  return found.length && found.every((factors) => String(factors) === String(found[0])) ? found[0] : null;
}

/** The zoom factors that a node works with; null where only a run can tell, undefined for a node that has none.
 * @param {GraphNode} node @returns {number[] | null | undefined} */
export function factorsOf(node) {
  if (isOff(node) || !widgetOf(node, "zoom_factor") || !inputOf(node, "geometry")) return undefined;
  if (!isLinked(node, "geometry")) return parseFactors(String(valueOf(node, "zoom_factor")));
  const source = geometryOf(node);
  if (!source) return null;
  return source.type === GEOMETRY ? parseFactors(String(valueOf(source, "zoom_factors"))) : (factorsOf(source) ?? null);
}

/** The node that sets the geometry that is linked to a node, if it can be told: a Zoom Geometry, or a sampler that
 * hands on what its own widgets say. @param {GraphNode} node @returns {GraphNode | undefined} */
export function geometryOf(node) {
  const found = originOf(node, "geometry");
  if (!found || found.type === GEOMETRY) return found ?? undefined;
  if (!inputOf(found, "geometry") || !widgetOf(found, "zoom_factor")) return undefined;
  return isLinked(found, "geometry") ? geometryOf(found) : found;
}

/** What an input of a node is set to, in its own widget or by a primitive node that is linked to it; undefined where
 * only a run can tell. @param {GraphNode} node @param {string} name @returns {unknown} */
export function valueOf(node, name) {
  if (!isLinked(node, name)) return widgetOf(node, name)?.value;
  const [value, ...others] = originsOf(node, inputOf(node, name)).map(valueOfOrigin);
  return others.every((other) => other === value) ? value : undefined;
}

/** @param {Origin} origin */
function valueOfOrigin({ node, widget }) {
  if (widget) return widget.value;
  if (!node) return undefined;
  if (PRIMITIVES.has(node.type)) return valueOf(node, "value");
  return node.type === "PrimitiveNode" ? node.widgets?.[0]?.value : undefined;
}

/** @param {GraphNode} node @param {NodeInput | undefined} input of it @returns {Origin[]} none where nothing is linked */
function originsOf(node, input) {
  const link = linkTo(node, input);
  if (!link) return [];
  const graph = /** @type {Graph} */ (node.graph); // which the link is in
  if (Number(link.origin_id) === SUBGRAPH_INPUT) {
    return usesOf(graph).flatMap((use) => {
      const outer = use.inputs?.[link.origin_slot];
      if (linkTo(use, outer)) return originsOf(use, outer);
      return [{ node: use, widget: outer && use.getWidgetFromSlot?.(outer) }];
    });
  }
  return originsOfOutput(graph.getNodeById(link.origin_id), link.origin_slot);
}

/** @param {GraphNode | null | undefined} node @param {number} slot of an output of it @returns {Origin[]} */
function originsOfOutput(node, slot) {
  if (!node || isOff(node)) return [{ node: undefined }];
  if (node.type === "Reroute") return originsOf(node, node.inputs?.[0]);
  if (!node.subgraph) return [{ node }];
  const inside = linkOf(node.subgraph, node.subgraph.outputs[slot]?.linkIds?.[0]);
  return inside ? originsOfOutput(node.subgraph.getNodeById(inside.origin_id), inside.origin_slot) : [];
}

/** The nodes that the inputs of a node come from. @param {GraphNode} node @returns {GraphNode[]} */
function sourcesOf(node) {
  const origins = (node.inputs ?? []).flatMap((input) => originsOf(node, input));
  return origins.flatMap((origin) => origin.node ?? []);
}

/** The nodes that the outputs of a node go to. @param {GraphNode} node @returns {GraphNode[]} */
const targetsOf = (node) => (node.outputs ?? []).flatMap((_, slot) => targetsOfOutput(node, slot));

/** By the links of the graph: newer front ends have no `links` of the output itself.
 * @param {GraphNode} node @param {number} slot of an output of it @returns {GraphNode[]} */
function targetsOfOutput(node, slot) {
  const { graph, id } = node;
  if (!graph) return [];
  return targetsOfLinks(graph, linksOf(graph).filter((link) => link.origin_id === id && link.origin_slot === slot));
}

/** @param {Graph} graph @param {GraphLink[]} links in it @returns {GraphNode[]} */
function targetsOfLinks(graph, links) {
  return links.flatMap((link) => {
    if (Number(link.target_id) === SUBGRAPH_OUTPUT) {
      return usesOf(graph).flatMap((use) => targetsOfOutput(use, link.target_slot));
    }
    const node = graph.getNodeById(link.target_id);
    const subgraph = node?.subgraph;
    if (!subgraph) return node ?? [];
    const inside = subgraph.inputs[link.target_slot]?.linkIds ?? [];
    return targetsOfLinks(subgraph, inside.flatMap((id) => linkOf(subgraph, id) ?? []));
  });
}

/** @param {Graph} graph */
const linksOf = (graph) => [...graph.links.values()];

/** @param {Graph} graph @param {NodeId | undefined} id */
const linkOf = (graph, id) => (id === undefined ? undefined : graph.links.get(id));

/** The whole workflow and every subgraph in it. @param {RootGraph} rootGraph @returns {Graph[]} */
export const graphsOf = (rootGraph) => [rootGraph, ...rootGraph.subgraphs.values()];

/** What a run calls a node: its id, after those of the subgraphs' nodes that it is in; of several uses the first.
 * @param {GraphNode} node @returns {string | undefined} */
export function executionIdOf({ graph, id }) {
  if (!graph) return undefined;
  if (graph === /** @type {Graph} */ (graph.rootGraph)) return String(id);
  const [use] = usesOf(graph);
  const outer = use && executionIdOf(use);
  return outer && `${outer}:${id}`;
}

/** The nodes that stand for a subgraph. @param {Graph} subgraph */
const usesOf = (subgraph) =>
  graphsOf(subgraph.rootGraph).flatMap((graph) => graph.nodes.filter((node) => node.subgraph === subgraph));
