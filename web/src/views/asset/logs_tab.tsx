/** What an asset logged in the task in view. */
import { api, asking } from "../../api";
import { useFetched } from "../../parts/fetched";
import { counted } from "../../parts/format";
import { link } from "../../router";
import type { OfAsset } from "./asset_tabs";
import { taskShown } from "./shapes";

const LINES = 200;

interface LogPage {
  readonly logs: readonly { readonly level: string; readonly time: string; readonly message: string; readonly position: number }[];
  readonly matching: number;
}

export function LogsTab({ asset, view }: OfAsset) {
  const task = taskShown(view.node);
  const address = task ? asking(api`/api/logs/${task}`, { asset: asset.name, limit: LINES }) : "";
  const { value, error } = useFetched<LogPage>(address, `${view.node?.state} ${view.node?.endTime}`);
  if (!task) return <p class="block muted">It did not run in this task.</p>;
  if (error) return <p class="block muted">{error}</p>;
  if (!value) return null;
  return (
    <div class="scroll rowsbox" tabIndex={0} role="region" aria-label={`Log of ${asset.name}`}>
      <p class="block sm muted">
        {counted(value.matching, "line")}. <a href={link("/logs", { asset: asset.name })}>Open in Logs</a>
      </p>
      <ol>
        {value.logs.map((line) => (
          <li key={line.position} class={`logline ${line.level}`}>
            <time class="mono faint">{line.time.slice(11, 23)}</time>
            <span class="level">{line.level}</span>
            <span>{line.message}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
