/** Why an asset failed, or was skipped: up front, with the first rows of the test that failed. */
import { api, type Asset, asking, type TaskNode } from "../../api";
import { FirstRows } from "../../grid/few_rows";
import type { RowsAnswer } from "../../grid/source";
import { useFetched } from "../../parts/fetched";
import { capital, counted } from "../../parts/format";
import { withoutStage } from "../../parts/names";
import { blockerOf, whyNotRun } from "../../parts/node_message";
import { Said } from "../../parts/said";
import { here, link, place } from "../../router";
import { taskId } from "../../store";
import type { OfAsset } from "./asset_tabs";
import { useFailedStatement } from "./failed_statement";
import { isLeftOut, LastExecuted } from "./other_task";
import { linkOfAsset } from "./shapes";

/** Rows that are shown at once: beside the graph there is little room. */
const ROWS = 3;
const ROWS_BESIDE_GRAPH = 1;
const TESTS = 3;

interface FailingRows extends RowsAnswer {
  readonly couldNotRun: boolean;
  readonly rowCount: number;
  readonly errorMsg: string;
}

export function Trouble({ asset, view }: OfAsset) {
  const node = view.node;
  if (isLeftOut(view)) return <LeftOut name={asset.name} />;
  if (!node?.message) return null;
  if (node.state === "INITIAL") return <Skipped message={node.message} />;
  if (node.state !== "FAILED") return null;
  const failed = node.testResults.filter((result) => result.status === "FAILED").map((result) => result.testName);
  return (
    <div class="block">
      <div class="alert sm">
        {failed.length > 0 ? <FailedTests names={failed} /> : <Failed asset={asset} node={node} />}
        <p>
          <a href={link("/compare", { asset: asset.name })}>Why is it red?</a>
        </p>
      </div>
    </div>
  );
}

function LeftOut({ name }: { name: string }) {
  return (
    <p class="block sm muted">
      <LastExecuted name={name} />
    </p>
  );
}

function Skipped({ message }: { message: string }) {
  const upstream = blockerOf(message);
  return (
    <p class="block sm muted">
      {upstream ? (
        <>
          Skipped: upstream <a href={linkOfAsset(upstream)}>{upstream}</a> failed
        </>
      ) : (
        capital(message)
      )}
    </p>
  );
}

function Failed({ asset, node }: { asset: Asset; node: TaskNode }) {
  const { statement, edited } = useFailedStatement(asset, node);
  if (node.message === CANCELLED) return <b class="strong">Cancelled</b>;
  return (
    <>
      <b class="strong">It failed</b>
      {edited !== "no" && <span class="muted">{EDITED[edited]}</span>}
      <Said text={node.message} />
      {statement && (
        <a href={here({ tab: "statements", statement: statement.number })}>
          {statement.error?.line === undefined ? "The statement" : `Line ${statement.error.line} of the statement`} that failed
        </a>
      )}
    </>
  );
}

const CANCELLED = "cancelled";
const EDITED = {
  yes: ": its SQL was edited since",
  maybe: ": the project was loaded again since, so its code may have changed",
};

function FailedTests({ names }: { names: readonly string[] }) {
  return (
    <>
      {names.slice(0, TESTS).map((name) => (
        <FailedTest key={name} name={name} />
      ))}
      {names.length > TESTS && <a href={link("/tests", { status: "failed" })}>{counted(names.length - TESTS, "more failed test")}</a>}
    </>
  );
}

function FailedTest({ name }: { name: string }) {
  const limit = place.value.view === "dag" ? ROWS_BESIDE_GRAPH : ROWS;
  const address = asking(api`/api/tests/data/${name}`, { taskId: taskId.value, format: "arrays", limit });
  const { value } = useFetched<FailingRows>(address);
  return (
    <div class="failedtest">
      {value?.couldNotRun ? (
        <b class="strong">Test could not run</b>
      ) : (
        <>
          <b class="strong">Test found {value ? counted(value.rowCount, "row") : "rows"}</b> that should not be there
        </>
      )}
      <br />
      <a href={link("/tests", { test: name })}>{withoutStage(name)}</a>
      {value?.couldNotRun && <Said text={whyNotRun(value.errorMsg)} />}
      {value && value.rows.length > 0 && (
        <>
          <FirstRows region={`First rows that violate ${name}`} label="First rows" columns={value.columns} rows={value.rows} />
          {value.rowCount > value.rows.length && (
            <a href={link("/tests", { test: name })}>and {counted(value.rowCount - value.rows.length, "more row")}</a>
          )}
        </>
      )}
    </div>
  );
}
