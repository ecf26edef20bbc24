/** What the graph view draws: the server's layout, with stages collapsed or with only some assets. Pure. */
import type { Layout } from "./layout";
import { stageOf } from "../../parts/names";
import { settled } from "./settling";

export interface SceneNode {
  /** The name of an asset, or of a collapsed stage. */
  readonly name: string;
  readonly stage: string;
  readonly isStage: boolean;
  readonly x: number;
  readonly y: number;
}

export interface SceneEdge {
  /** Indexes of nodes. */
  readonly from: number;
  readonly to: number;
  readonly points: readonly number[];
  /** The assets that it connects: several if it leads to or from a collapsed stage. */
  readonly pairs: readonly (readonly [string, string])[];
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface SceneStage {
  readonly name: string;
  readonly x: number;
  readonly width: number;
  readonly isCollapsed: boolean;
}

export interface Column {
  readonly x: number;
  /** Indexes of nodes, from top to bottom. */
  readonly nodes: readonly number[];
}

export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly SceneNode[];
  readonly edges: readonly SceneEdge[];
  readonly stages: readonly SceneStage[];
  readonly columns: readonly Column[];
  /** The node that shows an asset: its own, or its collapsed stage. */
  readonly indexOf: ReadonlyMap<string, number>;
}

export const NODE_WIDTH = 132;
export const NODE_HEIGHT = 64;
const MARGIN = 12;
const HEAD = 28;
const COLUMN_STEP = 172;
const ROW_STEP = 88;
const LANE_STEP = 8;
const NODE_TOP = MARGIN + HEAD + MARGIN;
const COLLAPSED_WIDTH = NODE_WIDTH + 2 * MARGIN;

/** The scene of a layout. `only` leaves out all other assets and moves the rest together; otherwise stages can be collapsed. */
export function sceneOf(layout: Layout, collapsed: ReadonlySet<string>, only: ReadonlySet<string> | null = null): Scene {
  if (only) return movedTogether(layout, only);
  const names = new Set(layout.stages.map((stage) => stage.name).filter((name) => collapsed.has(name)));
  return names.size > 0 ? withCollapsed(layout, names) : asLaidOut(layout);
}

function asLaidOut(layout: Layout): Scene {
  const nodes = layout.nodes.map((node) => ({ ...node, stage: stageOf(node.name), isStage: false }));
  const indexOf = new Map(nodes.map((node, index) => [node.name, index]));
  const edges = layout.edges.map(({ upstream, downstream, points }) =>
    edge(indexOf.get(upstream)!, indexOf.get(downstream)!, points, [[upstream, downstream]]),
  );
  const stages = layout.stages.map((stage) => ({ ...stage, isCollapsed: false }));
  return { width: layout.width, height: layout.height, nodes, edges, stages, columns: columnsOf(nodes), indexOf };
}

function edge(from: number, to: number, points: readonly number[], pairs: SceneEdge["pairs"]): SceneEdge {
  let [top, bottom] = [Infinity, -Infinity];
  for (let at = 1; at < points.length; at += 2) {
    top = Math.min(top, points[at]!);
    bottom = Math.max(bottom, points[at]!);
  }
  return { from, to, points, pairs, left: points[0]!, right: points.at(-2)!, top, bottom };
}

function columnsOf(nodes: readonly SceneNode[]): Column[] {
  const found = new Map<number, number[]>();
  nodes.forEach(({ x }, index) => {
    const column = found.get(x);
    if (column) column.push(index);
    else found.set(x, [index]);
  });
  return [...found]
    .sort(([one], [other]) => one - other)
    .map(([x, column]) => ({ x, nodes: column.sort((one, other) => nodes[one]!.y - nodes[other]!.y) }));
}

// Collapsed stages

function withCollapsed(layout: Layout, collapsed: ReadonlySet<string>): Scene {
  const ordered = [...layout.stages].sort((one, other) => one.x - other.x);
  const stages: SceneStage[] = [];
  let shift = 0;
  for (const { name, x, width } of ordered) {
    const isCollapsed = collapsed.has(name);
    const shown = isCollapsed ? COLLAPSED_WIDTH : width;
    stages.push({ name, x: x - shift, width: shown, isCollapsed });
    shift += width - shown;
  }
  /** How far something at x moves to the left; null inside of a collapsed stage. */
  const moved = (x: number): number | null => {
    let by = 0;
    for (const [index, stage] of ordered.entries()) {
      if (x < stage.x) break;
      if (x <= stage.x + stage.width) return stages[index]!.isCollapsed ? null : by;
      by += stage.width - stages[index]!.width;
    }
    return by;
  };

  const nodes: SceneNode[] = [];
  const indexOf = new Map<string, number>();
  for (const node of layout.nodes) {
    const stage = stageOf(node.name);
    if (collapsed.has(stage)) continue;
    indexOf.set(node.name, nodes.length);
    nodes.push({ name: node.name, stage, isStage: false, x: node.x - (moved(node.x) ?? 0), y: node.y });
  }
  for (const stage of stages.filter((one) => one.isCollapsed)) {
    const members = layout.nodes.filter((node) => stageOf(node.name) === stage.name);
    const y = Math.round(members.reduce((sum, node) => sum + node.y, 0) / Math.max(1, members.length));
    for (const member of members) indexOf.set(member.name, nodes.length);
    nodes.push({ name: stage.name, stage: stage.name, isStage: true, x: stage.x + MARGIN, y });
  }
  const edges = mergedEdges(layout, nodes, indexOf, moved);
  return { width: layout.width - shift, height: layout.height, nodes, edges, stages, columns: columnsOf(nodes), indexOf };
}

/** The edges between what is shown, each once; the points that lay in a collapsed stage are left out. */
function mergedEdges(
  layout: Layout,
  nodes: readonly SceneNode[],
  indexOf: ReadonlyMap<string, number>,
  moved: (x: number) => number | null,
): SceneEdge[] {
  const found = new Map<string, { from: number; to: number; points: number[]; pairs: [string, string][] }>();
  for (const { upstream, downstream, points } of layout.edges) {
    const [from, to] = [indexOf.get(upstream)!, indexOf.get(downstream)!];
    if (from === to) continue;
    const key = `${from} ${to}`;
    const known = found.get(key);
    if (known) {
      known.pairs.push([upstream, downstream]);
      continue;
    }
    const [start, end] = [nodes[from]!, nodes[to]!];
    const kept = [start.x + NODE_WIDTH, start.y + NODE_HEIGHT / 2];
    for (let at = 2; at < points.length - 2; at += 2) {
      const by = moved(points[at]!);
      if (by !== null) kept.push(points[at]! - by, points[at + 1]!);
    }
    kept.push(end.x, end.y + NODE_HEIGHT / 2);
    found.set(key, { from, to, points: kept, pairs: [[upstream, downstream]] });
  }
  return [...found.values()].map(({ from, to, points, pairs }) => edge(from, to, points, pairs));
}

// Only some assets

/** The kept assets in the columns and in the order of the layout; a line passes a column where it did in the layout. */
function movedTogether(layout: Layout, only: ReadonlySet<string>): Scene {
  const kept = layout.nodes.filter((node) => only.has(node.name));
  const lines = layout.edges.filter((one) => only.has(one.upstream) && only.has(one.downstream));
  const xs = [...new Set(kept.map((node) => node.x))].sort((one, other) => one - other);
  const items = new Items(kept, xs);
  const paths = lines.map((line) => items.connect(line));
  const heights = items.settled();
  const left = (column: number): number => 2 * MARGIN + column * COLUMN_STEP;
  const nodes = kept.map((node, index) => ({
    name: node.name,
    stage: stageOf(node.name),
    isStage: false,
    x: left(items.columnOf[index]!),
    y: NODE_TOP + heights[index]!,
  }));
  const edges = lines.map(({ upstream, downstream }, line) => {
    const path = paths[line]!;
    const points = path.flatMap((item, at) => {
      const [x, y] = [left(items.columnOf[item]!), NODE_TOP + NODE_HEIGHT / 2 + heights[item]!];
      return at === 0 ? [x + NODE_WIDTH, y] : at === path.length - 1 ? [x, y] : [x, y, x + NODE_WIDTH, y];
    });
    return edge(path[0]!, path.at(-1)!, points, [[upstream, downstream]]);
  });
  return {
    width: left(xs.length) - COLUMN_STEP + NODE_WIDTH + 2 * MARGIN,
    height: NODE_TOP + heights.reduce((most, height) => Math.max(most, height), 0) + NODE_HEIGHT + 2 * MARGIN,
    nodes,
    edges,
    stages: boxesAround(layout, nodes),
    columns: columnsOf(nodes),
    indexOf: new Map(nodes.map((node, index) => [node.name, index])),
  };
}

/** The assets by their indexes, and after them the lanes of lines through other columns: one lane a source and column. */
class Items {
  readonly columnOf: number[];
  private readonly before: number[];
  private readonly neighbours: number[][];
  private readonly indexOf: Map<string, number>;
  private readonly lanes = new Map<string, number>();

  constructor(
    private readonly nodes: Layout["nodes"],
    private readonly xs: readonly number[],
  ) {
    const columns = new Map(xs.map((x, column) => [x, column]));
    this.indexOf = new Map(nodes.map((node, index) => [node.name, index]));
    this.columnOf = nodes.map((node) => columns.get(node.x)!);
    this.before = nodes.map((node) => node.y + NODE_HEIGHT / 2);
    this.neighbours = nodes.map(() => []);
  }

  /** The items that a line passes, from its upstream to its downstream. */
  connect({ upstream, downstream, points }: Layout["edges"][number]): number[] {
    const [from, to] = [this.indexOf.get(upstream)!, this.indexOf.get(downstream)!];
    const path = [from];
    for (let column = this.columnOf[from]! + 1; column < this.columnOf[to]!; column += 1) {
      path.push(this.lane(from, column, heightAt(points, this.xs[column]! + NODE_WIDTH / 2)));
    }
    path.push(to);
    for (let at = 1; at < path.length; at += 1) {
      this.neighbours[path[at - 1]!]!.push(path[at]!);
      this.neighbours[path[at]!]!.push(path[at - 1]!);
    }
    return path;
  }

  private lane(source: number, column: number, y: number): number {
    const key = `${source} ${column}`;
    const known = this.lanes.get(key);
    if (known !== undefined) return known;
    const item = this.columnOf.length;
    this.lanes.set(key, item);
    this.columnOf.push(column);
    this.before.push(y);
    this.neighbours.push([]);
    return item;
  }

  settled(): number[] {
    const columns: number[][] = this.xs.map(() => []);
    this.columnOf.forEach((column, item) => columns[column]!.push(item));
    for (const column of columns) column.sort((one, other) => this.before[one]! - this.before[other]!);
    const room = this.columnOf.map((_, item) => (item < this.nodes.length ? ROW_STEP : LANE_STEP) / 2);
    return settled(columns, this.neighbours, room);
  }
}

/** The height of a line at x; between two points of different heights, that of a straight line. */
export function heightAt(points: readonly number[], x: number): number {
  for (let at = 2; at < points.length; at += 2) {
    const [x0, y0, x1, y1] = [points[at - 2]!, points[at - 1]!, points[at]!, points[at + 1]!];
    if (x <= x1) return y0 + ((y1 - y0) * Math.max(0, x - x0)) / Math.max(1, x1 - x0);
  }
  return points.at(-1)!;
}

function boxesAround(layout: Layout, nodes: readonly SceneNode[]): SceneStage[] {
  return layout.stages.flatMap(({ name }) => {
    const inside = nodes.filter((node) => node.stage === name).map((node) => node.x);
    if (inside.length === 0) return [];
    const x = Math.min(...inside) - MARGIN;
    return [{ name, x, width: Math.max(...inside) + NODE_WIDTH + MARGIN - x, isCollapsed: false }];
  });
}

// What is where

/** The nodes that a rectangle touches, at least in part. */
export function nodesIn(scene: Scene, left: number, top: number, right: number, bottom: number): number[] {
  const found: number[] = [];
  for (const { x, nodes } of scene.columns) {
    if (x + NODE_WIDTH < left || x > right) continue;
    for (let at = firstBelow(scene, nodes, top - NODE_HEIGHT); at < nodes.length; at += 1) {
      if (scene.nodes[nodes[at]!]!.y > bottom) break;
      found.push(nodes[at]!);
    }
  }
  return found;
}

function firstBelow(scene: Scene, nodes: readonly number[], y: number): number {
  let [low, high] = [0, nodes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scene.nodes[nodes[middle]!]!.y < y) low = middle + 1;
    else high = middle;
  }
  return low;
}
