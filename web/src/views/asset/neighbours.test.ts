import { expect, test } from "vitest";
import { allDownstreams, lineIn } from "./neighbours";

test("all downstreams are found once, nearest first", () => {
  const graph = { a: ["b", "c"], b: ["d"], c: ["d"], d: ["e"], e: [] };
  const assets = new Map(Object.entries(graph).map(([name, downstreams]) => [name, { downstreams }]));
  expect(allDownstreams("a", assets)).toEqual(["b", "c", "d", "e"]);
  expect(allDownstreams("e", assets)).toEqual([]);
  expect(allDownstreams("gone", assets)).toEqual([]);
});

test("the line that an error names is found, of this file only", () => {
  expect(lineIn("assets/models/a/b.sql:7: undefined", "assets/models/a/b.sql")).toBe(7);
  expect(lineIn("ValueError: no (b.py:12)", "assets/models/a/b.py")).toBe(12);
  expect(lineIn("ValueError: no (c.py:12)", "assets/models/a/b.py")).toBeUndefined();
  expect(lineIn("Binder Error", "assets/models/a/b.sql")).toBeUndefined();
});
