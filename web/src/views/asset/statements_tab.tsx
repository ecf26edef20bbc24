/** The statements that an asset sent, each with its text, its error and its plan. */
import { Code } from "../../parts/code";
import { Copy } from "../../parts/copy";
import { useFetched } from "../../parts/fetched";
import { count, counted, duration } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { Said } from "../../parts/said";
import { RunButton } from "../../parts/run_button";
import "../../parts/statement.css";
import { here, link, param, setQuery, taskPath } from "../../router";
import { runAssets } from "../../run";
import { taskId } from "../../store";
import type { OfAsset } from "./asset_tabs";
import { Changed } from "./changed";
import { ComparePlans, usePlans } from "./compared_plans";
import { NotInTask, OtherTask } from "./other_task";
import { Plan } from "./plan_table";
import { type ComparedStatement, linkOfAsset, type Statement, type Statements, statementsAddress } from "./shapes";

const ENGINES_WITH_PLANS: Readonly<Record<string, string>> = { duckdb: "DuckDB", spark: "Spark" };

export function StatementsTab({ asset, view }: OfAsset) {
  const version = `${view.node?.state} ${view.node?.endTime}`;
  const { value, error } = useFetched<Statements>(statementsAddress(asset.name, view.node), version);
  const plans = usePlans(asset.name, value, version);
  if (error) return <p class="block muted">{error}</p>;
  if (value === undefined) return null;
  if (value === null) return view.node ? <p class="block muted">It did not run in this task, so it sent no statement.</p> : <NotInTask name={asset.name} />;
  if (value.total === 0) return <p class="block muted">{nothingSent(asset.materialization)}</p>;
  const { statements, total } = value;
  const compared = new Map(plans.value?.statements.map((statement) => [statement.number, statement]));
  return (
    <div class="scroll rowsbox statements">
      {taskId.value !== "" && value.taskId !== taskId.value && (
        <OtherTask>
          As <a href={link(taskPath(value.taskId))}>{value.taskId}</a> sent them; {taskId.value} did not execute it;{" "}
          <a href={here({ task: value.taskId })}>see that task</a>
        </OtherTask>
      )}
      <ComparePlans plans={plans.value} error={plans.error} />
      <ol aria-label={`Statements of ${asset.name}`}>
        {statements.map((statement, index) => (
          <li key={statement.number}>
            {statement.number - (statements[index - 1]?.number ?? 0) > 1 && (
              <p class="block xs faint">{counted(statement.number - statements[index - 1]!.number - 1, "statement")} in between not kept</p>
            )}
            <OneStatement statement={statement} compared={compared.get(statement.number)} open={param("statement") === String(statement.number)} />
          </li>
        ))}
      </ol>
      <p class="block xs faint">
        {counted(total, "statement")}, {duration(statements.reduce((sum, statement) => sum + statement.durationMs, 0))} in the database.{" "}
        {!statements.some((statement) => statement.profileTree) && <RunWithPlans name={asset.name} engine={ENGINES_WITH_PLANS[asset.connectionType]} />}
      </p>
    </div>
  );
}

function nothingSent(materialization: string): string {
  return materialization === "raw" ? "Its Python sent no statement through a connection." : "It sent no statement.";
}

function RunWithPlans({ name, engine }: { name: string; engine: string | undefined }) {
  return engine ? (
    <RunButton class="more" onRun={() => runAssets({ select: name, profile: true })}>
      Run it with {engine}'s plans
    </RunButton>
  ) : null;
}

interface OfStatement {
  readonly statement: Statement;
  readonly compared: ComparedStatement | undefined;
}

function OneStatement({ statement, compared, open }: OfStatement & { open: boolean }) {
  const id = `statement-${statement.number}`;
  return (
    <>
      <button
        type="button"
        class={statement.error ? "statement rejected" : "statement"}
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setQuery({ statement: open ? null : statement.number })}
      >
        <Icon name={open ? "down" : "right"} />
        <span class="num faint">{statement.number}</span>
        {statement.error && (
          <span class="st st-failed">
            <Icon name="failed" />
            Failed
          </span>
        )}
        <code class="cut grow">{statement.text.slice(0, 200).replaceAll(/\s+/g, " ")}</code>
        {statement.rows !== undefined && <span class="faint">{counted(statement.rows, "row")}</span>}
        <Changed change={compared?.change} />
        <span class="num took">{duration(statement.durationMs)}</span>
      </button>
      {open && (
        <div id={id} class="opened">
          <StatementOpened statement={statement} compared={compared} />
        </div>
      )}
    </>
  );
}

function StatementOpened({ statement, compared }: OfStatement) {
  const { error } = statement;
  const tree = compared?.plan ?? statement.profileTree;
  return (
    <>
      {error && (
        <div class="block">
          <div class="alert sm">
            <b class="strong">The database rejected it</b>
            {error.line !== undefined && ` at line ${error.line}, column ${error.column}`}
            <Said text={error.message} />
          </div>
        </div>
      )}
      <div class="row block xs faint">
        <span class="grow cut">
          {statement.test ? `of the test ${statement.test}, ` : ""}on {statement.connection}
          {statement.textLength !== undefined && `; the first ${count(statement.text.length)} of ${count(statement.textLength)} characters`}
        </span>
        <Copy text={() => statement.text} what="Copy the statement" />
      </div>
      <Code lines={statement.lines} label={`Statement ${statement.number}`} wrong={error?.line} linkOf={linkOfAsset} />
      {compared?.lostMost && <p class="block sm">{compared.lostMost}</p>}
      {tree && <Plan tree={tree} />}
    </>
  );
}
