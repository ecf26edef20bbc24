/** Which tasks ended between two looks at the list of tasks. */
import type { TaskSummary } from "../api";

const ended = (task: TaskSummary): boolean => task.status === "SUCCESS" || task.status === "FAILED";

/**
 * Tasks that are in `after` as ended, and in `before` ran or had yet to start: a short one can start and end between two
 * looks. An older task that was not there before is history.
 */
export function endsBetween(before: readonly TaskSummary[], after: readonly TaskSummary[]): readonly TaskSummary[] {
  const known = new Map(before.map((task) => [task.taskId, task]));
  const newest = Math.max(0, ...before.map((task) => task.startTime));
  return after.filter((task) => {
    const then = known.get(task.taskId);
    return ended(task) && (then ? !ended(then) : task.startTime > newest);
  });
}
