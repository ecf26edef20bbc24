/** A toast for a task that ended elsewhere: one that is not in view. One at a time; a failed one stays until it is read. */
import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { TaskSummary } from "../api";
import { Icon } from "../parts/icon";
import { lookOf, State } from "../parts/look";
import { taskPath } from "../router";
import { loaded, project, taskId, tasks } from "../store";
import { endsBetween } from "./ends";
import { notifyOfEnd } from "./notifications";

const SHOWN_MS = 6_000;
const MOST_WAITING = 20;

const waiting = signal<readonly TaskSummary[]>([]);
const close = (): void => void (waiting.value = waiting.value.slice(1));

/** Begin to notice tasks that end. */
export function watchForEnds(): void {
  let before: readonly TaskSummary[] | null = null;
  effect(() => {
    const after = tasks.value;
    if (!loaded.value) return;
    for (const task of before ? endsBetween(before, after) : []) {
      notifyOfEnd(task, project.peek()?.projectName ?? "");
      if (task.taskId !== taskId.peek()) waiting.value = [...waiting.peek(), task].slice(-MOST_WAITING);
    }
    before = after;
  });
}

export function Toasts() {
  const task = waiting.value[0];
  useEffect(() => {
    if (!task || task.status === "FAILED") return;
    const timer = setTimeout(close, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [task]);
  return (
    <div role="status" aria-live="polite">
      {task && (
        <div class="toast">
          <State look={lookOf(task.status)} />
          <span>
            <b class="strong">{task.taskId}</b> ended
          </span>
          <a href={taskPath(task.taskId)} onClick={close}>
            Open
          </a>
          <button type="button" class="btn quiet icon" aria-label="Close" onClick={close}>
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}
