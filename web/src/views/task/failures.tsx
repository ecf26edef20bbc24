/** What failed first, up front: the first rows that a test found or the error, and what is blocked because of it. */
import { Fragment } from "preact";
import { api, asking, type TestResult } from "../../api";
import { FewRows } from "../../grid/few_rows";
import type { RowsAnswer } from "../../grid/source";
import { useFetched } from "../../parts/fetched";
import { count, counted, duration } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { withoutStage } from "../../parts/names";
import { assetPath, here, link } from "../../router";
import { shownNodes, shownTask } from "./shown_task";
import { type Failure, failuresOf, interruptionOf, reasonOf } from "./task_words";

const SHOWN = 2;
const BLOCKED_SHOWN = 6;
const COLUMNS_SHOWN = 5;

export function Failures() {
  const task = shownTask.value;
  const failures = task ? failuresOf(task, shownNodes.value) : [];
  if (failures.length === 0) return null;
  const more = failures.length - SHOWN;
  return (
    <div class={failures.length === 1 ? "failures" : "failures twocol"}>
      {failures.slice(0, SHOWN).map((failure, index) => (
        <FailureAlert key={failure.asset || failure.tests[0]?.testName} failure={failure} index={index} more={index === SHOWN - 1 ? more : 0} />
      ))}
    </div>
  );
}

function FailureAlert({ failure, index, more }: { failure: Failure; index: number; more: number }) {
  const [test] = failure.tests;
  const title = index === 0 ? "First failure" : "Then";
  return (
    <section class="alert failure" aria-label={title}>
      <div class="row">
        <span class="st st-failed strong">
          <Icon name="failed" />
          {title}
        </span>
        <Where failure={failure} />
        <span class="muted cut grow">
          {reasonOf(failure)}
          {failure.executionMs > 0 && `${reasonOf(failure) && ", "}${intoItsWork(failure)}`}
        </span>
        {more > 0 && <a href={here({ state: "failed" })}>and {counted(more, "more failure", "more failures")}</a>}
      </div>
      {test && !failure.message ? <FailedTest failure={failure} test={test} /> : <Message failure={failure} />}
    </section>
  );
}

function intoItsWork({ message, executionMs }: Failure): string {
  return `${interruptionOf({ message }) && "at least "}${duration(executionMs)} into its work`;
}

function Where({ failure }: { failure: Failure }) {
  const [test] = failure.tests;
  if (failure.asset) {
    return (
      <a class="strong cut" href={link(assetPath(failure.asset))}>
        {failure.asset}
      </a>
    );
  }
  return <span class="strong">{test?.testName.startsWith("root.") ? "a root test" : "a test run alone"}</span>;
}

function Blocked({ names }: { names: readonly string[] }) {
  if (names.length === 0) return null;
  const shown = names.slice(0, BLOCKED_SHOWN);
  return (
    <p class="sm blocked">
      Blocked because of it:{" "}
      {shown.map((name, index) => (
        <Fragment key={name}>
          {index > 0 && ", "}
          <a href={link(assetPath(name))} title={name}>
            {withoutStage(name)}
          </a>
        </Fragment>
      ))}
      {names.length > shown.length && (
        <>
          {" "}
          and <a href={here({ state: "skipped" })}>{count(names.length - shown.length)} more</a>
        </>
      )}
    </p>
  );
}

/** Why a node could not be made: the server's message, which can be long. */
function Message({ failure }: { failure: Failure }) {
  return (
    <div class="what">
      <div>
        <pre class="mono message" tabIndex={0}>
          {failure.message}
        </pre>
        <Blocked names={failure.blocked} />
      </div>
      <a class="sm" href={link("/logs", { asset: failure.asset })}>
        Its log
      </a>
    </div>
  );
}

/** The first row of GET /api/tests/data/{testName}. */
interface FirstRows extends RowsAnswer {
  readonly description: string;
}

function FailedTest({ failure, test }: { failure: Failure; test: TestResult }) {
  const { taskId, attempt } = shownTask.value ?? {};
  const address = asking(api`/api/tests/data/${test.testName}`, { taskId, attempt, limit: 1, format: "arrays" });
  const { value: found } = useFetched<FirstRows>(taskId ? address : "", test.rowCount);
  const to = link("/tests", { test: test.testName });
  const rows = test.rowCount ?? 0;
  return (
    <div class="what">
      <div>
        <p>
          <a class="strong" href={to} title={test.testName}>
            {withoutStage(test.testName)}
          </a>
        </p>
        <p class="muted sm description">{found?.description || " "}</p>
        {rows === 0 && <p class="mono">{test.error}</p>}
        <Blocked names={failure.blocked} />
      </div>
      {rows > 0 && (
        <div class="found">
          <FirstRow found={found} />
          <p class="sm">
            <a href={to}>{rows === 1 ? "Open the row" : `and ${count(rows - 1)} more ${rows === 2 ? "row" : "rows"}`}</a>
          </p>
        </div>
      )}
    </div>
  );
}

/** Its place is there before it is fetched, so that nothing moves. */
function FirstRow({ found }: { found: FirstRows | null | undefined }) {
  if (found && found.rows.length > 0) {
    return (
      <FewRows class="table first-row" label="The first row that the test found" columns={found.columns.slice(0, COLUMNS_SHOWN)} rows={found.rows} />
    );
  }
  return (
    <table class="table first-row" aria-label="The first row that the test found">
      <thead>
        <tr>
          <th> </th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <td class="muted">{found === undefined ? "" : "The rows are no longer kept."}</td>
        </tr>
      </tbody>
    </table>
  );
}
