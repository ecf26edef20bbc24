/** The Logs view: what a task logged, what of it is hidden, and a link to each line. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useKeys } from "../../keys";
import { connection } from "../../live/live";
import { copied, NOT_COPIED } from "../../parts/clipboard";
import { count, counted } from "../../parts/format";
import { link, param, place, setQuery, taskPath } from "../../router";
import { project, runs, taskError, taskId } from "../../store";
import { LineDetails } from "./line_details";
import { LineList } from "./line_list";
import type { ListState } from "./list_state";
import { ALL, countsInWords, errorsOnly, filtersInWords, filtersOf, pageUrl } from "./log_filters";
import { type LogLine, lineText, parseExact } from "./log_line";
import { LogTools } from "./log_tools";
import "./logs.css";
import type { Numbers } from "./log_source";
import { useErrorKeys } from "./next_error";
import { useLog } from "./use_log";

const COPIED_LINES = 10_000;
const ADDRESS_MS = 200; // browsers limit how often a page may change its address

export function LogsView() {
  if (project.value && !project.value.logsStored) return <SwitchedOff />;
  if (!taskId.value) return <Words title="Nothing was logged yet" text="Each task's log is kept. Run the DAG to see what it logs." />;
  return <LogOfTask key={taskId.value} task={taskId.value} />;
}

function SwitchedOff() {
  const text =
    "This server keeps no log entries: it was started with --no-log-store, or DAGSCOPE_STORE_LOGS is false. " +
    "States, tests and data are kept as always. Start the server without this setting to see what later tasks log.";
  return <Words title="Logs are switched off" text={text} />;
}

function Words({ title, text }: { title: string; text: string }) {
  return (
    <main class="view" id="main">
      <div class="page">
        <div class="emptystate">
          <h1>{title}</h1>
          <p class="muted">{text}</p>
        </div>
      </div>
    </main>
  );
}

function LogOfTask({ task }: { task: string }) {
  const filters = filtersOf(task, place.value.query);
  const at = Number(param("at")) || null;
  const state = useLog(filters, at, runs.peek() && at === null);
  const said = useSignal("");
  const say = (text: string): void => void (said.value = text);
  useAddress(state);
  useLogKeys(state, say);
  const copy = async (): Promise<void> => say(await copyView(state));
  return (
    <main class="view logs" id="main">
      <h1 class="vh">Logs of task {task}</h1>
      <LogTools state={state} copy={copy} />
      <div class="logview">
        <Hidden state={state} />
        <Lines state={state} />
        <LineDetails state={state} say={say} />
      </div>
      <Foot state={state} said={said.value} />
    </main>
  );
}

/** Keep the selected line in the address, a moment after the last move. */
function useAddress(state: ListState): void {
  const position = state.selected.value?.position;
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current || position === undefined) {
      isFirst.current = false;
      return;
    }
    const timer = setTimeout(() => setQuery({ at: position }, { replace: true }), ADDRESS_MS);
    return () => clearTimeout(timer);
  }, [position]);
}

function useLogKeys(state: ListState, say: (text: string) => void): void {
  useErrorKeys(state, say);
  useKeys({
    f: () => setQuery(errorsOnly(state.source.filters)),
    End: () => state.follow(),
    ArrowDown: () => fromElsewhere(state, /^(BODY|BUTTON|A)$/, () => state.move(1)),
    ArrowUp: () => fromElsewhere(state, /^(BODY|BUTTON|A)$/, () => state.move(-1)),
    Enter: () => fromElsewhere(state, /^BODY$/, () => (state.isOpen.value = state.selected.peek() !== null)),
  });
}

/** Do it if an element that has no use for the key has the focus, and give the focus to the list. */
function fromElsewhere(state: ListState, elements: RegExp, act: () => void): void | false {
  if (!state.element || !elements.test(document.activeElement?.tagName ?? "")) return false;
  act();
  state.element.focus();
  return undefined;
}

async function copyView(state: ListState): Promise<string> {
  const { source } = state;
  const answer = await fetch(pageUrl(source.filters, { limit: COPIED_LINES }));
  if (!answer.ok) return "The lines could not be fetched";
  const { logs, matching } = parseExact(await answer.text()) as { logs: LogLine[]; matching: number };
  if (!(await copied(logs.map(lineText).join("\n")))) return NOT_COPIED;
  if (logs.length === matching) return `Copied ${counted(matching, "line")}`;
  return `Copied the first ${count(logs.length)} of ${count(matching)} lines; the download has all of them`;
}

/** How many lines there are, and what hides others. */
function Hidden({ state }: { state: ListState }) {
  const numbers = state.source.numbers.value;
  const { task } = state.source.filters;
  const isOffline = connection.value.state === "offline";
  return (
    <div class="row hidden-note">
      {numbers ? <Sentence state={state} numbers={numbers} /> : <span class="faint">{isOffline ? "Offline: the lines cannot be fetched." : "Fetching…"}</span>}
      <span class="grow" />
      <span class="faint xs cut">
        task <a href={taskPath(task)}>{task}</a>
      </span>
    </div>
  );
}

function Sentence({ state, numbers }: { state: ListState; numbers: Numbers }) {
  const { matching, total, counts } = numbers;
  const words = filtersInWords(state.source.filters, counts);
  const hidden = total - matching;
  if (!words) return <span>{total ? counted(total, "line") : "No lines"}</span>;
  return (
    <>
      <span class="cut">
        <b class="strong">{count(matching)}</b> of {counted(total, "line")}. <b class="strong">{count(hidden)} hidden by filters:</b> {words}.
      </span>
      <a href={link("/logs", { at: param("at") })}>Show all</a>
      {state.hidesLine.value && <span class="faint">The line of this link is hidden too.</span>}
    </>
  );
}

function Lines({ state }: { state: ListState }) {
  const numbers = state.source.numbers.value;
  if (state.source.error.value && connection.value.state === "live") {
    return <p class="block">The log cannot be shown. {state.source.error.value}</p>;
  }
  if (numbers && numbers.matching === 0) return <NoLines total={numbers.total} />;
  return <LineList state={state} />;
}

function NoLines({ total }: { total: number }) {
  if (!total && taskError.value) return <p class="block">{taskError.value}</p>;
  const title = total ? `0 of ${counted(total, "line")}: all hidden by filters` : "This task logged nothing";
  const waiting = runs.value ? " yet. Lines appear here as they are logged." : ".";
  return (
    <div class="page">
      <div class="emptystate">
        <h1>{total ? title : title + (runs.value ? " yet" : "")}</h1>
        {total > 0 ? (
          <p>
            <button type="button" class="btn" onClick={() => setQuery(ALL)}>
              Show all {counted(total, "line")}
            </button>
          </p>
        ) : (
          <p class="muted">There are no entries of this task{waiting}</p>
        )}
      </div>
    </div>
  );
}

function Foot({ state, said }: { state: ListState; said: string }) {
  const numbers = state.source.numbers.value;
  const letGo = state.unseen.value > 0 ? "Not following the end: new lines wait below" : "";
  return (
    <div class="foot">
      {numbers && <span>{countsInWords(numbers.counts)}</span>}
      <span>e next error</span>
      <span>f errors only</span>
      <span>Enter: all fields</span>
      <span class="grow" />
      <span class="cut" role="status">
        {said || letGo}
      </span>
    </div>
  );
}
