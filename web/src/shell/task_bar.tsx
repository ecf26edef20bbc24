/** The task bar, on every view: which task am I looking at, how does it stand, what failed first. */
import { computed } from "@preact/signals";
import type { TaskSummary } from "../api";
import { tick } from "../live/clock";
import { connection } from "../live/live";
import { counted, duration, ticking } from "../parts/format";
import { Icon } from "../parts/icon";
import { type Look, LOOKS, lookOf, State, WORDS } from "../parts/look";
import { RunButton } from "../parts/run_button";
import { assetPath, go, here, link, place, setQuery, taskPath } from "../router";
import { allNodes, asNewest, behind, canRetry, isQueued, loaded, pausedAt, retryable, runs, summary, task, taskError, taskId, tasks, testResults } from "../store";
import { waitsBehind } from "../queue";
import { cancelTask, retryTask } from "../run";
import { openRun } from "./dialogs";
import { HeldAt, HeldButtons } from "./held";

const MARKS_SHOWN = 60;
const TASKS_IN_STRIP = 10;

const nodes = computed(allNodes);
/** The failed tests that belong to no node of the task: those of the whole project, and those that were run alone. */
const otherFailedTests = computed(() => {
  const ofNodes = new Set(nodes.value.flatMap((node) => node.testResults.map((result) => result.testName)));
  return [...testResults.value.values()].filter((result) => result.status === "FAILED" && !ofNodes.has(result.testName));
});

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
      {shown && (runs.value ? <Running /> : <Retry />)}
    </div>
  );
}

function Shown({ task }: { task: TaskSummary }) {
  const stale = runs.value && connection.value.state === "offline";
  const look = stale ? "warn" : isQueued.value ? "waiting" : lookOf(task.status);
  return (
    <>
      <a class="select btn" href={taskPath(task.taskId)}>
        <span class="faint">Task</span>
        <span class="cut name">{task.taskId}</span>
      </a>
      {pausedAt.value.length > 0 && !stale ? (
        <HeldAt />
      ) : (
        <State look={look} word={stale ? (isQueued.value ? "Was waiting" : "Was running") : WORDS[look]} />
      )}
      {isQueued.value && <Behind />}
      <Marks />
      <Numbers task={task} />
      {!isQueued.value && <Elapsed task={task} />}
      <FirstFailure task={task} />
      {task.status === "FAILED" && place.value.view !== "compare" && (
        <a href={link("/compare")} title="Compare with the last green task (w)">
          Why is it red?
        </a>
      )}
    </>
  );
}

const Behind = () => (
  <span>
    behind <a href={place.value.view === "task" ? taskPath(behind.value) : here({ task: behind.value })}>{behind.value}</a>
  </span>
);

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
  if (of("waiting")) parts.push(`${of("waiting")} not run`);
  const tests = otherFailedTests.value.length;
  if (tests) parts.push(`${counted(tests, "test")} failed`);
  return <span>{parts.join(" · ")}</span>;
}

function Elapsed({ task }: { task: TaskSummary }) {
  if (!task.startTime) return null;
  if (!runs.value) return <span class="faint">{duration((task.endTime ?? task.startTime) - task.startTime)}</span>;
  const stopped = connection.value.state === "offline";
  const shown = ticking(tick.value - task.startTime);
  return <span class="faint">{stopped ? `clock stopped at ${shown}` : shown}</span>;
}

function FirstFailure({ task: { status } }: { task: TaskSummary }) {
  const failed = nodes.value
    .filter((node) => node.state === "FAILED")
    .sort((one, other) => (one.endTime ?? Infinity) - (other.endTime ?? Infinity))[0];
  const [test] = otherFailedTests.value;
  if (failed) return <Failure href={link(assetPath(failed.assetName))} name={failed.assetName} reason={failed.message && shortReason(failed.message)} />;
  if (test) {
    const reason = test.rowCount ? counted(test.rowCount, "row") : shortReason(test.error ?? "");
    return <Failure href={link("/tests", { test: test.testName })} name={test.testName} reason={reason} />;
  }
  const nothingRan = status === "FAILED" && task.value?.taskId === taskId.value && nodes.value.length > 0 && nodes.value.every((node) => node.state === "INITIAL");
  return nothingRan ? <span class="muted cut">It ended before anything of it ran</span> : null;
}

function Failure({ href, name, reason }: { href: string; name: string; reason: string }) {
  return (
    <>
      <span class="vr" />
      <a href={href} class="first row cut" title={reason ? `First failure: ${name}, ${reason}` : `First failure: ${name}`}>
        <Icon name="failed" />
        <span class="cut">
          <span class="wide">First failure: </span>
          <b class="strong">{name}</b>
          {reason && `, ${reason}`}
        </span>
      </a>
    </>
  );
}

/** The first line of why a node failed; of one failed test, only how many rows it found. */
function shortReason(message: string): string {
  const rows = /^tests failed: [^,]* \(([\d,]+ rows?)\)$/.exec(message)?.[1];
  return rows ?? message.replace(/^(tests failed|SQL execution failed): /, "").split("\n", 1)[0]!;
}

function lookInStrip(one: TaskSummary): Look {
  if (one.status === "IN_PROGRESS" && connection.value.state === "offline") return "warn";
  return waitsBehind(one, tasks.value) ? "waiting" : lookOf(one.status);
}

/** Ten tasks in a row: the newest, or, if the one in view is older, those around it. */
function inStrip(): readonly TaskSummary[] {
  const at = tasks.value.findIndex((one) => one.taskId === taskId.value);
  const from = at < TASKS_IN_STRIP ? 0 : Math.min(at - TASKS_IN_STRIP / 2, tasks.value.length - TASKS_IN_STRIP);
  return tasks.value.slice(from, from + TASKS_IN_STRIP).reverse();
}

/** The tasks as a slider, oldest first: a click, a drag or a key shows the same view as of another task. */
function Strip() {
  const shown = inStrip();
  if (shown.length === 0) return null;
  const inTaskView = place.value.view === "task";
  return (
    <>
      <span class="wide faint xs">{shown.length === 1 ? "1 task" : `${shown.length} tasks`}</span>
      <span class="strip" role="group" aria-label="Tasks, oldest first" onKeyDown={stepByArrow} onPointerMove={drag}>
        {shown.map((one) => {
          const look = lookInStrip(one);
          const newest = one === tasks.value[0];
          const to = inTaskView ? taskPath(one.taskId) : here({ task: newest ? null : one.taskId });
          return (
            <a
              key={one.taskId}
              href={to}
              draggable={false}
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

function stepByArrow(event: KeyboardEvent): void {
  const by = ({ ArrowLeft: -1, ArrowRight: 1 } as const)[event.key];
  if (!by) return;
  event.preventDefault();
  const strip = event.currentTarget as HTMLElement;
  stepTask(by);
  requestAnimationFrame(() => strip.querySelector<HTMLElement>("[aria-current]")?.focus());
}

/** While the button is held, the pointer takes the view along. */
function drag({ buttons, target }: PointerEvent): void {
  const over = buttons === 1 && target instanceof Element ? target.closest("a") : null;
  if (over && !over.hasAttribute("aria-current")) go(over.pathname + over.search, { replace: true });
}

const Running = () => (pausedAt.value.length > 0 ? <HeldButtons /> : <Cancel />);
const Cancel = () => <RunButton onRun={() => cancelTask(taskId.value)}>Cancel</RunButton>;

/** Tests of the whole project are retried too; then there is no number of assets. */
function Retry() {
  if (!canRetry.value) return null;
  return <RunButton onRun={() => retryTask(taskId.value)}>Retry {retryable.value || ""}</RunButton>;
}

/** Show the task before (-1) or after (1) the one in view. */
export function stepTask(by: -1 | 1): void {
  const index = tasks.value.findIndex((one) => one.taskId === taskId.value);
  const next = tasks.value[index - by];
  if (index < 0 && by === 1 && tasks.value.length > 0) showTask(tasks.value.at(-1)!.taskId); // the one in view is older than all that are known
  if (index >= 0 && next) showTask(next.taskId);
}

function showTask(id: string): void {
  if (place.value.view === "task") go(taskPath(id));
  else setQuery({ task: asNewest(id) });
}
