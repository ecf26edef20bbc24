import { expect, test } from "vitest";
import type { Task, TaskNode } from "../../api";
import { failuresOf, interruptionIn, pathInWords, reasonOf, scopeOf, whySkipped } from "./task_words";

function node(assetName: string, values: Partial<TaskNode> = {}): TaskNode {
  const counts = { executionTimeMs: 0, totalTests: 0, passedTests: 0, failedTests: 0, testResults: [] };
  return { name: `Executing ${assetName}`, assetName, state: "SUCCESS", order: 1, message: "", ...counts, ...values };
}

const TASK: Task = { taskId: "t", status: "FAILED", nodes: [], lastTaskName: "" };

test("a task says what it is of", () => {
  const tested = node("s.a", { totalTests: 1 });
  const lone = { testName: "s.test_x", status: "SUCCESS", durationMs: 3 };
  expect(scopeOf(TASK, [tested, node("s.b")], 2)).toBe("all 2 assets, with tests");
  expect(scopeOf(TASK, [node("s.a"), node("s.b")], 22)).toBe("2 of 22 assets, without tests");
  expect(scopeOf(TASK, [tested], 22)).toBe("s.a alone, with tests");
  expect(scopeOf(TASK, [node("s.a", { name: "Selecting s.a" })], 22)).toBe("the query of s.a alone, nothing is written");
  expect(scopeOf({ ...TASK, loneTestResults: [lone] }, [], 22)).toBe("1 test alone");
});

test("a task says what interrupted it, while it ran or while it waited", () => {
  expect(interruptionIn([node("s.a"), node("s.b", { state: "FAILED", message: "interrupted: server restarted" })])).toBe("server restarted");
  expect(interruptionIn([node("s.a", { state: "INITIAL", message: "skipped: interrupted: server restarted" })])).toBe("server restarted");
  expect(interruptionIn([node("s.a"), node("s.b", { message: "cancelled" })])).toBe("");
});

test("a skipped node names what it is skipped because of", () => {
  expect(whySkipped("skipped: upstream staging.weather failed")).toBe("because of staging.weather");
  expect(whySkipped("skipped: cancelled")).toBe("cancelled");
});

test("a long critical path is cut in its middle", () => {
  expect(pathInWords(["a", "b", "c"])).toBe("a → b → c");
  expect(pathInWords(["a", "b", "c", "d", "e", "f", "g", "h", "i"])).toBe("a → b → c → 3 more → g → h → i");
});

test("failures come in the order in which they happened, with what they block; a cancelled node is none", () => {
  const red = { testName: "s.test_x", status: "FAILED", durationMs: 3, rowCount: 20, error: "20 rows violate this test" };
  const nodes = [
    node("m.sql", { state: "FAILED", endTime: 200, message: "SQL execution failed: nope" }),
    node("s.red", { state: "FAILED", endTime: 100, message: "tests failed: s.test_x (20 rows)", testResults: [red] }),
    node("m.next", { state: "INITIAL", message: "skipped: upstream s.red failed" }),
    node("m.stopped", { state: "FAILED", endTime: 50, message: "cancelled" }),
  ];
  const root = { testName: "root.test_y", status: "FAILED", durationMs: 1, error: "could not run: nope" };
  const failures = failuresOf({ ...TASK, rootTestResults: [root] }, nodes);
  expect(failures.map((failure) => [failure.asset, failure.message, failure.blocked, reasonOf(failure)])).toEqual([
    ["s.red", "", ["m.next"], "its test found 20 rows"],
    ["m.sql", "SQL execution failed: nope", [], ""],
    ["", "", [], "its test could not run"],
  ]);
});
