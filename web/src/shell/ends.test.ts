import { expect, test } from "vitest";
import type { TaskStatus, TaskSummary } from "../api";
import { endsBetween } from "./ends";

const of = (tasks: Record<string, TaskStatus>, startTime = 1): TaskSummary[] =>
  Object.entries(tasks).map(([taskId, status]) => ({
    taskId,
    taskUuid: "",
    status,
    startTime,
    totalAssets: 1,
    completedAssets: 0,
    failedAssets: 0,
    inProgressAssets: 0,
  }));

test("a task that ran and has ended is an end; one that was not there, or had ended, is none", () => {
  const before = of({ a: "IN_PROGRESS", b: "SUCCESS", c: "IN_PROGRESS" });
  const after = of({ a: "FAILED", b: "SUCCESS", c: "IN_PROGRESS", d: "SUCCESS" });
  expect(endsBetween(before, after).map((task) => task.taskId)).toEqual(["a"]);
});

test("a task that is newer than all that were there, and has ended, is an end too", () => {
  const after = [...of({ b: "FAILED" }, 2), ...of({ a: "SUCCESS" })];
  expect(endsBetween(of({ a: "SUCCESS" }), after).map((task) => task.taskId)).toEqual(["b"]);
});
