/** The steps of a query: its CTEs, subqueries and clauses, each with the rows that come out, and where rows vanish or multiply. */
import type { QueryStep } from "../../api";
import { FirstRows } from "../../grid/few_rows";
import { Code } from "../../parts/code";
import { Copy } from "../../parts/copy";
import { capital, count, counted } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { Said } from "../../parts/said";
import "../../parts/statement.css";
import { param, setQuery } from "../../router";
import { useSteps } from "./fetched_steps";
import "./steps.css";

const FIRST_ROWS = 20;
const WORDS = { empty: "No rows left", multiplied: "Rows multiply" } as const;

interface Props {
  /** The endpoint. */
  readonly path: string;
  /** What the query is of. */
  readonly name: string;
  /** When this changes, the steps are counted again. */
  readonly version: unknown;
  /** True if no rows are what is wanted. */
  readonly isTest?: boolean;
}

export function Steps({ path, name, version, isTest = false }: Props) {
  const listed = useSteps(path, {}, version);
  const counts = useSteps(path, { count: true }, version);
  const error = counts.error || listed.error;
  if (error) return <p class="block muted">{error}</p>;
  const value = counts.value ?? listed.value;
  if (!value) return null;
  const { steps } = value;
  return (
    <div class="scroll rowsbox steps" aria-busy={!counts.value}>
      <p class="block xs faint">{counts.value ? found(steps, isTest) : `Counting the rows of ${counted(steps.length, "step")} …`}</p>
      <ol aria-label={`Steps of ${name}`}>
        {steps.map((step, index) => (
          <li key={step.id} style={{ "--level": step.level }}>
            {steps[index - 1]?.query !== step.query && (
              <h3 class="caption">
                {step.query === "result" ? "Result" : step.query} <span class="faint">{kind(step)}</span>
              </h3>
            )}
            <OneStep step={step} path={path} version={version} isTest={isTest} />
          </li>
        ))}
      </ol>
    </div>
  );
}

/** In one sentence, where rows vanish or multiply. */
function found(steps: readonly QueryStep[], isTest: boolean): string {
  const marked = steps.filter((step) => step.mark && !(isTest && step.mark === "empty"));
  if (marked.length > 0) return `Look at ${marked.map((step) => `step ${step.id}`).join(", ")}.`;
  return isTest ? "No step multiplies rows." : "No step loses all rows or multiplies them.";
}

function kind(step: QueryStep): string {
  return step.query === "result" || step.queryKind === "operand" ? "" : { cte: "CTE", subquery: "subquery", result: "" }[step.queryKind];
}

interface StepProps {
  readonly step: QueryStep;
  readonly path: string;
  readonly version: unknown;
  readonly isTest: boolean;
}

function OneStep({ step, path, version, isTest }: StepProps) {
  const open = param("step") === step.id;
  const id = `step-${step.id}`;
  const isExpected = isTest && step.mark === "empty";
  return (
    <>
      <button
        type="button"
        class="statement"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setQuery({ step: open ? null : step.id })}
      >
        <Icon name={open ? "down" : "right"} />
        <span class="num faint">{step.id}</span>
        <code class="cut grow" title={step.title}>
          {step.title}
        </code>
        {step.mark && !isExpected && (
          <span class="chip warn" title={step.sentence}>
            <Icon name="warn" />
            {WORDS[step.mark]}
          </span>
        )}
        {step.error && (
          <span class="st st-failed">
            <Icon name="failed" />
            Rejected
          </span>
        )}
        {step.whyNotRun && <span class="faint">cannot run alone</span>}
        <span class="num rows">{step.rowCount === undefined ? "" : count(step.rowCount)}</span>
        <span class="num place faint">{step.line === undefined ? "" : `line ${step.line}`}</span>
      </button>
      {open && (
        <div id={id} class="opened">
          {step.sentence && <p class="block sm">{step.sentence}</p>}
          {step.whyNotRun ? <p class="block sm muted">{capital(step.whyNotRun)}.</p> : <Opened step={step} path={path} version={version} />}
        </div>
      )}
    </>
  );
}

function Opened({ step, path, version }: Omit<StepProps, "isTest">) {
  const { value, error } = useSteps(path, { step: step.id, limit: FIRST_ROWS }, version);
  if (error) return <p class="block muted">{error}</p>;
  if (!value) return null;
  const rejected = value.steps[0]?.error;
  const sql = value.stepSql ?? "";
  return (
    <>
      {rejected && (
        <div class="block">
          <Said text={rejected} />
        </div>
      )}
      {value.columns && value.rows && value.rows.length > 0 && (
        <div class="block">
          <FirstRows label={`First rows of step ${step.id}`} columns={value.columns} rows={value.rows} />
        </div>
      )}
      <div class="row block xs faint">
        <span class="grow">The query up to this step</span>
        <Copy text={() => sql} what="Copy the SQL" />
      </div>
      <Code lines={sql.split("\n").map((line) => [["", line] as const])} label={`SQL of step ${step.id}`} linkOf={() => ""} />
    </>
  );
}
