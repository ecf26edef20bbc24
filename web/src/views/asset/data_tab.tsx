/** The rows of an asset, or the value of a raw one, and which task made them. */
import { api, asking, getExact } from "../../api";
import { Grid } from "../../grid/grid";
import type { GridColumn, GridRow, RowsAnswer } from "../../grid/source";
import { useOwnWanted } from "../../grid/use_grid";
import { useFetched } from "../../parts/fetched";
import { count, counted, timeOfDay } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { here, link, taskPath } from "../../router";
import { type AssetView, taskId, tasks } from "../../store";
import type { OfAsset } from "./asset_tabs";
import { hasQuery, taskShown } from "./shapes";
import { traceAddress } from "./trace_tab";

export function DataTab({ asset, view }: OfAsset) {
  const path = api`/api/dag/asset/${asset.name}/data`;
  useOwnWanted(path);
  const asked = taskShown(view.node);
  const version = view.node?.endTime;
  const kept = useFetched<RowsAnswer>(asking(path, { taskId: asked, captured: asked !== null, format: "arrays", limit: 1 }), version, getExact);
  const isGone = kept.value === null && asked !== null;
  const newest = useFetched<RowsAnswer>(isGone ? asking(path, { format: "arrays", limit: 1 }) : "", version, getExact);
  const { value, error } = isGone ? newest : kept;
  if (error) return <p class="block muted">{error}</p>;
  if (value === undefined) return null;
  if (value === null) return <p class="block muted">{whyNone(view, asset.materialization)}</p>;
  const traces = hasQuery(asset) ? { traceOf: (columns: readonly GridColumn[], row: GridRow) => traceAddress(asset.name, columns, row) } : {};
  return (
    <>
      <Maker value={value} view={view} />
      {value.columns ? (
        <Grid source={{ path, query: isGone || asked === null ? {} : { taskId: asked, captured: true }, label: `Rows of ${asset.name}`, version, ...traces }} />
      ) : (
        <pre class="rawvalue" tabIndex={0} role="region" aria-label="Value">
          {JSON.stringify(value.data, null, 2)}
        </pre>
      )}
    </>
  );
}

function Maker({ value, view }: { value: RowsAnswer; view: AssetView }) {
  const isOther = taskId.value !== "" && value.taskId !== taskId.value;
  const rows = value.relationRows === undefined ? counted(value.totalRecords, "row") : `The first ${count(value.totalRecords)} of ${counted(value.relationRows, "row")}`;
  const what = value.columns ? rows : `A value of type ${value.dataType ?? ""}`;
  const later = tasks.value.findIndex((task) => task.taskId === value.taskId) - tasks.value.findIndex((task) => task.taskId === taskId.value);
  return (
    <p class="block row sm ofrows">
      {isOther && (
        <span class="chip warn">
          <Icon name="warn" />
          Not of this task
        </span>
      )}
      <span class="muted">
        <b class="strong">{what}</b> as <a href={link(taskPath(value.taskId ?? ""))}>{value.taskId}</a> made {value.totalRecords === 1 || !value.columns ? "it" : "them"}
        {value.madeTime !== undefined && ` at ${timeOfDay(value.madeTime)}`}
        {value.relationRows !== undefined && "; the others were not captured"}
        {isOther && later > 0 && `, ${counted(later, "task")} ago`}
        {isOther && <>; {whyOther(view)}</>}{" "}
        {isOther && <a href={here({ task: value.taskId ?? null })}>see that task</a>}
      </span>
    </p>
  );
}

function whyOther(view: AssetView): string {
  switch (view.look) {
    case "skipped":
      return `${taskId.value} skipped it;`;
    case "failed":
      return `it failed in ${taskId.value};`;
    case "running":
    case "testing":
      return `${taskId.value} is making it now;`;
    default:
      return view.node ? `what ${taskId.value} made was replaced, and its rows were not captured;` : `${taskId.value} did not execute it;`;
  }
}

function whyNone(view: AssetView, materialization: string): string {
  if (view.look === "running") return "No data yet: the asset is being executed.";
  if (view.look === "failed") return "No data: the asset failed.";
  if (view.look === "skipped") return "No data: the asset was skipped, and no other task has made it.";
  if (!view.node) return "No data: the asset was never executed. Run it to see its rows.";
  return materialization === "raw" ? "No data: the asset returned no value." : "No data of this asset is kept.";
}
