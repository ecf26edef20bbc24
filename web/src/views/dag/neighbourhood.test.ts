import { expect, test } from "vitest";
import { stepFrom, within } from "./neighbourhood";
import { sceneOf } from "./scene";

const EDGES = [
  ["s.a", "s.b"],
  ["s.b", "s.c"],
  ["s.b", "s.d"],
  ["s.e", "s.d"],
] as const;
const NAMES = ["s.a", "s.b", "s.c", "s.d", "s.e"];
const ASSETS = new Map(
  NAMES.map((name) => [
    name,
    {
      upstreams: EDGES.filter(([, downstream]) => downstream === name).map(([upstream]) => upstream),
      downstreams: EDGES.filter(([upstream]) => upstream === name).map(([, downstream]) => downstream),
    },
  ]),
);

test("what is near is upstream or downstream, not what else its neighbours read", () => {
  expect([...within(ASSETS, "s.a", 1)].sort()).toEqual(["s.a", "s.b"]);
  expect([...within(ASSETS, "s.b", 1)].sort()).toEqual(["s.a", "s.b", "s.c", "s.d"]);
  expect([...within(ASSETS, "s.a", 20)].sort()).toEqual(["s.a", "s.b", "s.c", "s.d"]);
});

const AT: Record<string, [number, number]> = { "s.a": [0, 0], "s.b": [172, 0], "s.c": [344, 0], "s.d": [344, 88], "s.e": [172, 88] };
const SCENE = sceneOf(
  {
    graphHash: "",
    width: 500,
    height: 200,
    nodeWidth: 132,
    nodeHeight: 64,
    stages: [],
    nodes: NAMES.map((name) => ({ name, x: AT[name]![0], y: AT[name]![1] })),
    edges: EDGES.map(([upstream, downstream]) => ({ upstream, downstream, points: [0, 0, 1, 0] })),
  },
  new Set(),
);

const stepped = (name: string, arrow: Parameters<typeof stepFrom>[2]): string | undefined => {
  const to = stepFrom(SCENE, NAMES.indexOf(name), arrow);
  return to === null ? undefined : NAMES[to];
};

test("left and right lead along edges, to the nearest height", () => {
  expect(stepped("s.a", "ArrowRight")).toBe("s.b");
  expect(stepped("s.b", "ArrowRight")).toBe("s.c");
  expect(stepped("s.d", "ArrowLeft")).toBe("s.e");
  expect(stepped("s.c", "ArrowRight")).toBeUndefined();
});

test("up and down lead through the column", () => {
  expect(stepped("s.b", "ArrowDown")).toBe("s.e");
  expect(stepped("s.e", "ArrowUp")).toBe("s.b");
  expect(stepped("s.b", "ArrowUp")).toBeUndefined();
});
