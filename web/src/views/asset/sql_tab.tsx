/** An asset's code: as it is written, and as the next run sends it. */
import { api } from "../../api";
import { Code, textOf } from "../../parts/code";
import { Copy } from "../../parts/copy";
import { useFetched } from "../../parts/fetched";
import { param, setQuery } from "../../router";
import { project } from "../../store";
import type { OfAsset } from "./asset_tabs";
import { lineIn } from "./error_line";
import { type AssetSql, linkOfAsset, type Statements, statementsAddress } from "./shapes";

export function SqlTab({ asset, view }: OfAsset) {
  const { value, error } = useFetched<AssetSql>(api`/api/dag/asset/${asset.name}/sql`, project.value?.loadedTimeMs);
  const failed = view.node?.state === "FAILED" ? view.node : undefined;
  const sent = useFetched<Statements>(failed ? statementsAddress(asset.name, failed) : "", failed?.endTime);
  if (error) return <p class="block muted">{error}</p>;
  if (!value) return null;
  const compiled = param("sql") === "compiled" && value.compiled.length > 0;
  const lines = compiled ? value.compiled : value.select;
  const wrong = failed && (compiled ? wrongLine(value, sent.value) : lineIn(failed.message, value.path));
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
          {compiled ? "as the next run sends it" : value.path}
        </span>
        <Copy text={() => textOf(lines)} what={asset.materialization === "raw" ? "Copy the code" : "Copy the SQL"} />
      </div>
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

/** The line that the database rejected, if it was sent what is shown now: the first line may differ. */
function wrongLine(shown: AssetSql, sent: Statements | null | undefined): number | undefined {
  const compiled = textOf(shown.compiled).split("\n").slice(1).join("\n");
  const failed = sent?.statements.find((statement) => statement.error?.line && !statement.test);
  const text = failed?.text.split("\n").slice(1).join("\n");
  return text === compiled ? failed?.error?.line : undefined;
}
