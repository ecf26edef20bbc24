/** Every view is as of a task; what another task made, or an asset that the task left out, is marked. */
import type { ComponentChildren } from "preact";
import { useHistory } from "../../parts/history";
import { Icon } from "../../parts/icon";
import { here } from "../../router";
import { type AssetView, task, taskId } from "../../store";

/** Tasks in which the last execution is looked for. */
const TASKS = 20;

/** A line that says which task made what is shown. */
export function OtherTask({ word = "Not of this task", children }: { word?: string; children: ComponentChildren }) {
  return (
    <p class="block row sm ofrows">
      <span class="chip warn">
        <Icon name="warn" />
        {word}
      </span>
      <span class="muted">{children}</span>
    </p>
  );
}

/** Whether the task in view is known, and left the asset out. */
export const isLeftOut = (view: AssetView): boolean => !view.node && taskId.value !== "" && task.value?.taskId === taskId.value;

/** A line for an asset that the task in view left out. */
export function NotInTask({ name }: { name: string }) {
  if (!taskId.value) return <p class="block muted">It was never executed.</p>;
  return (
    <OtherTask word="Not in task">
      <LastExecuted name={name} />
    </OtherTask>
  );
}

/** Which task executed the asset last, if the one in view did not. */
export function LastExecuted({ name }: { name: string }) {
  const { value } = useHistory(TASKS);
  const states = value?.assets.find((one) => one.name === name)?.states;
  const at = states?.findLastIndex((state) => state !== null && state !== "INITIAL") ?? -1;
  const last = value?.tasks[at]?.taskId;
  return (
    <>
      {taskId.value} did not execute it
      {last && (
        <>
          ; <a href={here({ task: last })}>{last}</a> was the last that did
        </>
      )}
      {value && !last && `, and none of the ${TASKS} tasks before it did`}
    </>
  );
}
