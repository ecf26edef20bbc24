import { expect, test } from "vitest";
import type { TaskSummary } from "./api";
import { waitsBehind } from "./queue";

const task = (taskId: string, startTime: number, more: Partial<TaskSummary> = {}): TaskSummary => ({
  taskId,
  taskUuid: "",
  status: "IN_PROGRESS",
  startTime,
  totalAssets: 2,
  completedAssets: 0,
  failedAssets: 0,
  inProgressAssets: 0,
  ...more,
});

test("a task of which nothing has begun waits behind the oldest that runs", () => {
  const runs = task("runs", 1, { inProgressAssets: 1 });
  const next = task("next", 2);
  const known = [next, runs, task("ended", 0, { status: "SUCCESS" })];
  expect(known.map((one) => waitsBehind(one, known))).toEqual(["runs", "", ""]);
  expect(waitsBehind(next, [next])).toBe("");
});
