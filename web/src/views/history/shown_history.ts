/** The tasks that the history shows: the newest, or a page of older ones; fetched again when a task starts or ends. */
import { computed, effect, signal } from "@preact/signals";
import { get, type History, type HistoryTask, whyFailed } from "../../api";
import { tick } from "../../live/clock";
import { type Look, lookOf } from "../../parts/look";
import { waitsBehind } from "../../queue";
import { param } from "../../router";
import { allNodes, assets, comparing, runs, taskId, tasks } from "../../store";
import { medianOfFullGreen } from "./history_figures";

export const PAGE_TASKS = 20;
const CALM_MS = 300;

/** Null until it is fetched. */
export const history = signal<History | null>(null);
/** "" or why it cannot be shown. */
export const historyError = signal("");

/** The newest task of the page, or "" for the newest of all. */
export const through = computed(() => param("through"));
export const status = computed(() => param("status"));
/** The task that is marked to be compared, or "". */
export const marked = computed(() => param("mark"));
export const byAsset = computed(() => param("by") === "asset");

export interface ShownTask {
  readonly task: HistoryTask;
  /** Its place in the arrays of the history. */
  readonly index: number;
}

/** Oldest first, those that the filter shows. */
export const shownTasks = computed<readonly ShownTask[]>(() => {
  const found = (history.value?.tasks ?? []).map((task, index) => ({ task, index }));
  return status.value ? found.filter(({ task }) => task.status === status.value) : found;
});

export const greenMedian = computed(() => medianOfFullGreen(history.value?.tasks ?? [], assets.value.size));

/** A link to the comparison of the marked task with another one, the older of the two first. */
export function pairWith(id: string): string {
  const started = (one: string): number => history.value?.tasks.find((task) => task.taskId === one)?.startTime ?? 0;
  const [from, to] = started(marked.value) <= started(id) ? [marked.value, id] : [id, marked.value];
  return comparing(from, to);
}

/** How long a task took, or takes so far; 0 while it waits. Reads the tick while it runs. */
export function durationOf(task: HistoryTask): number {
  return task.durationMs ?? (waitsBehind(task, tasks.value) ? 0 : Math.max(0, tick.value - task.startTime));
}

/** How a task stands: one that is in progress may only wait for another. */
export function lookOfTask(task: HistoryTask): Look {
  return waitsBehind(task, tasks.value) ? "waiting" : lookOf(task.status);
}

/** Counts of a task; those of a running task in view are live. */
export function countsOf(task: HistoryTask): { done: number; failed: number; skipped: number } {
  if (task.taskId !== taskId.value || !runs.value) {
    return { done: task.completedAssets, failed: task.failedAssets, skipped: task.skippedAssets };
  }
  const nodes = allNodes();
  return {
    done: nodes.filter((node) => node.state === "SUCCESS").length,
    failed: nodes.filter((node) => node.state === "FAILED").length,
    skipped: nodes.filter((node) => node.state === "INITIAL" && node.message).length,
  };
}

/** Keep it up to date while the view is shown; returns what ends that. */
export function followHistory(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = "";
  const stop = effect(() => {
    const wanted = through.value;
    void tasks.value;
    clearTimeout(timer);
    if (wanted === asked && history.peek()) timer = setTimeout(() => void fetchHistory(wanted), CALM_MS);
    else void fetchHistory(wanted);
    asked = wanted;
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}

async function fetchHistory(wanted: string): Promise<void> {
  try {
    const found = await get<History>("/api/dag/history", { limit: PAGE_TASKS, taskId: wanted });
    if (wanted !== through.peek()) return;
    history.value = found;
    historyError.value = "";
  } catch (error) {
    if (wanted === through.peek()) historyError.value = whyFailed(error);
  }
}
