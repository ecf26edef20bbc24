/** What the page asks the server to do. An answer's outcome comes by the stream; here only what was refused is reported. */
import { signal } from "@preact/signals";
import { api, ApiError, post } from "./api";
import { go, here, place, taskPath } from "./router";

/** What the server refused, to be shown until the next request or until it is closed. */
export const refusal = signal("");

export interface RunRequest {
  readonly select?: string;
  readonly data?: unknown;
  readonly runTests?: boolean;
  readonly profile?: boolean;
}

/** A new task id, as the docs recommend: task_20250125_143022, in UTC. */
export function newTaskId(now = new Date()): string {
  const digits = now.toISOString().replace(/\D/g, "");
  return `task_${digits.slice(0, 8)}_${digits.slice(8, 14)}_${digits.slice(14, 17)}`;
}

/** Run assets as a new task, and follow it. */
export async function runAssets(request: RunRequest = {}): Promise<void> {
  const taskId = newTaskId();
  follow(taskId);
  await asked(post("/api/dag/run", { taskId, ...request }));
}

/** Run one data test as a new task, and follow it. */
export async function runTest(name: string): Promise<void> {
  const taskId = newTaskId();
  follow(taskId);
  await asked(post(api`/api/tests/execute/${name}`, { taskId }));
}

export const retryTask = (taskId: string): Promise<void> => asked(post(api`/api/dag/retry/${taskId}`));
export const cancelTask = (taskId: string): Promise<void> => asked(post(api`/api/dag/cancel/${taskId}`));

/** A new task is the newest: a view that names another one turns to it. */
function follow(taskId: string): void {
  if (place.value.view === "task") go(taskPath(taskId));
  else if (place.value.query.get("task")) go(here({ task: null }));
}

async function asked(answer: Promise<unknown>): Promise<void> {
  refusal.value = "";
  try {
    await answer;
  } catch (error) {
    if (error instanceof ApiError) refusal.value = error.message;
    else refusal.value = "The server could not be reached; nothing was started.";
  }
}
