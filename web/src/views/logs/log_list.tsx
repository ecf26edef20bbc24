/** What a task logged about one asset, for a tab of the asset's panel. */
import { useSignal } from "@preact/signals";
import { count, counted } from "../../parts/format";
import { link, place } from "../../router";
import { project, runs } from "../../store";
import { LineDetails } from "./line_details";
import { LineList } from "./line_list";
import { filtersOf, LEVELS } from "./log_filters";
import { LevelChips } from "./log_tools";
import "./logs.css";
import { useErrorKeys } from "./next_error";
import { useLog } from "./use_log";

/** The lines of an asset in a task, oldest first, live while the task runs. Fills the height that it is given. */
export function LogList({ task, asset }: { task: string; asset: string }) {
  if (project.value && !project.value.logsStored) {
    return <p class="block muted">Logs are switched off: this server was started without a log store.</p>;
  }
  return <OfAsset key={`${task}\n${asset}`} task={task} asset={asset} />;
}

function OfAsset({ task, asset }: { task: string; asset: string }) {
  const { levels } = filtersOf(task, place.value.query);
  const state = useLog({ task, levels, asset, test: "", text: "" }, null, runs.peek());
  const said = useSignal("");
  const say = (text: string): void => void (said.value = text);
  const next = useErrorKeys(state, say);
  const numbers = state.source.numbers.value;
  if (state.source.error.value) return <p class="block">The log cannot be shown. {state.source.error.value}</p>;
  const all = numbers ? LEVELS.reduce((sum, level) => sum + numbers.counts[level], 0) : 0;
  if (numbers && all === 0) {
    return <p class="block muted">{runs.value ? "Nothing was logged about this asset yet." : "This task logged nothing about this asset."}</p>;
  }
  return (
    <div class="logview">
      <div class="row hidden-note listtools">
        <LevelChips state={state} />
        <span class="cut" role="status">{said.value || (numbers ? shownOf(numbers.matching, all) : "Fetching…")}</span>
        <span class="grow" />
        <button type="button" class="btn quiet" onClick={next}>
          Next error <kbd>e</kbd>
        </button>
        <a href={link("/logs", { asset })}>In Logs</a>
      </div>
      <LineList state={state} ofOneAsset />
      <LineDetails state={state} say={say} />
    </div>
  );
}

const shownOf = (shown: number, all: number): string => (shown === all ? counted(all, "line") : `${count(shown)} of ${counted(all, "line")}`);
