/** The log of a task under filters: its lines are fetched, and pulled while there can be more. */
import { effect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { connection } from "../../live/live";
import { nodesVersion, runs, summary, testResults } from "../../store";
import { ListState } from "./list_state";
import { type Filters, pageUrl } from "./log_filters";
import { LogSource } from "./log_source";

const LEAST_MS = 250; // between two pulls
const WHILE_RUNNING_MS = 500; // an asset's Python code can log without any other news in the stream

/** The list for these filters; a new one for others, which keeps following and the selected line if that is shown. */
export function useLog(filters: Filters, at: number | null, follows: boolean): ListState {
  const before = useRef<ListState | null>(null);
  const state = useMemo(() => {
    const next = new ListState(new LogSource(filters));
    const last = before.current;
    next.follows.value = last ? last.follows.peek() : follows;
    next.isOpen.value = last?.isOpen.peek() ?? false;
    return next;
  }, [pageUrl(filters, {})]);
  before.current = state;
  useEffect(() => pulled(state.source), [state]);
  useEffect(() => {
    if (at === null) state.selected.value = null;
    else if (state.selected.peek()?.position !== at) void showLine(state, at);
  }, [state, at]);
  return state;
}

/** Select the line at a position, or note that the filters hide it. */
async function showLine(state: ListState, position: number): Promise<void> {
  const { source } = state;
  const found = await source.locate(position).catch(() => null);
  if (!found) {
    const any = { ...source.filters, levels: null, asset: "", test: "", text: "" };
    state.hidesLine.value = (await source.locate(position, any).catch(() => null)) !== null;
    return;
  }
  await firstAnswer(source);
  requestAnimationFrame(() => state.selectAt({ index: found.index, position }, true)); // after the list has its height
}

function firstAnswer(source: LogSource): Promise<void> {
  return new Promise((resolve) => {
    const stop = effect(() => {
      if (source.numbers.value) queueMicrotask(() => (stop(), resolve()));
    });
  });
}

/** Pull at the start, with every news of the stream, and now and then while the task runs. Returns how to stop. */
function pulled(source: LogSource): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isPulling = false;
  let isWanted = false;
  const pull = async (): Promise<void> => {
    if (timer !== undefined || isPulling) {
      isWanted = true;
      return;
    }
    isPulling = true;
    isWanted = false;
    await source.pull();
    isPulling = false;
    timer = setTimeout(() => {
      timer = undefined;
      if (isWanted) void pull();
    }, LEAST_MS);
  };
  const stopNews = effect(() => {
    void [nodesVersion.value, testResults.value, summary.value];
    if (connection.value.state !== "offline") void pull();
  });
  const ticking = setInterval(() => {
    if (runs.peek() && connection.peek().state === "live" && !document.hidden) void pull();
  }, WHILE_RUNNING_MS);
  return () => {
    stopNews();
    clearInterval(ticking);
    clearTimeout(timer);
    source.close();
  };
}
