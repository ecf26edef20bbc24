/** The order of tasks: which one waits for which. Pure. */
import type { TaskSummary } from "./api";

/** The task behind which a task waits: tasks run one at a time, in the order in which they were accepted. "" if it waits for none. */
export function waitsBehind(one: TaskSummary, known: readonly TaskSummary[]): string {
  const begun = one.completedAssets + one.failedAssets + one.inProgressAssets > 0;
  if (one.status !== "IN_PROGRESS" || begun) return "";
  const before = known.filter((other) => other.status === "IN_PROGRESS" && other.taskId !== one.taskId && other.startTime <= one.startTime);
  return before.at(-1)?.taskId ?? "";
}
