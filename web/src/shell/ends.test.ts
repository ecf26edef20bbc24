import { expect, test } from "vitest";
import type { TaskStatus, TaskSummary } from "../api";
import { endsBetween } from "./ends";

const of = (tasks: Record<string, TaskStatus>): TaskSummary[] =>
  Object.entries(tasks).map(([taskId, status]) => ({
    taskId,
    taskUuid: "",
    status,
    startTime: 1,
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
