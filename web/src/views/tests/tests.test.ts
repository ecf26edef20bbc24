import { expect, test } from "vitest";
import type { Asset, DataTest, History, TestOfTask, TestResult } from "../../api";
import { countsOf, inOrder, inOrderBefore, lastWithMore, marksOf, markWords, matching, shortName, testRows } from "./tests";

const known = (name: string): DataTest => ({ name, description: `About ${name}` }) as DataTest;
const ran = (name: string, status: string, more: Partial<TestOfTask> = {}): TestOfTask =>
  ({ ...known(name), status, couldNotRun: false, rowCount: 0, durationMs: 5, errorMsg: "", ...more }) as TestOfTask;
const live = (testName: string, status: string): [string, TestResult] => [testName, { testName, status, durationMs: 7 }];
const assets = new Map([["dds.x", { name: "dds.x", tests: ["dds.test_b"] } as unknown as Asset]]);

const rows = testRows({
  tests: [known("dds.test_a"), known("dds.test_b"), known("root.test_c")],
  ofTask: [
    ran("dds.test_a", "SUCCESS"),
    ran("dds.test_b", "FAILED", { rowCount: 3, assetName: "dds.x" }),
    ran("gone.test_d", "FAILED", { couldNotRun: true, errorMsg: "no such table" }),
  ],
  live: new Map(),
  assets,
});

test("tests of the project and of the task have a row each, with what became of them", () => {
  expect(rows.map(({ name, of, word, rows: found }) => [name, of, word, found])).toEqual([
    ["dds.test_a", "no asset", "Passed", 0],
    ["dds.test_b", "dds.x", "Failed", 3],
    ["gone.test_d", "no asset", "Could not run", undefined],
    ["root.test_c", "whole project", "Not run", undefined],
  ]);
  expect(rows[2]!.error).toBe("no such table");
});

test("what the stream says is newer than what was fetched", () => {
  const again = testRows({ tests: [], ofTask: [ran("dds.test_b", "FAILED", { rowCount: 3 })], live: new Map([live("dds.test_b", "SUCCESS")]), assets });
  expect(again.map(({ word, rows: found, durationMs }) => [word, found, durationMs])).toEqual([["Passed", undefined, 7]]);
});

test("failed tests come first, and nothing jumps while tests run", () => {
  const names = (list: typeof rows) => list.map((row) => row.name);
  expect(names(inOrder(rows, false))).toEqual(["dds.test_b", "gone.test_d", "root.test_c", "dds.test_a"]);
  expect(names(inOrder(rows, true))).toEqual(["dds.test_a", "dds.test_b", "gone.test_d", "root.test_c"]);
});

test("a test that runs alone stays where it is", () => {
  const [a, b, , c] = rows;
  const before = new Map([b!, c!, a!].map((row, index) => [row.name, index]));
  expect(inOrderBefore([a!, b!, c!], before)).toEqual([b, c, a]);
  expect(inOrderBefore([c!, b!, a!], new Map())).toEqual([b, a, c]);
});

test("filters count and find", () => {
  expect(countsOf(rows)).toEqual({ failed: 2, "not run": 1, running: 0, passed: 1 });
  expect(matching(rows, "failed", "").map((row) => row.name)).toEqual(["dds.test_b", "gone.test_d"]);
  expect(matching(rows, "", "WHOLE").map((row) => row.name)).toEqual(["root.test_c"]);
  expect(shortName("dds.test_a")).toBe("a");
  expect(shortName("dds.test_")).toBe("test_");
});

test("the trend says what became of a test in each task", () => {
  const history = {
    tasks: ["one", "two", "three", "four"].map((taskId) => ({ taskId })),
    tests: [{ name: "a", rowCounts: [0, 1, null, null], statuses: ["SUCCESS", "FAILED", "FAILED", null] }],
  } as unknown as History;
  const words = ["one: passed", "two: 1 row", "three: could not run", "four: not run"];
  expect(marksOf(history).get("a")!.map(markWords)).toEqual(words);
  const [one] = marksOf(history).values();
  expect(lastWithMore(new Map([["a", one!], ["b", one!]]), 1)).toBe("three");
  expect(lastWithMore(new Map([["a", one!]]), 1)).toBeUndefined();
});
