/** The newest tasks side by side, up to the one in view: GET /api/dag/history. */
import { useComputed } from "@preact/signals";
import { asking, type History } from "../api";
import { namedTask } from "../router";
import { tasks } from "../store";
import { type Fetched, useFetched } from "./fetched";

/** Follows the tasks as they end. */
export function useHistory(limit: number): Fetched<History> {
  const ended = useComputed(() => tasks.value.map((task) => `${task.taskId} ${task.status} ${task.endTime ?? ""}`).join());
  return useFetched<History>(asking("/api/dag/history", { limit, taskId: namedTask.value }), ended.value);
}
