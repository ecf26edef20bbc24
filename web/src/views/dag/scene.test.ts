import { describe, expect, test } from "vitest";
import type { Layout } from "./layout";
import { heightAt, NODE_HEIGHT, NODE_WIDTH, nodesIn, type Scene, sceneOf } from "./scene";

/** Three stages: a.1 -> b.1 -> b.2 -> c.1, and a.2 -> c.1 through the columns of b. */
const LAYOUT: Layout = {
  graphHash: "h",
  width: 720,
  height: 240,
  nodeWidth: 132,
  nodeHeight: 64,
  stages: [
    { name: "a", x: 12, width: 156 },
    { name: "b", x: 184, width: 328 },
    { name: "c", x: 528, width: 156 },
  ],
  nodes: [
    { name: "a.1", x: 24, y: 52 },
    { name: "a.2", x: 24, y: 140 },
    { name: "b.1", x: 196, y: 52 },
    { name: "b.2", x: 368, y: 52 },
    { name: "c.1", x: 540, y: 100 },
  ],
  edges: [
    { upstream: "a.1", downstream: "b.1", points: [156, 84, 196, 84] },
    { upstream: "b.1", downstream: "b.2", points: [328, 84, 368, 84] },
    { upstream: "b.2", downstream: "c.1", points: [500, 84, 540, 132] },
    { upstream: "a.2", downstream: "c.1", points: [156, 172, 500, 172, 540, 132] },
  ],
};
const NOTHING = new Set<string>();

/** Each edge as the names that it connects, and whether it begins and ends at them. */
function edgesOf(scene: Scene): string[] {
  for (const { from, to, points } of scene.edges) {
    const [start, end] = [scene.nodes[from]!, scene.nodes[to]!];
    expect(points.slice(0, 2)).toEqual([start.x + NODE_WIDTH, start.y + NODE_HEIGHT / 2]);
    expect(points.slice(-2)).toEqual([end.x, end.y + NODE_HEIGHT / 2]);
  }
  return scene.edges.map(({ from, to }) => `${scene.nodes[from]!.name} ${scene.nodes[to]!.name}`);
}

test("without collapsed stages, everything is where the server put it", () => {
  const scene = sceneOf(LAYOUT, NOTHING);
  expect(scene.nodes.map(({ name, x, y }) => ({ name, x, y }))).toEqual(LAYOUT.nodes);
  expect(scene.edges.map(({ points }) => points)).toEqual(LAYOUT.edges.map(({ points }) => points));
  expect(scene.columns).toEqual([
    { x: 24, nodes: [0, 1] },
    { x: 196, nodes: [2] },
    { x: 368, nodes: [3] },
    { x: 540, nodes: [4] },
  ]);
});

describe("a collapsed stage", () => {
  const scene = sceneOf(LAYOUT, new Set(["b"]));

  test("is one node, and what is behind it moves to the left", () => {
    expect(scene.stages).toEqual([
      { name: "a", x: 12, width: 156, isCollapsed: false },
      { name: "b", x: 184, width: 156, isCollapsed: true },
      { name: "c", x: 356, width: 156, isCollapsed: false },
    ]);
    expect(scene.nodes.map(({ name, x }) => [name, x])).toEqual([
      ["a.1", 24],
      ["a.2", 24],
      ["c.1", 368],
      ["b", 196],
    ]);
    expect(scene.width).toBe(548);
  });

  test("has the edges of its assets, and none inside", () => {
    expect(edgesOf(scene)).toEqual(["a.1 b", "b c.1", "a.2 c.1"]);
    expect(scene.indexOf.get("b.2")).toBe(3);
  });

  test("shows each edge once, which knows all that it stands for", () => {
    const both = sceneOf(LAYOUT, new Set(["a", "b"]));
    expect(edgesOf(both)).toEqual(["a b", "b c.1", "a c.1"]);
    const doubled = sceneOf({ ...LAYOUT, edges: [...LAYOUT.edges, { upstream: "b.1", downstream: "c.1", points: [328, 84, 540, 132] }] }, new Set(["b"]));
    expect(doubled.edges[1]!.pairs).toEqual([
      ["b.2", "c.1"],
      ["b.1", "c.1"],
    ]);
  });

  test("of a name that no stage has changes nothing", () => {
    expect(sceneOf(LAYOUT, new Set(["elsewhere"]))).toEqual(sceneOf(LAYOUT, NOTHING));
  });
});

describe("only some assets", () => {
  const scene = sceneOf(LAYOUT, NOTHING, new Set(["a.1", "b.1", "a.2", "c.1"]));

  test("stand in the columns that are left, without overlaps", () => {
    expect(scene.nodes.map(({ name, x }) => [name, x])).toEqual([
      ["a.1", 24],
      ["a.2", 24],
      ["b.1", 196],
      ["c.1", 368],
    ]);
    expect(scene.nodes[1]!.y - scene.nodes[0]!.y).toBeGreaterThanOrEqual(88);
    expect(scene.stages.map(({ name, x, width }) => [name, x, width])).toEqual([
      ["a", 12, 156],
      ["b", 184, 156],
      ["c", 356, 156],
    ]);
  });

  test("have the edges between them, which pass beside the others", () => {
    expect(edgesOf(scene)).toEqual(["a.1 b.1", "a.2 c.1"]);
    const { points } = scene.edges[1]!;
    const other = scene.nodes[2]!;
    expect(points.slice(2, 6)).toEqual([196, points[3], 328, points[3]]);
    expect(points[3]! > other.y + NODE_HEIGHT || points[3]! < other.y).toBe(true);
  });

  test("can be none", () => {
    expect(sceneOf(LAYOUT, NOTHING, new Set()).nodes).toEqual([]);
  });
});

test("a rectangle touches the nodes that are in it, at least in part", () => {
  const scene = sceneOf(LAYOUT, NOTHING);
  const names = (...box: [number, number, number, number]) => nodesIn(scene, ...box).map((index) => scene.nodes[index]!.name);
  expect(names(0, 0, 1_000, 1_000)).toEqual(["a.1", "a.2", "b.1", "b.2", "c.1"]);
  expect(names(0, 120, 200, 200)).toEqual(["a.2"]);
  expect(names(150, 110, 200, 115)).toEqual(["a.1", "b.1"]);
  expect(names(700, 0, 800, 1_000)).toEqual([]);
});

test("a line has a height everywhere between its ends", () => {
  const points = [0, 10, 40, 50, 140, 50];
  expect([0, 20, 40, 100, 200].map((x) => heightAt(points, x))).toEqual([10, 30, 50, 50, 50]);
});
