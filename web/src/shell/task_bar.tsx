/** The task bar, on every view: which task am I looking at, how does it stand, what failed first. */
import { computed } from "@preact/signals";
import type { TaskSummary } from "../api";
import { tick } from "../live/clock";
import { connection } from "../live/live";
import { duration, ticking } from "../parts/format";
import { Icon } from "../parts/icon";
import { LOOKS, lookOf, State, WORDS } from "../parts/look";
import { RunButton } from "../parts/run_button";
import { assetPath, go, here, link, place, setQuery, taskPath } from "../router";
import { allNodes, loaded, retryable, runs, summary, taskError, taskId, tasks } from "../store";
import { cancelTask, retryTask } from "../run";
import { openRun } from "./dialogs";

const MARKS_SHOWN = 60;
const TASKS_IN_STRIP = 10;

const nodes = computed(allNodes);

export function TaskBar() {
  if (!loaded.value) return <div class="task" role="region" aria-label="Task" />;
  const shown = summary.value;
  return (
    <div class="task" role="region" aria-label="Task">
      {shown ? <Shown task={shown} /> : <span class="muted">{taskError.value || "No task yet"}</span>}
      <span class="grow" />
      <Strip />
      <RunButton label="Run with data or a selection" onRun={() => openRun()}>
        Run…
      </RunButton>
      {shown && (runs.value ? <Cancel /> : <Retry />)}
    </div>
  );
}

function Shown({ task }: { task: TaskSummary }) {
  const stale = runs.value && connection.value.state === "offline";
  const look = stale ? "warn" : lookOf(task.status);
  return (
    <>
      <a class="select btn" href={taskPath(task.taskId)}>
        <span class="faint">Task</span>
        <span class="cut name">{task.taskId}</span>
      </a>
      <State look={look} word={stale ? "Was running" : WORDS[look]} />
      <Marks />
      <Numbers task={task} />
      <Elapsed task={task} />
      <FirstFailure />
    </>
  );
}

/** One mark a node; with very many nodes, each mark stands for several. */
function Marks() {
  const looks = nodes.value.map((node) => lookOf(node.state, node.message));
  const step = Math.max(1, Math.ceil(looks.length / MARKS_SHOWN));
  const marks = [];
  for (let from = 0; from < looks.length; from += step) {
    const group = looks.slice(from, from + step);
    marks.push(LOOKS.find((look) => group.includes(look)));
  }
  return (
    <span class="segs" role="img" aria-label={step === 1 ? "one mark a node" : `one mark for ${step} nodes`}>
      {marks.map((look, index) => (
        <i key={index} class={look} />
      ))}
    </span>
  );
}

function Numbers({ task }: { task: TaskSummary }) {
  const looks = nodes.value.map((node) => lookOf(node.state, node.message));
  const of = (look: string) => looks.filter((one) => one === look).length;
  if (runs.value) {
    return (
      <span>
        <b class="strong">{of("success") + of("failed") + of("skipped")}</b> of {task.totalAssets}
      </span>
    );
  }
  const parts = [`${of("success")} done`];
  if (of("failed")) parts.push(`${of("failed")} failed`);
  if (of("skipped")) parts.push(`${of("skipped")} skipped`);
  return <span>{parts.join(" · ")}</span>;
}

function Elapsed({ task }: { task: TaskSummary }) {
  if (!task.startTime) return null;
  if (!runs.value) return <span class="faint">{duration((task.endTime ?? task.startTime) - task.startTime)}</span>;
  const stopped = connection.value.state === "offline";
  const shown = ticking(tick.value - task.startTime);
  return <span class="faint">{stopped ? `clock stopped at ${shown}` : shown}</span>;
}

function FirstFailure() {
  const failed = nodes.value
    .filter((node) => node.state === "FAILED")
    .sort((one, other) => (one.endTime ?? Infinity) - (other.endTime ?? Infinity))[0];
  if (!failed) return null;
  return (
    <>
      <span class="vr" />
      <a href={link(assetPath(failed.assetName))} class="first row cut">
        <Icon name="failed" />
        <span class="cut">
          <span class="wide">First failure: </span>
          <b class="strong">{failed.assetName}</b>
          {failed.message && `, ${shortReason(failed.message)}`}
        </span>
      </a>
    </>
  );
}

/** The first line of why a node failed; of one failed test, only how many rows it found. */
function shortReason(message: string): string {
  const rows = /^tests failed: [^,]* \(([\d,]+ rows?)\)$/.exec(message)?.[1];
  return rows ?? message.replace(/^tests failed: /, "").split("\n", 1)[0]!;
}

/** The newest tasks, oldest first. A click shows the same view as of that task. */
function Strip() {
  const shown = tasks.value.slice(0, TASKS_IN_STRIP).reverse();
  if (shown.length === 0) return null;
  const inTaskView = place.value.view === "task";
  return (
    <>
      <span class="wide faint xs">{shown.length === 1 ? "1 task" : `${shown.length} tasks`}</span>
      <span class="strip" role="group" aria-label="Tasks, oldest first">
        {shown.map((one) => {
          const look = connection.value.state === "offline" && one.status === "IN_PROGRESS" ? "warn" : lookOf(one.status);
          const newest = one === tasks.value[0];
          const to = inTaskView ? taskPath(one.taskId) : here({ task: newest ? null : one.taskId });
          return (
            <a
              key={one.taskId}
              href={to}
              class={`st-${look}`}
              title={one.taskId}
              {...(one.taskId === taskId.value ? { "aria-current": "true" as const } : {})}
            >
              <Icon name={look} spin={look === "running"} />
              <span class="vh">{one.taskId}</span>
            </a>
          );
        })}
      </span>
    </>
  );
}

const Cancel = () => <RunButton onRun={() => cancelTask(taskId.value)}>Cancel</RunButton>;

function Retry() {
  if (retryable.value === 0) return null;
  return <RunButton onRun={() => retryTask(taskId.value)}>Retry {retryable.value}</RunButton>;
}

/** Show the task before (-1) or after (1) the one in view. */
export function stepTask(by: -1 | 1): void {
  const index = tasks.value.findIndex((one) => one.taskId === taskId.value);
  const next = tasks.value[index - by];
  if (index < 0 || !next) return;
  if (place.value.view === "task") go(taskPath(next.taskId));
  else setQuery({ task: index - by === 0 ? null : next.taskId });
}
