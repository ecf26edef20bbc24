/** The tasks, newest first, with what stands out in each. */
import { useEffect, useRef } from "preact/hooks";
import { count, duration, ticking, timeOfDay, day } from "../../parts/format";
import { State } from "../../parts/look";
import { Name } from "../../parts/name";
import { here, setQuery, taskPath } from "../../router";
import { asNewest, assets, taskId } from "../../store";
import { standsOut } from "./history_figures";
import { countsOf, durationOf, history, lookOfTask, marked, PAGE_TASKS, type ShownTask, shownTasks, through } from "./shown_history";

export function TaskList() {
  const rows = shownTasks.value.toReversed();
  const all = history.value?.tasks.length ?? 0;
  return (
    <section class="card tasklist" aria-label="Tasks, newest first">
      <table class="table fixed">
        <colgroup>
          {["state", "name", "when", "took", "n", "n", "n", ""].map((kind, index) => (
            <col key={index} class={kind} />
          ))}
        </colgroup>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Task</th>
            <th scope="col" class="num">Started</th>
            <th scope="col" class="num">Took</th>
            <th scope="col" class="num">Done</th>
            <th scope="col" class="num">Failed</th>
            <th scope="col" class="num">Skipped</th>
            <th scope="col">What stands out</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((shown) => (
            <Row key={shown.task.taskId} shown={shown} />
          ))}
        </tbody>
      </table>
      {rows.length < all && (
        <p class="block muted sm">
          {count(all - rows.length)} of {count(all)} hidden by the filter. <a href={here({ status: null })}>Show all</a>
        </p>
      )}
      <Pages />
    </section>
  );
}

function Row({ shown: { task, index } }: { shown: ShownTask }) {
  const { done, failed, skipped } = countsOf(task);
  const current = task.taskId === taskId.value;
  const look = lookOfTask(task);
  const ofAttempt = task.attempt > 1 ? `attempt ${task.attempt} alone, without what it carried over` : undefined;
  const ms = durationOf(task);
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (current) row.current?.scrollIntoView({ block: "nearest" });
  }, [current]);
  const select = (): void => setQuery({ task: asNewest(task.taskId) }, { replace: true });
  return (
    <tr ref={row} class={current ? "sel" : ""} {...(current ? { "aria-current": "true" as const } : {})} onClick={select}>
      <td>
        <State look={look} />
      </td>
      <td title={task.taskId}>
        <a class="strong" href={taskPath(task.taskId)}>
          <Name text={task.taskId} />
        </a>
        {marked.value === task.taskId && <span class="chip on marked">marked</span>}
      </td>
      <td class="num">
        <time dateTime={new Date(task.startTime).toISOString()} title={`${day(task.startTime)}, UTC${ofAttempt ? `: ${ofAttempt}` : ""}`}>
          {timeOfDay(task.startTime)}
        </time>
      </td>
      <td class="num" title={ofAttempt}>
        {look !== "waiting" && (task.durationMs === undefined ? ticking(ms) : duration(ms))}
      </td>
      <td class="num">{count(done)}</td>
      <td class="num">{failed > 0 && count(failed)}</td>
      <td class="num">{skipped > 0 && count(skipped)}</td>
      <StandsOut shown={{ task, index }} />
    </tr>
  );
}

function StandsOut({ shown: { task, index } }: { shown: ShownTask }) {
  const text = history.value ? standsOut(task, index, history.value, assets.value.size) : "";
  return (
    <td class="muted" title={text}>
      {text}
    </td>
  );
}

function Pages() {
  const now = history.value;
  const oldest = now?.tasks[0];
  if (!now || !oldest || (!now.hasEarlier && !through.value)) return null;
  return (
    <div class="row pages">
      {now.hasEarlier && (
        <a class="btn" href={here({ through: oldest.taskId })}>
          Older tasks
        </a>
      )}
      {through.value && (
        <a class="btn" href={here({ through: null })}>
          Newest {PAGE_TASKS}
        </a>
      )}
    </div>
  );
}
