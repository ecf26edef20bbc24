/** What the task is, how it ended, and what can be done with it. */
import { ticking, count, counted, duration, timeOfDay, day } from "../../parts/format";
import { lookOf, State } from "../../parts/look";
import { RunButton } from "../../parts/run_button";
import { useKeys } from "../../keys";
import { tick } from "../../live/clock";
import { connection } from "../../live/live";
import { link, setQuery, taskPath } from "../../router";
import { cancelTask, retryTask } from "../../run";
import { assets, behind, canRun, isQueued, taskId } from "../../store";
import { asking, type Task } from "../../api";
import { attemptStart, isEarlier, shownNodes, shownTask } from "./shown_task";
import { interruptionIn, leftToRetry, scopeOf, stopped } from "./task_words";
import { isCarried } from "./timeline";

export function TaskTitle() {
  const task = shownTask.value;
  if (!task) return <div class="tools title" />;
  const waits = isQueued.value && !isEarlier.value;
  const look = waits ? "waiting" : lookOf(task.status);
  const lost = task.endTime === undefined && connection.value.state === "offline";
  return (
    <div class="tools title">
      <h1 class="cut" title={task.taskId}>
        {task.taskId}
      </h1>
      <State look={lost ? "warn" : look} {...(lost ? { word: waits ? "Was waiting" : "Was running" } : {})} />
      <span class="muted cut">
        {waits ? <Behind /> : <Times task={task} />} · <Attempt task={task} />
        <Scope task={task} />
      </span>
      <span class="grow" />
      <a class="btn" href={link("/logs")}>
        Logs
      </a>
      <a class="btn" href={link("/")}>
        Graph
      </a>
      {task.endTime !== undefined && (
        <a
          class="btn"
          href={asking("/api/bundle", { taskId: task.taskId })}
          download
          title="This task and the one that it is compared with, in one file that `dagscope open` shows"
        >
          Bundle
        </a>
      )}
      {!isEarlier.value && <Action task={task} />}
    </div>
  );
}

function Behind() {
  return (
    <>
      behind <a href={taskPath(behind.value)}>{behind.value}</a>
    </>
  );
}

function Times({ task }: { task: Task }) {
  const { startTime, endTime } = task;
  if (startTime === undefined) return null;
  const lost = connection.value.state === "offline";
  const began = (
    <time dateTime={new Date(startTime).toISOString()} title={`${day(startTime)}, UTC`}>
      {timeOfDay(startTime)}
    </time>
  );
  if (endTime === undefined) {
    return (
      <>
        since {began} · {lost && "clock stopped at "}
        <b class="strong elapsed">{ticking(tick.value - startTime)}</b>
      </>
    );
  }
  return (
    <>
      {began} – {timeOfDay(endTime)} · <b class="strong elapsed">{duration(endTime - startTime)}</b>
    </>
  );
}

/** The attempt, to be chosen from where there are several. */
function Attempt({ task }: { task: Task }) {
  const { attempt = 1, newestAttempt = 1 } = task;
  if (newestAttempt < 2) return <>attempt 1</>;
  const choose = (event: Event): void => {
    const chosen = Number((event.currentTarget as HTMLSelectElement).value);
    setQuery({ attempt: chosen === newestAttempt ? null : chosen, asset: null, state: null });
  };
  return (
    <select class="attempt" aria-label="Attempt" value={attempt} onChange={choose}>
      {Array.from({ length: newestAttempt }, (_, index) => newestAttempt - index).map((number) => (
        <option key={number} value={number}>
          attempt {number} of {newestAttempt}
        </option>
      ))}
    </select>
  );
}

function Scope({ task }: { task: Task }) {
  const nodes = shownNodes.value;
  const scope = scopeOf(task, nodes, assets.value.size);
  const cancelled = stopped(nodes);
  const carried = nodes.filter((node) => isCarried(node, attemptStart.value)).length;
  const interruption = interruptionIn(nodes);
  return (
    <>
      {scope && ` · ${scope}`}
      {carried > 0 && `, ${count(carried)} of them carried over`}
      {interruption && ` · interrupted: ${interruption}`}
      {cancelled > 0 && ` · cancelled while ${counted(cancelled, "asset")} ran`}
    </>
  );
}

function Action({ task }: { task: Task }) {
  const running = task.endTime === undefined;
  const left = leftToRetry(shownNodes.value);
  const canRetry = !running && task.status === "FAILED";
  const act = (): void | false => {
    if (!canRun.value) return;
    if (running) void cancelTask(taskId.value);
    else if (canRetry) void retryTask(taskId.value);
    else return false;
  };
  useKeys({ r: () => (canRetry ? act() : false) });
  if (!running && !canRetry) return null;
  return (
    <RunButton class={running ? "btn" : "btn primary"} onRun={act}>
      {running ? "Cancel" : `Retry ${left || ""}`} {canRetry && <kbd>r</kbd>}
    </RunButton>
  );
}

