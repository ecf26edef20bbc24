import { expect, test } from "vitest";
import type { History, HistoryTask } from "../../api";
import { figuresOf, median, medianOfFullGreen, sparkOf, standsOut } from "./history_figures";

const TASK: HistoryTask = {
  taskId: "t",
  taskUuid: "u",
  status: "FAILED",
  startTime: 0,
  totalAssets: 22,
  completedAssets: 22,
  failedAssets: 0,
  inProgressAssets: 0,
  attempt: 1,
  skippedAssets: 0,
  failedTests: 0,
  violatingRows: 0,
};
const HISTORY: History = {
  tasks: [TASK],
  assets: [{ name: "s.a", durationsMs: [5], states: ["SUCCESS"] }],
  tests: [{ name: "s.test_x", rowCounts: [0], statuses: ["SUCCESS"] }],
  hasEarlier: false,
};
const out = (values: Partial<HistoryTask>) => standsOut({ ...TASK, ...values }, 0, HISTORY, 22);

test("a median is that of the middle, and of nothing there is none", () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, null]);
});

test("the median of tasks leaves out red ones, parts of the DAG, and retries", () => {
  const green = { ...TASK, status: "SUCCESS" as const, durationMs: 100 };
  const others = [{ ...green, totalAssets: 1, durationMs: 1 }, { ...green, attempt: 2, durationMs: 1 }, { ...TASK, durationMs: 9 }];
  expect(medianOfFullGreen([green, ...others, { ...green, durationMs: 300 }], 22)).toBe(200);
});

test("assets come with the slowest first, and their last duration is that of the last task that executed them", () => {
  const figures = figuresOf([
    { name: "s.fast", durationsMs: [1, 3], states: ["SUCCESS", "SUCCESS"] },
    { name: "s.slow", durationsMs: [90, null, null], states: ["SUCCESS", "INITIAL", null] },
    { name: "s.never", durationsMs: [null, null], states: [null, "INITIAL"] },
  ]);
  expect(figures.map(({ name, median, last, lastIndex }) => [name, median, last, lastIndex])).toEqual([
    ["s.slow", 90, 90, 0],
    ["s.fast", 2, 3, 1],
  ]);
});

test("a sparkline passes over tasks without a value, and has a dot on the last", () => {
  expect(sparkOf([0, 10, null, 5], 90, 10)).toEqual({ path: "M0 10L30 0L90 5", last: { x: 90, y: 5 } });
  expect(sparkOf([7], 90, 10)).toEqual({ path: "M45 5", last: { x: 45, y: 5 } });
  expect(sparkOf([null], 90, 10)).toEqual({ path: "", last: null });
});

test("what stands out in a task is said in a few words", () => {
  const red = { message: "tests failed: s.test_x (20 rows)", assetName: "s.a", testName: "s.test_x", rowCount: 20 };
  expect(out({})).toBe("");
  expect(out({ failedTests: 2, violatingRows: 21, firstFailure: red })).toBe("2 tests red: 21 rows");
  expect(out({ failedTests: 1, violatingRows: 1, firstFailure: { message: "1 row violates this test", testName: "root.test_y" } })).toBe(
    "root test red: 1 row",
  );
  expect(out({ attempt: 2, firstFailure: { message: "SQL execution failed: Binder Error: no\nLINE 1", assetName: "s.a" } })).toBe(
    "s.a: Binder Error: no; attempt 2",
  );
  expect(out({ status: "FAILED", completedAssets: 0, skippedAssets: 22 })).toBe("stopped before it began");
  expect(out({ totalAssets: 1 })).toBe("s.a alone");
  expect(out({ totalAssets: 0 })).toBe("s.test_x alone");
  expect(out({ totalAssets: 3 })).toBe("3 of 22 assets");
});
