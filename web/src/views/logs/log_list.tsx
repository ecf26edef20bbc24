/** What a task logged about one asset, for a tab of the asset's panel. */
import { useSignal } from "@preact/signals";
import { counted } from "../../parts/format";
import { link } from "../../router";
import { project, runs } from "../../store";
import { LineDetails } from "./line_details";
import { LineList } from "./line_list";
import { countsInWords, type Filters } from "./log_filters";
import "./logs.css";
import { useLog } from "./use_log";

/** The lines of an asset in a task, oldest first, live while the task runs. Fills the height that it is given. */
export function LogList({ task, asset }: { task: string; asset: string }) {
  if (project.value && !project.value.logsStored) {
    return <p class="block muted">Logs are switched off: this server was started without a log store.</p>;
  }
  return <OfAsset key={`${task}\n${asset}`} task={task} asset={asset} />;
}

function OfAsset({ task, asset }: { task: string; asset: string }) {
  const filters: Filters = { task, levels: null, asset, test: "", text: "" };
  const state = useLog(filters, null, runs.peek());
  const said = useSignal("");
  const numbers = state.source.numbers.value;
  if (state.source.error.value) return <p class="block">The log cannot be shown. {state.source.error.value}</p>;
  if (numbers && numbers.matching === 0) {
    return <p class="block muted">{runs.value ? "Nothing was logged about this asset yet." : "This task logged nothing about this asset."}</p>;
  }
  return (
    <div class="logview">
      <div class="row hidden-note">
        <span class="cut">{said.value || (numbers ? `${counted(numbers.matching, "line")}: ${countsInWords(numbers.counts)}` : "Fetching…")}</span>
        <span class="grow" />
        <a href={link("/logs", { asset })}>Search in Logs</a>
      </div>
      <LineList state={state} ofOneAsset />
      <LineDetails state={state} say={(text) => void (said.value = text)} />
    </div>
  );
}
