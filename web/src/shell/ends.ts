/** Which tasks ended between two looks at the list of tasks. */
import type { TaskSummary } from "../api";

const ended = (task: TaskSummary): boolean => task.status === "SUCCESS" || task.status === "FAILED";

/** Tasks that are in `after` as ended, and ran in `before`; a task that was not there before is history. */
export function endsBetween(before: readonly TaskSummary[], after: readonly TaskSummary[]): readonly TaskSummary[] {
  const ran = new Set(before.filter((task) => !ended(task)).map((task) => task.taskId));
  return after.filter((task) => ended(task) && ran.has(task.taskId));
}
