/** What an asset executed in a task of the past: its code then, and what it read. */
import { api, asking, type TaskNode } from "../../api";
import type { CodeLine } from "../../parts/code";
import { useFetched } from "../../parts/fetched";
import { assetPath, link } from "../../router";
import { followsNewest, taskId } from "../../store";
import type { AssetSql } from "./shapes";

/** GET /api/dag/asset/{name}/execution */
export interface Execution {
  readonly inputs: readonly { readonly asset: string; readonly fingerprint?: string; readonly isOfTask?: boolean }[];
  readonly isCodeOfNow?: boolean;
  readonly code: readonly CodeLine[];
  readonly sql: readonly CodeLine[];
}

/** What the task in view executed, if that is not the newest one; null if there is nothing, undefined until it is known. */
export function useExecution(asset: string, node: TaskNode | undefined): Execution | null | undefined {
  const address = followsNewest.value || !node ? "" : asking(api`/api/dag/asset/${asset}/execution`, { taskId: taskId.value });
  const { value, error } = useFetched<Execution>(address, node?.endTime);
  return !address || error ? null : value;
}

/** The code of then, in the place of that of now. Where it was in its file is known only if it is still the same. */
export function asExecuted(now: AssetSql, { code, sql, isCodeOfNow }: Execution): AssetSql {
  return { path: now.path, firstLine: isCodeOfNow ? now.firstLine : 1, select: code, compiled: sql };
}

/** The end of a fingerprint is enough to see that two are different. */
const SHOWN = 8;

/** What it read, each with the fingerprint of its rows. */
export function Inputs({ execution }: { execution: Execution }) {
  if (execution.inputs.length === 0) return null;
  return (
    <ul class="block xs inputs" aria-label="What it read">
      <li class="faint" aria-hidden="true">
        Read
      </li>
      {execution.inputs.map(({ asset, fingerprint, isOfTask }) => (
        <li key={asset} class="row">
          <a href={link(assetPath(asset), { tab: "data" })}>{asset}</a>
          {fingerprint && <code title={fingerprint}>{fingerprint.slice(-SHOWN)}</code>}
          <span class="faint">{origin(fingerprint, isOfTask)}</span>
        </li>
      ))}
    </ul>
  );
}

function origin(fingerprint: string | undefined, isOfTask: boolean | undefined): string {
  if (!fingerprint) return "its rows then are not known";
  if (isOfTask === undefined) return "as another task had left it";
  return isOfTask ? "as this task made it" : "changed later in this task";
}
