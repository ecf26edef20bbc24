/** The newest tasks side by side, up to the one in view: GET /api/dag/history. */
import { useComputed } from "@preact/signals";
import { asking, type NodeState, type TaskSummary } from "../api";
import { namedTask } from "../router";
import { tasks } from "../store";
import { type Fetched, useFetched } from "./fetched";

export interface HistoryTask extends TaskSummary {
  readonly attempt: number;
  readonly durationMs?: number;
}

/** The arrays are aligned with the tasks, which are oldest first. */
export interface History {
  readonly tasks: readonly HistoryTask[];
  readonly assets: readonly { name: string; durationsMs: readonly (number | null)[]; states: readonly (NodeState | null)[] }[];
  readonly tests: readonly { name: string; rowCounts: readonly (number | null)[]; statuses: readonly (string | null)[] }[];
}

/** Follows the tasks as they end. */
export function useHistory(limit: number): Fetched<History> {
  const ended = useComputed(() => tasks.value.map((task) => `${task.taskId} ${task.status} ${task.endTime ?? ""}`).join());
  return useFetched<History>(asking("/api/dag/history", { limit, taskId: namedTask.value }), ended.value);
}
