/** What stands above every view: offline, a project that cannot be loaded, a state that cannot be written, a refusal. */
import { useEffect, useState } from "preact/hooks";
import type { Problem, Project } from "../api";
import type { Connection } from "../live/messages";
import { connection, tryNow } from "../live/live";
import { Copy } from "../parts/copy";
import { counted, timeOfDay } from "../parts/format";
import { Icon } from "../parts/icon";
import { State } from "../parts/look";
import { refusal } from "../run";
import { project, runs } from "../store";

export function Notices() {
  const facts = project.value;
  const now = connection.value;
  return (
    <div class="notices">
      {now.state === "offline" && <Offline now={now} />}
      {facts && !facts.stateWritable && <Unwritable />}
      {facts && facts.problems.length > 0 && <Problems facts={facts} />}
      {refusal.value && <Refusal />}
    </div>
  );
}

function Offline({ now }: { now: Extract<Connection, { state: "offline" }> }) {
  const nowMs = useSeconds();
  const ageS = Math.max(0, Math.round((nowMs - now.since) / 1_000));
  const nextS = Math.max(0, Math.ceil((now.nextTry - nowMs) / 1_000));
  return (
    <section class="banner" aria-label="Offline">
      <div class="alert warn row">
        <span class="row" role="alert">
          <State look="warn" word={`Offline since ${timeOfDay(now.since)} UTC`} />
          <span class="vh">. Running clocks are stopped.</span>
        </span>
        <span class="grow cut">
          What you see is {age(ageS)} old.{runs.value && " The task may have gone on; its clock is stopped."}
        </span>
        <span class="muted nowrap">{nextS > 0 ? `next try in ${nextS} s` : "trying…"}</span>
        <button type="button" class="btn small" onClick={tryNow}>
          Try now
        </button>
      </div>
    </section>
  );
}

function age(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`;
}

/** This browser's time, once a second: the page's own clock stands still while it is offline. */
function useSeconds(): number {
  const [nowMs, set] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

function Unwritable() {
  return (
    <section class="banner" role="alert">
      <div class="alert row">
        <State look="failed" word="The state cannot be written" />
        <span class="grow">
          Nothing that happens from now on is kept, so nothing can be run. Free space on the server’s disk, then start the server again.
        </span>
      </div>
    </section>
  );
}

function Problems({ facts }: { facts: Project }) {
  return (
    <section class="banner" role="alert">
      <div class="alert">
        <div class="row">
          <State look="failed" word={`The project cannot be loaded: ${counted(facts.problems.length, "problem")}`} />
          <span class="grow" />
          <span class="muted sm nowrap">
            files read at {timeOfDay(facts.readTimeMs)} UTC{facts.reload && "; saving one reads them again"}
          </span>
        </div>
        <ul class="problems">
          {facts.problems.map((problem, index) => (
            <ProblemLine key={index} problem={problem} />
          ))}
        </ul>
        <p class="muted sm">
          {facts.loadedTimeMs === undefined
            ? "No version could be loaded since the server was started, so there are no assets, and nothing can be run."
            : `Below is the project as it last loaded, at ${timeOfDay(facts.loadedTimeMs)} UTC. A run would use that one.`}
        </p>
      </div>
    </section>
  );
}

function ProblemLine({ problem }: { problem: Problem }) {
  const at = problem.line ? `:${problem.line}` : "";
  return (
    <li class="prob">
      <span class="st st-failed">
        <Icon name="failed" />
      </span>
      <span class="mono cut" title={problem.path + at}>
        {problem.path}
        <b class="strong">{at}</b>
      </span>
      <span>{problem.message}</span>
      <Copy class="btn quiet icon small" text={() => problem.path + at} what={`Copy file and line: ${problem.path + at}`} />
    </li>
  );
}

function Refusal() {
  return (
    <div class="banner">
      <div class="alert row" role="alert">
        <Icon name="failed" />
        <span class="grow refusal">{refusal.value}</span>
        <button type="button" class="btn quiet icon" aria-label="Close" onClick={() => (refusal.value = "")}>
          <Icon name="close" />
        </button>
      </div>
    </div>
  );
}
