/** An asset's code: as it is written, and as the next run sends it. */
import { api } from "../../api";
import { Code, textOf } from "../../parts/code";
import { Copy } from "../../parts/copy";
import { useFetched } from "../../parts/fetched";
import { param, setQuery } from "../../router";
import { project, taskId } from "../../store";
import type { OfAsset } from "./asset_tabs";
import { lineIn } from "./error_line";
import { asExecuted, Inputs, useExecution } from "./execution";
import { useFailedStatement } from "./failed_statement";
import { isAsSent, writtenLine } from "./sent_code";
import { type AssetSql, linkOfAsset, type Statement } from "./shapes";

export function SqlTab({ asset, view }: OfAsset) {
  const { value: now, error } = useFetched<AssetSql>(api`/api/dag/asset/${asset.name}/sql`, project.value?.loadedTimeMs);
  const executed = useExecution(asset.name, view.node);
  const { statement, edited } = useFailedStatement(asset, view.node);
  if (error) return <p class="block muted">{error}</p>;
  if (!now || executed === undefined) return null;
  const past = param("code") === "now" ? null : executed;
  const value = past ? asExecuted(now, past) : now;
  const compiled = param("sql") === "compiled" && value.compiled.length > 0;
  const lines = compiled ? value.compiled : value.select;
  const isSame = past ? past.isCodeOfNow === true : edited === "no";
  const wrong = view.node?.state === "FAILED" ? wrongLine({ value, compiled, statement, message: isSame ? view.node.message : "" }) : undefined;
  return (
    <>
      <div class="row block tabtools">
        {value.compiled.length > 0 && (
          <span class="seg small" role="group" aria-label="Which SQL">
            <button type="button" aria-pressed={!compiled} onClick={() => setQuery({ sql: null })}>
              Select
            </button>
            <button type="button" aria-pressed={compiled} onClick={() => setQuery({ sql: "compiled" })}>
              Compiled
            </button>
          </span>
        )}
        <span class="grow xs faint cut" title={value.path}>
          {past ? `as ${taskId.value} executed it` : compiled ? "as the next run sends it" : value.path}
        </span>
        {executed && executed.isCodeOfNow !== true && (
          <button type="button" class="btn small" onClick={() => setQuery({ code: past ? "now" : null })}>
            {past ? "As it is now" : "As it was executed"}
          </button>
        )}
        <Copy text={() => textOf(lines)} what={asset.materialization === "raw" ? "Copy the code" : "Copy the SQL"} />
      </div>
      {past && <Inputs execution={past} />}
      <Code
        lines={lines}
        label={`Code of ${asset.name}`}
        first={compiled ? 1 : value.firstLine}
        wrong={wrong}
        linkOf={linkOfAsset}
      />
    </>
  );
}

interface Shown {
  readonly value: AssetSql;
  readonly compiled: boolean;
  readonly statement: Statement | undefined;
  /** Of the node, unless the code may have changed since. */
  readonly message: string;
}

/** The number of the line that the database, or Python, rejected; only if it is still there. */
function wrongLine({ value, compiled, statement, message }: Shown): number | undefined {
  const line = statement?.error?.line;
  if (!statement || !line) return compiled ? undefined : lineIn(message, value.path);
  if (compiled) return isAsSent(textOf(value.compiled), statement.text) ? line : undefined;
  const written = writtenLine(textOf(value.select), statement.text, line);
  return written && value.firstLine + written - 1;
}
