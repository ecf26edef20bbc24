import { expect, test } from "vitest";
import { reached } from "./graph";

const EDGES = { a: ["b", "c"], b: ["d"], c: ["d"], d: ["e"], e: [] };
const ASSETS = new Map(Object.entries(EDGES).map(([name, downstreams]) => [name, { downstreams }]));

test("all downstreams are found once, nearest first, with the asset itself", () => {
  expect([...reached(ASSETS, "a", "downstreams")]).toEqual(["a", "b", "c", "d", "e"]);
  expect([...reached(ASSETS, "e", "downstreams")]).toEqual(["e"]);
  expect([...reached(ASSETS, "gone", "downstreams")]).toEqual(["gone"]);
});

test("a number of steps ends the walk", () => {
  expect([...reached(ASSETS, "a", "downstreams", 1)]).toEqual(["a", "b", "c"]);
});
