/** The history: how long tasks took and what stands out in them, newest first, and which assets are slow. */
import "./history.css";
import { useEffect } from "preact/hooks";
import { useKeys } from "../../keys";
import { FilterChip } from "../../parts/filter_chip";
import { Icon } from "../../parts/icon";
import { count, day, duration } from "../../parts/format";
import { lookOf, State, WORDS } from "../../parts/look";
import { RunButton } from "../../parts/run_button";
import { go, here, param, setQuery, taskPath } from "../../router";
import { asNewest, taskId } from "../../store";
import { runAssets } from "../../run";
import { AllAssets, SlowestAssets } from "./asset_list";
import { DurationPlot } from "./duration_plot";
import { byAsset, durationOf, followHistory, greenMedian, history, historyError, lookOfTask, marked, pairWith, shownTasks, status } from "./shown_history";
import { TaskList } from "./task_list";

export function HistoryView() {
  useEffect(followHistory, []);
  useHistoryKeys();
  const now = history.value;
  return (
    <main class="view" id="main">
      <h1 class="vh">History</h1>
      <Tools />
      <div class="page historypage">
        {historyError.value && <p role="alert">{historyError.value}</p>}
        {now && now.tasks.length === 0 && <NeverRun />}
        {now && now.tasks.length > 0 && (byAsset.value ? <AllAssets /> : <Tasks />)}
      </div>
      <footer class="foot">
        <span>↑ ↓ task</span>
        <span>Enter opens</span>
        <span>f failed only</span>
        <span>Space marks two to compare</span>
      </footer>
    </main>
  );
}

function useHistoryKeys(): void {
  const step = (by: number) => () => {
    if (byAsset.value) return false;
    const shown = shownTasks.peek();
    const found = shown.findIndex(({ task }) => task.taskId === taskId.peek());
    const next = shown[Math.min(shown.length - 1, Math.max(0, (found < 0 ? shown.length : found) + by))];
    if (!next) return false;
    return setQuery({ task: asNewest(next.task.taskId) }, { replace: true });
  };
  useKeys({
    ArrowDown: step(-1),
    ArrowUp: step(1),
    " ": (event) => {
      const onControl = event.target instanceof Element && event.target.closest("button, select");
      if (onControl || byAsset.value || !taskId.value) return false;
      return mark(taskId.value);
    },
    f: () => setQuery({ status: status.value === "FAILED" ? null : "FAILED" }),
    Enter: (event) => {
      const onControl = event.target instanceof Element && event.target.closest("a, button");
      if (onControl || byAsset.value || !taskId.value) return false;
      return go(taskPath(taskId.value));
    },
  });
}

/** Mark a task to be compared: the second one that is marked opens the comparison. */
function mark(id: string): void {
  if (marked.value && marked.value !== id) go(pairWith(id));
  else setQuery({ mark: marked.value ? null : id }, { replace: true });
}

/** The task that is marked, and the way to compare it without keys. */
function Marked() {
  if (!marked.value) return null;
  return (
    <>
      <span class="chip on">
        <b>{marked.value}</b> marked
        <a href={here({ mark: null })} title="Unmark" aria-label={`Unmark ${marked.value}`}>
          <Icon name="close" />
        </a>
      </span>
      {taskId.value !== marked.value && (
        <a class="btn" href={pairWith(taskId.value)}>
          Compare with {taskId.value}
        </a>
      )}
    </>
  );
}

function Tools() {
  const found = history.value?.tasks ?? [];
  const first = found[0] && day(found[0].startTime);
  const last = found.at(-1) && day(found.at(-1)!.startTime);
  return (
    <div class="tools">
      <span class="seg" role="group" aria-label="Show">
        <button type="button" aria-pressed={!byAsset.value} onClick={() => setQuery({ by: null })}>
          Tasks
        </button>
        <button type="button" aria-pressed={byAsset.value} onClick={() => setQuery({ by: "asset" })}>
          Per asset
        </button>
      </span>
      {!byAsset.value && <Filters />}
      {!byAsset.value && <Marked />}
      <span class="grow" />
      {first && <span class="muted sm">{first === last ? `${first}, UTC` : `${first} – ${last}, UTC`}</span>}
    </div>
  );
}

function Filters() {
  const found = history.value?.tasks ?? [];
  const of = (wanted: string): number => found.filter((task) => task.status === wanted).length;
  return (
    <>
      <FilterChip isOn={!status.value} toggle={() => setQuery({ status: null })}>
        All <b>{count(found.length)}</b>
      </FilterChip>
      {["FAILED", "IN_PROGRESS", "SUCCESS"].map((wanted) => {
        const on = status.value === wanted;
        if (of(wanted) === 0 && !on) return null;
        return (
          <FilterChip key={wanted} isOn={on} toggle={() => setQuery({ status: on ? null : wanted })}>
            <State look={lookOf(wanted)} /> <b>{count(of(wanted))}</b>
          </FilterChip>
        );
      })}
    </>
  );
}

function Tasks() {
  return (
    <>
      <Durations />
      <div class="histsplit">
        <TaskList />
        <SlowestAssets />
      </div>
    </>
  );
}

function Durations() {
  const asTable = param("as") === "table";
  return (
    <section class="card durations" aria-label="Duration of each task">
      <header>
        <h2>Duration of each task</h2>
        <span class="muted sm">oldest first</span>
        <span class="grow" />
        {greenMedian.value !== null && (
          <span class="row xs muted">
            <svg width="20" height="2" class="plot" aria-hidden="true">
              <line class="med" x2="20" y1="1" y2="1" stroke-width="2" />
            </svg>
            median of the full green tasks {duration(greenMedian.value)}
          </span>
        )}
        <a class="btn quiet" href={here({ as: asTable ? null : "table" })}>
          {asTable ? "As a plot" : "As a table"}
        </a>
      </header>
      {asTable ? <DurationTable /> : <DurationPlot />}
    </section>
  );
}

function DurationTable() {
  const middle = greenMedian.value;
  return (
    <div class="scroll durationtable" tabIndex={0} role="region" aria-label="Durations as a table">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">State</th>
            <th scope="col" class="num">Duration</th>
            <th scope="col" class="num">Of the median</th>
          </tr>
        </thead>
        <tbody>
          {shownTasks.value.map(({ task }) => (
            <tr key={task.taskId}>
              <td>
                <a href={taskPath(task.taskId)}>{task.taskId}</a>
              </td>
              <td>{WORDS[lookOfTask(task)]}</td>
              <td class="num">{duration(durationOf(task))}</td>
              <td class="num">{middle ? `${Math.round((durationOf(task) / middle) * 100)} %` : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NeverRun() {
  return (
    <div class="emptystate">
      <h1>No task yet</h1>
      <p class="muted">Each run of the DAG, of an asset or of a test is a task. Tasks are kept across restarts.</p>
      <p>
        <RunButton class="btn primary" onRun={() => runAssets()}>
          Run the DAG
        </RunButton>
      </p>
    </div>
  );
}
