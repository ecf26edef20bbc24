/** Notifications of the system when a long task ends, for whoever asked for them. */
import { computed, signal } from "@preact/signals";
import type { TaskSummary } from "../api";
import { duration } from "../parts/format";
import { go, taskPath } from "../router";

/** Tasks that took less are not worth it. */
const LONG_TASK_MS = 20_000;

const permission = signal("Notification" in window ? Notification.permission : "denied");

/** True if the person has neither allowed nor refused them. */
export const canAskForNotifications = computed(() => permission.value === "default");

/** Ask the person. Called from a button only: a page that asks by itself is refused for ever. */
export function askForNotifications(): void {
  void Notification.requestPermission().then((answer) => (permission.value = answer));
}

/** Notify of a task that ended, if it was long, is allowed, and nobody looks at the page. */
export function notifyOfEnd(task: TaskSummary, projectName: string): void {
  const tookMs = (task.endTime ?? task.startTime) - task.startTime;
  if (permission.value !== "granted" || tookMs < LONG_TASK_MS || !document.hidden) return;
  const failed = task.status === "FAILED";
  const body = failed
    ? `${task.failedAssets} of ${task.totalAssets} assets failed after ${duration(tookMs)}`
    : `${task.totalAssets} assets done in ${duration(tookMs)}`;
  // The tag makes one of the notifications of all tabs.
  const note = new Notification(`${task.taskId} ${failed ? "failed" : "succeeded"}`, { body: `${projectName}: ${body}`, tag: task.taskId });
  note.onclick = () => {
    window.focus();
    go(taskPath(task.taskId));
    note.close();
  };
}
