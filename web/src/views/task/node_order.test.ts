import { expect, test } from "vitest";
import type { TaskNode } from "../../api";
import { countLooks, sorted, sortOf } from "./node_order";

function node(assetName: string, order: number, values: Partial<TaskNode> = {}): TaskNode {
  const counts = { executionTimeMs: 0, totalTests: 0, passedTests: 0, failedTests: 0, testResults: [] };
  return { name: `Executing ${assetName}`, assetName, state: "SUCCESS", order, message: "", ...counts, ...values };
}

const NODES = [
  node("s.late", 1, { startTime: 20, rows: 5 }),
  node("s.early", 2, { startTime: 10, rows: 900 }),
  node("s.skipped", 3, { state: "INITIAL", message: "skipped: upstream s.late failed" }),
  node("s.failed", 4, { state: "FAILED", startTime: 30, rows: 7 }),
];
const names = (sort: string) => sorted(NODES, sortOf(sort)).map((one) => one.assetName);

test("nodes come in order of start, those that did not start last", () => {
  expect(names("")).toEqual(["s.early", "s.late", "s.failed", "s.skipped"]);
});

test("a column sorts either way, and nodes without a value stay last", () => {
  expect(names("rows")).toEqual(["s.late", "s.failed", "s.early", "s.skipped"]);
  expect(names("-rows")).toEqual(["s.early", "s.failed", "s.late", "s.skipped"]);
  expect(names("state")[0]).toBe("s.failed");
  expect(names("nonsense")).toEqual(names(""));
});

test("looks are counted, a skipped node apart from one that waits", () => {
  expect([...countLooks(NODES)]).toEqual([
    ["success", 2],
    ["skipped", 1],
    ["failed", 1],
  ]);
});
