/** How long the task would take if an asset took another time: the one that is selected, or the one that saves the most. */
import { api, asking } from "../../api";
import { useFetched } from "../../parts/fetched";
import { duration } from "../../parts/format";
import { here, param, setQuery } from "../../router";
import { attemptStart, shownNode, shownTask } from "./shown_task";
import { isCarried } from "./timeline";
import { type TaskTimings, whatIfWords } from "./timings";

const PARTS = [
  [0, "no time"],
  [10, "a tenth of its time"],
  [50, "half of its time"],
  [200, "twice its time"],
] as const;
const HALF = 50;

export const WHAT_IF_PX = 32;

export function WhatIf() {
  const task = shownTask.value!;
  const node = shownNode(param("asset"));
  const asset = node?.timings && !isCarried(node, attemptStart.value) ? node.assetName : "";
  const percent = PARTS.find(([part]) => String(part) === param("took"))?.[0] ?? HALF;
  const address = asking(api`/api/dag/timings/${task.taskId}`, { attempt: task.attempt, asset, percent });
  const { value: timings, error } = useFetched<TaskTimings>(address, task.endTime);
  return (
    <p class="tools sm whatif" role="status" style={{ height: `${WHAT_IF_PX}px` }}>
      {error && <span class="muted cut">{error}</span>}
      {timings && <Said timings={timings} percent={percent} />}
    </p>
  );
}

function Said({ timings, percent }: { timings: TaskTimings; percent: number }) {
  const best = timings.whatIf[0];
  if (!best) return null;
  return (
    <>
      <span class="cut">
        If <a href={here({ asset: best.assetName })}>{best.assetName}</a> took
      </span>
      <label>
        <span class="vh">How much of its time</span>
        <select value={String(percent)} onChange={(event) => setQuery({ took: event.currentTarget.value === String(HALF) ? null : event.currentTarget.value })}>
          {PARTS.map(([part, words]) => (
            <option key={part} value={String(part)}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <span class="cut">
        the task would {whatIfWords(best, timings.durationMs)}
        {timings.enoughWorkersMs < timings.durationMs && (
          <span class="muted">
            ; with enough workers instead of {timings.workers}: {duration(timings.enoughWorkersMs)}
          </span>
        )}
      </span>
    </>
  );
}
