// What the additions use of ComfyUI's front end. Its published types say more than holds in all the versions that are
// supported, and leave out what scripts add to nodes. Global, so that js/ names these types without imports.

interface NodeWidget {
  name: string;
  value?: unknown;
  hidden?: boolean;
  /** Whether the value is saved in workflows. */
  serialize?: boolean;
  options: { hidden?: boolean; serialize?: boolean };
  callback?(value: unknown): void;
  /** What the server is told instead of the value. */
  serializeValue?: (...given: unknown[]) => unknown;
}

interface DomWidgetOptions {
  serialize: boolean;
  hideOnZoom: boolean;
  getMinHeight: () => number;
  getMaxHeight?: () => number;
  margin?: number;
  getValue: () => string;
  setValue: (value: string) => void;
}

interface NodeInput {
  name: string;
}

interface NodeOutput {
  type: string | number;
}

type NodeId = string | number;

interface GraphNode {
  /** Of every type of node; those of the server have a class and what the server says of them. */
  constructor: Function & { comfyClass?: string; nodeData?: { category?: string } };
  id: NodeId;
  type: string;
  title: string;
  mode: number;
  pos: ArrayLike<number>;
  size: ArrayLike<number>;
  /** None after the node was removed. */
  graph: Graph | null;
  /** Neither inputs nor outputs while a node is made. */
  inputs?: NodeInput[];
  outputs?: NodeOutput[];
  widgets?: NodeWidget[];
  /** Saved with the workflow. */
  properties: Record<string, unknown>;
  /** What a node stands for that is a subgraph's. */
  subgraph?: Subgraph;
  hideOutputImages?: boolean;
  isInputConnected(slot: number): boolean;
  getWidgetFromSlot?(input: NodeInput): NodeWidget | undefined;
  addWidget(type: "button", name: string, value: string | null | undefined, callback: () => void): NodeWidget;
  addDOMWidget?(name: string, type: string, root: HTMLElement, options: DomWidgetOptions): NodeWidget;
  removeWidget(widget: NodeWidget): void;
  computeSize(): ArrayLike<number>;
  setSize(size: [number, number]): void;
  connect(slot: number, target: any, targetSlot: number): unknown; // as below, of the host's own kind
  disconnectInput(slot: number): boolean;
  findInputSlot(name: string): number;
  findOutputSlot(name: string): number;
  setDirtyCanvas(foreground: boolean, background: boolean): void;
}

interface GraphLink {
  origin_id: NodeId;
  origin_slot: number;
  target_id: NodeId;
  target_slot: number;
}

interface Graph {
  id: string;
  nodes: GraphNode[];
  links: Pick<Map<NodeId, GraphLink>, "get" | "values">;
  rootGraph: RootGraph;
  getNodeById(id: NodeId): GraphNode | null | undefined;
  // of nodes that the host has made, which its own types know as more than a GraphNode
  add(node: any): unknown;
  remove(node: any): void;
}

interface RootGraph extends Graph {
  subgraphs: Pick<Map<string, Subgraph>, "get" | "values">;
}

interface Subgraph extends Graph {
  inputs: SubgraphSlot[];
  outputs: SubgraphSlot[];
}

interface SubgraphSlot {
  linkIds: NodeId[];
}

/** The history of a workflow. */
interface ChangeTracker {
  captureCanvasState?(): void;
  /** The same in older front ends. */
  checkState?(): void;
  undo(): Promise<void>;
  redo(): Promise<void>;
}

interface App {
  rootGraph: RootGraph;
  canvas: { canvas: HTMLElement; processMouseWheel(event: WheelEvent): void };
  extensionManager: {
    workflow?: { activeWorkflow?: { changeTracker?: ChangeTracker } | null };
    command: { execute(id: string): Promise<unknown> };
    toast: { add(message: { severity: "success" | "error"; summary: string; detail?: string; life?: number }): void };
  };
  /** Runs the workflow; with ids, only what those nodes need (older front ends run all). */
  queuePrompt(number: number, batchCount?: number, nodes?: string[]): Promise<unknown>;
  registerExtension(extension: Published.ComfyExtension): void;
}

interface Window {
  LiteGraph: { vueNodesMode?: boolean; createNode(type: string): GraphNode | null };
  comfyAPI?: { utils?: { applyTextReplacements?: (graph: RootGraph, text: string) => string } };
}

// What the two imports from the host mean at run time.
declare module "*/scripts/app.js" {
  export const app: App;
}
declare module "*/scripts/api.js" {
  export const api: Published.ComfyApi;
}

declare namespace Published {
  type ComfyApp = import("@comfyorg/comfyui-frontend-types").ComfyApp;
  type ComfyApi = import("@comfyorg/comfyui-frontend-types").ComfyApi;
  type ComfyExtension = import("@comfyorg/comfyui-frontend-types").ComfyExtension;
  type Node = Parameters<NonNullable<ComfyExtension["nodeCreated"]>>[0];
}

/** An error where the published type is not of this kind. */
type Checked<Ours, Theirs extends Ours> = [Ours, Theirs];
type CheckedTypes = [
  Checked<GraphNode, Published.Node>,
  Checked<RootGraph, Published.ComfyApp["rootGraph"]>,
  Checked<Pick<App, "rootGraph" | "canvas" | "registerExtension">, Published.ComfyApp>,
];
