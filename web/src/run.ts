/** What the page asks the server to do. An answer's outcome comes by the stream; here only what was refused is reported. */
import { effect, signal } from "@preact/signals";
import { api, ApiError, type BreakpointRequest, post } from "./api";
import { breakpoints } from "./breakpoints";
import { go, here, place, taskPath } from "./router";
import { connection } from "./live/live";
import { tasks } from "./store";

/** What the server refused, to be shown until the next request or until it is closed. */
export const refusal = signal("");

export interface RunRequest {
  readonly taskId?: string;
  readonly select?: string;
  readonly data?: unknown;
  readonly runTests?: boolean;
  readonly profile?: boolean;
}

/** A request that was on its way when the connection broke: the server may have taken it. */
const LOST = "The connection to the server was lost before it answered. Once it is back, the page shows whether the task ran.";

/** A new task id, as the docs recommend: task_20250125_143022, in UTC. */
export function newTaskId(now = new Date()): string {
  const digits = now.toISOString().replace(/\D/g, "");
  return `task_${digits.slice(0, 8)}_${digits.slice(8, 14)}_${digits.slice(14, 17)}`;
}

/** Run assets as a new task, and follow it. */
export async function runAssets(request: RunRequest = {}): Promise<void> {
  refusal.value = await tryToRun(request);
}

/** The same; returns why the server refused, or "" once it has the task. */
export async function tryToRun(request: RunRequest): Promise<string> {
  const taskId = request.taskId ?? newTaskId();
  if (tasks.peek().some((task) => task.taskId === taskId)) return `There is already a task ${taskId}. Choose another name.`;
  const answer = reasonOf(postRun({ ...request, taskId }, breakpoints()));
  const refused = await Promise.race([answer, accepted(taskId)]);
  if (refused === "") follow(taskId);
  return refused;
}

/** Breakpoints at assets that the run does not execute are left out: the server says which. */
async function postRun(request: RunRequest, points: readonly BreakpointRequest[]): Promise<unknown> {
  try {
    return await post("/api/dag/run", points.length > 0 ? { ...request, breakpoints: points } : request);
  } catch (error) {
    const asset = error instanceof ApiError && /field 'breakpoints': "(.+)" is not executed in this run$/.exec(error.message)?.[1];
    if (!asset) throw error;
    return postRun(
      request,
      points.filter((point) => point.asset !== asset),
    );
  }
}

/** Resolves once the stream has said that the task exists: the answer to its POST comes when it ends. */
function accepted(taskId: string): Promise<string> {
  return new Promise((resolve) => {
    const stop = effect(() => {
      if (!tasks.value.some((task) => task.taskId === taskId)) return;
      resolve("");
      queueMicrotask(() => stop());
    });
  });
}

/** Run one data test as a new task, and follow it. */
export async function runTest(name: string): Promise<void> {
  const taskId = newTaskId();
  follow(taskId);
  await asked(post(api`/api/tests/execute/${name}`, { taskId }), taskId);
}

export const retryTask = (taskId: string): Promise<void> => asked(post(api`/api/dag/retry/${taskId}`), taskId);
export const cancelTask = (taskId: string): Promise<void> => asked(post(api`/api/dag/cancel/${taskId}`));

/** Continue a task that holds at an asset. */
export const continueTask = (taskId: string, asset: string, action: "continue" | "again" | "skip"): Promise<void> =>
  asked(post(api`/api/dag/continue/${taskId}`, { asset, action }));

/** A new task is the newest: a view that names another one turns to it. */
function follow(taskId: string): void {
  if (place.value.view === "task") go(taskPath(taskId));
  else if (place.value.query.get("task")) go(here({ task: null }));
}

/** Of a task that was `started`, the stream says more than an answer that got lost. */
async function asked(answer: Promise<unknown>, started = ""): Promise<void> {
  refusal.value = "";
  const reason = await reasonOf(answer);
  const isTaken = tasks.peek().some((task) => task.taskId === started && task.status === "IN_PROGRESS");
  refusal.value = reason === LOST && isTaken ? "" : reason;
}

/** Why an answer is a refusal, or "". */
async function reasonOf(answer: Promise<unknown>): Promise<string> {
  const wasLive = connection.peek().state === "live";
  try {
    await answer;
    return "";
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    return wasLive ? LOST : "The server could not be reached; nothing was started.";
  }
}
